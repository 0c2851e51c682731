"""The connection to Redis: a pool of our own, one script per round trip, asked again when a reply is lost.

Knows no operation; every operation is a script that answers a repeat as it answered the first time, which is what
makes asking again safe. (redis-py's own silent re-sending is switched off: one call could apply its script thrice.)
"""

from __future__ import annotations

import contextlib
import copy
import random
import time
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any, TypeVar, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import SentinelConnectionPool

from handoff.errors import OtherLayout, StoreUnavailable
from handoff.ledger import layout
from handoff.ledger.address import address_of, from_url
from handoff.ledger.connection import REUSED_S, SILENCE_S, Pool, asker, keepalive, patient, silence
from handoff.ledger.forms import Forms
from handoff.ledger.keys import Keys, prefix
from handoff.ledger.lua.assembly import OTHER_LAYOUT
from handoff.ledger.lua.loader import Script
from handoff.ledger.passwords import hide, passwords_of
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.ledger.sentinels import MasterPool, Sentinels, UnknownService, own_sentinels
from handoff.ledger.turns import turn_of
from handoff.ledger.unavailable import is_forbidden, unavailable

GIVE_UP_AFTER_S = 3.5
"""No new attempt starts later than this after the first, of a time-out of 5 s: a closed port is told within that."""

CONNECT_TIMEOUT_S = 1.0

SHORTEST_SILENCE_S = 1.0
"""However little time is left, a server that is there has as long to answer, or a quarter of the time-out."""

LONGEST_PAUSE_S = 2.0

LONGEST_OUTAGE_S = 60.0
"""Who waits for something without a limit of time outlasts as much, once it has begun to wait."""

_LOST = (redis.ConnectionError, redis.TimeoutError)

#: Of a given connection's settings these are ours, or belong to the running connection rather than to its address.
_NOT_COPIED = frozenset(
    {
        "decode_responses", "encoding", "encoding_errors", "retry", "retry_on_error", "retry_on_timeout",
        "socket_timeout", "socket_connect_timeout", "connection_pool", "protocol",
        "maint_notifications_config", "maint_notifications_pool_handler", "maintenance_notification_hash",
        "maintenance_state", "oss_cluster_maint_notifications_handler", "orig_host_address", "orig_socket_timeout",
        "orig_socket_connect_timeout", "event_dispatcher", "himself", "parser_class",
    }
)  # fmt: skip

_REFUSALS = (
    redis.exceptions.ExecAbortError,
    redis.exceptions.MasterDownError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
)

_STEPPED_DOWN = (redis.exceptions.MasterDownError, redis.exceptions.ReadOnlyError)

_STEPPING_DOWN = "UNBLOCKED"
"""What whoever waits on a master is told when it becomes a replica."""

_REFUSING = ("BUSY", "DB index", "DENIED", "MISCONF", "NOREPLICAS", "TRYAGAIN", _STEPPING_DOWN)
"""How refusals begin for which redis-py has no class."""

T = TypeVar("T")


class ScriptBug(RuntimeError):
    """A script raised an error or answered what its header does not list: a defect of Handoff."""


def unlisted(script: str, reply: object) -> ScriptBug:
    """The error for a reply that the script's header does not list."""
    return ScriptBug(f"{script} answered {reply!r}, which its header does not list")


def own_client(connection: redis.Redis | None, url: str | None, timeout_s: float = SILENCE_S) -> redis.Redis:
    """A client with a pool of its own on the same server: bytes, our timeouts, no silent re-sending.

    Whatever the user's connection or URL decodes or repeats, ours does not; closing one leaves the other open.
    """
    pool: Any = (from_url(url or "") if connection is None else connection).connection_pool
    settings: dict[str, Any] = {
        key: value
        for key, value in pool.connection_kwargs.items()
        # redis-py marks what was never set with a bare object(), which it knows by identity only.
        if key not in _NOT_COPIED and type(value) is not object
    }
    kind = patient(pool.connection_class)
    settings |= {
        **keepalive(kind, settings),
        "connection_class": kind,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": SILENCE_S,
        "socket_connect_timeout": min(CONNECT_TIMEOUT_S, timeout_s / 5),
        "decode_responses": False,
    }
    if isinstance(pool, SentinelConnectionPool):
        make: Any = MasterPool
        own = make(pool.service_name, own_sentinels(pool.sentinel_manager), is_master=pool.is_master, **settings)
    else:
        own = Pool(**settings)
    return redis.Redis(connection_pool=own)


