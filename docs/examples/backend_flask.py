"""A back end that carries its own traffic, with Flask: every user plays in a pod of their own.

GAMESESSION_NAMESPACE=games LOGIN_SECRET=… gunicorn --threads 8 backend_flask:app
"""

import os
import threading

import httpx
import jwt
from flask import Flask, Response, abort, jsonify, request

from gamesession import GameSession, GameSessionManager
from gamesession.api.errors import GameSessionError, UpstreamUnreachable

SECRET = os.environ["LOGIN_SECRET"]
manager = GameSessionManager()  # connects when it is first used, in each worker by itself
app = Flask(__name__)
lines = threading.Lock()


class Line:
    """The connections to one session's pod. The session keeps it, and closes it when it ends."""

    def __init__(self) -> None:
        self.client = httpx.Client(timeout=30)

    def cleanup(self) -> None:
        """The session is over, or this process."""
        self.client.close()


def line_of(session: GameSession) -> Line:
    """The session's line, made once, also when two threads ask."""
    with lines:
        line = session.get_service("line")
        if not isinstance(line, Line):
            line = Line()
            session.set_service("line", line)
    return line


def user_of_request() -> str:
    """Who asks. Your own login comes here."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        return str(jwt.decode(token, SECRET, ["HS256"], options={"require": ["sub", "exp"]})["sub"])
    except jwt.InvalidTokenError:
        abort(401)


@app.route("/play/<game>/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
def play(game: str, path: str) -> Response:
    """Pass a request on to the user's pod, which is started if there is none."""
    session = manager.create_session(user_of_request(), game)
    session.update_activity()
    url = httpx.URL(session.endpoint("main")).copy_with(path=f"/{path}")
    # Nothing of what the client says of itself: these headers are the back end's to set.
    headers = session.identity_headers()
    headers["Content-Type"] = request.headers.get("Content-Type", "application/octet-stream")
    try:
        answer = line_of(session).client.request(
            request.method, url, headers=headers, content=request.get_data()
        )
    except httpx.TransportError as error:
        raise UpstreamUnreachable("The pod does not answer; try again.") from error
    if answer.status_code == 421:  # it says that it is another's by now
        raise UpstreamUnreachable("The pod has just been replaced; try again.")
    return Response(answer.content, answer.status_code, mimetype=answer.headers["Content-Type"])


@app.errorhandler(GameSessionError)
def no_session(error: GameSessionError) -> Response:
    """An error knows its status, its code, a sentence, and when to come again."""
    answer = jsonify(code=error.code, message=error.message)
    answer.status_code = error.status
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer
