"""After, in the pod: still one global object, and now rightly so, for a pod has one user.

gunicorn --threads 8 --bind 0.0.0.0:8001 pod:app
"""

from coach import Coach
from flask import Flask, request

from gamesession.pod import WsgiIdentity

app = Flask(__name__)
# Requests for anybody but this pod's user are refused. Kubelet's probe is for nobody.
app.wsgi_app = WsgiIdentity(app.wsgi_app, exempt=["/healthz"])  # type: ignore[method-assign]
coach = Coach()


@app.get("/healthz")
def healthz() -> dict[str, bool]:
    """For the readiness probe."""
    return {"ok": True}


@app.post("/moves")
def move() -> dict[str, object]:
    """Make a move."""
    return coach.play(request.get_data(as_text=True))


@app.get("/moves")
def show() -> dict[str, object]:
    """Look at the game."""
    return coach.game()
