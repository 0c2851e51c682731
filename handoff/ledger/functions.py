"""What a client does with one function: submit it, wait for it, cancel it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

from handoff.errors import DuplicateFunction, HandoffError, MissingFunction, UnknownFunction, shown
from handoff.ledger import verdict
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.housekeeping import await_entry, read_entry
from handoff.ledger.jobs import Job
from handoff.ledger.phrases import Other, infeasible
from handoff.ledger.records import Record, give_back_if_unseen, look, outcome, value_of
from handoff.ledger.result_entry import decode_value, is_success
from handoff.ledger.states import ENDED
from handoff.ledger.store import Call
from handoff.ledger.texts.cost import asked_for
from handoff.ledger.texts.demand import Demand, read_demand
from handoff.ledger.texts.devices import read_devices
from handoff.ledger.texts.shortfall import read_shortfall
from handoff.ledger.verdict import Verdict
from handoff.serializer import SerializerLike
from handoff.words.checked import Checked
from handoff.words.ids import new_id
from handoff.words.values import Replace, patience_s, replace_level
from handoff.words.variants import Variant

UNSEEN_S = 0.05
"""How long who has just submitted a function waits for its end before the first look at it: only that shows that rq
deleted or canceled it."""

CANCELED_AT_ONCE = 32
"""Functions that one script cancels: 1.5 ms of the server's time, and as much again for what starts in their room."""

Run = Callable[..., Awaitable[list[Any]]]
"""`Ledger.run`, or what promises more of what it writes."""


async def submit(
    run: Run, job_id: str, function: Checked, job: Job, *, preferred: str = "", replace: Replace = False
) -> Verdict:
    """Write the function and let the script place it, on the node `preferred` if it fits there.

    `replace`: one of its id that has failed or was canceled makes way for it. Raises `DuplicateFunction`, and
    `Infeasible` where it is not to wait.
    """
    tag, *rest = await run(
        "submit",
        *job.fields(),
        job_id=job_id,
        token=new_id(),
        demand=job.kind.demand,
        options=job.kind.options,
        priority=job.kind.priority,
        preferred=preferred,
        refuse=int(job.kind.refuse),
        replace=replace_level(replace),
        delay_ms=job.kind.delay_ms,
        due_ms=job.kind.due_ms,
    )
    told = read_verdict(job_id, function, tag, rest)
    if isinstance(told, HandoffError):
        raise told
    return told


def read_verdict(job_id: str, function: Checked, tag: str, rest: list[Any]) -> Verdict | HandoffError:
    """Read what `submit` answers of one function. -> the error where it was not taken"""
    match tag, *rest:
        case "placed", bytes(node), bytes(devices):
            return verdict.placed(node.decode(), read_devices(devices.decode()))
        case "waiting", int(nodes):
            return verdict.waiting(function, nodes)
        case "infeasible", bytes(shortfall):
            return verdict.infeasible(function, read_shortfall(shortfall.decode()))
        case "refused", bytes(shortfall):
            return infeasible(function.id, read_shortfall(shortfall.decode()), function.pin)
        case "delayed", int(until_ms):
            return verdict.delayed(until_ms)
        case "held", bytes(id), bytes(name), bytes(status), bytes(demand), [bytes(told), *what]:
            of_it = read_verdict(id.decode(), asking(function, read_demand(demand.decode())), told.decode(), what)
            assert isinstance(of_it, Verdict)
            return verdict.held(function, id.decode(), name.decode() or id.decode(), status.decode(), of_it)
        case "deferred", int(count), list(some):
            return verdict.deferred(count, [Other.read(*(each.decode() for each in one)) for one in some])
        case "missing", bytes(id):
            return MissingFunction(id.decode(), function.id, "")
        case ("duplicate",):
            return DuplicateFunction(job_id)
        case _:
            raise unlisted("submit", [tag, *rest])


def asking(function: Checked, demand: Demand) -> Checked:
    """The same as if it asked for that."""
    costs = [Variant(variant.after_ms, asked_for(variant.cost)) for variant in demand.variants]
    return replace(function, variants=tuple(costs), terms=demand.terms)


