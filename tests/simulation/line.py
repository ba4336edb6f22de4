"""One operator's way to the API server, in place of `gamesession.kube.cluster.Cluster`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from gamesession.kube.contact import Contact
from gamesession.kube.errors import ApiError, Gone, ServerFault, Unreachable
from gamesession.kube.resources import EVENTS, PODS, Resource
from tests.simulation.apiserver import ApiServer
from tests.simulation.clock import Agenda
from tests.simulation.fate import Fate, Fates
from tests.simulation.loop import Loop
from tests.unit.plan.objects import Object

Deed = Callable[[], Any]
Page = tuple[list[Object], str]


class Request:
    """One request: carried out when it arrives, whatever has become of who asked."""

    def __init__(self, line: Line, deed: Deed, fate: Fate) -> None:
        self._line = line
        self._deed = deed
        self._fate = fate
        self._due = 0
        self._arrived = False
        self.answer = line.loop.create_future()
        if fate.reach is not None:
            self.arrive_in(fate.reach)
        if fate.gives_up is not None:
            failure = Unreachable("no answer came")
            line.agenda.after(fate.gives_up, partial(self._hear, failure=failure))

    def arrive_in(self, seconds: float) -> None:
        """The API server takes it up then, and not when it was to before."""
        self._due += 1
        self._line.agenda.after(seconds, partial(self._arrive, self._due))

    @property
    def under_way(self) -> bool:
        """Whether it is yet to arrive."""
        return not self._arrived and self._due > 0

    def _arrive(self, due: int) -> None:
        if due != self._due:
            return
        self._arrived = True
        self._line.in_flight.pop(id(self), None)
        answer, failure = None, self._fate.failure
        if self._fate.refusal:
            failure = self._fate.refusal
        else:
            try:
                answer = self._line.do(self._deed)
            except ApiError as error:
                failure = failure or error
        hear = partial(self._hear, answer=answer, failure=failure)
        self._line.agenda.after(self._fate.back, hear)

    def _hear(self, *, answer: Any = None, failure: Exception | None = None) -> None:
        if self.answer.done():
            return
        if failure:
            self.answer.set_exception(failure)
        else:
            self.answer.set_result(answer)


class Line:
    """What an operator knows as the cluster.

    Attributes:
        in_flight: requests that are yet to arrive.
        on_delete: told of each deletion of a pod before it is carried out.
    """

    def __init__(
        self, name: str, server: ApiServer, agenda: Agenda, loop: Loop, fates: Fates
    ) -> None:
        self.name = name
        self.agenda = agenda
        self.loop = loop
        self.contact = Contact(agenda.clock.monotonic)
        self.in_flight: dict[int, Request] = {}
        self.on_delete: Callable[[str, str, Deed], Deed] | None = None
        self._server = server
        self._fates = fates

    def do(self, deed: Deed) -> Any:
        """Carry out a request."""
        self._server.actor = self.name
        try:
            return deed()
        finally:
            self._server.actor = ""

    async def list(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> Page:
        found: Page = await self._ask(
            partial(self._server.listed, resource, metadata_only=metadata_only), write=False
        )
        return found

    async def pages(
        self, resource: Resource, namespace: str | None, **options: Any
    ) -> AsyncIterator[Page]:
        yield await self.list(resource, namespace, **options)

    async def peek(self, resource: Resource, namespace: str) -> None:
        await self._ask(lambda: None, write=False)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        found: Object = await self._ask(partial(self._server.get, resource, name), write=False)
        return found

    async def create(
        self, resource: Resource, namespace: str | None, body: Object, *, dry_run: bool = False
    ) -> Object:
        if resource is EVENTS:
            return body  # nothing depends on them
        deed = partial(self._server.create, resource, body)
        found: Object = await self._ask((lambda: body) if dry_run else deed)
        return found

    async def merge_patch(
        self, resource: Resource, namespace: str, name: str, body: Object, *, subresource: str = ""
    ) -> Object:
        deed = partial(self._server.merge_patch, resource, name, body, subresource)
        found: Object = await self._ask(deed)
        return found

    async def json_patch(
        self, resource: Resource, namespace: str, name: str, operations: Any
    ) -> Object:
        deed = partial(self._server.json_patch, resource, name, operations)
        found: Object = await self._ask(deed)
        return found

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str,
        resource_version: str | None = None,
        grace_period_seconds: int | None = None,
    ) -> Object | None:
        preconditions = {"uid": uid}
        if resource_version is not None:
            preconditions["resourceVersion"] = resource_version
        deed: Deed = partial(self._server.delete, resource, name, preconditions)
        if resource is PODS and self.on_delete:
            deed = self.on_delete(name, uid, deed)
        try:
            found: Object = await self._ask(deed)
        except Gone:
            return None
        return found

    async def logs(self, *_: Any, **__: Any) -> str:
        return str(await self._ask(lambda: "It fell over.", write=False))

    async def _ask(self, deed: Deed, *, write: bool = True) -> Any:
        request = Request(self, deed, self._fates.of(write=write))
        if request.under_way:
            self.in_flight[id(request)] = request
        try:
            answer = await request.answer
        except Unreachable:
            self.contact.failed()
            raise
        except ServerFault:
            raise
        except ApiError:
            self.contact.succeeded()
            raise
        self.contact.succeeded()
        return answer
