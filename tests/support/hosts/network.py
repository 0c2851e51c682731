"""Hosts that a test makes: a network namespace each, and a wire to all others."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

import pytest

from support.hosts.wires import Switch, Wire
from support.waiting import LIMIT_S

Result = TypeVar("Result")

CLONE_NEWNET = 0x40000000

_HELD = "ip link set lo up && echo up && read end"
"""Holds a namespace until its input ends: with the process of the test, however that ends."""


class Host:
    """A namespace with one address; it is there for as long as `holder` runs."""

    def __init__(self, name: str) -> None:
        self.name, self.wire, self.address = name, Wire(), ""
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", _HELD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == "up\n"
        self._pool = ThreadPoolExecutor(1, f"host-{name}", self._enter)

    @property
    def command(self) -> list[str]:
        """What a command line begins with that is to run there; the process is that of the command."""
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]

    def call(self, function: Callable[[], Result]) -> Result:
        """Call something in a thread that opens its connections there; one after the other."""
        return self.begin(function).result(LIMIT_S)

    def begin(self, function: Callable[[], Result]) -> Future[Result]:
        """As `call`, and go on meanwhile."""
        return self._pool.submit(function)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        for pipe in (self.holder.stdin, self.holder.stdout):
            assert pipe is not None
            pipe.close()
        self.holder.wait(LIMIT_S)

    def _enter(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/proc/{self.holder.pid}/ns/net") as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter the namespace of {self.name}")


class Network:
    """Hosts by name, each of which reaches all others by `address`."""

    def __init__(self, *names: str) -> None:
        self.hosts: dict[str, Host] = {}
        self._switch = Switch()
        try:
            for name in names:
                self._add(name)
            self._switch.start()
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def _add(self, name: str) -> None:
        host = self.hosts[name] = Host(name)
        interface, host.address = self._switch.plug(host.wire)
        run("ip", "link", "set", "dev", interface, "netns", str(host.holder.pid))
        run(*host.command, "ip", "address", "add", f"{host.address}/24", "dev", interface)
        run(*host.command, "ip", "link", "set", "dev", interface, "up")

    def close(self) -> None:
        self._switch.close()
        for host in self.hosts.values():
            host.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=LIMIT_S)


def why_not() -> str:
    """Why no hosts can be made here; '' where they can."""
    lacking = [program for program in ("ip", "nsenter", "unshare") if shutil.which(program) is None]
    if lacking:
        return f"no network namespaces can be made here: {', '.join(lacking)} is not installed"
    if not os.path.exists("/dev/net/tun"):
        return "no network can be made between namespaces here: there is no /dev/net/tun"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, timeout=LIMIT_S)
    return f"no network namespaces may be made here: {tried.stderr.strip()}" if tried.returncode else ""


def need_namespaces() -> None:
    """Skip what needs hosts of its own where they may not be made, and say why."""
    if reason := why_not():
        pytest.skip(reason)
