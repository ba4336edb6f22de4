"""A request as the gateway takes it in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from gamesession.gateway.credentials import Credential


class GatewayRequest(web.BaseRequest):
    """A request whose token has been taken off it.

    Args:
        credential: that token, where it had one.
        dress: adds to the head of its answer, whoever gives it, just before it goes out.
        leaving: whether its connection is to be closed after the answer.
    """

    def __init__(
        self,
        *of: Any,
        credential: Credential | None,
        dress: Callable[[web.BaseRequest, CIMultiDict[str]], None],
        leaving: Callable[[], bool],
    ) -> None:
        super().__init__(*of)
        self.credential = credential
        self._dress = dress
        self._leaving = leaving

    @property
    def keep_alive(self) -> bool:
        return super().keep_alive and not self._leaving()

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        self._dress(self, response.headers)
