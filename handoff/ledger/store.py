"""The connection to Redis: a pool of our own, one script per round trip, asked again when a reply is lost.

Knows no operation; every operation is a script that answers a repeat as it answered the first time, which is what
makes asking again safe. (redis-py's own silent re-sending is switched off: one call could apply its script thrice.)
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import SentinelConnectionPool

from handoff.errors import StoreUnavailable
from handoff.ledger.keys import Keys, prefix
from handoff.ledger.lua import loader
from handoff.ledger.rqmodel import RQ_KEY_PREFIX

GIVE_UP_AFTER_S = 3.5
"""No new attempt starts later than this after the first; a closed port is told within 5 s."""

CONNECT_TIMEOUT_S = 1.0
SOCKET_TIMEOUT_S = 5.0

_LOST = (redis.ConnectionError, redis.TimeoutError)

#: Of a given connection's settings these are ours, or belong to the running connection rather than to its address.
_NOT_COPIED = frozenset(
    {
        "decode_responses", "encoding", "encoding_errors", "retry", "retry_on_error", "retry_on_timeout",
        "socket_timeout", "socket_connect_timeout", "health_check_interval", "connection_pool", "protocol",
        "maint_notifications_config", "maint_notifications_pool_handler", "maintenance_notification_hash",
        "maintenance_state", "oss_cluster_maint_notifications_handler", "orig_host_address", "orig_socket_timeout",
        "orig_socket_connect_timeout", "event_dispatcher", "himself", "parser_class",
    }
)  # fmt: skip

_REFUSALS = (
    redis.exceptions.ExecAbortError,
    redis.exceptions.MasterDownError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
)

_REFUSING = ("BUSY", "DB index", "MISCONF", "NOREPLICAS", "TRYAGAIN")
"""How refusals begin for which redis-py has no class."""

T = TypeVar("T")


class ScriptBug(RuntimeError):
    """A script raised an error or answered what its header does not list: a defect of Handoff."""


def unlisted(script: str, reply: object) -> ScriptBug:
    """The error for a reply that the script's header does not list."""
    return ScriptBug(f"{script} answered {reply!r}, which its header does not list")


def own_client(connection: redis.Redis | None, url: str | None) -> redis.Redis:
    """A client with a pool of its own on the same server: bytes, our timeouts, no silent re-sending.

    Whatever the user's connection or URL decodes or repeats, ours does not; closing one leaves the other open.
    """
    pool: Any = redis.ConnectionPool.from_url(url or "") if connection is None else connection.connection_pool
    settings: dict[str, Any] = {
        key: value
        for key, value in pool.connection_kwargs.items()
        # redis-py marks what was never set with a bare object(), which it knows by identity only.
        if key not in _NOT_COPIED and type(value) is not object
    }
    settings |= {
        "connection_class": pool.connection_class,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "decode_responses": False,
    }
    if isinstance(pool, SentinelConnectionPool):
        make: Any = SentinelConnectionPool
        own = make(pool.service_name, pool.sentinel_manager, is_master=pool.is_master, **settings)
    else:
        own = redis.ConnectionPool(**settings)
    return redis.Redis(connection_pool=own)


def address_of(client: redis.Redis) -> str:
    """The server's address for people: without a password."""
    pool: Any = client.connection_pool
    kwargs = pool.connection_kwargs
    if isinstance(pool, SentinelConnectionPool):
        return f"sentinel://{pool.service_name}/{kwargs.get('db') or 0}"
    if path := kwargs.get("path"):
        return f"unix://{path}"
    scheme = "rediss" if issubclass(pool.connection_class, redis.SSLConnection) else "redis"
    return f"{scheme}://{kwargs.get('host', 'localhost')}:{kwargs.get('port', 6379)}/{kwargs.get('db') or 0}"


def url_of(client: redis.Redis) -> str:
    """A URL with which another client reaches the same server: with its password."""
    pool: Any = client.connection_pool
    kwargs = pool.connection_kwargs
    user, password = kwargs.get("username") or "", kwargs.get("password") or ""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user or password else ""
    if path := kwargs.get("path"):
        return f"unix://{login}{path}?db={kwargs.get('db') or 0}"
    scheme = "rediss" if issubclass(pool.connection_class, redis.SSLConnection) else "redis"
    if isinstance(pool, SentinelConnectionPool):
        host: Any = pool.sentinel_manager.discover_master(pool.service_name)
        return f"{scheme}://{login}{host[0]}:{host[1]}/{kwargs.get('db') or 0}"
    return f"{scheme}://{login}{kwargs.get('host', 'localhost')}:{kwargs.get('port', 6379)}/{kwargs.get('db') or 0}"


