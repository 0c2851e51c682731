"""Many calls of real scripts: noted as the product would make them, sent as fast as Redis takes them.

Knows no script: what is sent is what a cluster, a handle or an agent would have sent, but for the ids.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

import redis

from handoff.ledger.lua.loader import CONTEXT_ARGUMENTS, Script
from handoff.ledger.store import ScriptBug, Store

BATCH = 250
"""Calls that go out together; one batch is packed while the server works on another."""

Reply = list[Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a script, not made yet."""

    script: Script
    arguments: list[Any]

    def but(self, **changed: Any) -> Call:
        """The same call with other arguments, by the names in the script's header."""
        arguments = self.arguments.copy()
        for name, value in changed.items():
            arguments[len(CONTEXT_ARGUMENTS) + self.script.args.index(name)] = value
        return Call(self.script, arguments)


class _Noted(Exception):
    """Takes a call from the middle of whoever was about to make it."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.call = call


class BulkStore(Store):
    """A store that can also note a call in place of making it, and make any number at once."""

    _notes = False

    def note(self, act: Callable[[], object]) -> Call:
        """Return the first call of a script in `act`, which ends there."""
        self._notes = True
        try:
            act()
        except _Noted as noted:
            return noted.call
        finally:
            self._notes = False
        raise AssertionError("nothing called a script")

    def make(self, call: Call) -> Reply:
        """Make one call in one round trip."""
        return self._once(call.script, call.arguments)

    def pour(self, calls: Iterable[Call]) -> Iterator[Reply]:
        """Make all calls in order. -> their replies, the tags as bytes"""
        pool: Any = self.client.connection_pool
        connection: Any = pool.get_connection()
        loaded: set[str] = set()
        under_way: deque[list[Call]] = deque()
        left = iter(calls)
        done = False
        try:
            while not done or under_way:
                if batch := list(islice(left, BATCH)):
                    for script in {call.script.sha: call.script for call in batch}.values():
                        if script.sha not in loaded:
                            self.client.script_load(script.text)
                            loaded.add(script.sha)
                    packed = connection.pack_commands(
                        [("EVALSHA", call.script.sha, 1, self._prefix, *call.arguments) for call in batch]
                    )
                    connection.send_packed_command(packed, check_health=False)
                    under_way.append(batch)
                done = not batch
                if len(under_way) > (0 if done else 1):
                    for call in under_way[0]:
                        yield self._read(connection, call.script)
                    under_way.popleft()
        finally:
            # Whoever stops half-way leaves replies unread.
            if under_way:
                connection.disconnect()
            pool.release(connection)

    def _read(self, connection: Any, script: Script) -> Reply:
        try:
            reply: Reply = connection.read_response()
        except redis.ResponseError as error:
            raise ScriptBug(f"{script.name}: {script.locate(str(error))}") from error
        return reply

    def run_noting(self, script: str, *rest: Any, **arguments: Any) -> tuple[Reply, bool]:
        if self._notes:
            self._note(script, rest, arguments)
        return super().run_noting(script, *rest, **arguments)

    def attempt(self, script: str, *rest: Any, **arguments: Any) -> Reply:
        if self._notes:
            self._note(script, rest, arguments)
        return super().attempt(script, *rest, **arguments)

    def _note(self, script: str, rest: tuple[Any, ...], arguments: dict[str, Any]) -> NoReturn:
        raise _Noted(Call(*self._prepare(script, rest, arguments)))
