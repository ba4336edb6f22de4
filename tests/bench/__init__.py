"""`make bench`: figures, each beside a floor taken in the same run.

A bench is a module with a `NAME`, a `SUMMARY` and a function `measure`; `__main__.py` lists them.
"""
