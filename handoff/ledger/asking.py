"""How Redis is asked: again when a reply is lost, and for how long; what an error means, and what is told of it.

All of it stands here once, as code that awaits. `store` sends and reads for those who wait in their thread, `aio` for
those who wait in an event loop. Knows no operation; every operation is a script that answers a repeat as it answered
the first time, which is what makes asking again safe. (redis-py's own silent re-sending is switched off: one call could
apply its script thrice.)
"""

from __future__ import annotations

import abc
import copy
import functools
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from math import inf
from typing import Any, Literal, Self, TypeVar, cast

import redis

from handoff.errors import OtherLayout, StoreUnavailable
from handoff.ledger import layout
from handoff.ledger.connection import REUSED_S, SILENCE_S, silence
from handoff.ledger.forms import Forms
from handoff.ledger.keys import Keys, prefix
from handoff.ledger.lua.assembly import OTHER_LAYOUT
from handoff.ledger.lua.loader import Script
from handoff.ledger.passwords import hide
from handoff.ledger.refusals import cause_may_pass, has_stepped_down, is_refusal
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.ledger.sentinels import UnknownService
from handoff.ledger.turns import Turn, turn_of
from handoff.ledger.unavailable import unavailable

GIVE_UP_AFTER_S = 3.5
"""No new attempt starts later than this after the first, of a time-out of 5 s: a closed port is told within that."""

SHORTEST_SILENCE_S = 1.0
"""However little time is left, a server that is there has as long to answer, or a quarter of the time-out."""

LONGEST_PAUSE_S = 2.0

LONGEST_OUTAGE_S = 60.0
"""Who waits for something without a limit of time outlasts as much, once it has begun to wait."""

_LOST = (redis.ConnectionError, redis.TimeoutError)

T = TypeVar("T")

Command = tuple[Any, ...]

Entries = Sequence[tuple[bytes, Mapping[bytes, bytes]]]
"""What a stream has: of each entry its id and fields, in the order in which they came."""


class ScriptBug(RuntimeError):
    """A script raised an error or answered what its header does not list: a defect of Handoff."""


def unlisted(script: str, reply: object) -> ScriptBug:
    """The error for a reply that the script's header does not list."""
    return ScriptBug(f"{script} answered {reply!r}, which its header does not list")


