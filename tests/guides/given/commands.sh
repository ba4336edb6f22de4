# Three Games, and users who play two of them.
source tests/guides/given/functions.sh
export GAMESESSION_NAMESPACE=games
game chess <<<"$template"
game duel <<<"  limits: {maxSessions: 1}
$template"
game go <<<"  session: {idleTimeout: 5m}
  warmPool: {size: 1}
$template"
kubectl -n games wait --for=condition=Accepted game/chess game/duel game/go
kubectl -n games wait game/go --for=jsonpath='{.status.warm.ready}'=1 --timeout=60s
gamesession open go bob --wait
gamesession open duel carol --wait
