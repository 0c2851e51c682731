"""The Redis server that one system has for itself, and the CPU it uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from handoff.local.server import RedisServer


@contextmanager
def private_server(everysec: bool) -> Iterator[tuple[str, Any]]:
    """A fresh server; `everysec`: with an append-only file that is synced every second. -> its URL, a client"""
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        if everysec:
            client.config_set("appendfsync", "everysec")
            client.config_set("appendonly", "yes")
        yield server.url, client


def cpu_s(client: Any) -> float:
    """CPU seconds so far of the thread that does all the work, the network included."""
    info = client.info("cpu")
    return float(info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"])
