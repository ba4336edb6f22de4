"""ensure, touch, close and status of sessions, for gateway and command; on top of them the SDK.

The SDK from outside in: `blocking` and `asynchronous` are its faces, `manager` what both do, `core`
what that needs of one cluster, `lives` and `managed` the sessions that users hold, `services` and
`disposal` the objects stored with them, `process` what becomes of all that at exit and in forks.
"""
