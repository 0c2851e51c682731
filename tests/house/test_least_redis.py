"""Redis 6.2 has all that Handoff asks of a server: of commands that came later, only those that the user asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from handoff.ledger.server_faults import OLDEST_REDIS
from handoff.local.server import RedisServer

ROOT = Path(__file__).resolve().parents[2]

ASKED_FOR = {"WAITAOF", "FCALL", "FUNCTION"}
"""The first where a submit is to be on disk when it returns: then the server is to be of 7.2. The others are for those
that have them; all else is sent scripts."""

LATER_OPTIONS = re.compile(r"'(P?EXPIRE|PEXPIREAT)'[^)]*'(NX|XX|GT|LT)'|'BITPOS'[^)]*'BI[TY]")
"""Options that commands of 6.2 have since 7.0."""


def test_scripts_and_clients_use_no_command_that_is_newer_than_the_oldest_server(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url, protocol=3) as client:
        documented: Any = client.execute_command("COMMAND DOCS")
        # Modules do not say it of theirs.
        dated = {name.decode().upper(): of[b"since"].decode() for name, of in documented.items() if b"since" in of}
    since = {name: version_of(text) for name, text in dated.items()}

    assert since["LMPOP"] > OLDEST_REDIS >= since["HSET"]
    used = set(in_scripts()) | (set(in_python()) & since.keys() - ASKED_FOR)
    assert len(used) > 40
    assert {name: since[name] for name in used if since[name] > OLDEST_REDIS} == {}


def test_scripts_use_no_option_that_is_newer_than_the_oldest_server() -> None:
    assert LATER_OPTIONS.search("redis.call('PEXPIRE', key, ms, 'GT')")
    for path in (ROOT / "handoff/ledger/lua").rglob("*.lua"):
        assert not LATER_OPTIONS.search(path.read_text(encoding="utf-8")), path


def version_of(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


def in_scripts() -> Iterator[str]:
    for path in (ROOT / "handoff/ledger/lua").rglob("*.lua"):
        yield from re.findall(r"redis\.p?call\('([A-Z]+)'", path.read_text(encoding="utf-8"))


def in_python() -> Iterator[str]:
    """Every word in capitals, of which some are no commands."""
    for folder in ("handoff", "workers/handoff_worker"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isupper():
                    yield node.value.split()[0]
