# What the scripts here make Games and sessions with.
game() {  # NAME, and lines of its spec on standard input
  {
    cat <<GAME
apiVersion: gamelibrary.io/v1alpha1
kind: Game
metadata: {name: $1, namespace: games}
spec:
  services: [{name: board, port: 8001}, {name: live, port: 8002, paths: [/live]}]
GAME
    cat
  } | kubectl apply -f -
}
session() {  # GAME USER [IDLE_TIMEOUT]
  kubectl apply -f - <<SESSION
apiVersion: gamelibrary.io/v1alpha1
kind: GameSession
metadata: {name: $2-$1, namespace: games}
spec: {user: $2, game: $1${3:+, idleTimeout: $3}}
SESSION
}
told() {  # SESSION REASON
  kubectl -n games wait --timeout=120s "gamesession/$1" \
    --for=jsonpath='{.status.conditions[0].reason}'="$2"
}
failed() {  # SESSION...
  kubectl -n games wait --for=jsonpath='{.status.phase}'=Failed --timeout=120s "${@/#/gamesession/}"
}
template='  template: {spec: {containers: [{name: game, image: "registry.example.com/chess:1.0"}]}}'
