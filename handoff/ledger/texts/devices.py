"""Devices that a function has, `gpu:0=10000,1=10000;fpga:3=2500`, or memory of one, `gpu:0=60000000m`."""

from __future__ import annotations


def read_devices(text: str) -> dict[str, list[int]]:
    """Read which they are, however much of each it has: resource -> indices, ascending."""
    found: dict[str, list[int]] = {}
    for part in text.split(";"):
        name, _, entries = part.partition(":")
        if entries:
            found[name] = sorted({int(entry.partition("=")[0]) for entry in entries.split(",")})
    return found
