"""kopf's part: its watches fill the store, its timer ends what is due. Each handler is a line."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import kopf
from kubernetes.aio.client import Configuration

from gamesession.api.labels import GROUP, ROLE_LABEL, VERSION
from gamesession.controller.comparison import Comparison
from gamesession.controller.endings import Endings
from gamesession.controller.finalizer import FINALIZER
from gamesession.controller.store import Store
from gamesession.kube.cluster import WATCH_GRACE, WATCH_SECONDS

TICK_SECONDS = 1.0
IDLE_WORKER_SECONDS = 0.1
"""kopf gives each object that it hears of a worker, which keeps what it heard until it ends for
want of more. All of thousands that are listed, and for seconds, would be hundreds of MiB."""


class NoDiff(kopf.DiffBaseStorage):
    """No account of what changed in an object since kopf handled it last. We use no handler that
    depends on it, and for it kopf would copy every object of every event."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Of an object, nothing matters."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        """Nothing is known."""

    def store(self, **_: Any) -> None:
        """Nothing is written."""


def settings() -> kopf.OperatorSettings:
    """kopf's settings, as DESIGN 3 has them."""
    chosen = kopf.OperatorSettings()
    chosen.scanning.disabled = True
    chosen.posting.enabled = False
    chosen.persistence.finalizer = FINALIZER
    chosen.persistence.diffbase_storage = NoDiff()
    chosen.queueing.idle_timeout = IDLE_WORKER_SECONDS
    chosen.watching.chunk_size = 500
    # A watch that does not end when it should is dead. kopf's own 70 s without a word would be too
    # long, and not for certain: where nothing happens there are no bookmarks either.
    chosen.watching.server_timeout = WATCH_SECONDS
    chosen.watching.client_timeout = WATCH_SECONDS + WATCH_GRACE
    # Server-side: the decorator's `labels=` would filter after the transfer.
    chosen.watching.label_selectors["", "v1", "pods"] = ROLE_LABEL
    chosen.networking.request_timeout = 30
    chosen.networking.error_backoffs = (0.5, 1, 2, 3, *[5] * 24)
    return chosen


def registry(
    configuration: Configuration,
    store: Store,
    comparison: Comparison,
    endings: Endings,
    *,
    stop: Callable[[], object],
) -> kopf.OperatorRegistry:
    """kopf's handlers.

    Args:
        stop: called when kopf stops watching, whatever the cause. Who writes must stop then, for
            nothing new is heard of; and kopf would wait five seconds for tasks that go on.
    """
    handlers = kopf.OperatorRegistry()

    @kopf.on.cleanup(registry=handlers)
    async def stopping(**_: Any) -> None:
        stop()

    @kopf.on.login(registry=handlers)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await connection_info(configuration)

    @kopf.on.event(GROUP, VERSION, "games", registry=handlers)
    async def game(event: kopf.RawEvent, **_: Any) -> None:
        _see(event, "games", store.see_game, store.lose_game, comparison)

    @kopf.on.event(GROUP, VERSION, "gamesessions", registry=handlers)
    async def session(event: kopf.RawEvent, **_: Any) -> None:
        def see(body: dict[str, Any]) -> None:
            store.see_session(body, found=event["type"] is None)

        _see(event, "gamesessions", see, store.lose_session, comparison)

    @kopf.on.event("", "v1", "pods", registry=handlers)
    async def pod(event: kopf.RawEvent, **_: Any) -> None:
        _see(event, "pods", store.see_pod, store.lose_pod, comparison)

    @kopf.timer(GROUP, VERSION, "games", interval=TICK_SECONDS, sharp=True, registry=handlers)
    async def tick(namespace: str | None, name: str | None, **_: Any) -> None:
        endings.begin((str(namespace), str(name)))

    return handlers


def _see(event: Any, plural: str, see: Any, lose: Any, comparison: Comparison) -> None:
    body = event["object"]
    meta = body["metadata"]
    comparison.hear(plural, meta)
    if event["type"] is None:  # a list: the watch begins, or was down, and says not what is gone
        comparison.ask_after_list()
    if event["type"] == "DELETED":
        lose((meta["namespace"], meta["name"]), meta["uid"])
    else:
        see(dict(body))


async def connection_info(configuration: Configuration) -> kopf.ConnectionInfo:
    """Our credentials as kopf wants them; it asks again when the API server refuses a token."""
    token = await configuration.get_api_key_with_prefix("BearerToken")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        ca_data=_text(getattr(configuration, "ca_cert_data", None)),
        insecure=not configuration.verify_ssl,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        token=token.split(" ", 1)[1] if token else None,
        scheme="Bearer" if token else None,
        username=configuration.username or None,
        password=configuration.password or None,
    )


def _text(data: str | bytes | None) -> str | None:
    """kopf wants CA data in base 64, where kubernetes has it plain."""
    if not data:
        return None
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()
