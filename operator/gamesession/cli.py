"""The command `gamesession`.

What a command needs is imported when it runs: `--help` is quick, and the operator knows nothing of
the gateway.
"""

from __future__ import annotations

import os
import shlex
import sys
from datetime import timedelta
from typing import Annotated

import typer

from gamesession.commands import options as of
from gamesession.commands.options import EXIT_CODES, Goal, Output, Place, program

app = typer.Typer(
    help="A pod of their own for every user of a game, on demand, while they play.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain, in pipes too, and twice as quick
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.command()
def ls(
    game: of.AnyGame = None,
    user: of.AnyUser = None,
    all_namespaces: of.AllNamespaces = False,
    output: of.OutputFormat = Output.TABLE,
    namespace: of.Namespace = None,
    context: of.Context = None,
    kubeconfig: of.Kubeconfig = None,
    debug: of.Debug = False,
) -> None:
    """List sessions: all, those of a GAME, or those of its USER."""
    from gamesession.commands.listing import show_list
    from gamesession.commands.running import run

    place = Place(None if all_namespaces else namespace, context, kubeconfig)
    run(show_list(place, game, user, output, all_namespaces=all_namespaces), debug=debug)


@app.command(name="open")
def open_(
    game: of.Game,
    user: of.User,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", envvar="GAMESESSION_WAIT", help="Wait until Ready.")
    ] = False,
    timeout: of.Timeout = timedelta(minutes=2),
    output: of.OutputFormat = Output.TABLE,
    namespace: of.Namespace = None,
    context: of.Context = None,
    kubeconfig: of.Kubeconfig = None,
    debug: of.Debug = False,
) -> None:
    """Give a USER a session of a GAME, or find the one there is."""
    from gamesession.commands.opening import open_session
    from gamesession.commands.running import run

    place = Place(namespace, context, kubeconfig)
    run(open_session(place, game, user, output, timeout if wait else None), debug=debug)


@app.command()
def status(
    game: of.GameOrName,
    user: of.UserOfGame = None,
    output: of.OutputFormat = Output.TABLE,
    namespace: of.Namespace = None,
    context: of.Context = None,
    kubeconfig: of.Kubeconfig = None,
    debug: of.Debug = False,
) -> None:
    """Tell all about a session: where it is, when it ends, and why."""
    from gamesession.commands.running import run
    from gamesession.commands.telling import tell

    run(tell(Place(namespace, context, kubeconfig), game, user, output), debug=debug)


@app.command()
def wait(
    game: of.GameOrName,
    user: of.UserOfGame = None,
    goal: Annotated[
        Goal, typer.Option("--for", envvar="GAMESESSION_FOR", help="What to wait for.")
    ] = Goal.READY,
    timeout: of.Timeout = timedelta(minutes=2),
    namespace: of.Namespace = None,
    context: of.Context = None,
    kubeconfig: of.Kubeconfig = None,
    debug: of.Debug = False,
) -> None:
    """Wait until a session is Ready, or gone."""
    from gamesession.commands.running import run
    from gamesession.commands.waiting import wait_for

    run(wait_for(Place(namespace, context, kubeconfig), game, user, goal, timeout), debug=debug)


@app.command()
def touch(
    game: of.GameOrName,
    user: of.UserOfGame = None,
    namespace: of.Namespace = None,
    context: of.Context = None,
    kubeconfig: of.Kubeconfig = None,
    debug: of.Debug = False,
) -> None:
    """Count as activity: the session's idle timeout begins anew."""
    from gamesession.commands.running import run
    from gamesession.commands.touching import touch_session

    run(touch_session(Place(namespace, context, kubeconfig), game, user), debug=debug)


@app.command()
def close(
    game: of.GameOrName,
    user: of.UserOfGame = None,
    namespace: of.Namespace = None,
    context: of.Context = None,
    kubeconfig: of.Kubeconfig = None,
    debug: of.Debug = False,
) -> None:
    """End a session now; its pod goes with it."""
    from gamesession.commands.closing import close_session
    from gamesession.commands.running import run

    run(close_session(Place(namespace, context, kubeconfig), game, user), debug=debug)


@app.command()
def top(
    game: of.AnyGame = None,
    once: Annotated[
        bool, typer.Option("--once", envvar="GAMESESSION_ONCE", help="Print it once, and leave.")
    ] = False,
    namespace: of.Namespace = None,
    context: of.Context = None,
    kubeconfig: of.Kubeconfig = None,
    debug: of.Debug = False,
) -> None:
    """Watch sessions live, what ends next first; q leaves."""
    from gamesession.commands.running import run
    from gamesession.commands.top import show_top

    run(show_top(Place(namespace, context, kubeconfig), game, once=once), debug=debug)


