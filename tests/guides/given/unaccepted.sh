# Games that are not accepted, each for another reason.
game typo <<<'  template: {spec: {containers: [{name: game, image: x, imagePullPolicy: Sometimes}]}}'
game chess-2 <<<"  route: chess
$template"
kubectl -n games wait --for=condition=Accepted=false game/host game/typo game/chess-2
