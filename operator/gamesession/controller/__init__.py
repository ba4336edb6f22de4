"""The operator: kopf's events into a store and a work queue; list, plan, act, status."""
