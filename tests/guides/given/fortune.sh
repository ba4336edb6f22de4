# A Game by the name of the sample's, whose pods need not answer: a fake node runs them here.
source tests/guides/given/functions.sh
game fortune-game <<<"$template"
kubectl -n games wait --for=condition=Accepted game/fortune-game
