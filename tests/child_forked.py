"""What functions find of the nursery that has forked their process, and of the agent behind it."""

from __future__ import annotations

import logging
import os
import signal
import sys
from logging.handlers import BufferingHandler
from pathlib import Path

import psutil

from handoff_worker.machine.processes import MARK

KINDS = ("socket", "pipe", "anon_inode")


def found() -> dict[str, object]:
    """What is the same in whatever way the nursery was begun."""
    nursery = psutil.Process(os.getppid())
    return {
        "arguments": [sys.argv, sys.orig_argv[:2]],
        "click": "click" in sys.modules,
        "main": getattr(sys.modules["__main__"], "__file__", None),
        "log": [logging.getLogger().level, len(logging.getLogger().handlers), logged()],
        "signals": {int(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
        "files": [opened(os.getpid()), opened(nursery.pid)],
        "stdin": os.readlink(f"/proc/{nursery.pid}/fd/0"),
        "leads its session": os.getsid(nursery.pid) == nursery.pid,
        "shown": " ".join(nursery.cmdline()).strip(),
        "threads": nursery.num_threads(),
        "environment": sorted(set(nursery.environ()) ^ set(os.environ)),
        "mark": [psutil.Process().environ().get(MARK), nursery.environ().get(MARK)] == [os.environ[MARK]] * 2,
    }


def logged() -> list[object]:
    """What a record of a function's own says of where it was made."""
    kept = BufferingHandler(2)
    logger = logging.Logger("functions")
    logger.addHandler(kept)
    logger.warning("here")
    [record] = kept.buffer
    is_own = record.process == os.getpid()
    return [record.filename, record.funcName, record.threadName, record.processName, is_own]


def opened(pid: int) -> dict[str, int]:
    """How many files a process has open of each kind."""
    links = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        # The one of this very list is closed by now.
        if Path(f"/proc/{pid}/fd/{number}").is_symlink():
            links.append(os.readlink(f"/proc/{pid}/fd/{number}").partition(":")[0])
    return {kind: links.count(kind) for kind in KINDS}


def has_loaded(name: str) -> bool:
    return name in sys.modules
