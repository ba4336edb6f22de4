"""A service account of the cluster, and who it is to the API server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from tests.cluster.api import API
from tests.cluster.controlplane import ControlPlane

RBAC = "rbac.authorization.k8s.io"


class Account:
    """One that exists.

    Attributes:
        user: its name at the API server.
        groups: those it is in.
        api: the API server as it sees it, with a token of its own.
    """

    def __init__(self, plane: ControlPlane, namespace: str, name: str) -> None:
        self._plane = plane
        self._namespace = namespace
        self._name = name
        self.user = f"system:serviceaccount:{namespace}:{name}"
        self.groups = [
            "system:serviceaccounts",
            f"system:serviceaccounts:{namespace}",
            "system:authenticated",
        ]
        self._token = plane.service_account_token(namespace, name)
        self.api = API(plane.server, self._token, plane.api.authority)

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig with that token, to run a program as this account."""
        return self._plane.kubeconfig_for(self._token, f"{self._namespace}.{self._name}")

    @classmethod
    def create(cls, plane: ControlPlane, namespace: str, name: str) -> Self:
        """A new one, without any rights."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        plane.api.post(path, {"metadata": {"name": name}})
        return cls(plane, namespace, name)

    def grant(
        self, namespace: str, role: str, kind: Literal["Role", "ClusterRole"] = "Role"
    ) -> None:
        """Give it the rights of a role in a namespace."""
        subject = {"kind": "ServiceAccount", "namespace": self._namespace, "name": self._name}
        binding = {
            "metadata": {"name": self._name},
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
            "subjects": [subject],
        }
        self._plane.api.post(f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings", binding)
