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

from handoff.ledger.asking import ScriptBug
from handoff.ledger.lua.assembly import CONTEXT_ARGUMENTS
from handoff.ledger.lua.loader import Script
from handoff.ledger.store import Store, at_once

BATCH = 250
"""Calls that go out together; one batch is packed while the server works on another."""

Reply = list[Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a script, not made yet."""

    script: Script
    arguments: list[Any]  #: the prefix of keys, those of the context, and its own

    def but(self, **changed: Any) -> Call:
        """The same call with other arguments, by the names in the script's header."""
        arguments = self.arguments.copy()
        for name, value in changed.items():
            arguments[1 + len(CONTEXT_ARGUMENTS) + self.script.args.index(name)] = value
        return Call(self.script, arguments)


class _Noted(Exception):
    """Takes a call from the middle of whoever was about to make it."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.call = call


class BulkStore(Store):
    """A store that can also note a call in place of making it, and make any number at once."""

    _notes = False
    _is_function = False

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        super().__init__(client, namespace)
        self._given: set[str] = set()  #: scripts that the server has

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
        return at_once(self.asking._once(call.script, call.arguments))

    def pour(self, calls: Iterable[Call]) -> Iterator[Reply]:
        """Make all calls in order. -> their replies, the tags as bytes"""
        pool: Any = self.client.connection_pool
        connection: Any = pool.get_connection()
        under_way: deque[list[Call]] = deque()
        left = iter(calls)
        # The first shows in which form they are called, and brings what the server lacks for that.
        yield from map(self._first, islice(left, 1))
        done = False
        try:
            while not done or under_way:
                if batch := list(islice(left, BATCH)):
                    self._give(batch)
                    packed = connection.pack_commands([self._command(call) for call in batch])
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

    def _first(self, call: Call) -> Reply:
        async def execute(*command: Any) -> Any:
            self._is_function = command[0] == "FCALL"
            return self.way.execute(*command)

        tag, *rest = at_once(self.asking._once(call.script, call.arguments, execute))
        return [tag.encode(), *rest]

    def _give(self, batch: list[Call]) -> None:
        """Bring the scripts of these calls to the server, where they are called as such."""
        for script in {call.script.sha: call.script for call in batch}.values():
            if not self._is_function and script.sha not in self._given:
                self.client.script_load(script.text)
                self._given.add(script.sha)

    def _command(self, call: Call) -> tuple[Any, ...]:
        if self._is_function:
            return self.asking._forms.beside(("FCALL",), call.script, call.arguments)
        return ("EVALSHA", call.script.sha, 1, *call.arguments)

    def _read(self, connection: Any, script: Script) -> Reply:
        try:
            reply: Reply = connection.read_response()
        except redis.ResponseError as error:
            raise ScriptBug(f"{script.name}: {self.asking._forms.locate(script, str(error))}") from error
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
        raise _Noted(Call(*self.asking._prepare(script, rest, arguments)))
