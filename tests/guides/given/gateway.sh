# What the gateway's errors come from.
kubectl -n games delete games typo chess-2 host deaf
game full <<<"  limits: {maxSessions: 0, maxPending: 1}
$template"
game closed <<<"  suspend: true
$template"
kubectl -n games wait --for=condition=Accepted game/full game/closed
until curl -s "$GATEWAY/api/closed/session/status" -H "Authorization: Bearer $(gamesession token alice)" | grep -q has_session; do :; done
gamesession open full carol -n games
until gamesession ls full carol -n games | grep -q Pending; do :; done
