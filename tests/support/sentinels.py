"""A master and a replica that real sentinels watch, on loopback."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import redis

from handoff.ledger.sentinels import place
from handoff.local.process import ServerNotStarted, ServerProcess
from handoff.local.program import find_server
from handoff.local.server import PORTS_TRIED, READY_S, any_port
from support.waiting import LIMIT_S, wait_until

NEVER_MS = 3_600_000
"""A busy machine is silent for seconds: until a test wants it, no sentinel takes that for an end."""

SOON_MS = 500


class Watched:
    """Two servers that keep what they acknowledge, one a replica of the other, and sentinels that watch them."""

    def __init__(
        self,
        folder: Path,
        *,
        count: int = 1,
        service: str = "main",
        host: str = "127.0.0.1",
        sentinel_password: str = "",
        password: str = "",
    ) -> None:
        self.service, self.host, self.sentinel_password = service, host, sentinel_password
        self.password = password or secrets.token_hex(16)
        self._folder, self._count = folder, count
        self._processes: dict[int, ServerProcess] = {}
        self.servers: list[int] = []  #: their ports
        self.sentinels: list[int] = []

    def start(self) -> Self:
        """Start them all, and wait until each knows of the others."""
        keeping = ["appendonly yes", "appendfsync no", f"requirepass {self.password}", f"masterauth {self.password}"]
        master = self._start([*keeping, "repl-diskless-sync-delay 0"])
        replica = self._start([*keeping, f"replicaof {self.host_of(master)} {master}"])
        self.servers = [master, replica]
        self.await_replication(replica)
        name = f'"{self.service}"'
        watching = [
            f"sentinel monitor {name} {self.host_of(master)} {master} {self._count // 2 + 1}",
            f"sentinel auth-pass {name} {self.password}",
            f"sentinel down-after-milliseconds {name} {NEVER_MS}",
            f"sentinel failover-timeout {name} 10000",
        ]
        if self.sentinel_password:
            watching.append(f"requirepass {self.sentinel_password}")
        self.sentinels = [self._start(watching, "--sentinel") for _ in range(self._count)]
        for port in self.sentinels:
            wait_until(partial(self._knows_the_others, port), "each sentinel knows the replica and the others")
        return self

    @property
    def url(self) -> str:
        return self.url_of(self.sentinels)

    def url_of(self, sentinels: Iterable[int], *, service: str | None = None, login: str | None = None) -> str:
        """The address by these sentinels, without their password."""
        login = f":{self.password}@" if login is None else login
        places = ",".join(place(self.host_of(port), port) for port in sentinels)
        return f"redis+sentinel://{login}{places}/{quote(service or self.service, safe='')}/0"

    @property
    def master(self) -> int:
        """The port of the master that the sentinels know."""
        return int(self.state(self.sentinels[0])["port"])

    @property
    def replica(self) -> int:
        """The port of the other one."""
        (port,) = {*self.servers} - {self.master}
        return port

    def host_of(self, port: int) -> str:
        """Where others reach the one with this port."""
        return self.host

    def own_lines(self, port: int, folder: Path) -> list[str]:
        """What the settings of the one with this port say of where it listens."""
        return [f"bind {self.host}"]

    def within(self, port: int) -> Sequence[str]:
        """What begins its command line."""
        return ()

    def client(self, port: int) -> Any:
        return redis.Redis(self.host, port, password=self.password, socket_timeout=LIMIT_S)

    def sentinel(self, port: int) -> Any:
        return redis.Redis(self.host, port, password=self.sentinel_password or None, socket_timeout=LIMIT_S)

    def state(self, sentinel: int) -> dict[str, Any]:
        """What a sentinel knows of the master."""
        return dict(self.sentinel(sentinel).sentinel_masters()[self.service])

    def await_replication(self, replica: int) -> None:
        """Wait until a server is a replica that follows its master."""
        client = self.client(replica)
        follows = lambda: client.info("replication").get("master_link_status") == "up"  # noqa: E731
        wait_until(follows, "the replica follows its master")

    def await_replica(self) -> None:
        """Wait until the replica has what the master has acknowledged by now."""
        replica = self.client(self.replica)
        offset = self.client(self.master).info("replication")["master_repl_offset"]
        wait_until(lambda: replica.info("replication")["slave_repl_offset"] >= offset, "the replica has it all")

    def fail_over(self) -> None:
        """Have the sentinels make the replica the master, and the master its replica."""
        self.await_replica()
        new = self.replica
        self.sentinel(self.sentinels[0]).execute_command("SENTINEL", "FAILOVER", self.service)
        self.await_master(new)

    def kill_master(self) -> int:
        """End the master as kill -9 does, once the replica has it all. -> its port, when there is a new one"""
        self.await_replica()
        old, new = self.master, self.replica
        self.kill(old)
        self.set_down_after(SOON_MS)
        self.await_master(new)
        self.set_down_after(NEVER_MS)
        return old

    def set_down_after(self, ms: int) -> None:
        """Say for how long a server is silent that the sentinels take for down."""
        for port in self.sentinels:
            self.sentinel(port).execute_command("SENTINEL", "SET", self.service, "down-after-milliseconds", ms)

    def kill(self, port: int) -> None:
        self._processes[port].kill()

    def restart(self, port: int) -> None:
        """Start again what was killed, a server or a sentinel, where it was."""
        flags = ["--sentinel"] if port in self.sentinels else []
        self._processes[port] = self._begin(port, flags)

    def stop(self) -> None:
        for process in self._processes.values():
            process.kill()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def await_master(self, port: int) -> None:
        """Wait until a server is the master, and each sentinel says so."""
        client = self.client(port)
        wait_until(lambda: client.info("replication")["role"] == "master", "the replica is the master")
        for sentinel in self.sentinels:
            wait_until(partial(self._names, sentinel, port), "each sentinel says so")

    def _names(self, sentinel: int, port: int) -> bool:
        state = self.state(sentinel)
        return bool(state["port"] == port and state["is_master"] and not (state["is_sdown"] or state["is_odown"]))

    def _knows_the_others(self, port: int) -> bool:
        replicas = self.sentinel(port).sentinel_slaves(self.service)
        is_near = bool(replicas) and replicas[0]["master-link-status"] == "ok"
        return bool(is_near and self.state(port)["num-other-sentinels"] == self._count - 1)

    def _start(self, lines: list[str], *flags: str) -> int:
        for left in reversed(range(PORTS_TRIED)):
            port = any_port()
            folder = self._folder / str(port)
            folder.mkdir(parents=True)
            own = [*self.own_lines(port, folder), f"port {port}", f"dir {folder}", ""]
            (folder / "redis.conf").write_text("\n".join((*lines, *own)))
            try:
                self._processes[port] = self._begin(port, flags)
            except ServerNotStarted as error:
                if not left or "Address already in use" not in error.said:
                    raise
            else:
                return port
        raise AssertionError("unreachable")

    def _begin(self, port: int, flags: Iterable[str]) -> ServerProcess:
        folder = self._folder / str(port)
        process = ServerProcess([*self.within(port), *find_server(), str(folder / "redis.conf"), *flags], folder)
        if not flags:
            process.await_ready(READY_S)
            return process
        # A sentinel does not say when it is ready.
        answers: Callable[[], bool] = lambda: not process.runs or self._answers(port)  # noqa: E731
        wait_until(answers, "the sentinel answers")
        if not process.runs:
            process.await_ready(READY_S)
        return process

    def _answers(self, port: int) -> bool:
        try:
            return bool(self.sentinel(port).ping())
        except redis.ConnectionError:
            return False
