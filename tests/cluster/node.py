"""The node: containerd, kubelet and kube-proxy, their configuration and how they are called."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cluster import cgroup, network
from tests.cluster.components import Site
from tests.cluster.prerequisites import CNI_PLUGINS, find
from tests.cluster.process import Command

NAME = "gamesession"
PAUSE_IMAGE = "docker.io/library/gamesession-pause:1"
MAX_PODS = 1000
KUBELET_HEALTH = 10248
PROXY_HEALTH = 10256
# Places that are fixed in the programs. The node sees directories of its own there.
PRIVATE_DIRECTORIES = (
    "/run/containerd",
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
)
# kubelet sets these for the whole machine unless it finds them so: it is shown files of our own.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
CONTAINERD = """\
version = 2
root = "{directory}/containerd"
state = "/run/containerd"
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "{directory}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
netns_mounts_under_state_dir = true
# Without CAP_SYS_RESOURCE no process may be shielded from the OOM killer, and runc would fail.
restrict_oom_score_adj = true
# A profile would be loaded into the machine's kernel and stay there.
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{directory}/cni"
"""


def mounts(site: Site) -> dict[str, str]:
    """What the node sees of its own in the machine's directories: target to source, both made."""
    found = {}
    for target in PRIVATE_DIRECTORIES:
        source = site.directory / "private" / target.lstrip("/")
        source.mkdir(parents=True, exist_ok=True)
        found[target] = str(source)
    for name, value in KERNEL_SETTINGS.items():
        target = f"/proc/sys/{name}"
        if not Path(target).exists():
            continue
        source = site.directory / "private" / "sys" / name
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(f"{value}\n")
        found[target] = str(source)
    return found


def socket(site: Site) -> Path:
    """containerd's socket as the machine sees it."""
    return site.directory / "private" / "run/containerd/containerd.sock"


def containerd(site: Site) -> Command:
    """containerd, with pods joined to the node by a pair of interfaces and a route each.

    Not by a bridge: what answers on a bridge directly, past the rules that made it a service's
    answer, needs a kernel module (br_netfilter) to be caught.
    """
    config = site.directory / "containerd.toml"
    plugins = str(CNI_PLUGINS)
    config.write_text(
        CONTAINERD.format(directory=site.directory, pause=PAUSE_IMAGE, plugins=plugins)
    )
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": network.POD_CIDR}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    pods = {
        "cniVersion": "1.0.0",
        "name": "gamesession",
        "plugins": [{"type": "ptp", "ipMasq": False, "ipam": addresses}],
    }
    write(site.directory / "cni" / "10-gamesession.conflist", pods)
    return Command("containerd", (find("containerd") or "containerd", "--config", str(config)))


def kubelet(site: Site) -> Command:
    """kubelet, which lets in only whom the API server lets in."""
    credentials = site.credentials
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "address": site.address,
        "healthzBindAddress": site.address,
        "healthzPort": KUBELET_HEALTH,
        "tlsCertFile": str(credentials.server_certificate),
        "tlsPrivateKeyFile": str(credentials.server_key),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(credentials.client_certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup.NAME}",
        "failSwapOn": False,
        "maxPods": MAX_PODS,
        "serializeImagePulls": False,
        "imageGCHighThresholdPercent": 100,
        # A developer's disk may be nearly full, and images come from no registry.
        "evictionHard": {"memory.available": "100Mi"},
        "clusterDNS": [network.DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "volumePluginDir": str(site.directory / "volume-plugins"),
    }
    return site.program(
        "kubelet",
        f"--config={write(site.directory / 'kubelet.json', config)}",
        site.kubeconfig("kubelet"),
        f"--hostname-override={NAME}",
        f"--node-ip={site.address}",
    )


def kube_proxy(site: Site) -> Command:
    """kube-proxy with iptables."""
    unlimited = {
        "maxPerCore": 0,
        "min": 0,
        "tcpEstablishedTimeout": "0s",
        "tcpCloseWaitTimeout": "0s",
    }
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(site.credentials.kubeconfig("kube-proxy"))},
        "hostnameOverride": NAME,
        "clusterCIDR": network.POD_CIDR,
        "nodePortAddresses": [network.LINK_CIDR],
        "iptables": {"localhostNodePorts": False, "minSyncPeriod": "100ms"},
        "healthzBindAddress": f"{site.address}:{PROXY_HEALTH}",
        # The limits of conntrack belong to the whole machine: left as they are.
        "conntrack": unlimited,
    }
    return site.program(
        "kube-proxy", f"--config={write(site.directory / 'kube-proxy.json', config)}"
    )


def write(path: Path, content: object) -> Path:
    """Writes a configuration file as JSON, which is YAML too, and returns where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path
