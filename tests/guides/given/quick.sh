# A session that has ended by idling, and one whose pod has been replaced.
game quick <<SPEC
  session: {idleTimeout: 5s}
$template
SPEC
kubectl -n games wait --for=condition=Accepted game/quick
gamesession open quick alice --wait -n games
pod=$(kubectl -n games get gs -o jsonpath='{.items[?(@.spec.game=="chess")].status.podName}')
kubectl -n games delete pod "$pod"
until [ "$(kubectl -n games get gs -o jsonpath='{.items[?(@.spec.game=="chess")].status.restarts}')" = 1 ]; do :; done
gamesession wait chess alice -n games
gamesession wait quick alice --for gone -n games
