"""`manifests/install.yaml` is what the chart gives."""

from __future__ import annotations

import yaml

from gamesession.api.crd import render_crds
from tests.chart.plain import FILE, plain_manifest
from tests.chart.rendering import CHART, SYSTEM, rendered


def test_the_manifest_is_in_step_with_the_chart() -> None:
    """Else: `make manifests`."""
    assert FILE.read_text() == plain_manifest()


def test_it_holds_what_a_release_does() -> None:
    """And the release's namespace; nothing that is only Helm's."""
    ours = [each for each in yaml.safe_load_all(FILE.read_text()) if each]
    names = [(each["kind"], each["metadata"]["name"]) for each in ours]
    expected = [
        (each["kind"], each["metadata"]["name"])
        for each in rendered(None, "--no-hooks", "--skip-tests")
    ]
    assert names == [("Namespace", SYSTEM), *expected]
    assert "helm" not in FILE.read_text().lower().replace("without helm", "")


def test_the_charts_definitions_are_those_of_the_models() -> None:
    """Else: `make crds manifests`."""
    found = {path.name: path.read_text() for path in (CHART / "definitions").iterdir()}
    assert found == render_crds()
