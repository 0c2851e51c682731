"""A run handle: one run of a DAG, as anybody with its id may follow it, wait for it or cancel it."""

from __future__ import annotations

from handoff.client.attendant import Attendant
from handoff.client.handle import Handle
from handoff.client.run_calls import RunCalls
from handoff.ledger.store import Store, at_once, returning
from handoff.serializer import SerializerLike


class RunHandle:
    """One run of a DAG. What looks at it asks Redis each time.

    `UnknownRun` is raised by whatever looks after the run has expired; a new run of the same id is another one.
    """

    def __init__(
        self, store: Store, serializer: SerializerLike, id: str, instance: str, attendant: Attendant | None = None
    ) -> None:
        self._store = store
        self._serializer = serializer
        self.calls = RunCalls(store.awaited, serializer, id, instance, attendant)
        self.id = id  #: of the DAG

    def __repr__(self) -> str:
        return f"RunHandle({self.id!r})"

    @property
    def status(self) -> str:
        """Now: "running", "finished", "failed" or "canceled". One that is being stopped is running."""
        return at_once(self.calls.status())

    result = returning(RunCalls.result)
    wait = returning(RunCalls.wait)
    cancel = returning(RunCalls.cancel)
    progress = returning(RunCalls.progress)
    to_mermaid = returning(RunCalls.to_mermaid)
    vertices = returning(RunCalls.vertices)
    summary = returning(RunCalls.summary)

    def handle(self, function_id: str) -> Handle:
        """The handle of one of its functions. Raises `UnknownFunction`, and `InvalidFunction` for an inline one."""
        job_id = at_once(self.calls.job_id(function_id))
        return Handle(self._store, self._serializer, job_id, function_id, None)
