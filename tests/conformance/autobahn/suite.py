"""The Autobahn test suite, as it can be had: its source distribution, translated to Python 3, with
the autobahn that it was written for, in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from tests.conformance.autobahn.translate import translate

HERE: Final = Path(__file__).parent
SOURCES: Final = ("autobahntestsuite==25.10.1", "autobahn==0.10.9")
NEEDS: Final = ("twisted==26.10.0", "txaio==2.1.0", "six==1.17.0")


def install(folder: Path) -> None:
    """Fetch, translate and install it in a folder, if that is not done yet.

    Raises:
        subprocess.CalledProcessError: it cannot be had.
    """
    if (folder / "done").exists():
        return
    run(sys.executable, "-m", "venv", "--clear", folder / "environment")
    pip = (folder / "environment/bin/python", "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", *NEEDS)
    fetch = ("download", "--quiet", "--no-deps", "--no-binary=:all:", "--no-build-isolation")
    run(*pip, "install", "--quiet", "setuptools==65.5.0", "wheel")
    run(*pip, *fetch, "-d", folder / "sources", *SOURCES)
    for source in (folder / "sources").glob("*.tar.gz"):
        with tarfile.open(source) as archive:
            archive.extractall(folder / "sources", filter="data")
    (package,) = (folder / "sources").glob("autobahntestsuite-*/autobahntestsuite")
    (library,) = (folder / "sources").glob("autobahn-*/autobahn")
    translate(package, folder / "packages")
    run("cp", "-r", library, folder / "packages")
    (folder / "done").touch()


def command(folder: Path, spec: Path) -> list[str]:
    """What runs the fuzzing client."""
    environment = f"PYTHONPATH={folder / 'packages'}"
    python = folder / "environment/bin/python"
    return ["env", environment, str(python), "-W", "ignore", str(HERE / "fuzz.py"), str(spec)]


def run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True)
