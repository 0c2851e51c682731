"""Whether everything that was submitted ended as promised: the books are compared with what others have seen."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign import functions, graphs
from campaign.driving import Driven
from campaign.faults import FORGETTING, Kind
from campaign.faults.dying import CHILD_DIED, POISONED
from campaign.faults.fault import REDIS
from campaign.faults.going_back import EMPTY
from campaign.journal import GRAPH, Order, Submitted
from campaign.verdict import DOUBLED, LOST, OVER, WRONG, Verdict
from campaign.watching import Event
from campaign.world import World, machine
from handoff.errors import (
    FunctionCanceled,
    FunctionFailed,
    HandoffError,
    InvalidFunction,
    NodeLost,
    ResourcesUnavailable,
    UnknownFunction,
    WaitExpired,
)
from handoff.ledger.records import Record, look, outcome
from handoff.ledger.runs import look_run
from handoff.serializer import Serializer

SLACK_MS = 3_000
"""A busy machine notes some things late."""

EXPECTED = f"{functions.__name__}.{functions.Expected.__name__}"

DEATHS = 3
"""In a row, after which a function is given up."""

FORGOTTEN = ("handoff.Forgotten",)


@dataclass
class Judge:
    """Compares; what is wrong goes into `verdict`."""

    world: World
    driven: Driven
    kinds: Mapping[str, Kind]
    events: list[Event]
    forgets: bool  #: Redis was emptied, or went back
    verdict: Verdict

    def __post_init__(self) -> None:
        self._by_job: dict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            if event.job:
                self._by_job[event.job].append(event)
        self._lines = Counter(_lines(self.world.folder / functions.STARTS))
        self.verdict.starts = 0

    def judge(self, submitted: Mapping[str, Submitted]) -> None:
        for clash in _lines(self.world.folder / functions.CLASHES):
            self.verdict.note(OVER, f"a device had two functions at once: {clash}")
        for each in submitted.values():
            if each.refused.startswith(ResourcesUnavailable.__name__) and each.order.code == graphs.WHOLE:
                self.verdict.submitted["graph refused"] += 1
            elif each.refused.startswith(InvalidFunction.__name__) and "durability" in each.order.options:
                # There was no replica; an earlier try may have arrived all the same.
                self._judge_single(each)
            elif each.refused:
                self.verdict.note(WRONG, f"{each.order.id} was refused: {each.refused}")
            elif each.order.kind == GRAPH:
                self._judge_graph(each)
            else:
                self._judge_single(each)

    def _judge_single(self, each: Submitted) -> None:
        order, store = each.order, self.world.cluster.store
        touched = self.world.touched.get(order.id, set())
        self._judge_starts(each, touched)
        self._judge_places(order)
        if order.options.get("on_node_loss") == "fail" and not touched and not self.forgets:
            self._judge_fragile(order)
        try:
            record = look(store, order.id)
        except UnknownFunction:
            self._judge_absent(each, bool(touched))
            return
        self.verdict.submitted[record.status] += 1
        value: Any = None
        error: HandoffError | None = None
        try:
            value = outcome(record, Serializer)
        except HandoffError as raised:
            error = raised
        if error is None:
            if record.status == "finished":
                self._judge_value(each, len(value) if isinstance(value, bytes) else value)
        elif not touched:
            if not self._is_explained(each, record, error):
                self.verdict.note(WRONG, f"{order.id} ended with what no fault explains: {error}")
            self._judge_attempts(order, error)
        ends = store.client.xlen(store.keys("rq_results", order.id))
        if not touched and not self.forgets and ends != 1:
            self.verdict.note(DOUBLED, f"{order.id} has {ends} ends in the books")
        if each.cancels > 1 or (each.cancels and not touched and not self.forgets and record.status != "canceled"):
            self.verdict.note(WRONG, f"{order.id} was canceled by {each.cancels} calls and is {record.status}")
        self._judge_seen(each, record)

    def _judge_attempts(self, order: Order, error: HandoffError) -> None:
        """It is given up when its retries are, or has died too often in a row, and not before."""
        if self.forgets or not isinstance(error, (FunctionFailed, NodeLost)):
            return
        is_poisoned = isinstance(error, FunctionFailed) and error.exception_type == POISONED
        is_fragile = isinstance(error, NodeLost) and order.options.get("on_node_loss") == "fail"
        right = error.attempts >= DEATHS if is_poisoned else error.attempts == order.retries + 1 or is_fragile
        if not right:
            self.verdict.note(WRONG, f"{order.id} with {order.retries} retries was given up too early or late: {error}")

    def _judge_places(self, order: Order) -> None:
        """It starts only where it is to."""
        zone = order.options.get("where", {}).get("zone")
        for event in self._by_job[order.id]:
            if zone and event.fields["event"] == "started" and machine(event.fields["node"])["zone"] != zone:
                self.verdict.note(
                    WRONG, f"{order.id} is to run in zone {zone} and was started on {event.fields['node']}"
                )

    def _judge_fragile(self, order: Order) -> None:
        """It is not started again once a node was lost that ran it."""
        started: set[str] = set()
        is_lost = False
        for event in self._by_job[order.id]:
            if event.fields["event"] == "started":
                if is_lost:
                    self.verdict.note(DOUBLED, f"{order.id} was started again, although a node was lost that ran it")
                started.add(event.fields["id"])
            elif event.fields.get("outcome") == "lost" and event.fields["id"] in started:
                is_lost = True

    def _judge_value(self, each: Submitted, value: Any) -> None:
        order = each.order
        right = {"fail": None, "grow": 400 * order.number}.get(order.code, functions.answer(order.number))
        if value != right:
            self.verdict.note(WRONG, f"{order.id} finished with {value!r}, not {right!r}")

    def _judge_starts(self, each: Submitted, touched: set[str]) -> None:
        """At most one start of what may start once, and exactly one of what has finished."""
        order, lines = each.order, self._lines[each.order.id]
        if self.forgets or "requeue" in touched:
            return
        if order.retries == 0:
            self.verdict.starts += lines
        if lines > order.retries + 1:
            self.verdict.note(DOUBLED, f"{order.id} was started {lines} times, with {order.retries} retries")

    def _judge_seen(self, each: Submitted, record: Record) -> None:
        """What a client was given stays true."""
        lines, order = self._lines[each.order.id], each.order
        if record.status == "finished" and lines < 1:
            self.verdict.note(WRONG, f"{order.id} finished and was never started")
        for told in each.came:
            if isinstance(told, dict):
                self._judge_value(each, told["value"])
                if record.status != "finished" and not self.forgets and order.id not in self.world.touched:
                    self.verdict.note(DOUBLED, f"a client was given the result of {order.id}, which is {record.status}")

    def _judge_absent(self, each: Submitted, is_touched: bool) -> None:
        self.verdict.submitted["absent"] += 1
        if each.taken_s and not is_touched and not self._may_be_forgotten(each):
            self.verdict.note(LOST, f"{each.order.id} was acknowledged and is not in the books")

    def _may_be_forgotten(self, each: Submitted) -> bool:
        """Whether Redis was emptied later, or has gone back to before it was acknowledged."""
        return any(
            each.at_s * 1000 <= done.until_ms
            and (done.kind == EMPTY or (not each.is_durable and each.taken_s * 1000 >= done.at_ms))
            for done in self.driven.done
            if done.kind in FORGETTING
        )

    def _is_explained(self, each: Submitted, record: Record, error: HandoffError) -> bool:
        order = each.order
        match error:
            case FunctionCanceled():
                return each.was_canceled
            case WaitExpired():
                return "wait_ttl" in order.options
            case NodeLost():
                return self.forgets or self._was_lost(record)
            case FunctionFailed(exception_type=kind):
                if kind == EXPECTED:
                    return order.code == "fail"
                if self.forgets and kind in FORGOTTEN:
                    return True
                if kind == POISONED and self._was_lost(record):
                    return True
                return kind in (CHILD_DIED, POISONED) and self._was_struck(record, CHILD_DIED)
        return False

    def _was_lost(self, record: Record) -> bool:
        """Whether the stream says that the node was lost, or emptied, between the last start and its end."""
        began_ms, node = self._last_start(record)
        return any(
            event.fields["event"] == "node"
            and event.fields["node"] == node
            and event.fields["change"] in ("lost", "deregistered", "draining", "registered")
            and began_ms <= event.at_ms <= self._end_ms(record)
            for event in self.events
        )

    def _was_struck(self, record: Record, error: str) -> bool:
        """Whether something that kills so has struck that node, between the last start and its end."""
        began_ms, node = self._last_start(record)
        return any(
            done.target in (node, REDIS)
            and error in self.kinds[done.kind].kills
            and (not done.until_ms or done.until_ms >= began_ms - SLACK_MS)
            and done.at_ms <= self._end_ms(record)
            for done in self.driven.done
        )

    def _end_ms(self, record: Record) -> float:
        events = self._by_job[record.job_id]
        return events[-1].at_ms if events else math.inf

    def _last_start(self, record: Record) -> tuple[int, str | None]:
        starts = [event for event in self._by_job[record.job_id] if event.fields["event"] == "started"]
        return (starts[-1].at_ms, starts[-1].fields["node"]) if starts else (0, record.node)

    def _judge_graph(self, each: Submitted) -> None:
        order, cluster = each.order, self.world.cluster
        try:
            run = cluster.run(order.id)
            instance = look_run(cluster.store, order.id).instance
        except UnknownFunction:
            self._judge_absent(each, is_touched=False)
            return
        self.verdict.submitted[f"graph {run.status}"] += 1
        is_touched = any(id.startswith(f"{instance}-") for id in self.world.touched)
        try:
            found: Any = run.result(0).results
        except TimeoutError:
            self.verdict.note(LOST, f"graph {order.id} has not ended: {run.progress()}")
            return
        except HandoffError as error:
            kind = getattr(error, "exception_type", "")
            is_fault = isinstance(error, NodeLost) or kind in (CHILD_DIED, POISONED, *FORGOTTEN)
            is_canceled = isinstance(error, FunctionCanceled) and each.was_canceled
            if is_touched:
                return
            if not (is_fault or is_canceled or self.forgets):
                self.verdict.note(WRONG, f"graph {order.id} ended with what no fault explains: {error}")
            self._judge_attempts(order, error)
            return
        right = graphs.results(order)
        if found != right:
            self.verdict.note(WRONG, f"graph {order.id} finished with {found}, not {right}")
        for told in each.came:
            if isinstance(told, dict) and told["value"] != right:
                self.verdict.note(WRONG, f"a client was given {told['value']} as the results of graph {order.id}")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
