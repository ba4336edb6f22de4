"""The Autobahn test suite in Python 3: its fuzzing client and its cases, translated.

The suite is written in Python 2, where text in a program is bytes. Here it is text in Latin-1, a
character for each byte; `fuzz.py` turns it to bytes where it goes out, and back where it comes in.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

PARTS: Final = ("fuzzing.py", "caseset.py", "case")

SUBSTITUTES: Final = {
    "py2.py": """\
import binascii, os

def b2a_hex(data):
    raw = data.encode("latin-1") if isinstance(data, str) else bytes(data)
    return binascii.b2a_hex(raw).decode()

hexlify = b2a_hex

def resource_filename(package, name):
    return os.path.join(os.path.dirname(__file__), name)
""",
    "report.py": "CSS_COMMON = CSS_DETAIL_REPORT = CSS_MASTER_REPORT = JS_MASTER_REPORT = ''\n",
    "__init__.py": "from ._version import __version__\nversion = __version__\n",
}

REPLACEMENTS: Final = (
    ("(object, Case, )", "(Case, )"),  # no order of resolution in Python 3
    ("import binascii\n", "from autobahntestsuite import py2 as binascii\n"),
    (", hashlib, binascii\n", ", hashlib\nfrom autobahntestsuite import py2 as binascii\n"),
    (
        "import os, json, binascii,",
        "from autobahntestsuite import py2 as binascii\nimport os, json,",
    ),
    (", pkg_resources", ""),
    ("pkg_resources.", "binascii."),
    ("from zope.interface import implements\n", ""),
    ("   implements(interfaces.IPushProducer)\n", ""),
    # Equal lists may be pickled differently: by which strings in them are one.
    ("pickle.dumps(obj1) == pickle.dumps(obj2)", "obj1 == obj2"),
    ("v.validate(vss[:i])", 'v.validate(vss[:i].encode("latin-1"))'),
    ("import reactor, ssl", "import reactor"),
    ("ssl.ClientContextFactory()", "None"),
    ("len(self.payload) / self.p", "len(self.payload) // self.p"),
)


def translate(source: Path, target: Path) -> None:
    """Translate an unpacked source distribution.

    Args:
        source: its folder `autobahntestsuite`.
        target: where the translated folder of that name is made.
    """
    package = target / source.name
    package.mkdir(parents=True)
    for part in (*PARTS, "_version.py", "testdata"):
        subprocess.run(["cp", "-r", str(source / part), str(package)], check=True)
    for name, text in SUBSTITUTES.items():
        (package / name).write_text(text, encoding="utf-8")
    files = [str(package / part) for part in PARTS]
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "lib2to3", "-w", "-n", "--no-diffs", *files],
        check=True,
        capture_output=True,
    )
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for old, new in REPLACEMENTS:
            text = text.replace(old, new)
        # Read so, each byte of a literal is a character.
        path.write_text(f"# coding: latin-1\n{text}", encoding="utf-8")
