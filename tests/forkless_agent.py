"""`python -m forkless_agent FILE ARGUMENT...`: an agent that starts no children while that file exists."""

from __future__ import annotations

import runpy
import sys

from handoff_worker.children import nursery

_REFUSING = """
import errno, os
fork = os.fork
def refuse():
    if os.path.exists({path!r}):
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    return fork()
os.fork = refuse
"""


def boot(path: str) -> str:
    """What a nursery begins with that forks nothing while `path` exists."""
    return f"exec({_REFUSING.format(path=path)!r}); {nursery._BOOT}"


if __name__ == "__main__":
    nursery._BOOT = boot(sys.argv.pop(1))
    # A fork of this process would not begin so.
    nursery._can_fork = lambda: False
    runpy.run_module("handoff_worker", run_name="__main__", alter_sys=True)
