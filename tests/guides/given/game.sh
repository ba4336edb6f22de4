# A game and a user who plays it.
source tests/guides/given/functions.sh
game chess <<<"$template"
kubectl -n games wait --for=condition=Accepted game/chess
gamesession open chess alice --wait -n games
