"""When a gateway asks to be replaced."""

from __future__ import annotations

import pytest

from gamesession.gateway import server
from tests.eventually import eventually
from tests.handlers.gateway.stage import Stage
from tests.handlers.gateway.test_api_away import always


async def test_who_is_deaf_is_to_be_replaced_but_not_who_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new process would hear no more than this one of an API server that refuses."""
    assert stage.service.unhealthy() == []
    monkeypatch.setattr(server, "DEAF_SECONDS", -1.0)
    deaf = stage.service.unhealthy()
    assert [each.partition(":")[0] for each in deaf] == ["games", "gamesessions", "pods"]
    stage.api.faults.append(always("GET", 500))
    stage.api.end_watches()

    async def refused() -> bool:
        return stage.service.unhealthy() == []

    await eventually(refused)
    assert stage.service.unready() == [], "it serves those who play"
