"""A small game that serves one user per pod: a teller of fortunes and a live feed of the talk.

It shows what a service behind the GameSession gateway has to do: believe the identity headers,
serve one user only, keep its state in memory, and save what should last when the pod is stopped.
"""
