"""Functions that end their child, leave something behind, or wait to be ended."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path

import psutil

from child_tasks import FOREVER_S


def kill_myself(number: int) -> None:
    os.kill(os.getpid(), number)


def exit_at_once(code: int) -> None:
    os._exit(code)


def crash() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(0)


def hang_up() -> None:
    os.closerange(3, 256)
    time.sleep(FOREVER_S)


def exit_leaving_a_fork(path: str) -> None:
    """End with a grandchild that has all our descriptors, and that writes down who it is."""
    ready, told = os.pipe()
    forked = os.fork()
    if forked == 0:
        os.write(told, b"!")
        time.sleep(FOREVER_S)
        os._exit(0)
    Path(path).write_text(str(forked))
    os.read(ready, 1)
    os._exit(5)


def write_everywhere(data: bytes, then_s: float = FOREVER_S) -> None:
    """Write to whatever is open, then go on."""
    for name in os.listdir("/dev/fd"):
        if int(name) > 2:
            try:
                os.write(int(name), data)
            except OSError:
                continue
    time.sleep(then_s)


def write_everywhere_later(data: bytes) -> int:
    """Write when this has been answered."""
    threading.Timer(0.2, write_everywhere, (data, 0.0)).start()
    return os.getpid()


def stop_myself() -> str:
    os.kill(os.getpid(), signal.SIGSTOP)
    return "went on"


def stop_my_group() -> int:
    with subprocess.Popen(["sleep", "0.1"]) as process:
        os.killpg(0, signal.SIGSTOP)
        return process.wait()


def start_subprocess_and_wait(path: str) -> None:
    subprocess.Popen(["sleep", str(FOREVER_S)], stdout=subprocess.DEVNULL)
    started = psutil.Process().children()[0].pid
    Path(f"{path}.new").write_text(json.dumps([os.getpid(), started]))
    os.rename(f"{path}.new", path)
    time.sleep(FOREVER_S)


def write_pid_and_sleep(path: str) -> None:
    Path(f"{path}.new").write_text(str(os.getpid()))
    os.rename(f"{path}.new", path)
    time.sleep(FOREVER_S)
