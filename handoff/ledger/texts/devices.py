"""Devices that a function has, `gpu:0=10000,1=10000;fpga:3=2500`, or memory of one, `gpu:0=60000000m`."""

from __future__ import annotations

from collections.abc import Mapping

from handoff.words.resources import MEMORY_SUFFIX


def read_devices(text: str) -> dict[str, list[int]]:
    """Read which they are, however much of each it has: resource -> indices, ascending."""
    found: dict[str, list[int]] = {}
    for part in text.split(";"):
        name, _, entries = part.partition(":")
        if entries:
            found[name] = sorted({int(entry.partition("=")[0]) for entry in entries.split(",")})
    return found


def read_amounts(text: str) -> dict[tuple[str, int], int]:
    """Read how much of each: resource and index -> units. What is memory of `gpu` is called `gpu_memory`."""
    found = {}
    for part in filter(None, text.split(";")):
        name, _, entries = part.partition(":")
        for entry in entries.split(","):
            index, _, units = entry.partition("=")
            of = name + MEMORY_SUFFIX if units.endswith("m") else name
            found[of, int(index)] = int(units.removesuffix("m"))
    return found


def write_memory(memory: Mapping[str, Mapping[int, int]]) -> str:
    """Write memory of devices: resource -> index -> units; what is of none is left out."""
    listed = {
        name: ",".join(f"{index}={units}m" for index, units in sorted(of.items()) if units)
        for name, of in sorted(memory.items())
    }
    return ";".join(f"{name}:{entries}" for name, entries in listed.items() if entries)
