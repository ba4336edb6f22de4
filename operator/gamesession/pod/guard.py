"""Which requests a pod takes: those of its own session."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Collection, Mapping
from http import HTTPStatus

from gamesession.api.identity import REQUEST_ID_HEADER
from gamesession.pod.identity import Identity, read

POD_UID_VARIABLE = "GAMESESSION_POD_UID"


class Refusal(Exception):
    """A request is not answered by the service.

    Attributes:
        status: 400 for an identity that cannot be read, 403 for none, 421 for another's: the
            gateway then looks again where the request belongs.
    """

    def __init__(self, status: HTTPStatus, code: str, message: str, request_id: str) -> None:
        super().__init__(message)
        self.status = status
        error = {"code": code, "message": message, "request_id": request_id}
        self.body = json.dumps({"success": False, "error": error}).encode()


class Guard:
    """Lets requests of one session pass: of the first that comes, which is `onClaim`'s where the
    Game has that hook.

    Args:
        exempt: paths of requests that may come without an identity: those of probes and `onClose`.
        pod_uid: of this pod; `None` for what the environment says, and if that is nothing, any.
    """

    def __init__(self, exempt: Collection[str] = (), pod_uid: str | None = None) -> None:
        if isinstance(exempt, str):
            raise TypeError("exempt is a list of paths, not one path")
        self._exempt = frozenset(exempt)
        self._pod_uid = pod_uid if pod_uid is not None else os.environ.get(POD_UID_VARIABLE, "")
        self._lock = threading.Lock()
        self._bound: Identity | None = None

    def admit(self, path: str, headers: Mapping[str, str]) -> Identity | None:
        """Whom a request is for. One without an identity, to an exempt path, is for whom the pod
        serves: `None` if it serves nobody yet.

        Args:
            headers: the identity headers that it has.

        Raises:
            Refusal: it is not to be answered.
        """
        request_id = headers.get(REQUEST_ID_HEADER, "")
        try:
            identity = read(headers)
        except ValueError as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, "bad_identity", str(error), request_id) from None
        if identity is None:
            if path in self._exempt:
                return self._bound
            message = "This service is reached through the gateway, which says whose a request is."
            raise Refusal(HTTPStatus.FORBIDDEN, "no_identity", message, request_id)
        if not self._is_own(identity):
            message = "This pod serves another session."
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, "misdirected", message, request_id)
        return identity

    def _is_own(self, identity: Identity) -> bool:
        if self._pod_uid and identity.pod != self._pod_uid:
            return False
        with self._lock:  # of two first requests one is the first
            if self._bound is None:
                self._bound = identity
            return self._bound.session == identity.session
