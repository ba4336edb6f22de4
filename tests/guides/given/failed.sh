# Sessions that are Failed, each for another reason.
kubectl -n games delete quota pods
kubectl -n games delete games full closed large
game host <<<'  template: {spec: {hostNetwork: true, containers: [{name: game, image: x}]}}'
game huge <<<'  session: {startTimeout: 2s}
  template: {spec: {containers: [{name: game, image: x, resources: {requests: {cpu: "1000"}, limits: {cpu: "1000"}}}]}}'
game deaf <<<"  session: {startTimeout: 15s}
  hooks: {onClaim: {service: board, path: /on-claim}}
$template"
kubectl -n games wait --for=condition=Accepted=false game/host
kubectl -n games wait --for=condition=Accepted game/huge game/deaf
session host bob
session huge bob
session chess alice
session chess bob 3h
session deaf bob
failed bob-host bob-huge bob-deaf bob-chess alice-chess
