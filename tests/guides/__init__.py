"""Guides are run: their blocks of commands, in order, as a reader would.

What becomes of a fenced block says its language:

| language | what is done |
|---|---|
| `sh` | run by bash; it must succeed |
| `console` | lines after `$ ` are run, and print what the guide shows (`transcript.py`) |
| `yaml` | applied by kubectl |
| `python` | run, all blocks of a guide in one namespace |
| others | nothing: it is something to look at |

A comment right before a block says otherwise:

| comment | meaning |
|---|---|
| `<!-- not run: why -->` | it cannot be run here, or must not |
| `<!-- on the node -->` | it needs real containers: tests/e2e run it, tests/integration do not |
| `<!-- file: NAME -->` | a reader saves it as NAME, which the words before it say |

`<!-- given: NAME -->` stands for itself: here a script of `tests/guides/given` makes what the next
blocks of the guide look at, and what its reader has already, to their sorrow.

`WRITE_GUIDES=1 pytest tests/integration/test_guides.py` writes into the guides what was printed.
"""
