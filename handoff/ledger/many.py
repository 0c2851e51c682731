"""Submitting many functions: in calls of which none holds Redis for long, with what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from handoff.errors import HandoffError, StoreUnavailable
from handoff.ledger import slices
from handoff.ledger.asking import Ledger, ScriptBug, unlisted
from handoff.ledger.durable import Promise
from handoff.ledger.functions import read_verdict
from handoff.ledger.jobs import Job
from handoff.ledger.slices import PER_WEIGHT
from handoff.ledger.store import Call
from handoff.ledger.texts.entries import Value
from handoff.ledger.texts.submission import Kind, write_kind, write_submissions
from handoff.ledger.verdict import Verdict
from handoff.words.checked import Checked
from handoff.words.ids import new_id
from handoff.words.values import Replace, replace_level

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
    ledger: Ledger, submissions: Sequence[Submission], promise: Promise, *, replace: Replace = False
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


async def _submit(ledger: Ledger, token: str, batch: Sequence[Submission], *, replace: Replace) -> list[Told]:
    """Submit them in one call. -> what became of those that it came to"""
    match await ledger.run("submit_many", *_write(batch), token=token, replace=replace_level(replace)):
        case ["submitted", list(replies)] if 0 < sum(replies[1::2]) <= len(batch):
            return _read(batch, replies)
        case reply:
            raise unlisted("submit_many", reply)


def _write(batch: Sequence[Submission]) -> list[Value]:
    numbers: dict[tuple[object, ...], int] = {}
    kinds: list[Kind] = []
    functions: list[tuple[int, str, Iterable[Value]]] = []
    for each in batch:
        own = each.job.own
        like = (id(each.job.kind), each.job.created_at, each.preferred, *own)
        number = numbers.get(like)
        if number is None:
            kinds.append(_kind(each))
            number = numbers[like] = len(kinds)
        functions.append((number, each.job_id, own.values()))
    return write_submissions(kinds, functions)


def _kind(submission: Submission) -> Kind:
    kind = submission.job.kind
    return write_kind(
        kind.demand, kind.options, kind.priority, submission.preferred, kind.refuse, kind.delay_ms, kind.due_ms,
        submission.job.own, submission.job.common,
    )  # fmt: skip


def _read(batch: Sequence[Submission], replies: Sequence[Any]) -> list[Told]:
    """Read the replies, each with how many in a row are answered so."""
    told: list[Told] = []
    for (tag, *rest), count in zip(replies[::2], replies[1::2], strict=True):
        # Of one kind they are told the same; but an error names the function.
        said: dict[int, Told] = {}
        for each in batch[len(told) : len(told) + count]:
            one = said.get(id(each.job.kind))
            if not isinstance(one, Verdict):
                one = said[id(each.job.kind)] = read_verdict(each.job_id, each.function, tag.decode(), rest)
            told.append(one)
    return told


def _batch(submissions: Sequence[Submission], first: int, most: int) -> Sequence[Submission]:
    """Those from `first` on that are not too much for one call, by what they cost the server; at least one."""
    last, left = first + 1, most - _weight(submissions[first])
    while last < len(submissions) and (left := left - _weight(submissions[last])) >= 0:
        last += 1
    return submissions[first:last]


def _weight(submission: Submission) -> float:
    size = submission.job.size
    return 1.0 if size <= PER_WEIGHT else size / PER_WEIGHT


def _untold(error: HandoffError | ScriptBug, sent: int, unsent: int) -> list[Told]:
    """What is said of those that were not answered: such as were sent may have been taken all the same."""
    of_unsent = error
    if isinstance(error, StoreUnavailable):
        what = "was not asked for it, for it is not available"
        of_unsent = StoreUnavailable(error.url, error.reason, error.advice, what)
    return [*[error] * sent, *[of_unsent] * unsent]
