"""A function that has failed or was canceled starts afresh, under its id and with all that it asked for."""

from __future__ import annotations

from handoff.errors import HandoffError, UnknownFunction, UnreadableField, shown
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.functions import asking, read_verdict
from handoff.ledger.records import known_id
from handoff.ledger.states import TERMINAL
from handoff.ledger.store import Call
from handoff.ledger.texts.demand import read_demand
from handoff.ledger.verdict import Held, Verdict
from handoff.words.checked import Checked
from handoff.words.function import Function
from handoff.words.ids import new_id


class NotRetried(HandoffError):
    """A function that cannot start afresh; nothing was written. `advice` is what to do instead."""

    def __init__(self, id: str, reason: str, advice: str) -> None:
        super().__init__(id, reason, advice)
        self.id, self.reason, self.advice = id, reason, advice

    def __str__(self) -> str:
        return f"function {shown(self.id)} cannot be retried, {self.reason}: {self.advice}"


@Call
async def retry(ledger: Ledger, job_id: str) -> Verdict:
    """Let it start afresh. -> what was decided, as of a submit. Raises `UnknownFunction` and `NotRetried`."""
    match await ledger.run("retry", job_id=known_id(job_id), token=new_id()):
        case ["again", bytes(demand), [bytes(tag), *rest]]:
            function = asking(
                Checked(function=Function(job_id, ""), args=(), path="", variants=(), terms=(), delay_ms=0, due_ms=0),
                read_demand(demand.decode()),
            )
            told = read_verdict(job_id, function, tag.decode(), rest)
            if isinstance(told, HandoffError):
                raise told
            if isinstance(told, Held):
                reason = f"for another function, {shown(told.function_id)}, has its key meanwhile"
                raise NotRetried(job_id, reason, "wait for that one, or submit another without a key")
            return told
        case ["kept", bytes(status), bytes(run)]:
            raise _refusal(job_id, status.decode(), run.decode())
        case ["bent", bytes(field)]:
            raise UnreadableField(field.decode(), "", "what a client has written")
        case ["unknown"]:
            raise UnknownFunction(job_id)
        case reply:
            raise unlisted("retry", reply)


def _refusal(job_id: str, status: str, run: str) -> NotRetried:
    if run:
        return NotRetried(job_id, "for it belongs to a run, where its end is counted", "submit the graph anew")
    if status == "finished":
        return NotRetried(job_id, "for it has finished", "submit it anew")
    if status in TERMINAL:
        return NotRetried(job_id, "for rq's own tools have made it", "requeue it by those, as `rq requeue` does")
    return NotRetried(job_id, "for it has not ended", "cancel it first, if it is to start afresh")
