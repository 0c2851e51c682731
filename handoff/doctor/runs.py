"""The books of runs: who of a graph has not ended is known exactly, each dependency counts once.

What has ended leaves only results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from handoff.doctor import stored
from handoff.doctor.picture import Picture
from handoff.doctor.violation import Violation, counted
from handoff.ledger.keys import DEPENDENCIES
from handoff.ledger.nodes import SHARED
from handoff.ledger.states import TERMINAL
from handoff.ledger.texts.group_field import node_field, read_on_node
from handoff.ledger.texts.leftover import read_leftover
from handoff.ledger.texts.node_field import write_node_field
from handoff.ledger.texts.options import read_option
from handoff.ledger.texts.run_id import run_job_id, run_of_token, run_token
from handoff.ledger.texts.timer import read_timer, write_timer

RULE = "runs"

GOING_ON = ("loading", "running", "stopping")

WHILE_IT_RUNS = ("missing", "active", "groups", "next")
"""Keys of a run that are not needed once it has ended; and `parked`, by group."""


def left_over(picture: Picture, of: str) -> set[str]:
    """The kinds of what is left over in a run, or of a node."""
    read = map(read_leftover, picture.get("unfolding"))
    return {kind for kind, run, _ in read if run == of}


def check_run(picture: Picture, run: str) -> Iterator[Violation]:
    """A run goes on as long as one of its functions does, and of each it is known whether it has ended."""
    fields, subject = picture.get(f"run:{run}"), ("run", run)
    state, left = fields.get("state", ""), left_over(picture, run)
    total = int(fields.get("total", "0"))
    missing, active = picture.get(f"missing:{run}"), picture.own.get(f"active:{run}", ())
    if run not in picture.get("runs"):
        yield Violation(RULE, subject, f"`runs` does not name run {run}")
    if state in ("running", "stopping"):
        if not missing and not active:
            yield Violation(RULE, subject, f"run {run} is {state}, and all of it has ended")
        ended = sum(int(fields.get(f"n_{kind}", "0")) for kind in ("finished", "failed", "canceled"))
        if wrong := counted(total - len(missing) - len(active), ended, "functions"):
            yield Violation(RULE, subject, f"run {run} has not counted its ends right", amounts=wrong)
    elif state == "loading":
        if write_timer("load", run) not in picture.get("renewed"):
            yield Violation(RULE, subject, f"run {run} is loading, and nobody gives it up if that stops")
    elif not left:
        if state not in ("finished", "failed", "canceled"):
            yield Violation(
                RULE, subject, f"run {run} is {state or 'in no state'}, and nothing of it is left to be done"
            )
        if "ended_ms" not in fields:
            yield Violation(RULE, subject, f"run {run} is {state}, and when it has ended is not known")
        for kind in WHILE_IT_RUNS:
            if picture.own.get(f"{kind}:{run}"):
                yield Violation("keys", subject, f"run {run} has ended, and `{kind}:{run}` is still there")
    yield from _check_limit(picture, run, fields, left)


def _check_limit(picture: Picture, run: str, fields: Mapping[str, str], left: Collection[str]) -> Iterator[Violation]:
    should = fields.get("state") in GOING_ON and fields.get("limit", "0") != "0"
    field = write_node_field("cap", run_token(run))
    if (field in picture.get(f"node:{SHARED}")) != should and "drop" not in left:
        text = f"run {run} {'has no limit among what all share' if should else 'has a limit, and should have none'}"
        yield Violation(RULE, ("run", run), text, node=SHARED)


def check_ends(picture: Picture, run: str) -> Iterator[Violation]:
    """A run counts as many functions of each end as there are. All of its functions that have ended were read.

    One that rq's tools brought back has ended more than once, and nobody knows as what it was counted.
    """
    fields = picture.get(f"run:{run}")
    members = picture.get(f"missing:{run}").keys() | set(picture.own.get(f"active:{run}", ()))
    ended: Counter[str] = Counter()
    for number in range(1, int(fields.get("total", "0")) + 1):
        id = run_job_id(run, number)
        if str(number) in members:
            continue
        status = picture.jobs.get(id, {}).get("status", "")
        if status not in TERMINAL or picture.rq.get(f"results:{id}") != 1:
            return
        ended["failed" if status == "stopped" else status] += 1
    for kind in ("finished", "failed", "canceled"):
        if wrong := counted(ended[kind], int(fields.get(f"n_{kind}", "0")), kind):
            yield Violation(
                RULE, ("run", run), f"run {run} has not counted right how its functions ended", amounts=wrong
            )


def check_missing(picture: Picture, run: str, number: str) -> Iterator[Violation]:
    """Of a function that waits for others as many are to come as have not finished."""
    if picture.get(f"run:{run}").get("state") not in ("running", "stopping") or left_over(picture, run):
        return
    id, count = run_job_id(run, int(number)), picture.get(f"missing:{run}").get(number)
    if count is None:
        return
    dependencies = picture.rq.get(f"job::{id}{DEPENDENCIES}", ())
    to_come = sum(picture.jobs.get(each, {}).get("status") != "finished" for each in dependencies)
    if not count.isdecimal() or int(count) != to_come or not to_come:
        wrong = counted(to_come, int(count), "dependencies") if count.lstrip("-").isdecimal() else {}
        text = "its run does not know how many of its dependencies are to come"
        yield Violation(RULE, ("missing", run, number), text, job=id, amounts=wrong, passing=True)


def check_group(picture: Picture, node: str, each: str) -> Iterator[Violation]:
    """A group that has chosen a node says so itself."""
    run, group = read_on_node(each)
    if picture.get(f"groups:{run}").get(node_field(group)) != node and not (
        left_over(picture, run) | left_over(picture, node)
    ):
        text = f"group {group} of run {run} is said to have chosen the node, and has not"
        yield Violation(RULE, ("group", node, each), text, node=node)


def check_timer(picture: Picture, text: str) -> Iterator[Violation]:
    """What becomes due is about something that there is; of a function rq's tools may have taken that away.

    Then its timers stay until they are due, and do nothing. Kinds that are not known are a newer version's.
    """
    kind, name, _ = read_timer(text)
    subject = ("timer", text)
    match kind:
        case "run" | "attached" | "load":
            states = {"run": ("running", "stopping"), "attached": ("running", "stopping"), "load": ("loading",)}[kind]
            if picture.get(f"run:{name}").get("state") not in states and not left_over(picture, name):
                yield Violation("keys", subject, f"timer {text} is for no run that it could be about")
        case "drain":
            if "draining" not in picture.get(f"node:{name}"):
                yield Violation("keys", subject, f"timer {text} is for a node that is not drained", node=name)
        case "expire":
            job = picture.jobs.get(name, {})
            # Where it never had a limit, rq's tools deleted one that did, and another was submitted under its id.
            if job.get("status") == "started" and read_option(job.get(stored.OPTIONS, ""), "wait"):
                wrong = f"timer {text} is for a function that has started"
                yield Violation("keys", subject, wrong, job=name, passing=True)


def check_token(picture: Picture, name: str) -> Iterator[Violation]:
    """What limits a run is of one that goes on."""
    run = run_of_token(name)
    if not run:
        return
    state = picture.get(f"run:{run}").get("state")
    if state not in GOING_ON and "drop" not in left_over(picture, run):
        text = f"the limit of run {run} is among what all share, and that run has ended"
        yield Violation(RULE, ("token", name), text, node=SHARED)
