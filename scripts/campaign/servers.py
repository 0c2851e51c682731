"""Two Redis servers that keep what they acknowledge, one a replica of the other, and what may be done to them."""

from __future__ import annotations

import contextlib
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from handoff.local.process import ServerNotStarted, ServerProcess
from handoff.local.program import find_server
from handoff.local.server import PORTS_TRIED, READY_S, any_port

GIVE_UP_S = 120.0
"""How long a busy machine may take for what takes a moment."""


class Never(RuntimeError):
    """What must come did not: the campaign itself has failed, and says nothing of what it looks at."""


def wait_until(holds: Callable[[], bool], what: str, seconds: float = GIVE_UP_S) -> None:
    """Look again and again; raise `Never` after so long."""
    limit_s = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > limit_s:
            raise Never(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


class Server:
    """One server on a port of its own; what it has acknowledged survives its process."""

    def __init__(self, folder: Path, password: str) -> None:
        folder.mkdir()
        self._folder, self._password = folder, password
        self.port = 0
        for left in reversed(range(PORTS_TRIED)):
            self.port = any_port()
            try:
                self._process = self._begin(())
                break
            except ServerNotStarted as error:
                if not left or "Address already in use" not in error.said:
                    raise

    def client(self, seconds: float = GIVE_UP_S) -> Any:
        """A client of this server itself."""
        return redis.Redis("127.0.0.1", self.port, password=self._password, socket_timeout=seconds)

    def cut_all(self) -> None:
        """Break all connections of clients."""
        client = self.client()
        for kind in ("normal", "pubsub"):
            client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def signal(self, number: int) -> None:
        self._process.signal(number)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self._process.kill()

    def stop(self) -> None:
        self._process.stop()

    def start(self, *settings: str) -> None:
        """Start it again with what it kept."""
        self._process = self._begin(settings)

    def _begin(self, settings: tuple[str, ...]) -> ServerProcess:
        lines = (
            "bind 127.0.0.1", f"port {self.port}", "dir .", 'save ""', "appendonly yes", "appendfsync no",
            f"requirepass {self._password}", f"masterauth {self._password}", "repl-diskless-sync-delay 0",
            "maxmemory-policy noeviction", "stream-node-max-bytes 256", 'logfile ""', *settings, "",
        )  # fmt: skip
        config = self._folder / "redis.conf"
        config.write_text("\n".join(lines))
        process = ServerProcess([*find_server(), str(config)], self._folder)
        process.await_ready(READY_S)
        return process


class Pair:
    """A master and its replica. `when_moved` is told of the port of a new master, before that takes anything."""

    def __init__(self, folder: Path) -> None:
        self.password = secrets.token_hex(16)
        self.master = Server(folder / "one", self.password)
        self.replica = Server(folder / "two", self.password)
        self.replica.client().replicaof("127.0.0.1", self.master.port)
        self.when_moved: Callable[[int], None] = lambda port: None

    def url(self, port: int) -> str:
        """The address by way of a port that leads to the master."""
        return f"redis://:{self.password}@127.0.0.1:{port}/0"

    def is_in_sync(self) -> bool:
        """Whether the replica follows the master."""
        try:
            return str(self.replica.client(1.0).info("replication").get("master_link_status")) == "up"
        except redis.RedisError:
            return False

    def pause_writes(self) -> None:
        """Let the master write nothing; who wants to, waits."""
        self.master.client().execute_command("CLIENT", "PAUSE", int(GIVE_UP_S * 1000), "WRITE")

    def let_write(self) -> None:
        self.master.client().client_unpause()

    def fail_over(self) -> None:
        """Make the replica the master when it has all that was acknowledged, and the master its replica."""
        old, new = self.master, self.replica
        self.pause_writes()
        self._await_replica()
        new.client().replicaof("NO", "ONE")
        self.when_moved(new.port)
        old.client().replicaof("127.0.0.1", new.port)
        old.client().client_unpause()
        self.master, self.replica = new, old

    def fall_behind(self) -> None:
        """Let the replica keep what there is at this moment, and hear of nothing more."""
        self.pause_writes()
        try:
            self._await_replica()
            # Who is still there from when it was the master would write into what nobody else sees.
            self.replica.cut_all()
            self.replica.client().replicaof("NO", "ONE")
        finally:
            self.let_write()

    def catch_up(self) -> None:
        """Let it follow its master again."""
        self.replica.client().replicaof("127.0.0.1", self.master.port)

    def go_back(self) -> None:
        """Make the replica that has fallen behind the master: what was acknowledged since then is gone."""
        old, new = self.master, self.replica
        self.when_moved(new.port)
        old.client().replicaof("127.0.0.1", new.port)
        self.master, self.replica = new, old

    @contextlib.contextmanager
    def copy(self) -> Iterator[Any]:
        """All that there is at one moment, as a server of its own; the replica is that meanwhile."""
        self.fall_behind()
        try:
            yield self.replica.client()
        finally:
            self.catch_up()

    def _await_replica(self) -> None:
        acknowledged = self.master.client().info("replication")["master_repl_offset"]
        has_it_all: Callable[[], bool] = lambda: (  # noqa: E731
            self.replica.client().info("replication")["slave_repl_offset"] >= acknowledged
        )
        wait_until(has_it_all, "the replica has all that its master has acknowledged")

    def stop(self) -> None:
        for server in (self.master, self.replica):
            server.signal(signal.SIGCONT)
            server.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
