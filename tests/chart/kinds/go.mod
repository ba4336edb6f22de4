// Other projects whose kinds the chart uses; tests take their CRDs from here (kinds.py). Nothing is
// built, so `go mod tidy` has nothing to keep.
module gamesession.test/kinds

go 1.24.0

require (
	github.com/prometheus-operator/prometheus-operator v0.85.0
	sigs.k8s.io/gateway-api v1.4.0
)
