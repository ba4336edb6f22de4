"""`python -m gamesession`: the command."""

from gamesession.cli import main

if __name__ == "__main__":
    main()
