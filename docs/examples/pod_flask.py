"""A service inside pods, with Flask: the moves of the one user whom the pod serves.

gunicorn --threads 8 --bind 0.0.0.0:8001 pod_flask:app
"""

from flask import Flask, request

from gamesession.pod import WsgiIdentity, current, identity_of

app = Flask(__name__)
# Kubelet says of nobody whom its requests are for. All others must be for this pod's session.
app.wsgi_app = WsgiIdentity(app.wsgi_app, exempt=["/healthz", "/on-close"])  # type: ignore[method-assign]

moves: list[str] = []  # nobody else's: a pod never has a second user. (One process: see --threads.)


@app.get("/healthz")
def healthz() -> dict[str, bool]:
    """For the readiness probe."""
    return {"ok": True}


@app.post("/on-claim")
def on_claim() -> dict[str, str]:
    """The pod gets its user: load what the last session left behind."""
    return {"loaded_for": identity_of(request.environ).user}


@app.get("/on-close")
def on_close() -> dict[str, object]:
    """The pod is about to stop: save what should last."""
    serves = current()
    return {"saved_for": serves.user if serves else None, "moves": moves}


@app.get("/moves")
def show() -> dict[str, object]:
    """The moves so far."""
    return {"user": identity_of(request.environ).user, "moves": moves}


@app.post("/moves")
def move() -> dict[str, object]:
    """One more."""
    moves.append(request.get_data(as_text=True))
    return show()
