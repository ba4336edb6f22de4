"""Errors, answered as JSON in the form that the gateway's own have."""

from __future__ import annotations

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

log = logging.getLogger(__name__)

CODES = {
    413: "payload_too_large",
    421: "misdirected",
    500: "internal",
    503: "unavailable",
}


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what a handler raises."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        response = failure(request, error.status, error.text or error.reason)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return failure(request, 500, "an unexpected error; the pod's log has it")


def failure(request: web.Request, status: int, message: str) -> web.Response:
    """The answer for an error: a code for programs, a sentence for people, the request's id."""
    code = CODES.get(status) or HTTPStatus(status).phrase.lower().replace(" ", "_")
    request_id = request.headers.get("X-Request-Id")
    error = {"code": code, "message": message, "request_id": request_id}
    return web.json_response({"success": False, "error": error}, status=status)
