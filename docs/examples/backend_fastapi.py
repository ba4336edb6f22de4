"""A back end that carries its own traffic, with FastAPI: every user plays in a pod of their own.

GAMESESSION_NAMESPACE=games LOGIN_SECRET=… uvicorn backend_fastapi:app --port 8000
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import jwt
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from gamesession import AsyncGameSessionManager, GameSession
from gamesession.api.errors import GameSessionError, UpstreamUnreachable

SECRET = os.environ["LOGIN_SECRET"]
manager = AsyncGameSessionManager()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """While the application serves. In the end all lines are closed; sessions live on."""
    async with manager:
        yield


app = FastAPI(lifespan=lifespan)


class Line:
    """The connections to one session's pod. The session keeps it, and closes it when it ends."""

    def __init__(self) -> None:
        self.client = httpx.AsyncClient(timeout=30)

    async def cleanup(self) -> None:
        """The session is over, or this process."""
        await self.client.aclose()


def line_of(session: GameSession) -> Line:
    """The session's line, made once: nothing is awaited between the look and the store."""
    line = session.get_service("line")
    if not isinstance(line, Line):
        line = Line()
        session.set_service("line", line)
    return line


def user_of(request: Request) -> str:
    """Who asks. Your own login comes here."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        return str(jwt.decode(token, SECRET, ["HS256"], options={"require": ["sub", "exp"]})["sub"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error


@app.api_route("/play/{game}/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
async def play(game: str, path: str, request: Request) -> Response:
    """Pass a request on to the user's pod, which is started if there is none."""
    session = await manager.create_session(user_of(request), game)
    session.update_activity()
    url = httpx.URL(session.endpoint("main")).copy_with(path=f"/{path}")
    # Nothing of what the client says of itself: these headers are the back end's to set.
    headers = session.identity_headers()
    headers["Content-Type"] = request.headers.get("Content-Type", "application/octet-stream")
    try:
        answer = await line_of(session).client.request(
            request.method, url, headers=headers, content=await request.body()
        )
    except httpx.TransportError as error:
        raise UpstreamUnreachable("The pod does not answer; try again.") from error
    if answer.status_code == 421:  # it says that it is another's by now
        raise UpstreamUnreachable("The pod has just been replaced; try again.")
    return Response(answer.content, answer.status_code, media_type=answer.headers["Content-Type"])


@app.exception_handler(GameSessionError)
async def no_session(request: Request, error: GameSessionError) -> Response:
    """An error knows its status, its code, a sentence, and when to come again."""
    retry = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse({"code": error.code, "message": error.message}, error.status, retry)
