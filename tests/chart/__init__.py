"""The chart: what it renders, what it refuses, and the plain manifest that is made from it."""
