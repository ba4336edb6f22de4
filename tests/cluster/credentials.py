"""Keys, certificates, tokens and kubeconfigs of one control plane."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.api import API
from tests.cluster.errors import ClusterError
from tests.cluster.prerequisites import require

ADMINISTRATOR = "administrator"
# user -> (name at the API server, group)
USERS = {
    ADMINISTRATOR: ("gamesession-administrator", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kube-proxy": ("system:kube-proxy", ""),
    "kwok": ("kwok", "system:masters"),
}
CURVE = "prime256v1"
CERTIFICATE = """\
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
{name}
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
{more}
"""


@dataclass(frozen=True)
class Credentials:
    """The files with which a control plane and its users know each other.

    Attributes:
        directory: where they are; nobody else may read it.
        server: the API server's URL.
    """

    directory: Path
    server: str

    @property
    def server_certificate(self) -> Path:
        """The API server's certificate: signed by itself, so it is the authority to trust too."""
        return self.directory / "server.crt"

    @property
    def server_key(self) -> Path:
        """The API server's private key."""
        return self.directory / "server.key"

    @property
    def client_certificate(self) -> Path:
        """With which the API server shows a kubelet who it is (logs, exec, port-forward)."""
        return self.directory / "client.crt"

    @property
    def client_key(self) -> Path:
        """The private key of `client_certificate`."""
        return self.directory / "client.key"

    @property
    def service_account_key(self) -> Path:
        """Signs the tokens of service accounts."""
        return self.directory / "service-account.key"

    @property
    def tokens(self) -> Path:
        """The users' tokens, as the API server reads them."""
        return self.directory / "tokens.csv"

    def create(self, address: str, service_address: str, node: str) -> None:
        """Writes all files, unless they are there already.

        Args:
            address: the IP that the API server listens at.
            service_address: the IP of its service, where pods find it.
            node: the name of the node whose kubelet gets a token.
        """
        if self.tokens.exists():
            return
        require("openssl")
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        names = (
            f"IP:{address}, IP:{service_address}, DNS:localhost, DNS:kubernetes, "
            "DNS:kubernetes.default, DNS:kubernetes.default.svc"
        )
        certify(
            self.server_certificate,
            self.server_key,
            "CN = kube-apiserver",
            f"subjectAltName={names}",
        )
        master = "O = system:masters\nCN = kube-apiserver-kubelet-client"
        certify(self.client_certificate, self.client_key, master, "extendedKeyUsage = clientAuth")
        # The older of openssl's two forms of a key: Kubernetes takes elliptic curves in no other.
        key = str(self.service_account_key)
        openssl("ecparam", "-name", CURVE, "-genkey", "-noout", "-out", key)
        users = {**USERS, "kubelet": (f"system:node:{node}", "system:nodes")}
        rows = [
            ",".join(filter(None, (secrets.token_hex(16), name, user, group)))
            for user, (name, group) in users.items()
        ]
        self.tokens.write_text("\n".join(rows) + "\n")

    def token(self, user: str) -> str:
        """The token of one of the users given at creation."""
        for row in self.tokens.read_text().splitlines():
            token, _, found = row.split(",")[:3]
            if found == user:
                return token
        raise ClusterError(f"{self.tokens} knows no user {user}")

    def api(self, user: str = ADMINISTRATOR) -> API:
        """The API server as that user sees it."""
        return API(self.server, self.token(user), self.server_certificate)

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig of that user, written on first use."""
        path = self.directory / f"{user}.kubeconfig"
        if not path.exists():
            self.write_kubeconfig(path, self.token(user), context=user)
        return path

    def write_kubeconfig(self, path: Path, token: str, context: str) -> None:
        """Writes a kubeconfig with one context, readable by its owner only. JSON is YAML too."""
        authority = base64.b64encode(self.server_certificate.read_bytes()).decode()
        cluster = {"server": self.server, "certificate-authority-data": authority}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [{"name": context, "cluster": cluster}],
            "users": [{"name": context, "user": {"token": token}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        }
        unfinished = path.with_name(f".{path.name}.new")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(config, indent=2) + "\n")
        unfinished.rename(path)


def certify(certificate: Path, key: Path, name: str, more: str) -> None:
    """Makes a key and a certificate that it signs itself, valid for ten years."""
    config = certificate.with_suffix(".cnf")
    config.write_text(CERTIFICATE.format(name=name, more=more))
    openssl(
        *("req", "-x509", "-config", str(config), "-days", "3650", "-nodes"),
        # Elliptic curves: RSA keys take a tenth of a second each.
        *("-newkey", "EC", "-pkeyopt", f"ec_paramgen_curve:{CURVE}"),
        *("-keyout", str(key), "-out", str(certificate)),
    )


def openssl(*arguments: str) -> None:
    """Runs openssl.

    Raises:
        ClusterError: it ended with an error; the message holds what it said.
    """
    result = subprocess.run(
        ["openssl", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if result.returncode:
        raise ClusterError(f"openssl {arguments[0]} failed:\n{result.stderr.strip()}")
