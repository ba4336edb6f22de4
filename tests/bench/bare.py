"""The API server, asked with as little in between as there can be."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from typing import Any, Self

import aiohttp

from gamesession.kube.resources import Resource
from tests.cluster.api import API

PAGE = 500
MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"

Object = dict[str, Any]


class Bare:
    """A client without retries, metrics or rate limits. An answer that is no success is an
    `aiohttp.ClientError`."""

    def __init__(self, api: API) -> None:
        self._api = api

    async def __aenter__(self) -> Self:
        trusted = ssl.create_default_context(cafile=str(self._api.authority))
        self._http = aiohttp.ClientSession(
            self._api.server,
            headers={"Authorization": f"Bearer {self._api.token}"},
            connector=aiohttp.TCPConnector(ssl=trusted),
            timeout=aiohttp.ClientTimeout(total=None, sock_read=120),
            raise_for_status=True,
            read_bufsize=2**20,  # an object is a line of a watch
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def create(self, resource: Resource, namespace: str | None, body: Object) -> Object:
        """Create an object."""
        return await self._ask("POST", resource.path(namespace), body, "application/json")

    async def patch(self, path: str, body: object, content: str = MERGE) -> Object:
        """Patch an object, or its status."""
        return await self._ask("PATCH", path, body, content)

    async def delete(self, path: str, uid: str) -> Object:
        """Delete one life of an object."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        return await self._ask("DELETE", path, options, "application/json")

    async def delete_all(self, resource: Resource, namespace: str) -> None:
        """Delete all objects of a kind; returns when they are asked to go."""
        await self._ask(
            "DELETE",
            resource.path(namespace),
            {"propagationPolicy": "Background"},
            "application/json",
        )

    async def list(
        self, resource: Resource, namespace: str, selector: str = ""
    ) -> tuple[list[Object], str]:
        """All objects with a label, read page by page, and the version of the whole."""
        items: list[Object] = []
        query = {"limit": str(PAGE), "labelSelector": selector}
        while True:
            async with self._http.get(resource.path(namespace), params=query) as answer:
                page = json.loads(await answer.read())
            items += page["items"]
            if not (rest := page["metadata"].get("continue")):
                return items, page["metadata"]["resourceVersion"]
            query["continue"] = rest

    async def watch(
        self, resource: Resource, namespace: str, version: str
    ) -> AsyncIterator[tuple[str, Object]]:
        """What happens from a version on, for an hour at most."""
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "3600"}
        async with self._http.get(resource.path(namespace), params=query) as stream:
            async for line in stream.content:
                event = json.loads(line)
                yield event["type"], event["object"]

    async def _ask(self, method: str, path: str, body: object, content: str) -> Object:
        headers = {"Content-Type": content}
        async with self._http.request(method, path, data=json.dumps(body), headers=headers) as said:
            answer: Object = json.loads(await said.read())
            return answer
