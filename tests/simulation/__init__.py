"""A simulation of what may come between two operators, the API server and each other.

Real parts of the operator run against an API server in memory, in time that only the simulation
lets pass. A seed decides when each request is carried out and what is answered, what each watch
tells and how late, who leaves, which pods stop, and when an operator is paused or killed. The same
seed is the same run: `python -m tests.simulation 17`.
"""
