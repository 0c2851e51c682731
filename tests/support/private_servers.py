"""Private servers, and programs that pass for them."""

from __future__ import annotations

from pathlib import Path

import psutil
import redis

from handoff.local.server import RedisServer
from support.waiting import LIMIT_S

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