class Ledger(abc.ABC):
    """One namespace on one Redis, as code asks it that awaits."""

    namespace: str
    keys: Keys
    address: str
    turn: Turn  #: shared with all of this process that wait on the namespace

    @property
    @abc.abstractmethod
    def now_ms(self) -> int:
        """0 = the server's clock; tests set their own."""

    @property
    @abc.abstractmethod
    def timeout_s(self) -> float:
        """How long a call asks a server that is away or silent before it gives up."""

    @abc.abstractmethod
    def until(self, deadline_s: float, *, is_reached: bool = False) -> Ledger:
        """The same for whoever waits until then, by `time.monotonic()`, and whose own deadline rules.

        It asks a silent server again until then; one that is away or refuses too, once it has been reached.
        """

    @abc.abstractmethod
    async def run(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        """Run an operation, again if its reply was lost. -> its reply, the tag as str.

        Raises `StoreUnavailable` when Redis stays away, `ScriptBug` when the script itself fails, `OtherLayout`.
        """

    @abc.abstractmethod
    async def run_noting(self, script: str, *rest: Any, **arguments: Any) -> tuple[list[Any], bool]:
        """As `run`, and whether an earlier attempt may have been applied without its reply arriving."""

    @abc.abstractmethod
    async def run_and_wait(
        self, wait: Callable[[float], Command], script: str, *rest: Any, **arguments: Any
    ) -> tuple[list[Any], Any]:
        """As `run`, and wait for what it wrote: by a command behind it, on its connection and in its round trip.

        `wait` is told the seconds that are left of the time-out. -> the script's reply, and that of the command
        (perhaps an error)
        """

    @abc.abstractmethod
    async def attempt(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        """Run an operation once, for those who have better things to do than to insist.

        `StoreUnavailable` does not say whether the script was applied: ask again with the same arguments.
        """

    @abc.abstractmethod
    async def aside(self, call: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Do once what a wait does not depend on: a server that refuses to write may be read all the same.

        Raises `StoreUnavailable` where that has failed for as long as who waits outlasts an outage.
        """

    @abc.abstractmethod
    async def read(self, command: str, *arguments: Any) -> Any:
        """One plain read, again if the connection broke."""

    @abc.abstractmethod
    async def read_each(self, commands: Sequence[Command]) -> list[Any]:
        """Plain reads in one round trip, between which others are served: for so many that they take long together."""

    @abc.abstractmethod
    async def once(self, commands: Sequence[Command]) -> list[Any]:
        """Plain commands in one round trip, once. -> their replies. Raises the first error among them."""

    @abc.abstractmethod
    async def glance(self, commands: Sequence[Command], silence_s: float = SHORTEST_SILENCE_S) -> list[Any]:
        """Plain reads in one round trip, once and with little patience. -> of each its reply, or its error"""

    @abc.abstractmethod
    async def entries(self, stream: str, after: bytes, seconds: float) -> Entries:
        """Wait on the server until a stream has entries after that one, for at most so long. -> those it has"""

    @abc.abstractmethod
    async def has_any(self, after: Mapping[str, bytes], seconds: float) -> bool:
        """Wait on the server until one of these streams has an entry after that one, for at most so long. -> if so"""

    @abc.abstractmethod
    async def rest(self, seconds: float) -> None:
        """Let time pass, if that is more than none, before the server is asked again for much at once."""

    @abc.abstractmethod
    def spaced(self, seconds: float) -> float:
        """How long one of all that wait here goes without a look, where one that is alone goes for so long."""


class Asking(Ledger):
    """What an attempt is, and what follows from its end. How to send, to read and to pause is for others to say."""

    now_ms: int = 0
    timeout_s: float = SILENCE_S

    def __init__(
        self,
        namespace: str,
        address: str,
        *,
        now_ms: int = 0,
        when_reached: Callable[[], Awaitable[None]] | None = None,
        timeout_s: float = SILENCE_S,
    ) -> None:
        """`when_reached` is called once the server has answered a call that insists."""
        self.namespace = namespace
        self.keys = Keys(namespace, RQ_KEY_PREFIX)
        self.address = address
        self.now_ms = now_ms
        self.timeout_s = timeout_s
        self.turn = turn_of(address, namespace)
        self._prefix = prefix(namespace)
        self._until_s: float | None = None  #: see `until`
        self._is_reached = False
        self._refused_since_s: float | None = None  #: see `aside`
        self._when_reached = when_reached
        self._forms = Forms(RQ_KEY_PREFIX)

    @abc.abstractmethod
    async def _ask(self, *command: Any) -> Any:
        """Send a command. -> its reply as it came"""

    @abc.abstractmethod
    async def _execute(self, *command: Any) -> Any:
        """Send a command. -> its reply, as redis-py reads it"""

    @abc.abstractmethod
    async def _together(self, commands: Sequence[Command], *, raise_on_error: bool = True) -> list[Any]:
        """Send commands together. -> of each its reply as redis-py reads it, or its error"""

    @abc.abstractmethod
    async def _in_one_trip(self, commands: Sequence[Command], last_s: float) -> list[Any]:
        """Send commands together, of which the last may take so long. -> of each its reply as it came, or its error"""

    @abc.abstractmethod
    async def _pause(self, seconds: float) -> None:
        """Let time pass."""

    @abc.abstractmethod
    async def _drop_idle(self) -> None:
        """Have the next attempt connect anew: what the others in the pool lead to is no better."""

    @abc.abstractmethod
    def _passwords(self) -> set[str]:
        """Those that an error may repeat."""

    @property
    def form(self) -> Literal["functions", "scripts"]:
        """In which form the server takes operations, by what it has answered so far."""
        return self._forms.used

    def until(self, deadline_s: float, *, is_reached: bool = False) -> Self:
        waiting = copy.copy(self)
        waiting._until_s, waiting._is_reached = deadline_s, is_reached
        return waiting

    async def run(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        return (await self.run_noting(script, *rest, **arguments))[0]

    async def run_noting(self, script: str, *rest: Any, **arguments: Any) -> tuple[list[Any], bool]:
        return await self._insist(functools.partial(self._once, *self._prepare(script, rest, arguments)))

    async def run_and_wait(
        self, wait: Callable[[float], Command], script: str, *rest: Any, **arguments: Any
    ) -> tuple[list[Any], Any]:
        loaded, given = self._prepare(script, rest, arguments)
        marking = self._prepare("mark", (), {})
        deadline_s = time.monotonic() + self.timeout_s
        attempts, waited = 0, None

        async def execute(*command: Any) -> Any:
            nonlocal waited
            # To be told so by the server would take a wait as well, for what the connection wrote before.
            self._forms.refuse_unseen(command)
            left_s = max(0.0, deadline_s - time.monotonic())
            # A repeat, which writes nothing by itself, is behind all that was written before it.
            mark = [self._forms.beside(command, *marking)] if attempts > 1 else []
            first, *marked, waited = await self._in_one_trip([command, *mark, wait(left_s)], left_s)
            if isinstance(first, Exception):
                raise first
            waited = next((reply for reply in marked if isinstance(reply, Exception)), waited)
            return first

        async def call() -> list[Any]:
            nonlocal attempts
            attempts += 1
            reply = await self._once(loaded, given, execute)
            if isinstance(waited, redis.RedisError) and has_stepped_down(waited):
                # What it wrote may be lost with it: the new master is asked.
                raise waited
            return reply

        return await self.insist(call), waited

    async def attempt(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        return await self.attempt_by(self._ask, script, *rest, **arguments)

    async def attempt_by(
        self, execute: Callable[..., Awaitable[Any]], script: str, *rest: Any, **arguments: Any
    ) -> list[Any]:
        """As `attempt`, by another way to ask."""
        loaded, given = self._prepare(script, rest, arguments)
        return await self._attempt(lambda: self._once(loaded, given, execute), self._silence_s(0.0))

    async def aside(self, call: Callable[[], Coroutine[Any, Any, object]]) -> None:
        try:
            await call()
        except StoreUnavailable as error:
            now_s = time.monotonic()
            since_s = self._refused_since_s = now_s if self._refused_since_s is None else self._refused_since_s
            if not may_pass(error) or now_s - since_s > self._patience_s(since_s, error):
                raise
        else:
            self._refused_since_s = None

    async def read(self, command: str, *arguments: Any) -> Any:
        return await self.insist(lambda: self._execute(command, *arguments))

    async def read_each(self, commands: Sequence[Command]) -> list[Any]:
        return await self.insist(lambda: self._together(commands))

    async def read_once(self, command: str, *arguments: Any) -> Any:
        """One plain read, once."""
        return await self._attempt(lambda: self._execute(command, *arguments))

    async def once(self, commands: Sequence[Command]) -> list[Any]:
        async def call() -> list[Any]:
            replies = await self._together(commands, raise_on_error=False)
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
            return replies

        return await self._attempt(call, self._silence_s(0.0))

    async def glance(self, commands: Sequence[Command], silence_s: float = SHORTEST_SILENCE_S) -> list[Any]:
        return await self._attempt(lambda: self._together(commands, raise_on_error=False), silence_s)

    async def rest(self, seconds: float) -> None:
        if seconds > 0:
            await self._pause(seconds)

    async def publish(self, channel: str, message: str) -> int:
        """Publish, once. -> how many have received it"""
        return int(await self._attempt(lambda: self._execute("PUBLISH", channel, message)))

    async def _attempt(self, call: Callable[[], Awaitable[T]], silence_s: float = SILENCE_S) -> T:
        try:
            with silence(silence_s):
                return await call()
        except redis.RedisError as error:
            if isinstance(error, _LOST) or has_stepped_down(error):
                await self._drop_idle()
            self._tell(error)
            raise

    def _prepare(self, script: str, rest: Sequence[Any], arguments: dict[str, Any]) -> tuple[Script, list[Any]]:
        loaded = self._forms.load(script)
        named = list(map(arguments.get, loaded.args))
        # None is no argument of any.
        if len(arguments) != len(named) or None in named or (rest and not loaded.takes_rest):
            raise TypeError(f"{script} takes {loaded.args}, not {tuple(arguments)} and {len(rest)} more")
        return loaded, [self._prefix, self.namespace, self.now_ms, *named, *rest]

    async def _once(
        self, script: Script, given: list[Any], execute: Callable[..., Awaitable[Any]] | None = None
    ) -> list[Any]:
        """One attempt at a script."""
        try:
            reply = await self._forms.call(script, given, execute or self._ask, self._execute)
        except redis.exceptions.ResponseError as error:
            if is_refusal(error):
                raise
            raise ScriptBug(f"{script.name}: {self._forms.locate(script, str(error))}") from error
        reply = cast(list[Any], reply)
        reply[0] = reply[0].decode()
        if reply[0] == OTHER_LAYOUT:
            raise OtherLayout(self.address, self.namespace, reply[1].decode(errors="replace"), layout.LAYOUT)
        return reply

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call what may be repeated, again if the connection broke or was silent. Raises `StoreUnavailable`.

        A server that has become a replica is asked for once more under its name, which may have moved on.
        """
        return (await self._insist(call))[0]

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """As `insist`. -> the answer, and whether it was called again"""
        began_s = time.monotonic()
        quiet_s, pause_s = 0.0, 0.05
        is_moved = is_repeated = False
        while True:
            limit_s, at_s = self._silence_s(quiet_s), time.monotonic()
            try:
                with silence(limit_s, min(REUSED_S, self.timeout_s / 2)):
                    answer = await call()
                self._is_reached = True
                if self._when_reached is not None:
                    await self._note_reached()
                return answer, is_repeated
            except ScriptBug:
                # Perhaps of what is wrong with the server.
                await self._note_reached()
                raise
            except redis.RedisError as error:
                is_new_to_us = has_stepped_down(error) and not is_moved
                if isinstance(error, _LOST) or is_new_to_us:
                    await self._drop_idle()
                is_repeated = True
                if is_new_to_us:
                    is_moved = True
                    continue
                wait_s = pause_s * random.uniform(0.8, 1.2)
                # What takes longer than the silence is no silence: a large value was on its way.
                quiet_s += wait_s + min(limit_s, time.monotonic() - at_s)
                if not self._is_waited_out(error) or quiet_s > self._patience_s(began_s, error):
                    self._tell(error)
                    raise
            await self._pause(wait_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def _note_reached(self) -> None:
        when_reached, self._when_reached = self._when_reached, None
        if when_reached is not None:
            await when_reached()

    def _is_waited_out(self, error: redis.RedisError) -> bool:
        """Whether it is asked again after a pause: of what it refuses, only for those who wait and have reached it."""
        if isinstance(error, redis.ResponseError):
            return self._until_s is not None and self._is_reached and is_refusal(error) and cause_may_pass(error)
        if not isinstance(error, _LOST):
            return False
        return not (isinstance(error, redis.AuthenticationError) or self._never_was(error))

    def _never_was(self, error: Exception) -> bool:
        """Whether sentinels do not know a master which has not been reached before: a name that is misspelt."""
        return isinstance(error, UnknownService) and not self._is_reached

    def _silence_s(self, quiet_s: float) -> float:
        left_s = self.timeout_s - quiet_s if self._until_s is None else self._until_s - time.monotonic()
        return max(min(SHORTEST_SILENCE_S, self.timeout_s / 4), min(SILENCE_S, left_s))

    def _patience_s(self, began_s: float, error: Exception) -> float:
        """How long nothing may have moved when the next attempt begins."""
        may_wait = self._is_reached or isinstance(error, redis.TimeoutError)
        if self._until_s is None or not may_wait:
            return GIVE_UP_AFTER_S / SILENCE_S * self.timeout_s
        return LONGEST_OUTAGE_S if self._until_s == inf else self._until_s - began_s

    def _tell(self, error: redis.RedisError) -> None:
        """Raise our own word for what redis-py says of a server that is away, or refuses."""
        is_refused = isinstance(error, redis.ResponseError) and is_refusal(error)
        if is_refused or isinstance(error, (*_LOST, redis.exceptions.InvalidResponse)):
            raise self.unavailable(error) from error

    def unavailable(self, error: redis.RedisError) -> StoreUnavailable:
        """What redis-py says of a server in our own words, and without passwords, which it may repeat."""
        hide(error, self._passwords())
        return unavailable(self.address, error)


def may_pass(error: StoreUnavailable) -> bool:
    """Whether it may work later without anybody changing who asks, or for what."""
    return cause_may_pass(error.__cause__)
