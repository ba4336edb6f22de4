"""How each component of a control plane is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.cluster.credentials import Credentials
from tests.cluster.process import Command

# etcd's sockets lie in its working directory, which only their owner may enter: no ports to find,
# and no other user of the machine reads the cluster. The part after the colon is just a name.
ETCD_CLIENTS = "unix://localhost:2379"
ETCD_PEERS = "unix://localhost:2380"
CONTROLLER_MANAGER_HEALTH = 10257
SCHEDULER_HEALTH = 10259
# Client-side rate limits of the components are for many clusters' worth of machines between them
# and the API server; here they would be what a burst of fifty sessions measures.
FAST_CLIENT = ("--kube-api-qps=500", "--kube-api-burst=1000")


@dataclass(frozen=True)
class Site:
    """Where a control plane is and what it may use.

    Attributes:
        programs: directory with Kubernetes' programs.
        directory: the components' working directory.
        address: IP that the API server listens at.
        port: the API server's port.
        service_cidr: where services get their addresses.
        durable: whether etcd waits for the disk, as it does where measurements should hold.
        advertised: whether the address is one for others, in a network of this cluster's own:
            pods find the API server by its service, and components tell their health.
    """

    programs: Path
    directory: Path
    address: str
    port: int
    service_cidr: str = "10.96.0.0/16"
    durable: bool = False
    advertised: bool = False

    @property
    def credentials(self) -> Credentials:
        """This control plane's keys, tokens and kubeconfigs."""
        return Credentials(self.directory / "credentials", f"https://{self.address}:{self.port}")

    def program(self, name: str, *arguments: str) -> Command:
        """One of Kubernetes' programs with arguments."""
        return Command(name, (str(self.programs / name), *arguments))

    def kubeconfig(self, user: str) -> str:
        """The option that makes a component this user."""
        return f"--kubeconfig={self.credentials.kubeconfig(user)}"


def etcd(site: Site) -> Command:
    """The store."""
    return site.program(
        "etcd",
        "--name=etcd",
        f"--data-dir={site.directory / 'etcd'}",
        f"--listen-client-urls={ETCD_CLIENTS}",
        f"--advertise-client-urls={ETCD_CLIENTS}",
        f"--listen-peer-urls={ETCD_PEERS}",
        f"--initial-advertise-peer-urls={ETCD_PEERS}",
        f"--initial-cluster=etcd={ETCD_PEERS}",
        "--log-level=warn",
        *(() if site.durable else ("--unsafe-no-fsync",)),
    )


def api_server(site: Site, *more: str) -> Command:
    """The API server, with the admission plugins that are on by default."""
    credentials = site.credentials
    # Without pods there is nobody to find the API server by its service, and 127.0.0.1 may not
    # stand in an Endpoints object.
    reconciler = "lease" if site.advertised else "none"
    return site.program(
        "kube-apiserver",
        f"--etcd-servers={ETCD_CLIENTS}",
        f"--bind-address={site.address}",
        f"--advertise-address={site.address}",
        f"--secure-port={site.port}",
        f"--endpoint-reconciler-type={reconciler}",
        f"--tls-cert-file={credentials.server_certificate}",
        f"--tls-private-key-file={credentials.server_key}",
        f"--kubelet-client-certificate={credentials.client_certificate}",
        f"--kubelet-client-key={credentials.client_key}",
        # A node's name is in no DNS.
        "--kubelet-preferred-address-types=InternalIP",
        f"--token-auth-file={credentials.tokens}",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged",
        f"--service-cluster-ip-range={site.service_cidr}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={credentials.service_account_key}",
        f"--service-account-signing-key-file={credentials.service_account_key}",
        *more,
    )


def controller_manager(site: Site) -> Command:
    """The controller manager: garbage collector, service accounts, node lifecycle and the rest."""
    credentials = site.credentials
    return site.program(
        "kube-controller-manager",
        site.kubeconfig("kube-controller-manager"),
        "--use-service-account-credentials",
        f"--service-account-private-key-file={credentials.service_account_key}",
        f"--root-ca-file={credentials.server_certificate}",
        "--leader-elect=false",
        *health(site, CONTROLLER_MANAGER_HEALTH),
        *FAST_CLIENT,
    )


def scheduler(site: Site) -> Command:
    """The scheduler."""
    return site.program(
        "kube-scheduler",
        site.kubeconfig("kube-scheduler"),
        "--leader-elect=false",
        *health(site, SCHEDULER_HEALTH),
        *FAST_CLIENT,
    )


def health(site: Site, port: int) -> tuple[str, ...]:
    """Options for a port that tells a component's health, where the site has fixed ports."""
    if not site.advertised:
        return ("--secure-port=0",)
    return (
        f"--bind-address={site.address}",
        f"--secure-port={port}",
        f"--tls-cert-file={site.credentials.server_certificate}",
        f"--tls-private-key-file={site.credentials.server_key}",
    )


def kwok(site: Site, directory: Path, pod_cidr: str) -> Command:
    """kwok, which plays kubelet for nodes annotated `kwok.x-k8s.io/node=fake`."""
    return Command(
        "kwok",
        (
            str(directory / "kwok"),
            site.kubeconfig("kwok"),
            f"--config={directory / 'stages.yaml'}",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            # Leases, not status writes, show that a node lives: those lag under load, and then the
            # controller manager marks every pod NotReady.
            "--node-lease-duration-seconds=40",
            f"--cidr={pod_cidr}",
        ),
    )
