"""Requests to the API server, on plain dicts, over one connection pool.

`kubernetes.aio` brings connection, TLS and credentials; its models are left out, for they refuse
fields they do not know and cost time (DESIGN 3). Every write here names its content type and,
where it is about an object that exists, takes the uid it was decided on.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration

from gamesession.kube.contact import Contact
from gamesession.kube.decoding import decode
from gamesession.kube.errors import Gone, Silent, Unreachable, api_error
from gamesession.kube.metrics import API_WRITES
from gamesession.kube.resources import Resource

Object = dict[str, Any]
"""A Kubernetes object as JSON has it."""

JsonPatch = list[dict[str, Any]]

Page = tuple[list[Object], str]
"""Some of the objects that a list finds, and the resource version of the collection."""

REQUEST_SECONDS = 10.0
WATCH_SECONDS = 30
"""After so long the API server ends a watch, with a bookmark of how far it has come: only an end is
a sign of life that comes for certain. (Where nothing happens there are no bookmarks; and who would
wait for what they bring once a minute would not notice within a minute that a watch is dead.)"""
WATCH_GRACE = 5.0
"""Seconds by which that end may be late."""
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Cluster:
    """The API server as one component (`operator`, `gateway`, …) uses it.

    All methods raise `gamesession.kube.errors.ApiError` for an answer that is no success, and
    `Unreachable` when there was none within `REQUEST_SECONDS`.

    Args:
        before_write: called before each write; what it raises keeps the write from being sent.
    """

    def __init__(
        self,
        configuration: Configuration,
        component: str,
        *,
        before_write: Callable[[], None] = lambda: None,
    ) -> None:
        self.configuration = configuration
        self.contact = Contact(time.monotonic)
        self._component = component
        self._before_write = before_write
        self._client = ApiClient(configuration)
        self._client.user_agent = f"gamesession-{component}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection pool."""
        await self._client.close()

    async def list(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> tuple[list[Object], str]:
        """All objects that match, and the resource version of the collection."""
        items: list[Object] = []
        version = ""
        pages = self.pages(
            resource,
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            metadata_only=metadata_only,
        )
        async for page, version in pages:  # noqa: B007 (the last page's is the collection's)
            items += page
        return items, version

    async def pages(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> AsyncIterator[Page]:
        """What `list` returns, page by page: who keeps little of each of thousands of objects
        never holds them all."""
        query = _query(labelSelector=label_selector, fieldSelector=field_selector, limit="500")
        while True:
            page = await self._request(
                "GET",
                resource.path(namespace),
                query,
                accept=METADATA_ONLY if metadata_only else "application/json",
            )
            # null, where metadata alone was asked for and there is nothing
            yield page["items"] or [], page["metadata"]["resourceVersion"]
            if not (rest := page["metadata"].get("continue")):
                return
            query["continue"] = rest

    async def peek(self, resource: Resource, namespace: str) -> None:
        """List no more than one object, and that without what it says."""
        query = _query(limit="1")
        await self._request("GET", resource.path(namespace), query, accept=METADATA_ONLY)

    async def serves(self, resource: Resource) -> bool:
        """Whether the API server knows a kind (its CRD is installed and established)."""
        try:
            path = resource.path(None).rpartition("/")[0]
            known = (await self._request("GET", path))["resources"]
        except Gone:
            return False
        return any(each["name"] == resource.plural for each in known)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        """One object. `Gone` if it is not there."""
        return await self._request("GET", resource.path(namespace, name))

    async def create(
        self, resource: Resource, namespace: str | None, body: Object, *, dry_run: bool = False
    ) -> Object:
        """Create an object, refusing unknown fields; `Conflict` if its name is taken."""
        query = _query(fieldValidation="Strict", dryRun="All" if dry_run else "")
        return await self._request("POST", resource.path(namespace), query, body)

    async def merge_patch(
        self, resource: Resource, namespace: str, name: str, body: Object, *, subresource: str = ""
    ) -> Object:
        """JSON merge patch (RFC 7386). Guard it: `metadata.uid` in `body` for the object itself,
        `metadata.resourceVersion` for `/status`, which ignores a wrong uid."""
        path = resource.path(namespace, name, subresource)
        return await self._request(
            "PATCH", path, body=body, content_type="application/merge-patch+json"
        )

    async def json_patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        operations: JsonPatch,
        *,
        subresource: str = "",
    ) -> Object:
        """JSON patch (RFC 6902); a `test` that fails is `Invalid`."""
        path = resource.path(namespace, name, subresource)
        return await self._request(
            "PATCH", path, body=operations, content_type="application/json-patch+json"
        )

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str,
        resource_version: str | None = None,
        grace_period_seconds: int | None = None,
    ) -> Object | None:
        """Delete one life of an object, in the background.

        Returns:
            What the API server answered: the object on its way out, or a Status; `None` if it
            was gone already.

        Raises:
            Conflict: another uid, or another resource version, lives under that name.
        """
        preconditions = {"uid": uid}
        if resource_version is not None:
            preconditions["resourceVersion"] = resource_version
        options: Object = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
            "preconditions": preconditions,
        }
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        try:
            return await self._request("DELETE", resource.path(namespace, name), body=options)
        except Gone:
            return None

    async def logs(
        self, namespace: str, pod: str, container: str, *, tail_lines: int, limit_bytes: int
    ) -> str:
        """The end of a container's log, of at most `tail_lines` lines and `limit_bytes` bytes."""
        query = _query(container=container, tailLines=str(tail_lines), limitBytes=str(limit_bytes))
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        async with await self._send("GET", path, query, accept="*/*") as response:
            try:
                return await response.text(errors="replace")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:  # of the pod's node
                raise Unreachable(f"GET {path}: the log broke off: {error!r}") from error

    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[Object]:
        """Events (`type`, `object`) from `resource_version` on, bookmarks among them, until the
        server ends the stream, after `WATCH_SECONDS` at the latest.

        Raises:
            Expired: the resource version is too old: list again.
            Silent: the server did not end the stream; it, or something between us, is dead, or
                holds back what it says.
            Unreachable: the stream broke.
        """
        query = _query(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            timeoutSeconds=str(WATCH_SECONDS),
            labelSelector=label_selector,
            fieldSelector=field_selector,
        )
        path = resource.path(namespace)
        longest = WATCH_SECONDS + WATCH_GRACE
        timeout = aiohttp.ClientTimeout(total=longest, connect=REQUEST_SECONDS)
        async with await self._send("GET", path, query, timeout=timeout) as response:
            async for line in _lines(response):
                event: Object = decode(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    raise api_error(int(status.get("code", 500)), status)
                yield event

    async def _request(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Object:
        response = await self._send(
            method, path, query, body, content_type=content_type, accept=accept
        )
        try:
            async with response:
                answer: Object = decode(await response.read())
                return answer
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self.contact.failed()
            raise Unreachable(f"{method} {path}: the answer broke off: {error!r}") from error

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> aiohttp.ClientResponse:
        if method != "GET":
            self._before_write()
        headers = {"Accept": accept, "User-Agent": self._client.user_agent}
        if body is not None:
            headers["Content-Type"] = content_type
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = f"{self.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = await self._client.rest_client.request(
                method,
                url,
                headers=headers,
                body=body,
                _request_timeout=timeout or aiohttp.ClientTimeout(total=REQUEST_SECONDS),
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.contact.failed()
            self._count(method, path, "0")
            kind = Silent if isinstance(error, TimeoutError) else Unreachable
            raise kind(f"{method} {path}: {error!r}") from error
        response: aiohttp.ClientResponse = answer.response
        if response.status < 500:  # else its store may be away: nobody can write anything then
            self.contact.succeeded()
        self._count(method, path, str(response.status))
        if response.status >= 400:
            raise await _refusal(response)
        return response

    def _count(self, method: str, path: str, code: str) -> None:
        if method != "GET":
            verb = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "update"}
            API_WRITES.labels(self._component, verb[method], _resource_of(path), code).inc()


def _query(**parameters: str) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}


def _resource_of(path: str) -> str:
    """`pods`, `gamesessions/status`, …: the resource that a path is about."""
    parts = path.split("/")[3:] if path.startswith("/api/") else path.split("/")[4:]
    if parts[0] == "namespaces" and len(parts) > 2:
        parts = parts[2:]
    return "/".join(parts[::2])


async def _refusal(response: aiohttp.ClientResponse) -> Exception:
    async with response:
        try:
            text = await response.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError):
            text = ""
    body: Any = text
    if text.startswith("{"):
        try:
            body = json.loads(text)
        except ValueError:
            body = text
    return api_error(response.status, body, _seconds(response.headers))


def _seconds(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Whole lines of a stream, of any length (an object may have more than aiohttp's limit)."""
    rest = b""
    try:
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line
    except TimeoutError as error:
        raise Silent(f"the watch did not end: {error!r}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"the watch broke off: {error!r}") from error
