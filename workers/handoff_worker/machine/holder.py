"""Who holds a lease: a process on a host, said so that another agent there can tell whether it still lives."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path

import psutil

from handoff.ledger.texts.holder import Holder


def host() -> str:
    """What this host is called: has no space, and is not empty."""
    return socket.gethostname().replace(" ", "-") or "localhost"


def this_process() -> Holder:
    """This process as a holder."""
    pid = os.getpid()
    return Holder(host(), pid, _started(pid), _machine())


def is_gone(holder: Holder) -> bool:
    """Whether it ran here and its process has ended. False too when nobody here can know, as when it ran elsewhere."""
    if holder.machine != _machine():
        return False
    try:
        started = _started(holder.pid)
        # An agent of a version before said it by the clock: of a process that is there nobody knows whether it is that.
        return started != holder.started and (started == "" or ("." in started) == ("." in holder.started))
    except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
        # Or it is another user's, which /proc may hide (hidepid): the kernel says so all the same.
        return not _exists(holder.pid)
    except (OSError, psutil.Error):
        # It is there, and nothing can be read of it.
        return False


def _exists(pid: int) -> bool:
    # What is no number of a process at all may be one of elsewhere.
    with contextlib.suppress(PermissionError, OverflowError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True


def _started(pid: int) -> str:
    """When it began; '' of a zombie. Not by the clock, which may be set while it lives."""
    if sys.platform == "linux":
        # Behind its name, which may be anything: the state, and as the 20th the ticks since the machine started.
        state, *rest = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
        return "" if state in "ZX" else rest[18]
    process = psutil.Process(pid)
    return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"


def _machine() -> str:
    """Names what two processes must share for a pid to mean the same to both; host names repeat in containers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return f"{socket.gethostname()}/{psutil.boot_time():.0f}"
