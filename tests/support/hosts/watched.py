"""A master, a replica and the sentinels that watch them, on hosts of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from support.hosts.network import Host
from support.sentinels import Watched
from support.waiting import LIMIT_S

SERVERS = 2


class WatchedOnHosts(Watched):
    """The first server and sentinel are on the first host, the second ones on the second, and so on.

    The test reaches each by a socket, whatever becomes of the wires.
    """

    def __init__(self, folder: Path, hosts: Sequence[Host]) -> None:
        super().__init__(folder, count=len(hosts))
        self._hosts = hosts
        self._at: dict[int, Host] = {}
        # The path of a socket must be short.
        self._sockets = tempfile.TemporaryDirectory(prefix="hosts-")

    def host_of(self, port: int) -> str:
        return self._at[port].address

    def own_lines(self, port: int, folder: Path) -> list[str]:
        # Both servers are started before the sentinels.
        begun = len(self._processes)
        self._at[port] = self._hosts[begun if begun < SERVERS else begun - SERVERS]
        return [f"bind {self._at[port].address}", f"unixsocket {self._socket(port)}"]

    def within(self, port: int) -> Sequence[str]:
        return self._at[port].command

    def client(self, port: int) -> Any:
        return redis.Redis(unix_socket_path=self._socket(port), password=self.password, socket_timeout=LIMIT_S)

    def sentinel(self, port: int) -> Any:
        return redis.Redis(unix_socket_path=self._socket(port), socket_timeout=LIMIT_S)

    def stop(self) -> None:
        super().stop()
        self._sockets.cleanup()

    def _socket(self, port: int) -> str:
        return f"{self._sockets.name}/{port}"
