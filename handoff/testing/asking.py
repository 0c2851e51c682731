"""What a test asks of a cluster: what was enqueued, and whether all of it has ended well."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, TypeVar
from unittest.mock import ANY

from handoff.client.cluster import Cluster
from handoff.doctor.examine import examine
from handoff.errors import UnknownFunction
from handoff.ledger.nodes import read_nodes
from handoff.ledger.states import ENDED
from handoff.testing.submitted import Submitted, Wanted, is_another, nearest_first, read_submitted
from handoff.words.code import Code
from handoff.words.resources import amounts

T = TypeVar("T")

LOOK_S = 0.01
"""Between two looks at what another thread may enqueue."""


class Asking(Cluster):
    """A `Cluster` that a test asks, wherever its functions run."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._seen: dict[str, Submitted] = {}  #: the last one of each id
        self._replaced: list[Submitted] = []

    def beside(self, make: Callable[..., T]) -> T:
        """The test's own client for asyncio, which has functions run."""
        of_the_test: Any = self
        made: T = of_the_test.aio
        return made

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
    ) -> list[Submitted]:
        """Assert that a call of `fn` was enqueued, or `count` of them; whatever has become of it. -> those found

        What is given must be equal: `args` all of the positional arguments, `kwargs` all others, `cost` and `where`
        (with `node`, its pin) as they were given to `enqueue`; `unittest.mock.ANY` may stand anywhere. Waits for at
        most `timeout` seconds, for what another thread enqueues. The failure shows what was there instead.
        """
        __tracebackhide__ = True
        wanted = Wanted.read(fn, args, kwargs, cost, where, node)
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
        raise AssertionError(f"not enqueued: {many}{wanted}{but}; {nearest_first(wanted, everything)}")

    def refute_enqueued(
        self,
        fn: Code,
        *,
        args: Any = ANY,
        kwargs: Any = ANY,
        cost: Any = ANY,
        where: Any = ANY,
        node: Any = ANY,
    ) -> None:
        """Assert that no such call was enqueued; what is given is as for `assert_enqueued`."""
        __tracebackhide__ = True
        wanted = Wanted.read(fn, args, kwargs, cost, where, node)
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
        found += map(str, examine(self.store, patience_s=0))
        if found:
            raise AssertionError("the cluster is not clean:\n" + "\n".join(f"  {each}" for each in found))

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
