"""A real Kubernetes on one machine, built from pinned Go modules. Standard library only.

Two things are here, and tests choose by what they need:

*A control plane of one's own* (integration tests; no root, no containers, ready in seconds): etcd,
API server, controller manager, scheduler, and kwok's fake node on which pods become Ready at once::

    from tests.cluster.controlplane import ControlPlane

    with ControlPlane(crds=Path("crds")) as plane:
        plane.kubeconfig                            # Path of an administrator's kubeconfig
        plane.kubectl("get", "nodes")               # its output; raises CommandError
        plane.api.get("/api/v1/namespaces")         # JSON as a dict, by the standard library
        plane.restart("kube-apiserver")             # also stop, start, pause, resume; by name
        plane.service_account_token("default", "default")

Free ports and a temporary directory keep two checkouts apart; components die with the process that
started them. Give CRDs here rather than later: the garbage collector looks for new kinds only every
30 s, so an owner of a kind that came later may be gone for half a minute before its pods are.

*The cluster of the machine* (end-to-end tests and the demo; root, real containers), one for all
checkouts: `python3 -m tests.cluster up`, or::

    from tests.cluster.machine import Machine

    machine = Machine.up()                          # seconds when it is up already
    machine.kubeconfig, machine.context             # .cluster/kubeconfig, "gamesession"
    machine.build_image(Path("."), "gamesession:dev", include=["operator", "pyproject.toml"])
    machine.restart("kube-controller-manager")      # after new CRDs, or wait those 30 s

Pods, services (at `machine.address` for node ports) answer from the machine. There is no DNS and no
way out to other machines: images are built here, on the base that is passed as `BASE`.

The first use builds Kubernetes, about five minutes; the cache is `$XDG_CACHE_HOME/gamesession`.
"""
