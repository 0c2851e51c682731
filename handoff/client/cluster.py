"""The client: one namespace on one Redis, for whoever submits functions and asks about nodes."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import redis

from handoff.books.allocator import Allocator
from handoff.client.attendant import Attendant
from handoff.client.handle import Handle
from handoff.client.recurring import RecurringCalls
from handoff.client.run_handle import RunHandle
from handoff.client.settings import DEFAULT_TIMEOUT_S, check_settings, given_client, stand_in_for
from handoff.ledger.address import url_of
from handoff.ledger.claims import RedisResourceTracker
from handoff.ledger.results import RunResult
from handoff.ledger.server_faults import tell_once
from handoff.ledger.store import Store, giving, own_client, returning
from handoff.ledger.verdict import Verdict
from handoff.serializer import SerializerLike
from handoff.words.address import DEFAULT_NAMESPACE
from handoff.words.durability import Durability
from handoff.words.function import Strategy
from handoff.words.variants import Cost

T = TypeVar("T")


class Calls(RecurringCalls[Handle, RunHandle]):
    """The calls of a cluster that are answered before they return."""

    def __init__(self, store: Store, **options: Any) -> None:
        super().__init__(store.awaited, **options)
        self._store = store
        #: Those that have ended are forgotten by themselves.
        self.attendants: weakref.WeakSet[Attendant] = weakref.WeakSet()

    def _handle(self, job_id: str, function_id: str, verdict: Verdict | None, *, is_new: bool) -> Handle:
        return Handle(self._store, self.serializer, job_id, function_id, verdict, is_new=is_new)

    def _run_handle(self, id: str, instance: str, *, attend: bool) -> RunHandle:
        attendant = None
        if attend:
            attendant = Attendant(self._store, instance)
            self.attendants.add(attendant.start())
        return RunHandle(self._store, self.serializer, id, instance, attendant)

    async def _result(self, run: RunHandle) -> RunResult:
        return run.result()


class Cluster:
    """One namespace on one Redis: submit functions, register nodes, look at both.

    Connects on first use. Thread-safe, and safe after a fork. Give a URL, or a connection (fakeredis too) whose
    settings are copied into a pool of its own. `default_cost` is the cost of functions that name none; `strategy`
    chooses among the nodes that fit: "first_available" in the order of first registration, or "load_balanced", the one
    with the largest share of everything to spare.

    A Redis that is away or does not answer is told as `StoreUnavailable` within `timeout` seconds. `durability` is how
    safe what is submitted is to be when a call returns, which waits for that for as long: "memory"; "disk", in the
    append-only file of a Redis or Valkey 7.2 or later; "replica", in the memory of one replica too.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        connection: redis.Redis | None = None,
        namespace: str = DEFAULT_NAMESPACE,
        default_cost: Cost | None = None,
        serializer: str | SerializerLike | None = None,
        allocator: Allocator | None = None,
        strategy: Strategy = "first_available",
        durability: Durability = "memory",
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        check_settings(url, connection, {"redis.Redis": redis.Redis}, namespace, timeout)
        stand_in = stand_in_for(url, connection)
        #: For the command line, the tests and the like: runs scripts. Not part of the public contract.
        self.store: Store
        if stand_in is None:
            given = given_client(url) if connection is None else connection
            self.store = self._open(own_client(given, None, timeout), namespace, timeout)
        else:
            given, self.store = stand_in.connection, stand_in.open(namespace, timeout)
        self.namespace = namespace
        options: dict[str, Any] = {
            "default_cost": default_cost,
            "serializer": serializer,
            "allocator": allocator,
            "strategy": strategy,
            "durability": durability,
        }
        self.calls = Calls(self.store, **options)
        self._settings = {"connection": given, "namespace": namespace, "timeout": timeout, **options}
        self._beside: Any = None
        self._lock = threading.Lock()
        self.tracker = RedisResourceTracker(self.store, strategy)

    def __repr__(self) -> str:
        return f"Cluster({self.store.address!r}, namespace={self.namespace!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; nothing that was submitted is touched, but that attached runs are left alone."""
        for attendant in list(self.calls.attendants):
            attendant.stop()
        self.store.close()

    @property
    def connection(self) -> redis.Redis:
        """The cluster's own `redis.Redis`: answers bytes."""
        return self.store.client

    @property
    def url(self) -> str:
        """A URL with which other clients reach the same server: with its password, so not for logs."""
        return url_of(self.store.client)

    def beside(self, make: Callable[..., T]) -> T:
        """What `make` gives for the settings of this cluster, made once. Not part of the public contract."""
        with self._lock:
            if self._beside is None:
                self._beside = make(**self._settings)
            made: T = self._beside
            return made

    register_node = returning(Calls.register_node)
    deregister_node = returning(Calls.deregister_node)
    discover_nodes = returning(Calls.discover_nodes)
    share = returning(Calls.share)
    shared = returning(Calls.shared)
    drain = returning(Calls.drain)
    undrain = returning(Calls.undrain)
    limit_overtaking = returning(Calls.limit_overtaking)
    resources_available = returning(Calls.resources_available)
    events = returning(Calls.events)
    submit = returning(Calls.submit)
    submit_many = returning(Calls.submit_many)
    map = returning(Calls.map)
    gather = returning(Calls.gather)
    as_completed = giving(Calls.as_completed)
    enqueue = returning(Calls.enqueue)
    handle = returning(Calls.handle)
    handles = returning(Calls.handles)
    cancel = returning(Calls.cancel)
    submit_dag = returning(Calls.submit_dag)
    execute = returning(Calls.execute)
    run = returning(Calls.run)
    runs = returning(Calls.runs)
    every = returning(Calls.every)
    schedules = returning(Calls.schedules)
    pause_schedule = returning(Calls.pause_schedule)
    resume_schedule = returning(Calls.resume_schedule)
    remove_schedule = returning(Calls.remove_schedule)
    run_schedule = returning(Calls.run_schedule)

    def _open(self, client: redis.Redis, namespace: str, timeout_s: float) -> Store:
        return Store(client, namespace, when_reached=tell_once, timeout_s=timeout_s)
