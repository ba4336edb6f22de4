"""A Prometheus that scrapes operator and gateway, as a ServiceMonitor would have it."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
import yaml

from tests.cluster.controlplane import free_port
from tests.cluster.errors import PrerequisiteError
from tests.cluster.prerequisites import obtain
from tests.cluster.process import Command, Process, die_with
from tests.eventually import eventually
from tests.unit.seeing.rules import RULES

NAMESPACE = "gamesession-system"
"""Where the release is, as Prometheus has it."""


class Prometheus:
    """Debian's Prometheus, with the chart's rules, while it is entered.

    Args:
        directory: for what it keeps.
        targets: what it scrapes: job → name of the pod → `host:port` of its metrics.
    """

    def __init__(self, directory: Path, targets: dict[str, dict[str, str]]) -> None:
        self._directory = directory
        self._targets = targets
        self._url = f"http://127.0.0.1:{free_port()}"
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        try:
            obtain("prometheus")
        except PrerequisiteError as error:
            pytest.skip(str(error))
        configuration = self._directory / "prometheus.yaml"
        configuration.write_text(yaml.safe_dump(self._configuration()))
        arguments = (
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self._directory / 'data'}",
            f"--web.listen-address={self._url.removeprefix('http://')}",
        )
        self._process = Process.spawn(
            Command("prometheus", arguments),
            self._directory,
            self._directory / "prometheus.log",
            in_child=die_with(os.getpid()),
        )
        self._http = aiohttp.ClientSession(self._url)
        await eventually(self._is_ready, every=0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        if self._process is not None:
            self._process.end(10)

    def _configuration(self) -> dict[str, Any]:
        jobs = [
            {
                "job_name": job,
                "static_configs": [
                    {
                        "targets": [address],
                        "labels": {"namespace": NAMESPACE, "pod": pod},
                    }
                    for pod, address in pods.items()
                ],
            }
            for job, pods in self._targets.items()
        ]
        return {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": jobs,
        }

    async def _is_ready(self) -> bool:
        assert self._process is not None
        if not self._process.alive:
            raise RuntimeError((self._directory / "prometheus.log").read_text())
        try:
            async with self._http.get("/-/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def ask(self, query: str) -> dict[frozenset[tuple[str, str]], float]:
        """What a query finds now: labels → value. What is no number is left out.

        Raises:
            AssertionError: Prometheus does not take the query.
        """
        async with self._http.post("/api/v1/query", data={"query": query}) as answer:
            body = await answer.json()
        assert body["status"] == "success", f"{query}: {body}"
        found = {
            frozenset(each["metric"].items()): float(each["value"][1])
            for each in body["data"]["result"]
        }
        return {labels: value for labels, value in found.items() if not math.isnan(value)}

    async def value(self, query: str) -> float | None:
        """The one value that a query finds; `None` if it finds nothing."""
        found = await self.ask(query)
        assert len(found) <= 1, f"{query}: {found}"
        return next(iter(found.values()), None)

    async def rules(self) -> dict[str, tuple[str, str]]:
        """The rules, as it evaluates them: name → (health, the last error)."""
        async with self._http.get("/api/v1/rules") as answer:
            groups = (await answer.json())["data"]["groups"]
        return {
            rule["name"]: (rule["health"], rule.get("lastError", ""))
            for group in groups
            for rule in group["rules"]
        }
