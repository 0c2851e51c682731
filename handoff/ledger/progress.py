"""How far a run has come, a page at a time: its counts, and each of its functions that is ready and has not ended."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.errors import UnknownRun
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.replies import texts_of
from handoff.ledger.runs import Run, run_of
from handoff.ledger.store import Call
from handoff.ledger.stored_job import StoredJob


@dataclass(frozen=True, slots=True)
class Active:
    """A function that is ready and has not ended."""

    number: int
    status: str  #: API's word
    finer: str  #: that of the scripts
    node: str
    job: StoredJob  #: what else was read of it; it may not be readable
    about: str  #: of one that is delayed when that ends, ms; of one that is parked who chooses, by number, or ''


@dataclass(frozen=True, slots=True)
class Ready:
    """What is ready of a run. Not of one moment where that is more than a few thousand functions."""

    run: Run
    counts: dict[str, int]  #: of what is not ready, or has ended
    functions: list[Active]  #: by number
    able: dict[bytes, int]  #: demand -> how many live nodes could hold it, idle; of some that wait
    now_ms: int

    def could_never_hold(self, each: Active) -> bool:
        """Whether it waits for what no live node has, even when idle."""
        return each.finer == "waiting" and self.able.get(each.job.bytes("demand")) == 0


@Call
async def read_ready(ledger: Ledger, id: str, instance: str) -> Ready:
    """Read it, all pages. Raises `UnknownRun`."""
    cursor = "0"
    functions: dict[int, Active] = {}
    able: dict[bytes, int] = {}
    while True:
        match await ledger.run("progress", run=instance, cursor=cursor):
            case ["unknown"]:
                raise UnknownRun(id)
            case ["progress", bytes(following), flat, listed, judged, int(now_ms)]:
                cursor = following.decode()
            case reply:
                raise unlisted("progress", reply)
        run = run_of(instance, flat)
        if run is None:
            raise UnknownRun(id)
        # A walk by cursor may come by the same one twice.
        functions |= {int(listed[i]): _active(*listed[i : i + 7]) for i in range(0, len(listed), 7)}
        able |= {judged[i]: judged[i + 1] for i in range(0, len(judged), 2)}
        if cursor == "0":
            deferred = int(texts_of(flat)["n_deferred"])
            counts = {"deferred": deferred, "finished": run.finished, "failed": run.failed, "canceled": run.canceled}
            return Ready(run, counts, [functions[number] for number in sorted(functions)], able, now_ms)


def _active(*values: bytes) -> Active:
    number, *of_job, about = values
    job = StoredJob.of(("status", "state", "node", "demand", "attempts"), of_job)
    return Active(int(number), job.state, job.text("state"), job.text("node"), job, about.decode())
