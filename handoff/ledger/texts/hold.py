"""A hold, `<rank>|<job>|<what it lacks, with commas>`: who comes later does not use that on the node."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.ledger.texts.list import read_list


@dataclass(frozen=True, slots=True)
class Hold:
    """A node is held for a function that was overtaken too often."""

    rank: int
    job_id: str
    lacks: list[str]  #: resources, of devices and their memory the devices


def read_hold(text: str) -> Hold:
    """Read a hold."""
    rank, job_id, lacks = text.split("|")
    return Hold(int(rank), job_id, read_list(lacks))
