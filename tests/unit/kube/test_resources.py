"""Kinds, as the API server's paths name them."""

from __future__ import annotations

import pytest

from gamesession.kube.resources import CRDS, EVENTS, GAMES, PODS, SESSIONS, Resource


@pytest.mark.parametrize(
    ("resource", "where", "path"),
    [
        (PODS, (None,), "/api/v1/pods"),
        (PODS, ("games",), "/api/v1/namespaces/games/pods"),
        (PODS, ("games", "one"), "/api/v1/namespaces/games/pods/one"),
        (PODS, ("games", "one", "log"), "/api/v1/namespaces/games/pods/one/log"),
        (GAMES, ("games",), "/apis/gamelibrary.io/v1alpha1/namespaces/games/games"),
        (
            SESSIONS,
            ("games", "one", "status"),
            "/apis/gamelibrary.io/v1alpha1/namespaces/games/gamesessions/one/status",
        ),
        (CRDS, (None, "x"), "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x"),
        (EVENTS, ("games",), "/apis/events.k8s.io/v1/namespaces/games/events"),
    ],
)
def test_paths(resource: Resource, where: tuple[str, ...], path: str) -> None:
    assert resource.path(*where) == path


@pytest.mark.parametrize(
    ("resource", "expected"), [(PODS, "v1"), (GAMES, "gamelibrary.io/v1alpha1")]
)
def test_the_api_version(resource: Resource, expected: str) -> None:
    assert resource.api_version == expected
