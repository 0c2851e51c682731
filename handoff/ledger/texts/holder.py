"""Who holds a lease, `host pid started machine`: an agent process. Scripts hand it on as it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holder:
    """One agent process."""

    host: str  #: has no space
    pid: int
    started: str  #: when the process began; a pid alone may be somebody else's by now
    machine: str  #: the running kernel and the pid namespace in which `pid` means something


def write_holder(holder: Holder) -> str:
    """Write a holder."""
    return f"{holder.host} {holder.pid} {holder.started} {holder.machine}"


def read_holder(text: str) -> Holder:
    """Read a holder."""
    # The machine may be named by its host, which may be named with a space.
    host, pid, started, machine = text.split(" ", 3)
    return Holder(host, int(pid), started, machine)


def in_words(text: str) -> str:
    """Which process that is, for errors; of what is none, as it stands."""
    host, pid, *_ = [*text.split(" "), ""]
    return f"the agent with process id {pid} on host {host}" if pid else f"the agent {text}"


def host_and_pid(text: str) -> str:
    """What people are told of a holder; '' of none."""
    return " ".join(text.split(" ")[:2])
