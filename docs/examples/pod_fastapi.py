"""A service inside pods, with FastAPI: the moves of the one user whom the pod serves.

uvicorn pod_fastapi:app --host 0.0.0.0 --port 8001
"""

from fastapi import FastAPI, Request

from gamesession.pod import AsgiIdentity, current, identity_of

app = FastAPI()
# Kubelet says of nobody whom its requests are for. All others must be for this pod's session.
app.add_middleware(AsgiIdentity, exempt=["/healthz", "/on-close"])

moves: list[str] = []  # nobody else's: a pod never has a second user


@app.get("/healthz")
async def healthz() -> dict[str, bool]:
    """For the readiness probe."""
    return {"ok": True}


@app.post("/on-claim")
async def on_claim(request: Request) -> dict[str, str]:
    """The pod gets its user: load what the last session left behind."""
    return {"loaded_for": identity_of(request.scope).user}


@app.get("/on-close")
def on_close() -> dict[str, object]:
    """The pod is about to stop: save what should last."""
    serves = current()  # also in plain functions, which run in a thread
    return {"saved_for": serves.user if serves else None, "moves": moves}


@app.get("/moves")
async def show(request: Request) -> dict[str, object]:
    """The moves so far."""
    return {"user": identity_of(request.scope).user, "moves": moves}


@app.post("/moves")
async def move(request: Request) -> dict[str, object]:
    """One more."""
    moves.append((await request.body()).decode())
    return {"user": identity_of(request.scope).user, "moves": moves}
