"""The cluster of a unit test: all of it in one process, run when the test says so."""

from __future__ import annotations

import contextlib
import importlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import redis

from handoff.client.handle import Handle
from handoff.errors import UnknownNode, shown
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import read_nodes
from handoff.ledger.store import Store
from handoff.testing.asking import Asking
from handoff.testing.settings import NODES, check_settings
from handoff.testing.store import StoreHere
from handoff.testing.wanted import known_path
from handoff.words.address import DEFAULT_NAMESPACE
from handoff.words.capabilities import DeviceMemory, parse_capabilities
from handoff.words.code import Code
from handoff.words.constraints import parse_labels
from handoff.words.names import check_node_name
from handoff.words.resources import Number
from handoff.words.values import is_count

if TYPE_CHECKING:
    from handoff_worker.here import NodeHere

LEASE_MS = 24 * 3600 * 1000
"""Nobody has to renew it within a test; of time that passes at once up to a third of it is nobody's outage."""

SHORT_LEASE_MS = 30

LONGEST_STEP_S = LEASE_MS / 3000

MOST_AT_ONCE = 10_000
"""Functions of one `run_all`; more are taken for ones that enqueue each other for ever."""


def cluster(
    nodes: Mapping[str, Mapping[str, Number | Sequence[int]]] | None = None,
    *,
    labels: Mapping[str, Mapping[str, str]] | None = None,
    device_memory: Mapping[str, DeviceMemory] | None = None,
    connection: redis.Redis | None = None,
    namespace: str = DEFAULT_NAMESPACE,
    **options: Any,
) -> Unentered:
    """A cluster for unit tests, on a fakeredis of its own or the one given; it is the default cluster meanwhile.

        with handoff.testing.cluster(nodes={"a": {"cpu": 2}, "b": {"gpu": 1}}) as c:
            handle = c.enqueue(tasks.train, 3, cost={"gpu": 1})
            c.run_all()
            assert handle.result() == 9

    `nodes` (default: one of 4 cores and 16,000 MB), `labels` and `device_memory` are as for `LocalCluster`, `options`
    are those of `Cluster`. Needs the extra `handoff-rq[testing]`, unless a connection is given.
    """
    of_nodes = {"nodes": nodes, "labels": labels, "device_memory": device_memory}
    check_settings({**of_nodes, **options})
    return Unentered(_entered(connection, {"namespace": namespace, **options}, **of_nodes))


class Unentered(contextlib.AbstractContextManager["ClusterHere"]):
    """What `cluster` gives: a cluster once it is entered by `with`."""

    def __init__(self, made: contextlib.AbstractContextManager[ClusterHere]) -> None:
        self._made = made

    def __enter__(self) -> ClusterHere:
        return self._made.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return self._made.__exit__(kind, error, traceback)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"there is no {name!r}: the cluster is what stands after `as` in "
            "`with handoff.testing.cluster(...) as cluster:`"
        )


@contextlib.contextmanager
def _entered(
    connection: redis.Redis | None, options: Mapping[str, Any], nodes: Any, labels: Any, device_memory: Any
) -> Iterator[ClusterHere]:
    made = ClusterHere(_fake() if connection is None else connection, **options)
    with made, made.reached_by_default():
        for name, capabilities in (NODES if nodes is None else nodes).items():
            made.add_node(name, capabilities, (labels or {}).get(name), (device_memory or {}).get(name))
        yield made


