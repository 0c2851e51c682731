"""The text forms that Python and Lua share: costs, shapes, demands, devices.

A cost is `cpu=20000,gpu=5000` (units of 1/10,000, by name), a shape is a cost and where it may go
(`...@node=a;tier!=spot`), a demand is all shapes that a function may start as, joined by `&`, one that counts only
after 30 s as `30000:...`. Devices are `gpu:0=10000,1=10000;fpga:3=2500`, memory of one `gpu:0=60000000m`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from handoff.words.capabilities import Capabilities
from handoff.words.constraints import Term, constraints_text
from handoff.words.resources import SLOTS, UNIT, UNLIMITED, Amount, Units, amount
from handoff.words.variants import Variant

_RUN_TOKEN = re.compile(r"run\.[0-9a-f]{32}")


def cost_text(units: Mapping[str, int]) -> str:
    """Write a cost; equal costs give equal texts."""
    return ",".join(f"{name}={units[name]}" for name in sorted(units))


def shape_text(cost: Units, constraints: str) -> str:
    """Write the shape of a function that is submitted: its cost with its slot, and the text of its constraints."""
    return cost_text({**cost, SLOTS: UNIT}) + (f"@{constraints}" if constraints else "")


def demand_text(variants: Sequence[Variant], terms: Iterable[Term]) -> str:
    """Write all that a function may start as, in order."""
    constraints = constraints_text(terms)
    return "&".join(
        (f"{variant.after_ms}:" if variant.after_ms else "") + shape_text(variant.cost, constraints)
        for variant in variants
    )


def parse_demand(text: str) -> list[tuple[int, Units, str]]:
    """Read a demand: for each variant the ms after which it counts, its cost with the slot, and its constraints."""
    found = []
    for variant in text.split("&"):
        shape, _, constraints = variant.partition("@")
        # Labels may hold a colon, so it is looked for only in front of the first @.
        after_ms, _, cost = shape.rpartition(":")
        found.append((int(after_ms or 0), parse_cost_text(cost), constraints))
    return found


def capability_texts(capabilities: Capabilities) -> tuple[str, str]:
    """Write what a node has: its units, and the indices of its devices with their memory (`fpga:3;gpu:0/240000000`).

    A node that names no slots takes any number of functions.
    """
    units = {SLOTS: UNLIMITED, **capabilities.units}
    devices = []
    for name, indices in sorted(capabilities.devices.items()):
        memory = capabilities.memory.get(name)
        listed = map(str, indices) if memory is None else map("{}/{}".format, indices, memory)
        devices.append(f"{name}:{','.join(listed)}")
    return cost_text(units), ";".join(devices)


def parse_cost_text(text: str) -> Units:
    """Read a cost."""
    return {name: int(units) for name, _, units in (part.partition("=") for part in text.split(",") if part)}


def parse_devices(text: str) -> dict[str, list[int]]:
    """Read devices, of whichever much is held: resource -> indices, ascending."""
    held: dict[str, list[int]] = {}
    for part in text.split(";"):
        name, _, entries = part.partition(":")
        if entries:
            held[name] = sorted({int(entry.partition("=")[0]) for entry in entries.split(",")})
    return held


def parse_pairs(values: list[bytes]) -> dict[str, Amount]:
    """Read `name, units, name, units, ...` of a reply as amounts."""
    return {values[i].decode(): amount(int(values[i + 1])) for i in range(0, len(values), 2)}


def run_token(run: str) -> str:
    """The shared resource of which each function needs one in a run with max_concurrency."""
    return f"run.{run}"


def is_run_token(name: str) -> bool:
    """Whether a shared resource is the max_concurrency of a run: nobody asks for it by name."""
    return _RUN_TOKEN.fullmatch(name) is not None


def asked_for(units: Mapping[str, int]) -> Units:
    """Leave out what a function needs beside what it asks for: its slot, and a token of its run."""
    return {name: value for name, value in units.items() if name != SLOTS and not is_run_token(name)}
