"""The ledger for those who wait in their thread: a pool of our own, and calls that return when they are answered."""

from __future__ import annotations

import copy
import functools
import time
from asyncio import _get_running_loop
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import SentinelConnectionPool

from handoff.errors import StoreUnavailable
from handoff.ledger.address import address_of, from_url
from handoff.ledger.asking import SHORTEST_SILENCE_S, Asking, Command, Entries, Ledger
from handoff.ledger.begun import Begun, ask_later
from handoff.ledger.blocking import waiting_look, waiting_read
from handoff.ledger.connection import SILENCE_S, Pool, asker, keepalive, patient, sender, silence, uses_tcp
from handoff.ledger.loop_warning import tell_of_loop
from handoff.ledger.passwords import passwords_of
from handoff.ledger.replies import entries_of
from handoff.ledger.sentinels import MasterPool, Sentinels, own_sentinels

CONNECT_TIMEOUT_S = 1.0

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

C = TypeVar("C")
T = TypeVar("T")
P = ParamSpec("P")


def own_client(connection: redis.Redis | None, url: str | None, timeout_s: float = SILENCE_S) -> redis.Redis:
    """A client with a pool of its own on the same server: bytes, our timeouts, no silent re-sending.

    Whatever the user's connection or URL decodes or repeats, ours does not; closing one leaves the other open.
    """
    pool: Any = (from_url(url or "") if connection is None else connection).connection_pool
    kind = patient(pool.connection_class)
    settings = own_settings(pool, timeout_s) | {"connection_class": kind, "retry": Retry(NoBackoff(), 0)}
    if uses_tcp(kind):
        settings |= keepalive(settings)
    if isinstance(pool, SentinelConnectionPool):
        make: Any = MasterPool
        own = make(pool.service_name, own_sentinels(pool.sentinel_manager), is_master=pool.is_master, **settings)
    else:
        own = Pool(**settings)
    return redis.Redis(connection_pool=own)


def own_settings(pool: Any, timeout_s: float) -> dict[str, Any]:
    """What our connections have of those of a given pool, and what is ours."""
    settings = {
        key: value
        for key, value in pool.connection_kwargs.items()
        # redis-py marks what was never set with a bare object(), which it knows by identity only.
        if key not in _NOT_COPIED and type(value) is not object
    }
    return settings | {
        "socket_timeout": SILENCE_S,
        "socket_connect_timeout": min(CONNECT_TIMEOUT_S, timeout_s / 5),
        "decode_responses": False,
    }


class Way:
    """How one server is reached: sends and reads, each once, and knows nothing of what it carries."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.execute: Callable[..., Any] = client.execute_command
        self.ask = asker(client)
        self.ask_later = functools.partial(ask_later, sender(client), self.ask)

    def together(self, commands: Sequence[Command], *, raise_on_error: bool = True) -> list[Any]:
        """Send commands together. -> of each its reply as redis-py reads it, or its error"""
        with self.client.pipeline(transaction=False) as pipeline:
            queue: Callable[..., Any] = pipeline.execute_command
            for command in commands:
                queue(*command)
            return pipeline.execute(raise_on_error=raise_on_error)

    def in_one_trip(self, commands: Sequence[Command], last_s: float) -> list[Any]:
        """Send commands together, of which the last may take so long. -> of each its reply as it came, or its error"""
        pool: Any = self.client.connection_pool
        connection = pool.get_connection()
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            replies = [_reply(connection) for _ in commands[1:]]
            with silence(last_s + SILENCE_S):
                return [*replies, _reply(connection)]
        finally:
            pool.release(connection)

    def drop_idle(self) -> None:
        """Close what nobody uses."""
        self.client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        """Close the pool's connections; a later call opens new ones."""
        pool: Any = self.client.connection_pool
        self.client.close()
        pool.disconnect()
        if isinstance(pool, SentinelConnectionPool) and isinstance(pool.sentinel_manager, Sentinels):
            pool.sentinel_manager.close()


class AskingAtOnce(Asking):
    """Asks by a way on which nothing waits for an event loop: `at_once` runs what is asked so to its end."""

    def __init__(self, way: Way, namespace: str, **settings: Any) -> None:
        super().__init__(namespace, address_of(way.client), **settings)
        self._way = way

    async def _ask(self, *command: Any) -> Any:
        return self._way.ask(*command)

    async def _execute(self, *command: Any) -> Any:
        return self._way.execute(*command)

    async def _together(self, commands: Sequence[Command], *, raise_on_error: bool = True) -> list[Any]:
        return self._way.together(commands, raise_on_error=raise_on_error)

    async def _in_one_trip(self, commands: Sequence[Command], last_s: float) -> list[Any]:
        return self._way.in_one_trip(commands, last_s)

    async def _pause(self, seconds: float) -> None:
        time.sleep(seconds)

    async def _drop_idle(self) -> None:
        self._way.drop_idle()

    def _passwords(self) -> set[str]:
        return passwords_of(self._way.client)

    async def entries(self, stream: str, after: bytes, seconds: float) -> Entries:
        return entries_of(await self.read(*waiting_read(stream, after, seconds)))

    async def has_any(self, after: Mapping[str, bytes], seconds: float) -> bool:
        return bool(await self.read(*waiting_look(after, seconds)))

    def spaced(self, seconds: float) -> float:
        return seconds


