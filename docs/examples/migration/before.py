"""Before: one service object for everybody, in the one process that there can be of it.

LOGIN_SECRET=… gunicorn --threads 8 before:app
"""

from coach import Coach
from flask import Flask, request
from login import user_of


class ChessService:
    """Everybody's games. Nobody ever takes one out."""

    def __init__(self) -> None:
        self._coaches: dict[str, Coach] = {}

    def coach_of(self, user: str) -> Coach:
        """A user's coach."""
        return self._coaches.setdefault(user, Coach())


app = Flask(__name__)
service = ChessService()  # loaded when the server starts, whether or not anybody plays


@app.post("/chess/moves")
def move() -> dict[str, object]:
    """Make a move."""
    return service.coach_of(user_of(request)).play(request.get_data(as_text=True))


@app.get("/chess/moves")
def show() -> dict[str, object]:
    """Look at the game."""
    return service.coach_of(user_of(request)).game()
