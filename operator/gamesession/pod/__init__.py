"""For services inside pods: whom a request is for, and none that is for somebody else.

    from gamesession.pod import AsgiIdentity, identity_of     # Starlette, FastAPI, Quart, …
    app.add_middleware(AsgiIdentity, exempt=["/healthz"])

    from gamesession.pod import WsgiIdentity, current         # Flask, Django, Bottle, …
    app.wsgi_app = WsgiIdentity(app.wsgi_app, exempt=["/healthz"])

It needs the standard library only, and runs without a cluster too.
"""

from gamesession.pod.asgi import AsgiIdentity
from gamesession.pod.identity import Identity, current, identity_of
from gamesession.pod.wsgi import WsgiIdentity

__all__ = ["AsgiIdentity", "Identity", "WsgiIdentity", "current", "identity_of"]
