"""`gamesession touch`."""

from __future__ import annotations

from datetime import UTC, datetime

from gamesession.client.stamp import Outcome, Stamps
from gamesession.commands.failure import Failure
from gamesession.commands.line import Line
from gamesession.commands.options import Place
from gamesession.commands.printing import write
from gamesession.commands.view import looking
from gamesession.kube.errors import Gone
from gamesession.kube.resources import GAMES
from gamesession.plan.game import Game
from gamesession.plan.session import FAILED


async def touch_session(place: Place, game: str, user: str | None) -> None:
    """Write activity, now.

    Raises:
        Failure: there is no session to be kept, or it could not be written.
    """
    async with looking(place) as view:
        directory, session = await view.find(game, user)
        again = f"Start anew: {view.hint('open', session.game, session.user)}"
        if session.phase == FAILED:
            raise Failure(f"{session.name} has failed, and no activity keeps it. {again}")
        stamps = Stamps(view.cluster, view.namespace, directory)
        outcome = await stamps.write(session, datetime.now(UTC))
        if outcome is Outcome.GONE:
            raise Failure(f"{session.name} is ending. {again}")
        if outcome is Outcome.KEPT:
            raise Failure("activity was not written: see why with --debug, or try again")
        try:
            played = Game.from_object(await view.cluster.get(GAMES, view.namespace, session.game))
        except Gone:
            played = None
        line = Line(directory.sessions.get(session.name) or session, played, datetime.now(UTC))
        write(f"{session.name} touched: ends in {line.ends_in} ({line.ends_by})\n")
