"""Which service of which game a request is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gamesession.api.errors import GameNotFound, MethodNotAllowed, NotFound, Unavailable
from gamesession.api.game import Service
from gamesession.client.directory import Directory
from gamesession.gateway.paths import GamePath, lies_below
from gamesession.plan.game import Game

SESSION_PREFIX: Final = "/session"

_METHOD_OF_ENDPOINT: Final = {"status": "GET", "close": "POST", "open": "POST", "events": "GET"}


@dataclass(frozen=True, slots=True)
class ServiceRoute:
    """A request for a service of the session's pod."""

    game: Game
    service: Service


@dataclass(frozen=True, slots=True)
class EndpointRoute:
    """A request that the gateway answers itself.

    Attributes:
        endpoint: `status`, `close`, `open` or `events`.
    """

    game: Game
    endpoint: str


class Routes:
    """The routes of all Games, as the directory has them."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._services: dict[str, tuple[Game, tuple[tuple[str, Service], ...]]] = {}

    def resolve(self, path: GamePath, method: str) -> ServiceRoute | EndpointRoute:
        """Where a request goes.

        Raises:
            GameNotFound, NotFound, MethodNotAllowed: nowhere.
            Unavailable: we do not know yet which Games there are.
        """
        game = self._directory.game_of_route(path.route)
        if game is None:
            if not self._directory.synced:
                raise Unavailable("The gateway is starting.")
            raise GameNotFound("There is no such game.")
        if lies_below(path.below, SESSION_PREFIX):
            return EndpointRoute(game, _endpoint(path.below, method))
        return ServiceRoute(game, self._service(game, path.below))

    def _service(self, game: Game, path: str) -> Service:
        """The service with the longest prefix that the path lies below."""
        if len(game.spec.services) == 1:
            return game.spec.services[0]
        for prefix, service in self._prefixes(game):
            if lies_below(path, prefix):
                return service
        return game.spec.services[0]

    def _prefixes(self, game: Game) -> tuple[tuple[str, Service], ...]:
        """A Game's prefixes, longest first; made once for each of its versions."""
        known = self._services.get(game.route)
        if known is not None and known[0] is game:
            return known[1]
        services = {service.name: service for service in game.spec.services}
        prefixes = tuple(
            (prefix, services[name])
            for prefix, name in sorted(game.spec.prefixes.items(), key=lambda item: -len(item[0]))
        )
        self._services[game.route] = game, prefixes
        return prefixes


def _endpoint(path: str, method: str) -> str:
    endpoint = path.removeprefix(SESSION_PREFIX).removeprefix("/")
    allowed = _METHOD_OF_ENDPOINT.get(endpoint)
    if allowed is None:
        raise NotFound("There is no such session endpoint.")
    if method != allowed:
        raise MethodNotAllowed(f"session/{endpoint} takes {allowed} only.", allowed=allowed)
    return endpoint
