"""A crowd that plays while its cluster is turned upside down, and the account of what it met.

`python -m tests.integration.upheaval` runs it for as long as one likes;
`tests/integration/test_upheaval.py` once.
"""