class Store:
    """One namespace on one Redis. Thread-safe, and safe after a fork: the pool notices the new process."""

    def __init__(self, client: redis.Redis, namespace: str, *, now_ms: int = 0) -> None:
        self.client = client
        self.namespace = namespace
        self.keys = Keys(namespace, RQ_KEY_PREFIX)
        self.address = address_of(client)
        #: 0 = the server's clock; tests set their own.
        self.now_ms = now_ms
        self._prefix = prefix(namespace)
        self._execute: Callable[..., Any] = client.execute_command

    def run(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        """Run an operation, again if its reply was lost. -> its reply, the tag as str.

        Raises `StoreUnavailable` when Redis stays away, `ScriptBug` when the script itself fails.
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

    def attempt(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        """Run an operation once, for those who have better things to do than to insist.

        `StoreUnavailable` does not say whether the script was applied: ask again with the same arguments.
        """
        with self._told():
            return self._once(*self._prepare(script, rest, arguments))

    def _prepare(self, script: str, rest: Sequence[Any], arguments: dict[str, Any]) -> tuple[loader.Script, list[Any]]:
        loaded = loader.load(script, RQ_KEY_PREFIX)
        if arguments.keys() != set(loaded.args) or (rest and not loaded.takes_rest):
            raise TypeError(f"{script} takes {loaded.args}, not {tuple(arguments)} and {len(rest)} more")
        return loaded, [self.namespace, self.now_ms, *(arguments[name] for name in loaded.args), *rest]

    def _once(self, script: loader.Script, arguments: list[Any]) -> list[Any]:
        """One attempt at a script, loading it where the server has forgotten it (SCRIPT FLUSH, restart)."""
        try:
            try:
                reply = self._execute("EVALSHA", script.sha, 1, self._prefix, *arguments)
            except redis.exceptions.NoScriptError:
                reply = self._execute("EVAL", script.text, 1, self._prefix, *arguments)
        except redis.exceptions.ResponseError as error:
            if _is_refusal(error):
                raise
            raise ScriptBug(f"{script.name}: {script.locate(str(error))}") from error
        reply = cast(list[Any], reply)
        reply[0] = reply[0].decode()
        return reply

    def read(self, command: str, *arguments: Any) -> Any:
        """One plain read, again if the connection broke."""
        return self.insist(lambda: self._execute(command, *arguments))

    def read_each(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Plain reads in one round trip, between which others are served: for so many that they take long together."""

        def call() -> list[Any]:
            with self.client.pipeline(transaction=False) as pipeline:
                queue: Callable[..., Any] = pipeline.execute_command
                for command in commands:
                    queue(*command)
                return pipeline.execute()

        return self.insist(call)

    def insist(self, call: Callable[[], T]) -> T:
        """Call what may be repeated, again if the connection broke. Raises `StoreUnavailable`."""
        started_s = time.monotonic()
        usual_s = 0.05
        with self._told():
            while True:
                try:
                    return call()
                except _LOST as error:
                    pause_s = usual_s * random.uniform(0.8, 1.2)
                    late = time.monotonic() - started_s + pause_s > GIVE_UP_AFTER_S
                    if late or isinstance(error, redis.AuthenticationError):
                        raise
                    time.sleep(pause_s)
                    usual_s *= 2

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what redis-py says of a server that is away, or refuses, into our own word."""
        try:
            yield
        except _LOST as error:
            raise StoreUnavailable(self.address, _reason(error)) from error
        except redis.ResponseError as error:
            if not _is_refusal(error):
                raise
            raise StoreUnavailable(self.address, _reason(error)) from error

    def close(self) -> None:
        """Close the pool's connections; a later call opens new ones."""
        self.client.close()
        self.client.connection_pool.disconnect()


def _is_refusal(error: redis.ResponseError) -> bool:
    """Whether the server would refuse any caller now, whatever the script: it is full, read-only, guarded."""
    return isinstance(error, _REFUSALS) or str(error).startswith(_REFUSING)


def _reason(error: Exception) -> str:
    text = re.sub(r"\W*script: \w+, on @?\S+$", "", str(error)).strip().rstrip(".")
    if isinstance(error, redis.AuthenticationError):
        return f"it wants another user name or password, and says: {text}"
    said = text.replace(". ", ": ") or type(error).__name__
    return f"it is full: {said}" if isinstance(error, redis.exceptions.OutOfMemoryError) else said
