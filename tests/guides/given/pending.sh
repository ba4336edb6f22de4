# Sessions that are Pending, each for another reason.
game full <<<"  limits: {maxSessions: 0}
$template"
game closed <<<"  suspend: true
$template"
game large <<<'  template: {spec: {containers: [{name: game, image: x, resources: {requests: {cpu: 100m}, limits: {cpu: 100m}}}]}}'
kubectl -n games wait --for=condition=Accepted game/full game/closed game/large
kubectl -n games create quota pods --hard=limits.cpu=50m
kubectl -n games wait quota/pods --for=jsonpath='{.status.hard.limits\.cpu}'=50m --timeout=60s
session full bob
session closed bob
session large bob
session nosuch bob
told bob-full AwaitingCapacity
told bob-closed GameSuspended
told bob-large QuotaExceeded
told bob-nosuch GameNotFound
