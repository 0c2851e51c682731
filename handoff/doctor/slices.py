"""Reading some keys as of one moment: one script, of about a millisecond, that only reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from handoff.doctor.picture import Picture, uptime_ms
from handoff.ledger.keys import SCHEMA
from handoff.ledger.store import Store

UNLIMITED = -1
"""What PTTL says of a key that does not expire."""


class Many(Collection[str]):
    """So many members of which none was read."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        raise TypeError("its members were not read")

    def __contains__(self, member: object) -> bool:
        raise TypeError("its members were not read")


def text(value: Any) -> str:
    """A value as pictures have it: byte by byte."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class Slice:
    """Collects what is to be read, by names of the schema; `read` reads all of it at one moment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._arguments: list[Any] = []
        self._sinks: list[Callable[[Any], None]] = []
        self._keys: list[str] = []
        self._own: dict[str, Any] = {}
        self._rq: dict[str, Any] = {}
        self._seen: set[tuple[Any, ...]] = set()
        self._mistyped: list[str] = []
        self._lasting: set[str] = set()

    def __len__(self) -> int:
        return len(self._sinks)

    def _add(
        self, command: str, name: str, of: str, arguments: Sequence[Any], sink: Callable[[Any, Any, str], None]
    ) -> None:
        if (command, name, of, *arguments) in self._seen:
            return
        self._seen.add((command, name, of, *arguments))
        row = SCHEMA[name]
        keys, key = (self._rq if row.rq else self._own), row.path + of
        self._arguments += [command, len(arguments) + 1, self._full(name, of), *arguments]
        self._keys.append(key)
        self._sinks.append(lambda reply: sink(reply, keys, key))

    def _full(self, name: str, of: str) -> bytes:
        return self._store.keys(name, of).encode("latin-1")

    def hash(self, name: str, of: str = "") -> None:
        """All of a hash."""

        def sink(flat: Any, keys: Any, key: str) -> None:
            if flat:
                keys[key] = {text(flat[i]): text(flat[i + 1]) for i in range(0, len(flat), 2)}

        self._add("HGETALL", name, of, (), sink)

    def fields(self, name: str, of: str, fields: Sequence[str]) -> None:
        """Some fields of a hash, which is absent where none of them is there."""

        def sink(values: Any, keys: Any, key: str) -> None:
            found = {field: text(value) for field, value in zip(fields, values, strict=True) if value is not None}
            if found:
                keys.setdefault(key, {}).update(found)

        if fields:
            self._add("HMGET", name, of, tuple(each.encode("latin-1") for each in fields), sink)

    def score(self, name: str, of: str, member: str) -> None:
        """The score of one member of a sorted set."""

        def sink(score: Any, keys: Any, key: str) -> None:
            if score is not None:
                keys.setdefault(key, {})[member] = float(score)

        self._add("ZSCORE", name, of, (member.encode("latin-1"),), sink)

    def scored(self, name: str, of: str = "", *, at: int | None = None, most: int = -1) -> None:
        """The first members of a sorted set (or all), or those of one score."""

        def sink(flat: Any, keys: Any, key: str) -> None:
            if flat:
                scores = {text(flat[i]): float(flat[i + 1]) for i in range(0, len(flat), 2)}
                keys.setdefault(key, {}).update(scores)

        if at is None:
            self._add("ZRANGE", name, of, (0, most - 1 if most > 0 else -1, "WITHSCORES"), sink)
        else:
            self._add("ZRANGEBYSCORE", name, of, (at, at, "WITHSCORES"), sink)

    def member(self, name: str, of: str, member: str) -> None:
        """Whether something is in a set."""

        def sink(is_in: Any, keys: Any, key: str) -> None:
            if is_in:
                keys.setdefault(key, set()).add(member)

        self._add("SISMEMBER", name, of, (member.encode("latin-1"),), sink)

    def members(self, name: str, of: str) -> None:
        """All of a set."""

        def sink(found: Any, keys: Any, key: str) -> None:
            if found:
                keys[key] = {text(each) for each in found}

        self._add("SMEMBERS", name, of, (), sink)

    def entry(self, name: str, of: str, member: str) -> None:
        """Whether something is in a list, and whether twice."""

        def sink(positions: Any, keys: Any, key: str) -> None:
            if positions:
                keys.setdefault(key, []).extend([member] * len(positions))

        self._add("LPOS", name, of, (member.encode("latin-1"), "COUNT", 2), sink)

    def size(self, name: str, of: str) -> None:
        """How many something has: what else is asked of it raises."""
        command = {"HASH": "HLEN", "SET": "SCARD", "ZSET": "ZCARD", "LIST": "LLEN", "STREAM": "XLEN"}[SCHEMA[name].type]

        def sink(count: Any, keys: Any, key: str) -> None:
            if count:
                keys[key] = count if command == "XLEN" else Many(count)

        self._add(command, name, of, (), sink)

    def string(self, name: str, of: str = "") -> None:
        """All of a string, a bitmap above all."""

        def sink(value: Any, keys: Any, key: str) -> None:
            if value is not None:
                keys[key] = value

        self._add("GET", name, of, (), sink)

    def bit(self, name: str, of: str, position: int) -> None:
        """One bit of a bitmap."""

        def sink(bit: Any, keys: Any, key: str) -> None:
            if not isinstance(keys.get(key), dict):
                keys[key] = {}
            keys[key][position] = int(bit)

        self._add("GETBIT", name, of, (position,), sink)

    def exists(self, name: str, of: str) -> None:
        """Whether there is a key, of whatever type."""

        def sink(count: Any, keys: Any, key: str) -> None:
            if count:
                keys.setdefault(key, True)

        self._add("EXISTS", name, of, (), sink)

    def expiry(self, name: str, of: str) -> None:
        """Whether a key expires; one that is not there does."""

        def sink(left_ms: Any, keys: Any, key: str) -> None:
            if left_ms == UNLIMITED:
                self._lasting.add(key)

        self._add("PTTL", name, of, (), sink)

    def read(self) -> Picture:
        """Read all of it, as of one moment. Raises `StoreUnavailable`."""
        self.hash("clock")
        _, wall_ms, replies = self._store.run("read_keys", *self._arguments)
        for sink, key, reply in zip(self._sinks, self._keys, replies, strict=True):
            if isinstance(reply, Exception):
                self._mistyped.append(key)
            else:
                sink(reply)
        now_ms = uptime_ms(wall_ms, self._own.get("clock", {}))
        return Picture(self._store.namespace, self._own, self._rq, now_ms, self._mistyped, self._lasting)
