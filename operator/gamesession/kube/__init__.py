"""How it is done: the only code of ours that talks to the API server."""
