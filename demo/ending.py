"""What to do after the demo."""

from __future__ import annotations

from demo.install import RELEASE
from demo.player import ROUTE
from demo.stage import heading, printed
from demo.target import GAMES, SYSTEM, OwnMachine, Target


def look_around(target: Target, url: str) -> None:
    """How to look around, and how to end it."""
    heading("The cluster stays up")
    own = isinstance(target, OwnMachine)
    kubectl = target.prefix
    secret = f"{kubectl} -n gamesession-system get secret gamesession-jwt"
    ways = [
        *(
            ["export PATH=$PWD/.cluster/bin:$PATH KUBECONFIG=$PWD/.cluster/kubeconfig"]
            if own
            else []
        ),
        f"{kubectl} -n games get games,gamesessions,pods",
        f"{kubectl} -n games describe gamesessions",
        f"{kubectl} -n gamesession-system logs deployment/gamesession-operator",
        f"export GAMESESSION_JWT_SECRET=$({secret} -o jsonpath='{{.data.secret}}' | base64 -d)",
        "TOKEN=$(.venv/bin/gamesession token carol --issuer gamesession --audience games)",
        *(
            []
            if own
            else [f"{kubectl} -n gamesession-system port-forward svc/gamesession-gateway 8080:80 &"]
        ),
        f'curl -H "Authorization: Bearer $TOKEN" {url if own else "http://127.0.0.1:8080"}{ROUTE}/whoami',
    ]
    for way in ways:
        printed(way, "")
    for way in ["make cluster-down"] if own else uninstalling(kubectl):
        printed(way, "")


def uninstalling(kubectl: str) -> list[str]:
    """The commands that end all. Helm's goes first: it ends the Games while the operator can still
    let go of them."""
    context = kubectl.removeprefix("kubectl").replace("--context", "--kube-context")
    return [
        f"helm{context} -n {SYSTEM} uninstall {RELEASE}",
        f"{kubectl} delete namespace {GAMES} {SYSTEM}",
        f"{kubectl} delete crd games.gamelibrary.io gamesessions.gamelibrary.io",
    ]
