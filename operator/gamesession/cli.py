"""The command `gamesession`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from gamesession.api.crd import render_crds
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


@app.command()
def operator(
    namespace: Annotated[
        str | None,
        typer.Option(
            envvar="GAMESESSION_NAMESPACE", help="Namespaces with Games, separated by commas."
        ),
    ] = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    debug: Debug = False,
) -> None:
    """Run the operator: pods for sessions, and the end of idle ones."""
    from gamesession.controller.operator import run
    from gamesession.controller.settings import OperatorSettings

    configure_logging(debug=debug)
    given = {"namespace": namespace, "kubeconfig": kubeconfig, "context": context}
    settings = configured(OperatorSettings, given)
    uvloop.run(run(settings))


@app.command()
def crds() -> None:
    """Print the CustomResourceDefinitions, for `kubectl apply -f -`."""
    sys.stdout.write("---\n".join(render_crds().values()))


S = TypeVar("S", bound=BaseSettings)


def configured(settings: type[S], given: dict[str, Any]) -> S:
    """Settings from options and environment, or an end that tells which one is wrong."""
    try:
        return settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        sys.exit(f"gamesession: the configuration is not usable:\n{complaints(error)}")


def complaints(error: ValidationError) -> str:
    """Each wrong setting, as it is called in the environment, and what is wrong with it."""
    return "\n".join(
        f"  GAMESESSION_{'_'.join(map(str, each['loc'])).upper() or '*'}: {each['msg']}"
        for each in error.errors()
    )


def main() -> None:
    """The command; what stops it is told in a sentence."""
    try:
        app()
    except NoCluster as error:
        sys.exit(f"gamesession: {error}")
