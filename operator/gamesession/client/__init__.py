"""ensure, touch, close and status of sessions, for the gateway and, later, the SDK."""
