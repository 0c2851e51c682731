"""Connections to Redis, and what is said of those that fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from redis.sentinel import Sentinel

from handoff.local.server import RedisServer

NODE = {"cpu": 2}

# redis-py has no types for these.
sentinel_of: Any = Sentinel

blocking_pool: Any = redis.BlockingConnectionPool

connection_class: Any = redis.connection.Connection


def command(client: redis.Redis, *words: str) -> Any:
    execute: Callable[..., Any] = client.execute_command
    return execute(*words)


def settings(client: redis.Redis) -> dict[str, Any]:
    return dict(client.connection_pool.connection_kwargs)


def password_of(server: RedisServer) -> str:
    return server.url.split(":")[2].split("@")[0]


def assert_one_sentence(error: BaseException, *secrets: str) -> None:
    text = str(error)
    assert "\n" not in text
    assert ". " not in text
    assert not [secret for secret in secrets if secret in text]
