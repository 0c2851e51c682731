"""Devices that a node offers, `fpga:3;gpu:0,1`, those of known memory as `gpu:0/240000000`."""

from __future__ import annotations

from handoff.words.capabilities import Capabilities


def write_offered_devices(capabilities: Capabilities) -> str:
    """Write the devices of a node, in order of name."""
    parts = []
    for name, indices in sorted(capabilities.devices.items()):
        memory = capabilities.memory.get(name)
        listed = map(str, indices) if memory is None else map("{}/{}".format, indices, memory)
        parts.append(f"{name}:{','.join(listed)}")
    return ";".join(parts)
