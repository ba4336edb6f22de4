"""After, in the back end: the same paths and answers as before, by each user's own pod.

GAMESESSION_NAMESPACE=games LOGIN_SECRET=… gunicorn --threads 8 --workers 4 after:app
"""

import httpx
from flask import Flask, Response, jsonify, request
from login import user_of

from gamesession import GameSessionManager
from gamesession.api.errors import GameSessionError, UpstreamUnreachable

app = Flask(__name__)
manager = GameSessionManager()  # connects when it is first used, in each worker by itself
pods = httpx.Client(timeout=30)


@app.route("/chess/moves", methods=["GET", "POST"])
def moves() -> Response:
    """Pass it on to the user's pod, which is started if there is none."""
    session = manager.create_session(user_of(request), "chess")
    session.update_activity()
    try:
        answer = pods.request(
            request.method,
            session.endpoint("main") + "/moves",
            content=request.get_data(),
            headers=session.identity_headers(),
        )
    except httpx.TransportError as error:
        raise UpstreamUnreachable("The pod does not answer; try again.") from error
    return Response(answer.content, answer.status_code, mimetype=answer.headers["Content-Type"])


@app.errorhandler(GameSessionError)
def no_session(error: GameSessionError) -> tuple[Response, int]:
    """What was not there before: a user may have to wait, or find no room."""
    return jsonify(code=error.code, message=error.message), error.status
