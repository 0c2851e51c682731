"""How many files this process may have open, and so how many children fit: each takes a connection here."""

from __future__ import annotations

import resource

RESERVED = 32
"""Files that the agent has open beside those of its children, or for a moment: some 15, and some to spare."""

CHILDREN_PER_SLOT = 2
"""One that runs a function; and one that waits for a function with another device, or runs a failure callback."""

FILES_PER_SLOT = 3 * CHILDREN_PER_SLOT
"""Of each child its channel, and both ends of its tray."""


def make_room(slots: int) -> int:
    """Raise the soft limit of open files as far as so many slots need it. -> for how many slots the limit is enough

    No further, because what functions start inherits it, and some programs close one by one all that they might have.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = RESERVED + FILES_PER_SLOT * slots
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        except (OSError, ValueError):
            # macOS names no limit and yet has one.
            soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return slots
    return max(1, (soft - RESERVED) // FILES_PER_SLOT)
