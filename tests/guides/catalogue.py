"""Which guide is run where."""

from __future__ import annotations

from typing import Final

ON_CONTROL_PLANE: Final = (
    "docs/concepts.md",
    "docs/troubleshooting.md",
    "docs/alerts.md",
    "docs/command-line.md",
    "docs/sdk.md",
    "README.md",
    "docs/examples/README.md",
)
"""By tests/integration, with operator and gateway as processes; their blocks that need the node
are run by tests/e2e."""

ON_NODE: Final = ("docs/install.md",)
"""By tests/e2e alone, from an empty cluster."""

BY_OTHERS: Final = {
    "docs/tuning.md": "tests/unit/docs/test_pool_size.py",
    "docs/migration.md": "tests/handlers/examples/test_migration.py",
}
"""By a test of their own."""

TRANSLATED: Final = {
    "README.md": "README.zh-CN.md",
    "docs/install.md": "docs/zh-CN/install.md",
    "docs/migration.md": "docs/zh-CN/migration.md",
    "docs/troubleshooting.md": "docs/zh-CN/troubleshooting.md",
}
"""Guides in English, and in Chinese with the same blocks."""
