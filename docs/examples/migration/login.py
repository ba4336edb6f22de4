"""The login, which stays as it is."""

import os

import jwt
from flask import Request, abort

SECRET = os.environ.get("LOGIN_SECRET", "")


def user_of(request: Request) -> str:
    """Who asks."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        return str(jwt.decode(token, SECRET, ["HS256"], options={"require": ["sub", "exp"]})["sub"])
    except jwt.InvalidTokenError:
        abort(401)
