"""Users of a Redis server, with rights of their own."""

from __future__ import annotations

import uuid

import redis

from handoff.local.server import RedisServer

ALL = ("~*", "&*", "+@all")

ONLY_SCRIPTS = (*ALL, "-fcall", "-fcall_ro", "-function")
"""As on a server that has no Functions."""

ONLY_FUNCTIONS = (*ALL, "-eval", "-evalsha", "-eval_ro", "-evalsha_ro", "-script")


def add_user(server: RedisServer, *rights: str) -> str:
    """Add a user with these rights. -> the address to log in by"""
    name = f"u{uuid.uuid4().hex[:8]}"
    with redis.Redis.from_url(server.url) as admin:
        admin.execute_command("ACL", "SETUSER", name, "on", ">secret", *rights)
    return f"redis://{name}:secret@127.0.0.1:{server.port}/0"
