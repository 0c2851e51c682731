"""Submitting many functions: in calls of which none holds Redis for long, with what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handoff.errors import HandoffError, StoreUnavailable
from handoff.ledger import slices
from handoff.ledger.asking import Ledger, ScriptBug, unlisted
from handoff.ledger.durable import Promise
from handoff.ledger.functions import read_verdict
from handoff.ledger.jobs import Job
from handoff.ledger.slices import PER_WEIGHT
from handoff.ledger.store import Call
from handoff.ledger.texts.entries import Value
from handoff.ledger.texts.submission import write_submission
from handoff.ledger.verdict import Verdict
from handoff.words.checked import Checked
from handoff.words.ids import new_id

Told = Verdict | HandoffError | ScriptBug
"""What became of one: it was taken, or why it was not."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One function, checked and serialized."""

    job_id: str
    function: Checked
    job: Job
    preferred: str  #: a node to be tried first, or ''


@Call
async def submit_many(
    ledger: Ledger, submissions: Sequence[Submission], promise: Promise, *, replace: bool = False
) -> list[Told]:
    """Write all of them, in their order, and let scripts place them; then wait for what is promised of it.

    -> what became of each. Where Redis goes away those that were not answered have that as their error. Raises it where
    none was answered.
    """
    # One for all: a call that is asked again finds what it has written by it.
    token = new_id()
    told: list[Told] = []
    most = slices.SLICE
    try:
        while len(told) < len(submissions):
            batch = _batch(submissions, len(told), most)
            replies = await _submit(ledger, token, batch, replace=replace)
            told += replies
            # Those that one call does not come to were sent in vain.
            most = len(replies) if len(replies) < len(batch) else min(slices.SLICE, 2 * most)
        if any(isinstance(one, Verdict) for one in told):
            await promise.wait()
    except (HandoffError, ScriptBug) as error:
        if not told:
            raise
        promise.give_up()
        if left := len(submissions) - len(told):
            told += _untold(error, len(batch), left - len(batch))
    return told


async def _submit(ledger: Ledger, token: str, batch: Sequence[Submission], *, replace: bool) -> list[Told]:
    """Submit them in one call. -> what became of those that it came to"""
    values: list[Value] = []
    for each in batch:
        function, job = each.function, each.job
        values += write_submission(
            each.job_id, job.demand, job.options, job.priority, each.preferred, job.refuse,
            function.delay_ms, function.due_ms, job.fields,
        )  # fmt: skip
    match await ledger.run("submit_many", *values, token=token, replace=int(replace)):
        case ["submitted", list(replies)] if 0 < len(replies) <= len(batch):
            return [
                read_verdict(each.job_id, each.function, tag.decode(), rest)
                for each, (tag, *rest) in zip(batch, replies, strict=False)
            ]
        case reply:
            raise unlisted("submit_many", reply)


def _batch(submissions: Sequence[Submission], first: int, most: int) -> Sequence[Submission]:
    """Those from `first` on that are not too much for one call, by what they cost the server; at least one."""
    last, left = first + 1, most - _weight(submissions[first])
    while last < len(submissions) and (left := left - _weight(submissions[last])) >= 0:
        last += 1
    return submissions[first:last]


def _weight(submission: Submission) -> float:
    return max(1.0, submission.job.size / PER_WEIGHT)


def _untold(error: HandoffError | ScriptBug, sent: int, unsent: int) -> list[Told]:
    """What is said of those that were not answered: such as were sent may have been taken all the same."""
    of_unsent = error
    if isinstance(error, StoreUnavailable):
        what = "was not asked for it, for it is not available"
        of_unsent = StoreUnavailable(error.url, error.reason, error.advice, what)
    return [*[error] * sent, *[of_unsent] * unsent]
