"""Who holds a lease: a process on a host, said so that another agent there can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Holder:
    """One agent process. Its text form is `host pid started machine`."""

    host: str
    pid: int
    started: str  #: when the process began; a pid alone may be somebody else's by now
    machine: str  #: the running kernel and the pid namespace in which `pid` means something

    @classmethod
    def here(cls) -> Holder:
        """This process."""
        pid = os.getpid()
        return cls(socket.gethostname().replace(" ", "-") or "localhost", pid, _started(pid), _machine())

    @classmethod
    def parse(cls, text: str) -> Holder:
        """Read the text form."""
        host, pid, started, machine = text.split(" ")
        return cls(host, int(pid), started, machine)

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.started} {self.machine}"

    def is_gone(self) -> bool:
        """Whether it ran here and its process has ended. False too when it ran elsewhere: nobody here can know."""
        if self.machine != _machine():
            return False
        try:
            return _started(self.pid) != self.started
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
