"""Who holds a lease: a process on a host, said so that another agent there can tell whether it still lives."""

from __future__ import annotations

import os
import socket
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
    """Whether it ran here and its process has ended. False too when it ran elsewhere: nobody here can know."""
    if holder.machine != _machine():
        return False
    try:
        return _started(holder.pid) != holder.started
    except psutil.NoSuchProcess:
        return True


def _started(pid: int) -> str:
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(pid)
    return f"{process.create_time():.2f}"


def _machine() -> str:
    """Names what two processes must share for a pid to mean the same to both; host names repeat in containers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return f"{socket.gethostname()}/{psutil.boot_time():.0f}"
