# Pods that do not start, each for another reason.
source tests/guides/given/functions.sh
image=localhost/gamesession/fortune-game:dev
game crash <<SPEC
  template: {spec: {containers: [{name: game, image: "$image", command: [python3, -c, "import sys; sys.exit('no board: CHESS_BOARD is not set')"], readinessProbe: {tcpSocket: {port: 8001}, periodSeconds: 1}}]}}
SPEC
game absent <<'SPEC'
  template: {spec: {containers: [{name: game, image: "localhost/no/such:image", imagePullPolicy: Never}]}}
SPEC
game keyless <<SPEC
  template: {spec: {containers: [{name: game, image: "$image", envFrom: [{secretRef: {name: chess-key}}]}]}}
SPEC
game silent <<SPEC
  session: {startTimeout: 5s}
  template: {spec: {containers: [{name: game, image: "$image", command: [python3, -c, "import time; print('loading all games of chess ever played', flush=True); time.sleep(3600)"], readinessProbe: {httpGet: {path: /healthz, port: 8001}, periodSeconds: 1}}]}}
SPEC
kubectl -n games wait --for=condition=Accepted game/crash game/absent game/keyless game/silent
for each in crash absent keyless silent; do session "$each" bob; done
failed bob-crash bob-absent bob-keyless bob-silent