@app.command()
def operator(
    namespace: of.ServedNamespace = None,
    kubeconfig: of.Kubeconfig = None,
    context: of.Context = None,
    allow_privileged_templates: Annotated[
        bool,
        typer.Option(
            "--allow-privileged-templates",
            envvar="GAMESESSION_ALLOW_PRIVILEGED_TEMPLATES",
            help="Accept Games whose pods reach out of themselves (host network, paths, …).",
        ),
    ] = False,
    debug: of.Debug = False,
) -> None:
    """Run the operator: pods for sessions, and the end of idle ones."""
    from gamesession.commands.running import guarded
    from gamesession.commands.services import operate

    guarded(
        lambda: operate(
            debug=debug,
            namespace=namespace,
            kubeconfig=kubeconfig,
            context=context,
            allow_privileged_templates=allow_privileged_templates,
        )
    )


@app.command()
def gateway(
    namespace: of.ServedNamespace = None,
    kubeconfig: of.Kubeconfig = None,
    context: of.Context = None,
    debug: of.Debug = False,
) -> None:
    """Run the gateway: users' requests to their pods. Configured by the environment (docs/)."""
    from gamesession.commands.running import guarded
    from gamesession.commands.services import serve

    guarded(lambda: serve(debug=debug, namespace=namespace, kubeconfig=kubeconfig, context=context))


@app.command()
def token(
    user: str,
    issuer: Annotated[str | None, typer.Option(envvar="GAMESESSION_JWT_ISSUER")] = None,
    audience: Annotated[str | None, typer.Option(envvar="GAMESESSION_JWT_AUDIENCE")] = None,
    minutes: Annotated[
        float,
        typer.Option(min=0.1, envvar="GAMESESSION_MINUTES", help="How long it is good for."),
    ] = 60,
) -> None:
    """Print a token for development, signed with the gateway's own HS256 secret."""
    from gamesession.commands.running import guarded
    from gamesession.commands.services import print_token

    lifetime = timedelta(minutes=minutes)
    guarded(lambda: print_token(user, lifetime, jwt_issuer=issuer, jwt_audience=audience))


@app.command()
def crds() -> None:
    """Print the CustomResourceDefinitions, for `kubectl apply -f -`."""
    from gamesession.api.crd import render_crds

    sys.stdout.write("---\n".join(render_crds().values()))


@app.command()
def uninstall(
    crds: Annotated[
        bool,
        typer.Option("--crds", envvar="GAMESESSION_CRDS", help="The definitions, too; needs -A."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", envvar="GAMESESSION_YES", help="Do not ask.")
    ] = False,
    timeout: of.TimeoutOfStep = timedelta(minutes=1),
    all_namespaces: of.AllNamespaces = False,
    namespace: of.Namespace = None,
    context: of.Context = None,
    kubeconfig: of.Kubeconfig = None,
    debug: of.Debug = False,
) -> None:
    """End all: Games, sessions, their pods."""
    from gamesession.commands.running import run
    from gamesession.commands.uninstalling import uninstall as work

    place = Place(None if all_namespaces else namespace, context, kubeconfig)
    scope = {"all_namespaces": all_namespaces, "crds": crds}
    run(work(place, timeout, ask=not yes, **scope), debug=debug)


@app.command(hidden=True)
def check(
    release: Annotated[str, typer.Option(envvar="GAMESESSION_RELEASE", help="Helm's name.")],
    namespace: Annotated[
        str, typer.Option(envvar="GAMESESSION_NAMESPACE", help="Of operator and gateway.")
    ],
    games: Annotated[
        list[str], typer.Option(envvar="GAMESESSION_GAMES", help="A namespace of Games.")
    ],
    component: Annotated[
        list[str], typer.Option(envvar="GAMESESSION_COMPONENT", help="operator, gateway.")
    ],
    gateway: Annotated[
        str, typer.Option(envvar="GAMESESSION_GATEWAY", help="The gateway's Service.")
    ] = "",
    patience: Annotated[
        timedelta, typer.Option(parser=of.duration, envvar="GAMESESSION_PATIENCE")
    ] = timedelta(minutes=1),
    debug: of.Debug = False,
) -> None:
    """See whether a release does what it should: for `helm test`."""
    from gamesession.commands.checking import Installation, service_url
    from gamesession.commands.checking import check as work
    from gamesession.commands.running import guarded, run

    def look() -> None:
        url = service_url(gateway, os.environ) if gateway else ""
        found = Installation(namespace, release, tuple(component), tuple(games), url)
        run(work(Place(), found, patience), debug=debug)

    guarded(look)


def main() -> None:
    """The command, be it called as `gamesession` or as `kubectl gamesession`."""
    app(prog_name=program())


def complete_for_kubectl() -> None:
    """What kubectl asks when the tabulator is pressed after `kubectl gamesession`: the words that
    fit, one a line, and that they are no files' names (cobra's `ShellCompDirectiveNoFileComp`)."""
    words = sys.argv[1:]
    os.environ |= {
        "_GAMESESSION_COMPLETE": "complete_bash",
        "COMP_WORDS": shlex.join(["gamesession", *words]),
        "COMP_CWORD": str(len(words)),
    }
    try:
        app(prog_name="gamesession")
    finally:
        sys.stdout.write("\n:4\n")
