"""`check`, which `helm test` runs: it is content with an installation that works, and else says
what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gamesession.commands.checking import Installation, check, service_url
from gamesession.commands.failure import Failure
from tests.handlers.commands.desk import Desk
from tests.handlers.gateway.apiserver import Refusal

Capture = pytest.CaptureFixture[str]
AT_ONCE = timedelta(0)
UNAUTHORIZED = {"success": False, "error": {"code": "unauthorized", "message": "no token"}}


class Site:
    """A release `shop` in namespace `play`, with one pod of each component, all at one address.

    Attributes:
        ready: what their admin ports answer.
        unready: how many times they say first that they are not.
        public: what the gateway answers to who has no token.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.ready: tuple[int, str] = (200, "ok")
        self.unready = 0
        self.public = web.json_response(UNAUTHORIZED, status=401)
        application = web.Application()
        application.router.add_get("/readyz", self._ready)
        application.router.add_get("/api/", self._public)
        self.server = TestServer(application)

    async def begin(self) -> None:
        """Let all of it run."""
        await self.server.start_server()
        for component in ("operator", "gateway"):
            self.add_pod(component, f"shop-{component}-1")

    def add_pod(self, component: str, name: str, **status: str) -> None:
        """One more pod."""
        labels = {
            "app.kubernetes.io/name": f"gamesession-{component}",
            "app.kubernetes.io/instance": "shop",
        }
        metadata = {"name": name, "labels": labels}
        status = {"phase": "Running", "podIP": "127.0.0.1"} | status
        self.desk.api.put("pods", {"metadata": metadata, "status": status})

    async def look(self, patience: timedelta = AT_ONCE, *, gateway: str | None = None) -> None:
        """`gamesession check`."""
        url = str(self.server.make_url("")).rstrip("/") if gateway is None else gateway
        port = self.server.port or 0
        components = ("operator", "gateway")
        found = Installation("play", "shop", components, ("play",), url, admin_port=port)
        await check(self.desk.place, found, patience)

    async def _ready(self, _: web.Request) -> web.Response:
        if self.unready:
            self.unready -= 1
            return web.Response(status=503, text="not listed everything yet")
        status, text = self.ready
        return web.Response(status=status, text=text)

    async def _public(self, request: web.Request) -> web.Response:
        assert "Authorization" not in request.headers
        return self.public


@pytest.fixture
async def site(desk: Desk) -> AsyncIterator[Site]:
    found = Site(desk)
    await found.begin()
    yield found
    await found.server.close()


async def test_an_installation_that_works(site: Site, capsys: Capture) -> None:
    await site.look()
    lines = capsys.readouterr().err.splitlines()
    assert lines[:-1] == [
        "games in namespace play: 1",
        "gamesessions in namespace play: 0",
        "operator: 1 ready",
        "gateway: 1 ready",
    ]
    assert lines[-1].endswith("asks for a token")


async def test_a_component_that_is_not_ready(site: Site) -> None:
    """The pod is named, with its own words, and the commands that show more."""
    site.ready = (503, "no key to check tokens with")
    words = r"gateway: pod shop-gateway-1 is not ready: no key to check tokens with\. See: kubectl"
    with pytest.raises(Failure, match=words):
        await site.look()


async def test_all_that_is_wrong_is_told_at_once(site: Site) -> None:
    site.ready = (503, "not listed everything yet")
    site.public = web.Response(text="welcome")
    with pytest.raises(Failure) as found:
        await site.look()
    first, second, third = str(found.value).splitlines()
    assert first.startswith("operator: pod shop-operator-1")
    assert second.startswith("gateway: pod shop-gateway-1")
    assert "(401, unauthorized), and answered 200: welcome" in third


async def test_another_401_is_not_the_gateways(site: Site) -> None:
    """An ingress, or a mesh, may refuse as well."""
    site.public = web.Response(status=401, text="go away")
    with pytest.raises(Failure, match="answered 401: go away"):
        await site.look()


async def test_a_service_that_leads_nowhere(site: Site) -> None:
    with pytest.raises(Failure, match="the gateway's Service does not answer at http"):
        await site.look(gateway="http://127.0.0.1:1")


async def test_no_pod_at_all(site: Site) -> None:
    """Neither one that was evicted counts, nor one that is on its way out."""
    site.desk.api.remove("pods", "shop-operator-1")
    site.add_pod("operator", "shop-operator-2", phase="Failed")
    with pytest.raises(Failure, match="no pod of the operator runs"):
        await site.look()


async def test_a_pod_that_has_no_address_yet(site: Site) -> None:
    site.add_pod("gateway", "shop-gateway-2", phase="Pending", podIP="")
    with pytest.raises(Failure, match="gateway: pod shop-gateway-2 has not started"):
        await site.look()


async def test_what_becomes_well_in_time_is_well(site: Site) -> None:
    site.unready = 1
    await site.look(timedelta(minutes=1))
    assert site.unready == 0


async def test_no_crds(site: Site) -> None:
    async def unknown(request: web.Request) -> web.StreamResponse | None:
        return web.json_response({"resources": []}) if request.path.endswith("v1alpha1") else None

    site.desk.api.faults.append(unknown)
    words = r"the CRD games\.gamelibrary\.io is missing.*crds\.install=true"
    with pytest.raises(Failure, match=words):
        await site.look()


async def test_games_that_may_not_be_listed(site: Site) -> None:
    async def forbidden(request: web.Request) -> web.StreamResponse | None:
        if request.path.endswith("/games"):
            body = Refusal(403, "Forbidden", "games is forbidden").body
            return web.json_response(body, status=403)
        return None

    site.desk.api.faults.append(forbidden)
    with pytest.raises(Failure, match="the API server says no: games is forbidden"):
        await site.look()


def test_the_address_of_a_service_is_what_kubelet_tells() -> None:
    told = {"MY_SHOP_SERVICE_HOST": "10.0.0.1", "MY_SHOP_SERVICE_PORT": "80"}
    assert service_url("my-shop", told) == "http://10.0.0.1:80"
    assert (
        service_url("my-shop", told | {"MY_SHOP_SERVICE_HOST": "fd00::1"}) == "http://[fd00::1]:80"
    )


def test_a_service_that_is_not_there() -> None:
    with pytest.raises(Failure, match="there is no Service my-shop"):
        service_url("my-shop", {})
