"""The few requests to the API server that starting and testing a cluster takes."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cluster.errors import ClusterError

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


class APIError(ClusterError):
    """The API server answered with an error."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        try:
            said = json.loads(body)["message"]
        except (ValueError, KeyError, TypeError):
            said = body.strip()[:500]
        super().__init__(f"{method} {path}: {status} {said}")
        self.status = status


@dataclass(frozen=True)
class API:
    """One user at one API server.

    Attributes:
        server: such as `https://127.0.0.1:6443`.
        token: the user's bearer token.
        authority: file with the certificate that the server's must be signed by.
    """

    server: str
    token: str
    authority: Path

    def request(
        self, method: str, path: str, body: object = None, content: str = "application/json"
    ) -> str:
        """Sends one request on a connection of its own and returns the answer's body.

        Raises:
            APIError: the answer's status is not 2xx.
            OSError: there was no answer.
        """
        address = urlsplit(self.server)
        trusted = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=30, context=trusted
        )
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content}
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body).encode(), headers
            )
            response = connection.getresponse()
            text = response.read().decode()
        except http.client.HTTPException as error:
            raise OSError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()
        if not 200 <= response.status < 300:
            raise APIError(method, path, response.status, text)
        return text

    def get(self, path: str) -> dict[str, Any]:
        """The object or list at a path."""
        found: dict[str, Any] = json.loads(self.request("GET", path))
        return found

    def post(self, path: str, body: object) -> dict[str, Any]:
        """Creates an object."""
        made: dict[str, Any] = json.loads(self.request("POST", path, body))
        return made

    def patch(self, path: str, body: object, content: str = MERGE_PATCH) -> dict[str, Any]:
        """Changes an object, by a merge patch unless `content` says otherwise."""
        changed: dict[str, Any] = json.loads(self.request("PATCH", path, body, content))
        return changed

    def delete(self, path: str, body: object = None) -> None:
        """Deletes an object; `body` may hold DeleteOptions."""
        self.request("DELETE", path, body)

    def exists(self, path: str) -> bool:
        """Whether there is something at a path; false also while the server is away."""
        try:
            self.request("GET", path)
        except APIError as error:
            if error.status in (401, 403, 404) or error.status >= 500:
                return False
            raise
        except OSError:
            return False
        return True
