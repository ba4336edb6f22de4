"""Operator and gateway by the chart, and the fortune-game from the samples."""

from __future__ import annotations

import base64
import json
import secrets
import time

import yaml

from demo.stage import DidNotHappen, line
from demo.target import CHART, FORTUNE, GAMES, SYSTEM, Target
from tests.cluster.errors import ClusterError

IDLE_TIMEOUT = "10s"
"""In place of 30 minutes, for the demo."""
RELEASE = "gamesession"
ROLLOUT = "--timeout=120s"


def everything(target: Target) -> str:
    """Install all; returns the secret that signs tokens.

    Raises:
        DidNotHappen, ClusterError: something did not get ready; with kubectl's or Helm's words.
    """
    versions = target.images()
    begun = time.monotonic()
    known = target.kubectl("get", "crd", "games.gamelibrary.io", "--ignore-not-found", "-o", "name")
    system_namespace(target)
    secret = signing_secret(target)
    the_release(target, versions.get("gamesession"))
    if not known:
        target.learn_kinds()
    target.kubectl("-n", GAMES, "apply", "-f", str(FORTUNE / "redis.yaml"))
    roll_out(target, GAMES, "fortune-redis", versions.get("fortune-redis"))
    line("Operator, gateway and Redis run.", time.monotonic() - begun)
    the_game(target)
    return secret


def system_namespace(target: Target) -> None:
    """The namespace of operator and gateway, apart from the games."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": SYSTEM, "labels": labels},
    }
    target.kubectl("apply", "-f", "-", stdin=json.dumps(namespace))


def the_release(target: Target, version: str | None) -> None:
    """Operator, gateway and CRDs, by Helm.

    Args:
        version: of the image; the pods start anew when it is another than before.
    """
    command = ["upgrade", "--install", RELEASE, str(CHART), "--namespace", SYSTEM]
    for component in ("operator", "gateway") if version else ():
        key = rf"{component}.podAnnotations.gamelibrary\.io/image"
        command += ["--set-string", f"{key}={version}"]
    try:
        target.helm(*command, "--wait", "--timeout=180s")
    except ClusterError as error:
        raise DidNotHappen(
            f"Helm did not install release {SYSTEM}/{RELEASE} ({error}); see "
            f"{target.prefix} -n {SYSTEM} describe pods"
        ) from error


def the_game(target: Target) -> None:
    """The fortune-game as the sample has it, but for its idle timeout."""
    begun = time.monotonic()
    game = yaml.safe_load((FORTUNE / "game.yaml").read_text())
    game["spec"]["session"]["idleTimeout"] = IDLE_TIMEOUT
    game["spec"]["warmPool"] = {"size": 0}  # the story turns it on
    target.kubectl("-n", GAMES, "apply", "-f", "-", stdin=json.dumps(game))
    target.kubectl(
        *("-n", GAMES, "wait", "--for=condition=Accepted", "game/fortune-game", "--timeout=60s")
    )
    line(
        f"The fortune-game is accepted; its idle timeout here is {IDLE_TIMEOUT}.",
        time.monotonic() - begun,
    )


def roll_out(target: Target, namespace: str, name: str, version: str | None) -> None:
    """Wait for a Deployment, restarted if its image is another than before."""
    if version:
        annotations = {"gamelibrary.io/image": version}
        patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        target.kubectl("-n", namespace, "patch", "deployment", name, "-p", json.dumps(patch))
    try:
        target.kubectl("-n", namespace, "rollout", "status", f"deployment/{name}", ROLLOUT)
    except ClusterError as error:
        raise DidNotHappen(
            f"Deployment {namespace}/{name} did not get ready ({error}); see "
            f"{target.prefix} -n {namespace} describe pods"
        ) from error


def signing_secret(target: Target) -> str:
    """The HS256 secret: the one that is there, else a new one."""
    path = "jsonpath={.data.secret}"
    get = ("-n", SYSTEM, "get", "secret", "gamesession-jwt", "--ignore-not-found", "-o", path)
    if found := target.kubectl(*get):
        return base64.b64decode(found).decode()
    secret = secrets.token_urlsafe(48)
    target.kubectl(
        *("-n", SYSTEM, "create", "secret", "generic", "gamesession-jwt"),
        f"--from-literal=secret={secret}",
    )
    return secret