class Store:
    """One namespace on one Redis. Thread-safe, and safe after a fork: the pool notices the new process."""

    def __init__(
        self,
        client: redis.Redis,
        namespace: str,
        *,
        now_ms: int = 0,
        when_reached: Callable[[Store], None] | None = None,
        timeout_s: float = SILENCE_S,
    ) -> None:
        """`when_reached` is called once the server has answered a call that insists.

        `timeout_s`: how long a call asks a server that is away or silent before it gives up.
        """
        self.client = client
        self.namespace = namespace
        self.keys = Keys(namespace, RQ_KEY_PREFIX)
        self.address = address_of(client)
        #: 0 = the server's clock; tests set their own.
        self.now_ms = now_ms
        self.timeout_s = timeout_s
        self._prefix = prefix(namespace)
        self._execute: Callable[..., Any] = client.execute_command
        self._ask = asker(client)
        self._until_s: float | None = None  #: see `until`
        self._is_reached = False
        self._refused_since_s: float | None = None  #: see `aside`
        self._when_reached = when_reached
        self._forms = Forms(RQ_KEY_PREFIX)
        #: shared with all of this process that wait on the namespace
        self.turn = turn_of(self.address, namespace)

    def until(self, deadline_s: float, *, is_reached: bool = False) -> Store:
        """The same for whoever waits until then, by `time.monotonic()`, and whose own deadline rules.

        It asks a silent server again until then; one that is away or refuses too, once it has been reached.
        """
        waiting = copy.copy(self)
        waiting._until_s, waiting._is_reached = deadline_s, is_reached
        return waiting

    def run(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        """Run an operation, again if its reply was lost. -> its reply, the tag as str.

        Raises `StoreUnavailable` when Redis stays away, `ScriptBug` when the script itself fails, `OtherLayout`.
        """
        return self.run_noting(script, *rest, **arguments)[0]

    def run_noting(self, script: str, *rest: Any, **arguments: Any) -> tuple[list[Any], bool]:
        """As `run`, and whether an earlier attempt may have been applied without its reply arriving."""
        loaded, given = self._prepare(script, rest, arguments)
        attempts = 0

        def call() -> list[Any]:
            nonlocal attempts
            attempts += 1
            return self._once(loaded, given)

        return self.insist(call), attempts > 1

    def run_and_wait(
        self, wait: Callable[[float], tuple[Any, ...]], script: str, *rest: Any, **arguments: Any
    ) -> tuple[list[Any], Any]:
        """As `run`, and wait for what it wrote: by a command behind it, on its connection and in its round trip.

        `wait` is told the seconds that are left of the time-out. -> the script's reply, and that of the command
        (perhaps an error)
        """
        loaded, given = self._prepare(script, rest, arguments)
        marking = self._prepare("mark", (), {})
        deadline_s = time.monotonic() + self.timeout_s
        attempts, waited = 0, None

        def execute(*command: Any) -> Any:
            nonlocal waited
            # To be told so by the server would take a wait as well, for what the connection wrote before.
            self._forms.refuse_unseen(command)
            left_s = max(0.0, deadline_s - time.monotonic())
            # A repeat, which writes nothing by itself, is behind all that was written before it.
            mark = [self._forms.beside(command, *marking)] if attempts > 1 else []
            first, *marked, waited = self._in_one_trip([command, *mark, wait(left_s)], left_s)
            if isinstance(first, Exception):
                raise first
            waited = next((reply for reply in marked if isinstance(reply, Exception)), waited)
            return first

        def call() -> list[Any]:
            nonlocal attempts
            attempts += 1
            reply = self._once(loaded, given, execute)
            if isinstance(waited, redis.RedisError) and _has_stepped_down(waited):
                # What it wrote may be lost with it: the new master is asked.
                raise waited
            return reply

        return self.insist(call), waited

    def _in_one_trip(self, commands: Sequence[tuple[Any, ...]], last_s: float) -> list[Any]:
        """Send commands together, of which the last may take so long. -> of each its reply, or its error"""
        pool: Any = self.client.connection_pool
        connection = pool.get_connection()
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            replies = [_reply(connection) for _ in commands[1:]]
            with silence(last_s + SILENCE_S):
                return [*replies, _reply(connection)]
        finally:
            pool.release(connection)

    def attempt(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        """Run an operation once, for those who have better things to do than to insist.

        `StoreUnavailable` does not say whether the script was applied: ask again with the same arguments.
        """
        return self._attempt(lambda: self._once(*self._prepare(script, rest, arguments)), self._silence_s(0.0))

    def aside(self, call: Callable[[], object]) -> None:
        """Do once what a wait does not depend on: a server that refuses to write may be read all the same.

        Raises `StoreUnavailable` where that has failed for as long as who waits outlasts an outage.
        """
        try:
            call()
        except StoreUnavailable as error:
            now_s = time.monotonic()
            since_s = self._refused_since_s = now_s if self._refused_since_s is None else self._refused_since_s
            if not may_pass(error) or now_s - since_s > self._patience_s(since_s, error):
                raise
        else:
            self._refused_since_s = None

    def read_once(self, command: str, *arguments: Any) -> Any:
        """One plain read, once."""
        return self._attempt(lambda: self._execute(command, *arguments))

    def glance(self, commands: Sequence[tuple[Any, ...]], silence_s: float = SHORTEST_SILENCE_S) -> list[Any]:
        """Plain reads in one round trip, once and with little patience. -> of each its reply, or its error"""
        return self._attempt(lambda: self._together(commands, raise_on_error=False), silence_s)

    def once(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Plain commands in one round trip, once. -> their replies. Raises the first error among them."""

        def call() -> list[Any]:
            replies = self._together(commands, raise_on_error=False)
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
            return replies

        return self._attempt(call, self._silence_s(0.0))

    def publish(self, channel: str, message: str) -> int:
        """Publish, once. -> how many have received it"""
        return int(self._attempt(lambda: self._execute("PUBLISH", channel, message)))

    def _attempt(self, call: Callable[[], T], silence_s: float = SILENCE_S) -> T:
        with self._told():
            try:
                with silence(silence_s):
                    return call()
            except redis.RedisError as error:
                if isinstance(error, _LOST) or _has_stepped_down(error):
                    self._drop_idle()
                raise

    def _prepare(self, script: str, rest: Sequence[Any], arguments: dict[str, Any]) -> tuple[Script, list[Any]]:
        loaded = self._forms.load(script)
        if arguments.keys() != set(loaded.args) or (rest and not loaded.takes_rest):
            raise TypeError(f"{script} takes {loaded.args}, not {tuple(arguments)} and {len(rest)} more")
        given = [self._prefix, self.namespace, self.now_ms, *(arguments[name] for name in loaded.args), *rest]
        return loaded, given

    def _once(self, script: Script, given: list[Any], execute: Callable[..., Any] | None = None) -> list[Any]:
        """One attempt at a script."""
        try:
            reply = self._forms.call(script, given, execute or self._ask, self._execute)
        except redis.exceptions.ResponseError as error:
            if _is_refusal(error):
                raise
            raise ScriptBug(f"{script.name}: {self._forms.locate(script, str(error))}") from error
        reply = cast(list[Any], reply)
        reply[0] = reply[0].decode()
        if reply[0] == OTHER_LAYOUT:
            raise OtherLayout(self.address, self.namespace, reply[1].decode(errors="replace"), layout.LAYOUT)
        return reply

    def read(self, command: str, *arguments: Any) -> Any:
        """One plain read, again if the connection broke."""
        return self.insist(lambda: self._execute(command, *arguments))

    def read_each(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Plain reads in one round trip, between which others are served: for so many that they take long together."""
        return self.insist(lambda: self._together(commands))

    def _together(self, commands: Sequence[tuple[Any, ...]], *, raise_on_error: bool = True) -> list[Any]:
        with self.client.pipeline(transaction=False) as pipeline:
            queue: Callable[..., Any] = pipeline.execute_command
            for command in commands:
                queue(*command)
            return pipeline.execute(raise_on_error=raise_on_error)

    def insist(self, call: Callable[[], T]) -> T:
        """Call what may be repeated, again if the connection broke or was silent. Raises `StoreUnavailable`.

        A server that has become a replica is asked for once more under its name, which may have moved on.
        """
        try:
            answer = self._insist(call)
        except ScriptBug:
            # Perhaps of what is wrong with the server.
            self._note_reached()
            raise
        self._note_reached()
        return answer

    def _note_reached(self) -> None:
        when_reached = self._when_reached
        if when_reached is not None:
            self._when_reached = None
            when_reached(self)

    def _insist(self, call: Callable[[], T]) -> T:
        began_s = time.monotonic()
        quiet_s, pause_s = 0.0, 0.05
        has_stepped_down = False
        with self._told():
            while True:
                limit_s, at_s = self._silence_s(quiet_s), time.monotonic()
                try:
                    with silence(limit_s, min(REUSED_S, self.timeout_s / 2)):
                        answer = call()
                    self._is_reached = True
                    return answer
                except (*_LOST, redis.ResponseError) as error:
                    is_new_to_us = _has_stepped_down(error) and not has_stepped_down
                    if isinstance(error, _LOST) or is_new_to_us:
                        self._drop_idle()
                    if is_new_to_us:
                        has_stepped_down = True
                        continue
                    wait_s = pause_s * random.uniform(0.8, 1.2)
                    # What takes longer than the silence is no silence: a large value was on its way.
                    quiet_s += wait_s + min(limit_s, time.monotonic() - at_s)
                    if not self._is_waited_out(error) or quiet_s > self._patience_s(began_s, error):
                        raise
                    time.sleep(wait_s)
                    pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _is_waited_out(self, error: redis.RedisError) -> bool:
        """Whether it is asked again after a pause: of what it refuses, only for those who wait and have reached it."""
        if isinstance(error, redis.ResponseError):
            return self._until_s is not None and self._is_reached and _is_refusal(error) and _may_pass(error)
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

    def _drop_idle(self) -> None:
        """Have the next attempt connect anew: what the others in the pool lead to is no better."""
        self.client.connection_pool.disconnect(inuse_connections=False)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what redis-py says of a server that is away, or refuses, into our own word."""
        try:
            yield
        except (*_LOST, redis.exceptions.InvalidResponse) as error:
            raise self.unavailable(error) from error
        except redis.ResponseError as error:
            if not _is_refusal(error):
                raise
            raise self.unavailable(error) from error

    def unavailable(self, error: redis.RedisError) -> StoreUnavailable:
        """What redis-py says of a server in our own words, and without passwords, which it may repeat."""
        hide(error, passwords_of(self.client))
        return unavailable(self.address, error)

    def close(self) -> None:
        """Close the pool's connections; a later call opens new ones."""
        pool: Any = self.client.connection_pool
        self.client.close()
        pool.disconnect()
        if isinstance(pool, SentinelConnectionPool) and isinstance(pool.sentinel_manager, Sentinels):
            pool.sentinel_manager.close()


def _reply(connection: Any) -> Any:
    """Read a reply, or the error that it is."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


def may_pass(error: StoreUnavailable) -> bool:
    """Whether it may work later without anybody changing who asks, or for what."""
    return _may_pass(error.__cause__)


def _may_pass(cause: BaseException | None) -> bool:
    if isinstance(cause, redis.AuthenticationError | UnknownService) or is_forbidden(cause):
        return False
    return not str(cause).startswith("DB index")


def _is_refusal(error: redis.ResponseError) -> bool:
    """Whether the server would refuse any caller now, whatever the script: it is full, read-only, guarded."""
    return isinstance(error, _REFUSALS) or str(error).startswith(_REFUSING) or is_forbidden(error)


def _has_stepped_down(error: redis.RedisError) -> bool:
    """Whether it is, or becomes, a replica: its address may lead to another server by now."""
    return isinstance(error, _STEPPED_DOWN) or str(error).startswith(_STEPPING_DOWN)
