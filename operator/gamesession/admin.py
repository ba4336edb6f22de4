"""The admin port of a service: `/healthz`, `/readyz`, `/metrics`. Never the public port."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Complaints = Callable[[], list[str]]
"""What is wrong at the moment, in words; empty when all is well."""


def admin_application(unhealthy: Complaints, unready: Complaints) -> web.Application:
    """The admin port's routes.

    Args:
        unhealthy: why the process should be restarted (`/healthz` 503).
        unready: why it should get no traffic (`/readyz` 503).
    """

    def probe(complaints: Complaints) -> Callable[[web.Request], object]:
        async def answer(_: web.Request) -> web.Response:
            found = complaints()
            return _last(
                web.Response(text="\n".join(found or ["ok"]), status=503 if found else 200)
            )

        return answer

    async def metrics(_: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return _last(web.Response(body=generate_latest(), headers=headers))

    application = web.Application()
    application.router.add_get("/healthz", probe(unhealthy))  # type: ignore[arg-type]
    application.router.add_get("/readyz", probe(unready))  # type: ignore[arg-type]
    application.router.add_get("/metrics", metrics)
    return application


def _last(answer: web.Response) -> web.Response:
    """The last one on its connection: kopf, when it ends, waits five seconds for every task that
    began after it, and a connection that is kept is one."""
    answer.force_close()
    return answer


async def serve_admin(application: web.Application, host: str, port: int) -> web.AppRunner:
    """Serve it until the returned runner is cleaned up.

    Raises:
        OSError: the port is taken.
    """
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
