"""GameSession operator: a pod of their own for every user of a game, on demand, while they play."""
