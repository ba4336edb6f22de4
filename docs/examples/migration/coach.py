"""The game itself, which stays as it is: a coach who knows openings and follows one game."""

OPENINGS = {
    "e4 c5": "Sicilian Defence",
    "e4 e5": "Open Game",
    "e4 e5 Nf3 Nc6 Bb5": "Ruy Lopez",
    "d4 d5 c4": "Queen's Gambit",
}


class Coach:
    """One user's coach."""

    def __init__(self) -> None:
        self.book = dict(OPENINGS)  # in earnest: a minute of loading, a gigabyte of memory
        self.moves: list[str] = []

    def play(self, move: str) -> dict[str, object]:
        """Take a move; the game so far, and its opening."""
        self.moves.append(move)
        return self.game()

    def game(self) -> dict[str, object]:
        """The game so far."""
        played = (" ".join(self.moves[:n]) for n in range(len(self.moves), 0, -1))
        opening = next((self.book[each] for each in played if each in self.book), "unknown")
        return {"moves": self.moves, "opening": opening}
