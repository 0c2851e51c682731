"""What a test asks of a cluster: what was enqueued, and whether all of it has ended well."""

from __future__ import annotations

import contextlib
import functools
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import ANY

from handoff.client.cluster import Cluster
from handoff.client.default import as_default
from handoff.client.handle import Handle
from handoff.client.settings import reached_instead
from handoff.doctor.examine import examine
from handoff.errors import UnknownFunction
from handoff.ledger.nodes import read_nodes
from handoff.ledger.states import ENDED
from handoff.ledger.store import Store
from handoff.testing.submitted import Submitted, is_another, read_submitted
from handoff.testing.wanted import Wanted, nearest_first, told_instead
from handoff.words.code import Code
from handoff.words.resources import amounts

if TYPE_CHECKING:
    from handoff.ledger.aio.asking import AskingInLoop
    from handoff.testing.aio import ClusterInLoop

T = TypeVar("T")

LOOK_S = 0.01
"""Between two looks at what another thread may enqueue."""


class Asking(Cluster):
    """A `Cluster` that a test asks, wherever its functions run."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._options = {name: value for name, value in options.items() if name not in ("connection", "namespace")}
        self._seen: dict[str, Submitted] = {}  #: the last one of each id
        self._replaced: list[Submitted] = []

    @functools.cached_property
    def aio(self) -> ClusterInLoop:
        """The asyncio client on the same server: what it awaits has functions run off the event loop.

        It has `run_all` and `run_next` too, awaited, and takes the options of this cluster.
        """
        from handoff.testing.aio import ClusterInLoop

        return ClusterInLoop(self, self.run_all, self.run_next, **self._options)

    def beside(self, make: Callable[..., T]) -> T:
        """The test's own client for asyncio, which has functions run. Not part of the public contract."""
        of_the_test: Any = self.aio
        made: T = of_the_test
        return made

    @contextlib.contextmanager
    def reached_by_default(self) -> Iterator[None]:
        """Let this be the default cluster, and its server that of clusters made without an address, meanwhile.

        Not part of the public contract.
        """
        with as_default(self), reached_instead(self):
            yield

    @abstractmethod
    def run_all(self, raise_first: bool = False) -> int:
        """Have run whatever can run. -> how many attempts that were"""

    @abstractmethod
    def run_next(self) -> Handle | None:
        """Have run what would run next."""

    @abstractmethod
    def open(self, namespace: str, timeout_s: float) -> Store:
        """What a cluster asks by that is made in the test without an address. Not part of the public contract."""

    def open_in_loop(self, namespace: str, timeout_s: float) -> AskingInLoop:
        """The same for asyncio. Not part of the public contract."""
        return self.aio.open_beside(self.open(namespace, timeout_s), timeout_s)

    @property
    def submitted(self) -> list[Submitted]:
        """All that was submitted, by this and by other clients, in order; also what has ended since."""
        self._note_all()
        return sorted([*self._replaced, *self._seen.values()], key=lambda each: each.order)

    def assert_enqueued(
        self,
        fn: Code,
        *,
        args: Any = ANY,
        kwargs: Any = ANY,
        cost: Any = ANY,
        where: Any = ANY,
        node: Any = ANY,
        count: int | None = None,
        timeout: float = 0.0,
        **others: Any,
    ) -> list[Submitted]:
        """Assert that a call of `fn` was enqueued, or `count` of them; whatever has become of it. -> those found

        What is given must be equal: `args` all of the positional arguments, `kwargs` all others (by the signature of
        `fn`, so that it makes no difference which were given by name), `cost` and `where` (with `node`, its pin) as
        they were given to `enqueue`; so `priority`, `max_retries`, `job_timeout`, `unique`, `delay`, `at`, `meta` and
        `job_id`. `unittest.mock.ANY` may stand anywhere. Waits for at most `timeout` seconds, for what another thread
        enqueues. The failure shows what was there instead.
        """
        __tracebackhide__ = True
        wanted = Wanted.read(fn, {"args": args, "kwargs": kwargs, "cost": cost, "where": where, "node": node, **others})
        deadline_s = time.monotonic() + timeout
        while True:
            everything = self.submitted
            found = [each for each in everything if not wanted.misses(each)]
            if found and (count is None or len(found) == count):
                return found
            if time.monotonic() >= deadline_s:
                break
            time.sleep(LOOK_S)
        many = "" if count is None else f"{count} of "
        but = f", but {len(found)}" if found else ""
        ranked = nearest_first(wanted, everything)
        pin = "" if node is ANY or found else self._told_of_pin(ranked[:1])
        raise AssertionError(f"not enqueued: {many}{wanted}{but}; {told_instead(wanted, ranked)}{pin}")

    def refute_enqueued(
        self,
        fn: Code,
        *,
        args: Any = ANY,
        kwargs: Any = ANY,
        cost: Any = ANY,
        where: Any = ANY,
        node: Any = ANY,
        **others: Any,
    ) -> None:
        """Assert that no such call was enqueued; what is given is as for `assert_enqueued`."""
        __tracebackhide__ = True
        wanted = Wanted.read(fn, {"args": args, "kwargs": kwargs, "cost": cost, "where": where, "node": node, **others})
        found = [each for each in self.submitted if not wanted.misses(each)]
        if found:
            raise AssertionError("enqueued:\n" + "\n".join(f"  {each}" for each in found))

    def assert_clean(self) -> None:
        """Assert that nothing runs, waits or holds anything, and that the books of the ledger balance."""
        __tracebackhide__ = True
        found = [f"{each} is {status}" for each in self.submitted if (status := self._unended(each.id))]
        for node in read_nodes(self.store):
            if held := {name: units for name, units in node.used.items() if units}:
                found.append(f"of node {node.name} is held {amounts(held)}")
        found += self._left_over()
        found += map(str, examine(self.store, patience_s=0))
        if found:
            raise AssertionError("the cluster is not clean:\n" + "\n".join(f"  {each}" for each in found))

    def _left_over(self) -> list[str]:
        """What the test has asked for and nobody has come upon."""
        return []

    def _told_of_pin(self, nearest: Sequence[Submitted]) -> str:
        """Where it was placed, for who takes the pin for that."""
        for each in nearest:
            with contextlib.suppress(UnknownFunction):
                if placed := self.handle(each.id).node:
                    return f"\nnode= is the pin: the nearest was placed on {placed}, which is its handle's node"
        return ""

    def _note(self, job_id: str) -> None:
        known = self._seen.get(job_id)
        if known is not None and not is_another(self.store, known):
            return
        if (found := read_submitted(self.store, job_id)) is not None:
            self._replaced += [known] if known else []
            self._seen[job_id] = found

    def _note_all(self) -> None:
        start = self.store.keys("rq_job", "")
        for key in self.store.client.scan_iter(match=f"{start}*", count=1000):
            id = key.decode().removeprefix(start)
            # RQ has the dependencies of a job under `:<id>:dependencies`.
            if not id.startswith(":"):
                self._note(id)

    def _unended(self, job_id: str) -> str:
        """Where it stands, if it has not ended."""
        with contextlib.suppress(UnknownFunction):
            status = self.handle(job_id).status
            return "" if status in ENDED else status
        return ""