REASON_FROM_S = 1.0
"""Who has waited for so long in vain is told why; whoever asks more often would have Redis look for it each time."""


@Call
async def wait(
    ledger: Ledger,
    job_id: str,
    serializer: SerializerLike,
    timeout: float | None,
    why: Callable[[], Awaitable[str]],
    *,
    is_new: bool = False,
    ended: Record | None = None,
) -> Any:
    """Return the function's result, waiting on the server for at most `timeout` seconds.

    `why` says why it has not started, or ''. `is_new`: it was submitted just now, with `serializer` and under an id
    that nobody else had before. `ended`: what it has ended with, where that was read. An outage of Redis is waited out
    meanwhile. Raises `FunctionFailed`, `FunctionCanceled`, `NodeLost`, `UnknownFunction`, and the builtin
    `TimeoutError`.
    """
    deadline_s = time.monotonic() + patience_s(timeout)
    if ended is not None:
        await give_back_if_unseen(ledger, job_id, ended.entry)
        return outcome(ended, serializer)
    ledger = ledger.until(deadline_s, is_reached=is_new)
    results = ledger.keys("rq_results", job_id)
    if is_new and (timeout is None or timeout > 0):
        unseen_s = min(ledger.spaced(UNSEEN_S), deadline_s - time.monotonic())
        entry = await read_entry(ledger, results, b"0-0", unseen_s)
        if entry is not None and is_success(entry[1]):
            await give_back_if_unseen(ledger, job_id, entry)
            return decode_value(entry[1], serializer)
    while True:
        record = await look(ledger, job_id)
        if record.status in ENDED:
            return outcome(record, serializer)
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            where = f" on {record.node}" if record.node else ""
            reason = await why() if record.status != "started" and timeout and timeout >= REASON_FROM_S else ""
            raise TimeoutError(
                f"function {shown(record.function_id)} is {record.status}{where} after {timeout} s of waiting"
                f"{': ' if reason else ''}{reason}"
            )
        entry = await await_entry(ledger, results, record.entry[0] if record.entry else b"0-0", left_s)
        if entry is not None and is_success(entry[1]):
            await give_back_if_unseen(ledger, job_id, entry)
            return value_of(record, entry[1], serializer)


@Call
async def cancel(ledger: Ledger, job_id: str) -> bool:
    """Cancel a function in whatever state it is. True if this call decided. Raises `UnknownFunction`."""
    reply = await ledger.run("cancel", job_id=job_id, token=new_id())
    if reply == ["unknown"]:
        raise UnknownFunction(job_id)
    return bool(reply == ["canceled"])


@Call
async def cancel_many(ledger: Ledger, job_ids: Iterable[str], *, running: bool) -> set[str]:
    """Cancel functions in whatever state they are; with `running` false, only what has not started. -> those it decided

    The last of them first: what waits would else start in the room of what is canceled before it.
    """
    token, ids = new_id(), [*dict.fromkeys(job_ids)][::-1]
    decided: set[str] = set()
    for first in range(0, len(ids), CANCELED_AT_ONCE):
        some = ids[first : first + CANCELED_AT_ONCE]
        match await ledger.run("cancel_many", *some, token=token, running=int(running)):
            case ["canceled", list(places)] if all(0 < place <= len(some) for place in places):
                decided.update(some[place - 1] for place in places)
            case reply:
                raise unlisted("cancel_many", reply)
    return decided


@Call
async def discard(ledger: Ledger, job_ids: Iterable[str]) -> int:
    """Drop functions that have failed or were canceled, with all that is kept of them. -> how many there were

    Others, and what belongs to a run, are left as they are.
    """
    ids, count = [*dict.fromkeys(job_ids)], 0
    for first in range(0, len(ids), CANCELED_AT_ONCE):
        match await ledger.run("discard", *ids[first : first + CANCELED_AT_ONCE], token=new_id()):
            case ["discarded", int(dropped)]:
                count += dropped
            case reply:
                raise unlisted("discard", reply)
    return count
