"""The text forms that Python and Lua share: costs, shapes, devices.

A cost is `cpu=20000,gpu=5000` (units of 1/10,000, by name), a shape is a cost and a pin (`...@node`), devices are
`gpu:0=10000,1=10000;fpga:3=2500`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from handoff.resources import SLOTS, UNIT, UNLIMITED, Amount, Capabilities, Units, amount


def cost_text(units: Mapping[str, int]) -> str:
    """Write a cost; equal costs give equal texts."""
    return ",".join(f"{name}={units[name]}" for name in sorted(units))


def shape_text(cost: Units, pin: str | None) -> str:
    """Write the shape of a function that is submitted: its cost with its slot, and where it is pinned."""
    return cost_text({**cost, SLOTS: UNIT}) + (f"@{pin}" if pin else "")


def capability_texts(capabilities: Capabilities) -> tuple[str, str]:
    """Write what a node has: its units, and the indices of its devices (`gpu:0,1;fpga:3`).

    A node that names no slots takes any number of functions.
    """
    units = {SLOTS: UNLIMITED, **capabilities.units}
    devices = ";".join(
        f"{name}:{','.join(map(str, indices))}" for name, indices in sorted(capabilities.devices.items())
    )
    return cost_text(units), devices


def parse_cost_text(text: str) -> Units:
    """Read a cost."""
    return {name: int(units) for name, _, units in (part.partition("=") for part in text.split(",") if part)}


def parse_devices(text: str) -> dict[str, list[int]]:
    """Read devices: resource -> indices, ascending."""
    held: dict[str, list[int]] = {}
    for part in text.split(";"):
        name, _, entries = part.partition(":")
        if entries:
            held[name] = sorted(int(entry.partition("=")[0]) for entry in entries.split(","))
    return held


def parse_pairs(values: list[bytes]) -> dict[str, Amount]:
    """Read `name, units, name, units, ...` of a reply as amounts."""
    return {values[i].decode(): amount(int(values[i + 1])) for i in range(0, len(values), 2)}
