"""What dead agents have left running on this machine: known by the mark that a nursery gives to all below it."""

from __future__ import annotations

import itertools
import logging

from handoff.ledger.texts.holder import read_holder, write_holder
from handoff_worker.machine import processes
from handoff_worker.machine.holder import is_gone, this_process

logger = logging.getLogger(__name__)

LONGEST_DYING_S = 5.0
"""How long they may take to be gone."""

_serials = itertools.count(1)


def mark() -> str:
    """Make the mark of one more nursery of this process."""
    return f"{next(_serials)} {write_holder(this_process())}"


def end_survivors() -> None:
    """End what agents have left that were killed together with their nurseries, and say what does not end.

    Of any agent on this machine that is gone: their nodes are lost or about to be, and their devices given to others.
    """
    found = find_survivors()
    if not found:
        return
    logger.info("ending what an agent has left that is gone: %s", ", ".join(map(processes.describe, found)))
    if left := processes.end(find_survivors, LONGEST_DYING_S):
        logger.error("nothing ends what an agent has left: %s", ", ".join(map(processes.describe, left)))


def find_survivors() -> list[int]:
    """Find what bears the mark of an agent that is gone."""
    return [process.pid for process in processes.marked(processes.MARK, _is_of_the_dead)]


def _is_of_the_dead(mark: str) -> bool:
    serial, _, holder = mark.partition(" ")
    try:
        return serial.isdecimal() and is_gone(read_holder(holder))
    except ValueError:
        return False