class ClusterHere(Asking):
    """A `Cluster` whose nodes are in this process: made by `handoff.testing.cluster` and by the pytest fixture.

    Placement, capacity, retries, graphs and callbacks are those of the real scripts; functions run here, one after the
    other, in the order in which they would start. Whoever waits for a result has them run until it is there.
    """

    def __init__(self, connection: redis.Redis, **options: Any) -> None:
        super().__init__(connection=connection, **options)
        self._nodes: dict[str, NodeHere] = {}
        self._faults: dict[str, list[BaseException]] = {}
        self._raised: BaseException | None = None

    def _open(self, client: redis.Redis, namespace: str, timeout_s: float) -> Store:
        store = StoreHere(client, namespace, round(time.time() * 1000))
        store.run_next = self.run_next
        return store

    def open(self, namespace: str, timeout_s: float) -> Store:
        """What a cluster asks by that is made in the test without an address. Not part of the public contract."""
        if namespace == self.namespace:
            return self.store
        return StoreHere(self.connection, namespace, self.store.now_ms)

    def add_node(
        self,
        name: str,
        capabilities: Mapping[str, Number | Sequence[int]],
        labels: Mapping[str, str] | None = None,
        device_memory: DeviceMemory | None = None,
    ) -> None:
        """Add a node, or bring one back that was lost. Raises `ValueError` for one that is there."""
        here = importlib.import_module("handoff_worker.here")
        if check_node_name(name) in self._nodes:
            raise ValueError(f"there is a node {name!r} already: lose it first, or give this one another name")
        node: NodeHere = here.NodeHere(
            self.store,
            name,
            parse_capabilities(capabilities, device_memory),
            parse_labels(name, labels),
            lease_ms=LEASE_MS,
            fault=self._fault,
        )
        node.register()
        self._nodes[name] = node

    def lose_node(self, name: str) -> None:
        """Have a node vanish as a machine does: what runs there is lost, what is queued there is placed again.

        What could start there starts before. Raises `UnknownNode`.
        """
        self._take()
        node = self._nodes.pop(name, None)
        if node is None:
            raise UnknownNode(name)
        node.lapse_within(SHORT_LEASE_MS)
        while any(each.name == name and each.live for each in read_nodes(self.store, name)):
            self.store.now_ms += SHORT_LEASE_MS // 3
            tick(self.store)

    def run_all(self, raise_first: bool = False) -> int:
        """Run whatever can run, what is enqueued meanwhile too. -> how many functions ran, attempts counted

        With `raise_first` the first exception of a function is raised here, once it is noted as its failure. What
        waits for time to pass, or for room that no node has, stays. The tenth thousand raises `RuntimeError`.
        """
        for count in range(MOST_AT_ONCE):
            if self.run_next() is None:
                return count
            if raise_first and self._raised is not None:
                raise self._raised
        raise RuntimeError(
            f"{MOST_AT_ONCE} functions have run and there are more: do they enqueue each other? run_next() runs one"
        )

    def run_next(self) -> Handle | None:
        """Run what would run next, to its end. -> its handle; None where nothing can run now"""
        is_ticked = False
        while True:
            self._take()
            first = min(
                (node for node in self._nodes.values() if node.first), key=lambda node: node.first, default=None
            )
            if first is None and is_ticked:
                return None
            if first is None:
                self._tick()
                is_ticked = True
            elif not first.is_wanted():
                first.beat()
            else:
                job_id = first.first_job
                self._note(job_id)
                self._raised = first.run_first()
                return Handle(self.store, self.calls.serializer, job_id, self._seen[job_id].function_id, None)

    def advance(self, seconds: float) -> None:
        """Let time pass for the scripts, RQ's timestamps and the keys that expire; never for `time.time()`.

        Delays, patience, back-offs of retries and limits of waiting come due; what they let run is run by `run_all`.
        """
        left_s = float(seconds)
        if not 0 <= left_s < math.inf:
            raise ValueError(f"seconds is {seconds!r}: time goes on, so give a finite number from 0")
        self._note_all()
        while left_s > 0:
            step_s = min(left_s, LONGEST_STEP_S)
            left_s -= step_s
            self.store.now_ms += round(step_s * 1000)
            self._expire(step_s)
            for node in self._nodes.values():
                node.beat()
            self._tick()

    def advance_to_next(self) -> float:
        """Let time pass until the next moment at which something becomes due. -> the seconds; 0.0 where nothing will

        So a retry is reached whatever its back-off is, which has a random part.
        """
        now_ms = self.store.now_ms
        first = [
            ("ZRANGEBYSCORE", self.store.keys(name), f"({now_ms}", "+inf", "WITHSCORES", "LIMIT", 0, 1)
            for name in ("delayed", "timers")
        ]
        due_ms = [float(found[0][1]) for found in self.store.read_each(first) if found]
        seconds = (min(due_ms) - now_ms) / 1000 if due_ms else 0.0
        self.advance(seconds)
        return seconds

    def fail_next(self, fn: Code, error: BaseException | type[BaseException], times: int = 1) -> None:
        """Have the next attempt at `fn`, or as many, raise this error in place of running.

        So a limit of time is played, which is not enforced here: `rq.timeouts.JobTimeoutException`. `assert_clean`
        tells what was not raised.
        """
        raised = error() if isinstance(error, type) and issubclass(error, BaseException) else error
        if not isinstance(raised, BaseException):
            raise TypeError(f"error is {shown(error)}: give an exception, or a class of them")
        if not is_count(times, 1, MOST_AT_ONCE):
            raise ValueError(f"times is {shown(times)}: give a whole number from 1 to {MOST_AT_ONCE}")
        self._faults.setdefault(known_path(fn), []).extend([raised] * times)

    def close(self) -> None:
        """End all of it."""
        self._nodes.clear()
        super().close()

    def _take(self) -> None:
        """Have each node start what stands on its queue, as far as agents would by now."""
        nodes = list(self._nodes.values())
        counts = self.store.read_each(
            [("LLEN", self.store.keys("rq_queue", self.store.keys.queue(node.name))) for node in nodes]
        )
        for node, count in zip(nodes, counts, strict=True):
            if count:
                node.exchange()

    def _tick(self) -> None:
        if not self._nodes:
            tick(self.store)
        while any(node.tick() for node in self._nodes.values()):
            continue

    def _expire(self, seconds: float) -> None:
        """Take time off what every key has left."""
        keys = list(self.store.client.scan_iter(count=1000))
        left = self.store.read_each([("PTTL", key) for key in keys])
        off_ms = round(seconds * 1000)
        self.store.once([("PEXPIRE", key, max(0, ms - off_ms)) for key, ms in zip(keys, left, strict=True) if ms >= 0])

    def _left_over(self) -> list[str]:
        return [f"fail_next({code}) has {len(left)} more to raise" for code, left in self._faults.items() if left]

    def _fault(self, code: str) -> BaseException | None:
        waiting = self._faults.get(code)
        return waiting.pop(0) if waiting else None


def _fake() -> redis.Redis:
    try:
        import fakeredis
    except ImportError as error:
        raise ImportError(
            "fakeredis is not installed: pip install 'handoff-rq[testing]', or give a connection"
        ) from error
    return fakeredis.FakeRedis(server=fakeredis.FakeServer())
