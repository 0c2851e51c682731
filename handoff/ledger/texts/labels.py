"""The labels of a node, `tier=spot;zone=a`, in order of name."""

from __future__ import annotations

from collections.abc import Mapping


def write_labels(labels: Mapping[str, str]) -> str:
    """Write labels."""
    return ";".join(f"{name}={labels[name]}" for name in sorted(labels))


def read_labels(text: str) -> dict[str, str]:
    """Read labels."""
    return {name: value for name, _, value in (part.partition("=") for part in text.split(";") if part)}


def each_label(text: str) -> list[str]:
    """What the bitmaps of a node's labels are called: `zone=a` each."""
    return [part for part in text.split(";") if part]
