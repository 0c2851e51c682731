"""Functions that leave processes running, in all the ways in which a process can get away from who started it."""

from __future__ import annotations

import ctypes
import multiprocessing.shared_memory
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from child_tasks import FOREVER_S

_SLEEP = [sys.executable, "-c", f"import time; time.sleep({FOREVER_S})"]


def _plain() -> int:
    return subprocess.Popen(_SLEEP).pid


def _own_session() -> int:
    return subprocess.Popen(_SLEEP, start_new_session=True).pid


def _no_environment() -> int:
    return subprocess.Popen(_SLEEP, start_new_session=True, env={}).pid


def _background_of_a_shell() -> int:
    script = f"setsid sleep {FOREVER_S} >/dev/null 2>&1 & echo $!"
    return int(subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True, env={}).stdout)


def _lost_by_a_shell() -> int:
    script = f"setsid sleep {FOREVER_S} >/dev/null 2>&1 & echo $!"
    return int(subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True).stdout)


def _daemon() -> int:
    """Fork twice with a session of its own, and call no other program: as a daemon of Unix does."""
    told, tell = os.pipe()
    if (first := os.fork()) == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.write(tell, str(os.getpid()).encode())
            time.sleep(FOREVER_S)
        os._exit(0)
    os.waitpid(first, 0)
    return int(os.read(told, 20))


def _daemon_of_a_daemon() -> int:
    """The outer one goes on too, and has adopted what the inner one lost."""
    told, tell = os.pipe()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        os.setsid()
        os.write(tell, str(_daemon()).encode())
        time.sleep(FOREVER_S)
    return int(os.read(told, 20))


_WAYS: dict[str, Callable[[], int]] = {
    "plain": _plain,
    "own session": _own_session,
    "no environment": _no_environment,
    "background of a shell": _background_of_a_shell,
    "lost by a shell": _lost_by_a_shell,
    "daemon": _daemon,
    "daemon of a daemon": _daemon_of_a_daemon,
}

WAYS = tuple(_WAYS)


def leave(way: str, path: str) -> None:
    """Leave a process running, whose id is written to `path`."""
    pid = _WAYS[way]()
    Path(f"{path}.new").write_text(str(pid))
    os.rename(f"{path}.new", path)


def leave_and_fail(way: str, path: str) -> None:
    leave(way, path)
    raise ValueError("no")


def leave_and_wait(way: str, path: str) -> None:
    leave(way, path)
    time.sleep(FOREVER_S)


def leave_and_exit(way: str, path: str) -> None:
    leave(way, path)
    os._exit(3)


def leave_zombies(number: int) -> int:
    """Daemons that have ended, and children for whom nobody waits."""
    for _ in range(number):
        subprocess.run(["sh", "-c", "setsid true &"], check=True)
        if os.fork() == 0:
            os._exit(0)
    limit_s = time.monotonic() + FOREVER_S
    while any(b"\nState:\tZ" not in Path(f"/proc/{pid}/status").read_bytes() for pid in _own_children()):
        assert time.monotonic() < limit_s
    return os.getpid()


def leave_frozen(path: str, group: str) -> None:
    """Leave a process that does not die until `group`, a control group of version 1 that freezes, is thawed."""
    leave("own session", path)
    Path(group, "cgroup.procs").write_text(Path(path).read_text())
    Path(group, "freezer.state").write_text("FROZEN")
    while Path(group, "freezer.state").read_text() != "FROZEN\n":
        time.sleep(0.01)
    raise ValueError("no")


def count_children() -> int:
    return len(_own_children())


def _own_children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def wait_for_a_process() -> int:
    subprocess.run(["true"], check=True)
    return os.getpid()


def use_shared_memory() -> int:
    """Have Python start the process that keeps account of shared memory."""
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=8)
    memory.close()
    memory.unlink()
    return os.getpid()
