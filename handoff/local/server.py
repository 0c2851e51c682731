"""A private Redis server, from its start to its removal.

For `LocalCluster` and tests only; nothing else of the package imports it. Knows nothing of nodes or functions.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self

from handoff.ledger.server_faults import PRIVATE_FOLDER
from handoff.local.process import ServerNotStarted, ServerProcess
from handoff.local.program import find_server

READY_S = 30.0
"""How long a server may take to be ready: some 0.03 s on an idle machine, more where it loads an append-only file."""

PORTS_TRIED = 20
"""How many random ports may be found taken before the start is given up."""


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
        self,
        *,
        appendonly: bool = False,
        command: Sequence[str] | None = None,
        ready_s: float = READY_S,
        port: int | None = None,
    ) -> None:
        """Prepare a server; `appendonly` keeps all it acknowledged over `kill` and `restart`.

        `port` is the one of loopback to have; without it any that is free.
        """
        self._appendonly, self._ready_s = appendonly, ready_s
        self._command = list(command) if command is not None else None
        self._password = secrets.token_hex(16)
        self._wanted_port, self._port = port, 0
        self._folder: Path | None = None
        self._process: ServerProcess | None = None
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
        self._folder = Path(tempfile.mkdtemp(prefix=PRIVATE_FOLDER))
        atexit.register(self.stop)
        try:
            for left in reversed(range(PORTS_TRIED)):
                self._port = self._wanted_port or any_port()
                try:
                    self._begin(command)
                    break
                except ServerNotStarted as error:
                    if not left or self._wanted_port or "Address already in use" not in error.said:
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

    @property
    def ended(self) -> Future[int]:
        """The end of the process that was started last, by itself too: its exit code, negative of a signal."""
        if self._process is None:
            raise RuntimeError("the server never ran: start() it first")
        return self._process.ended

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

    def _running(self) -> ServerProcess:
        if self._process is None or not self._process.runs:
            raise RuntimeError("the server is not running: start() it, or restart() it after kill()")
        return self._process

    def _begin(self, command: Sequence[str]) -> None:
        assert self._folder is not None
        # A file in the private folder: every local user can read the command line of a process.
        config = self._folder / "redis.conf"
        config.write_text(self._config(), encoding="utf-8")
        self._process = ServerProcess([*command, str(config)], self._folder)
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
