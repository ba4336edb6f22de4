"""Where a port of a pod is."""

from __future__ import annotations


def address(ip: str, port: int) -> str:
    """`ip:port`, brackets around an IPv6 address."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
