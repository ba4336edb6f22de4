# What the gateway's errors come from.
kubectl -n games delete games typo chess-2 host deaf
game full <<<"  limits: {maxSessions: 0, maxPending: 1}
$template"
game closed <<<"  suspend: true
$template"
kubectl -n games wait --for=condition=Accepted game/full game/closed
token=$(gamesession token alice)
until curl -s "$GATEWAY/api/closed/session/status" -H "Authorization: Bearer $token" | grep -q has_session; do :; done
gamesession open full carol -n games
kubectl -n games wait gs -l gamelibrary.io/game=full --timeout=60s \
  --for=jsonpath='{.status.conditions[0].reason}'=AwaitingCapacity
