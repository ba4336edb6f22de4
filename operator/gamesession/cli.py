"""The command `gamesession`.

What a command needs is imported when it runs: the operator knows nothing of the gateway.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from gamesession.kube.connection import NoCluster
from gamesession.log import configure_logging

app = typer.Typer(
    help="A pod of their own for every user of a game, on demand, while they play.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Debug = Annotated[bool, typer.Option("--debug", envvar="GAMESESSION_DEBUG", help="Log more.")]
Kubeconfig = Annotated[
    Path | None, typer.Option(envvar="GAMESESSION_KUBECONFIG", help="A kubeconfig file.")
]
Context = Annotated[
    str | None, typer.Option(envvar="GAMESESSION_CONTEXT", help="A context of the kubeconfig.")
]
Namespace = Annotated[
    str | None, typer.Option(envvar="GAMESESSION_NAMESPACE", help="The namespace of the Games.")
]


@app.command()
def operator(
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    allow_privileged_templates: Annotated[
        bool,
        typer.Option(
            "--allow-privileged-templates",
            envvar="GAMESESSION_ALLOW_PRIVILEGED_TEMPLATES",
            help="Accept Games whose pods reach out of themselves (host network, paths, …).",
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Run the operator: pods for sessions, and the end of idle ones."""
    from gamesession.controller.operator import run
    from gamesession.controller.settings import OperatorSettings

    configure_logging(debug=debug)
    settings = configured(
        OperatorSettings,
        namespace=namespace,
        kubeconfig=kubeconfig,
        context=context,
        allow_privileged_templates=allow_privileged_templates,
    )
    uvloop.run(run(settings))


@app.command()
def gateway(
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    debug: Debug = False,
) -> None:
    """Run the gateway: users' requests to their pods. Configured by the environment (docs/)."""
    from gamesession.gateway.keys import BadKey
    from gamesession.gateway.server import run
    from gamesession.gateway.settings import GatewaySettings

    configure_logging(debug=debug)
    settings = configured(
        GatewaySettings, namespace=namespace, kubeconfig=kubeconfig, context=context
    )
    try:
        uvloop.run(run(settings))
    except BadKey as error:
        sys.exit(f"gamesession: {error}")


@app.command()
def token(
    user: str,
    issuer: Annotated[str | None, typer.Option(envvar="GAMESESSION_JWT_ISSUER")] = None,
    audience: Annotated[str | None, typer.Option(envvar="GAMESESSION_JWT_AUDIENCE")] = None,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long it is good for.")] = 60,
) -> None:
    """Print a token for development, signed with the gateway's own HS256 secret."""
    from gamesession.gateway.keys import BadKey
    from gamesession.gateway.mint import mint
    from gamesession.gateway.settings import GatewaySettings

    settings = configured(GatewaySettings, jwt_issuer=issuer, jwt_audience=audience)
    try:
        print(mint(user, settings, timedelta(minutes=minutes)))
    except BadKey as error:
        sys.exit(f"gamesession: {error}")


@app.command()
def crds() -> None:
    """Print the CustomResourceDefinitions, for `kubectl apply -f -`."""
    from gamesession.api.crd import render_crds

    sys.stdout.write("---\n".join(render_crds().values()))


S = TypeVar("S", bound=BaseSettings)


def configured(settings: type[S], **given: Any) -> S:
    """Settings from options and environment, or an end that tells which one is wrong."""
    try:
        return settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        sys.exit(f"gamesession: the configuration is not usable:\n{complaints(error)}")


def complaints(error: ValidationError) -> str:
    """Each wrong setting, as it is called in the environment, and what is wrong with it."""
    return "\n".join(
        "  "
        + (f"GAMESESSION_{'_'.join(map(str, each['loc'])).upper()}: " if each["loc"] else "")
        + each["msg"].removeprefix("Value error, ")
        for each in error.errors()
    )


def main() -> None:
    """The command; what stops it is told in a sentence."""
    try:
        app()
    except (NoCluster, OSError) as error:
        sys.exit(f"gamesession: {error}")
