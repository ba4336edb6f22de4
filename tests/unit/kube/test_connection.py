"""Where the API server is, and who we are to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from kubernetes.aio.client.rest import RESTClientObject

from gamesession.kube import connection
from gamesession.kube.connection import NoCluster


def write_kubeconfig(path: Path) -> Path:
    """Two clusters; the first is the current one."""

    def named(name: str, kind: str, what: dict[str, str]) -> dict[str, object]:
        return {"name": name, kind: what}

    names = ("here", "there")
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [named(each, "cluster", {"server": f"http://{each}:6443"}) for each in names],
        "users": [named(each, "user", {"token": f"{each}-token"}) for each in names],
        "contexts": [named(each, "context", {"cluster": each, "user": each}) for each in names],
    }
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither in a pod nor with a kubeconfig of one's own."""
    for variable in ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(variable, raising=False)
    missing = str(tmp_path / "missing")
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", missing)


async def test_the_current_context_of_a_kubeconfig(tmp_path: Path) -> None:
    found = await connection.load(write_kubeconfig(tmp_path / "config"))
    assert found.host == "http://here:6443"
    assert await found.get_api_key_with_prefix("BearerToken") == "Bearer here-token"


async def test_another_context_of_it(tmp_path: Path) -> None:
    found = await connection.load(write_kubeconfig(tmp_path / "config"), "there")
    assert found.host == "http://there:6443"


async def test_many_requests_may_run_at_once(tmp_path: Path) -> None:
    found = await connection.load(write_kubeconfig(tmp_path / "config"))
    assert found.connection_pool_maxsize == 100


@pytest.mark.parametrize("proxy", [None, "http://proxy:3128"])
async def test_the_environment_is_heeded_where_it_names_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str | None
) -> None:
    """Else every request would begin with a look for ~/.netrc, in a thread."""
    for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(variable)
    if proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    found = await connection.load(write_kubeconfig(tmp_path / "config"))
    async with RESTClientObject(found)._create_pool_manager() as session:
        assert session.trust_env is bool(proxy)


@pytest.mark.parametrize("text", ["", "{", "apiVersion: v1\nkind: Config\n"])
async def test_a_kubeconfig_that_leads_nowhere_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(NoCluster, match="no Kubernetes API server found: not in a pod, and no"):
        await connection.load(path)


async def test_a_kubeconfig_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match="set GAMESESSION_KUBECONFIG, KUBECONFIG or --kube"):
        await connection.load(tmp_path / "missing")


async def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match="nowhere"):
        await connection.load(write_kubeconfig(tmp_path / "config"), "nowhere")


async def test_neither_in_a_pod_nor_with_a_kubeconfig() -> None:
    with pytest.raises(NoCluster):
        await connection.load()
