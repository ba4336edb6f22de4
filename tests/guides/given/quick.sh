# A session that has ended by idling, and one whose pod has been replaced.
game quick <<SPEC
  session: {idleTimeout: 5s}
$template
SPEC
kubectl -n games wait --for=condition=Accepted game/quick
gamesession open quick alice --wait -n games
kubectl -n games delete pods -l gamelibrary.io/game=chess
kubectl -n games wait gs -l gamelibrary.io/game=chess --timeout=60s --for=jsonpath='{.status.restarts}'=1
kubectl -n games wait gs -l gamelibrary.io/game=chess --timeout=60s --for=condition=Ready
gamesession wait quick alice --for gone -n games
