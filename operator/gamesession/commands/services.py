"""The two services, and tokens for them: settings from options and environment, then run."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any, TypeVar

import uvloop
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from gamesession.commands.failure import Failure
from gamesession.log import configure_logging

S = TypeVar("S", bound=BaseSettings)


def operate(*, debug: bool, **given: Any) -> None:
    """Run the operator until it is told to stop."""
    from gamesession.controller.operator import run
    from gamesession.controller.settings import OperatorSettings

    configure_logging(debug=debug)
    uvloop.run(run(configured(OperatorSettings, **given)))


def serve(*, debug: bool, **given: Any) -> None:
    """Run the gateway until it is told to stop."""
    from gamesession.gateway.keys import BadKey
    from gamesession.gateway.server import run
    from gamesession.gateway.settings import GatewaySettings

    configure_logging(debug=debug)
    settings = configured(GatewaySettings, **given)
    try:
        uvloop.run(run(settings))
    except BadKey as error:
        raise Failure(str(error)) from error


def print_token(user: str, lifetime: timedelta, **given: Any) -> None:
    """Print a token for a user."""
    from gamesession.gateway.keys import BadKey
    from gamesession.gateway.mint import mint
    from gamesession.gateway.settings import GatewaySettings

    try:
        sys.stdout.write(mint(user, configured(GatewaySettings, **given), lifetime) + "\n")
    except BadKey as error:
        raise Failure(str(error)) from error


def configured(settings: type[S], **given: Any) -> S:
    """Settings from options and environment.

    Raises:
        Failure: one is wrong or missing; it names which.
    """
    try:
        return settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        complaints = "\n".join(_complaint(dict(each)) for each in error.errors())
        raise Failure(f"the configuration is not usable:\n{complaints}") from error


def _complaint(error: dict[str, Any]) -> str:
    """A wrong setting, as it is called in the environment, and what is wrong with it."""
    name = f"GAMESESSION_{'_'.join(map(str, error['loc'])).upper()}: " if error["loc"] else ""
    return f"  {name}{error['msg'].removeprefix('Value error, ')}"