class Store:
    """One namespace on one Redis. Thread-safe, and safe after a fork: the pool notices the new process."""

    blocks = True  #: whether a call waits for a server

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
        self.way = Way(client)
        self.asking = AskingAtOnce(
            self.way,
            namespace,
            now_ms=now_ms,
            when_reached=None if when_reached is None else _awaited(when_reached, self),
            timeout_s=timeout_s,
        )
        self.namespace = namespace
        self.keys = self.asking.keys
        self.address = self.asking.address
        self.turn = self.asking.turn

    def _wait_for(self, call: Coroutine[Any, Any, T]) -> T:
        if self.blocks and _get_running_loop() is not None:
            tell_of_loop()
        return at_once(call)

    @property
    def now_ms(self) -> int:
        """0 = the server's clock; tests set their own."""
        return self.asking.now_ms

    @now_ms.setter
    def now_ms(self, now_ms: int) -> None:
        self.asking.now_ms = now_ms

    @property
    def timeout_s(self) -> float:
        """How long a call asks a server that is away or silent before it gives up."""
        return self.asking.timeout_s

    @timeout_s.setter
    def timeout_s(self, timeout_s: float) -> None:
        self.asking.timeout_s = timeout_s

    @property
    def awaited(self) -> Ledger:
        """The same for code that awaits."""
        return _AtOnce(self)

    def until(self, deadline_s: float, *, is_reached: bool = False) -> Self:
        """As `Ledger.until`."""
        waiting = copy.copy(self)
        waiting.asking = self.asking.until(deadline_s, is_reached=is_reached)
        return waiting

    def run(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        """As `Ledger.run`."""
        return self.run_noting(script, *rest, **arguments)[0]

    def run_noting(self, script: str, *rest: Any, **arguments: Any) -> tuple[list[Any], bool]:
        """As `Ledger.run_noting`."""
        return self._wait_for(self.asking.run_noting(script, *rest, **arguments))

    def run_and_wait(
        self, wait: Callable[[float], Command], script: str, *rest: Any, **arguments: Any
    ) -> tuple[list[Any], Any]:
        """As `Ledger.run_and_wait`."""
        return self._wait_for(self.asking.run_and_wait(wait, script, *rest, **arguments))

    def attempt(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        """As `Ledger.attempt`."""
        return self._wait_for(self.asking.attempt(script, *rest, **arguments))

    def begin(self, script: str, *rest: Any, **arguments: Any) -> Begun:
        """Send an operation as `attempt` does, and leave its reply for later."""
        return Begun(self.asking.attempt_by(self.way.ask_later, script, *rest, **arguments))

    def aside(self, call: Callable[[], object]) -> None:
        """As `Ledger.aside`."""
        self._wait_for(self.asking.aside(_awaited(call)))

    def read(self, command: str, *arguments: Any) -> Any:
        """As `Ledger.read`."""
        return self._wait_for(self.asking.read(command, *arguments))

    def read_each(self, commands: Sequence[Command]) -> list[Any]:
        """As `Ledger.read_each`."""
        return self._wait_for(self.asking.read_each(commands))

    def read_once(self, command: str, *arguments: Any) -> Any:
        """One plain read, once."""
        return self._wait_for(self.asking.read_once(command, *arguments))

    def glance(self, commands: Sequence[Command], silence_s: float = SHORTEST_SILENCE_S) -> list[Any]:
        """As `Ledger.glance`."""
        return self._wait_for(self.asking.glance(commands, silence_s))

    def once(self, commands: Sequence[Command]) -> list[Any]:
        """As `Ledger.once`."""
        return self._wait_for(self.asking.once(commands))

    def rest(self, seconds: float) -> None:
        """As `Ledger.rest`."""
        at_once(self.asking.rest(seconds))

    def publish(self, channel: str, message: str) -> int:
        """Publish, once. -> how many have received it"""
        return self._wait_for(self.asking.publish(channel, message))

    def insist(self, call: Callable[[], T]) -> T:
        """As `Asking.insist`."""
        return self._wait_for(self.asking.insist(_awaited(call)))

    def unavailable(self, error: redis.RedisError) -> StoreUnavailable:
        """As `Asking.unavailable`."""
        return self.asking.unavailable(error)

    def close(self) -> None:
        """Close the pool's connections; a later call opens new ones."""
        self.way.close()


class _AtOnce(Ledger):
    """A store, as code asks it that awaits: it is answered before it would have to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.namespace, self.keys, self.address = store.namespace, store.keys, store.address
        self.turn = store.turn

    @property
    def now_ms(self) -> int:
        return self._store.now_ms

    @property
    def timeout_s(self) -> float:
        return self._store.timeout_s

    def until(self, deadline_s: float, *, is_reached: bool = False) -> Ledger:
        return _AtOnce(self._store.until(deadline_s, is_reached=is_reached))

    async def run(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        return self._store.run(script, *rest, **arguments)

    async def run_noting(self, script: str, *rest: Any, **arguments: Any) -> tuple[list[Any], bool]:
        return self._store.run_noting(script, *rest, **arguments)

    async def run_and_wait(
        self, wait: Callable[[float], Command], script: str, *rest: Any, **arguments: Any
    ) -> tuple[list[Any], Any]:
        return self._store.run_and_wait(wait, script, *rest, **arguments)

    async def attempt(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        return self._store.attempt(script, *rest, **arguments)

    async def aside(self, call: Callable[[], Coroutine[Any, Any, object]]) -> None:
        self._store.aside(lambda: at_once(call()))

    async def read(self, command: str, *arguments: Any) -> Any:
        return self._store.read(command, *arguments)

    async def read_each(self, commands: Sequence[Command]) -> list[Any]:
        return self._store.read_each(commands)

    async def once(self, commands: Sequence[Command]) -> list[Any]:
        return self._store.once(commands)

    async def glance(self, commands: Sequence[Command], silence_s: float = SHORTEST_SILENCE_S) -> list[Any]:
        return self._store.glance(commands, silence_s)

    async def entries(self, stream: str, after: bytes, seconds: float) -> Entries:
        return entries_of(self._store.read(*waiting_read(stream, after, seconds)))

    async def rest(self, seconds: float) -> None:
        self._store.rest(seconds)

    async def has_any(self, after: Mapping[str, bytes], seconds: float) -> bool:
        return bool(self._store.read(*waiting_look(after, seconds)))

    def spaced(self, seconds: float) -> float:
        return seconds


class Call(Generic[P, T]):
    """A call of the ledger, written once as code that awaits: of a store it returns what it would give."""

    def __init__(self, core: Callable[Concatenate[Ledger, P], Coroutine[Any, Any, T]]) -> None:
        self._core = core
        functools.update_wrapper(self, core)

    @overload
    def __call__(self, ledger: Store, /, *args: P.args, **kwargs: P.kwargs) -> T: ...

    @overload
    def __call__(self, ledger: Ledger, /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]: ...

    def __call__(self, ledger: Store | Ledger, /, *args: P.args, **kwargs: P.kwargs) -> T | Coroutine[Any, Any, T]:
        if isinstance(ledger, Store):
            return at_once(self._core(ledger.awaited, *args, **kwargs))
        return self._core(ledger, *args, **kwargs)


class Each(Generic[P, T]):
    """As `Call`, of what gives one thing after the other."""

    def __init__(self, core: Callable[Concatenate[Ledger, P], AsyncIterator[T]]) -> None:
        self._core = core
        functools.update_wrapper(self, core)

    @overload
    def __call__(self, ledger: Store, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]: ...

    @overload
    def __call__(self, ledger: Ledger, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]: ...

    def __call__(self, ledger: Store | Ledger, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T] | AsyncIterator[T]:
        if isinstance(ledger, Store):
            return _each_at_once(self._core(ledger.awaited, *args, **kwargs))
        return self._core(ledger, *args, **kwargs)


def giving(call: Callable[Concatenate[C, P], AsyncIterator[T]]) -> Callable[Concatenate[Any, P], Iterator[T]]:
    """As `returning`, of what gives one thing after the other."""

    def method(face: Any, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return _each_at_once(call(face.calls, *args, **kwargs))

    functools.update_wrapper(method, call)
    return method


def _each_at_once(things: AsyncIterator[T]) -> Iterator[T]:
    async def following() -> T:
        return await anext(things)

    while True:
        try:
            thing = at_once(following())
        except StopAsyncIteration:
            return
        yield thing


def returning(call: Callable[Concatenate[C, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate[Any, P], T]:
    """Make of a method that is to be awaited the one of a face, whose `calls` have it, that returns when it is done."""

    def method(face: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return at_once(call(face.calls, *args, **kwargs))

    functools.update_wrapper(method, call)
    return method


def at_once(call: Coroutine[Any, Any, T]) -> T:
    """Run what waits for no event loop to its end. -> what it returns"""
    try:
        call.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    call.close()
    raise RuntimeError("it waits for an event loop: await it there")


def _awaited(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Callable[[], Coroutine[Any, Any, T]]:
    async def awaited() -> T:
        return call(*args, **kwargs)

    return awaited


def _reply(connection: Any) -> Any:
    """Read a reply, or the error that it is."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error
