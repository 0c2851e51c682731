"""Private servers, and programs that pass for them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import psutil
import redis

from handoff.local.program import find_server
from handoff.local.server import RedisServer
from support.waiting import LIMIT_S, wait_until

SAYS_READY = "echo '* Ready to accept connections'"


def client(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, socket_timeout=LIMIT_S)


def folder_of(server: RedisServer) -> Path:
    return Path(psutil.Process(server.pid).cwd())


def program(path: Path, script: str = "exit 1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def replicate(replica: RedisServer, master: RedisServer) -> None:
    """Make one server the replica of another, whose password it takes on; returns when it has all that there is."""
    password = master.url.split(":")[2].split("@")[0]
    client(master).config_set("repl-diskless-sync-delay", 0)
    own: Any = client(replica)
    own.config_set("masterauth", password)
    own.config_set("requirepass", password)
    own.replicaof("127.0.0.1", master.port)
    wait_until(lambda: own.info("replication")["master_link_status"] == "up", "the replica has what its master has")


def fail_over(master: RedisServer, replica: RedisServer) -> None:
    """Make the replica the master, and the master its replica, when the one has all that the other acknowledged."""
    old: Any = client(master)
    new: Any = redis.Redis.from_url(master.url.replace(f":{master.port}/", f":{replica.port}/"))
    old.wait(1, 0)
    new.replicaof("NO", "ONE")
    old.config_set("masterauth", master.url.split(":")[2].split("@")[0])
    old.replicaof("127.0.0.1", replica.port)


def server_of(folder: Path, *settings: str) -> RedisServer:
    """Prepare a server as somebody else would run it: with its data in this folder, and these settings at last."""
    (folder / "data").mkdir(parents=True)
    command = shlex.join(find_server())
    given = shlex.join(["--dir", str(folder / "data"), *settings])
    return RedisServer(command=[str(program(folder / "server", f'exec {command} "$1" {given}'))])
