"""What the stream of events has told lately: who ran what when, rates, outcomes, waits. In bounded memory.

Of whoever looks again and again there is one `History`: a read asks Redis for what came since the last one, and many
threads may ask what it has found meanwhile. The stream keeps about the last ten thousand events, so a busy namespace
has to be read every second or so: what was missed is told (`Window.complete_since_ms`).
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from handoff.ledger.fields import names_of
from handoff.ledger.replies import entries_of
from handoff.ledger.store import Store
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.reservation import job_of, parts_of
from handoff.view.trails import Step, Trails, number_in

MOST_AT_ONCE = 1_000
"""Events of one read of the stream."""

MOST_READS = 20
"""Of the stream in one go: who reads seldom would else hold whoever waits for him."""

MOST_SPANS = 20_000
MOST_OPEN = 50_000
MOST_CHANGES = 200
MOST_NAMES = 1_000
"""Names that are counted one by one; those of all further functions are counted together."""

KEPT_S = 900
"""Seconds of which rates are kept."""

NAMED_AT_ONCE = 1_000
"""Functions whose names one read looks up. Where more started since the last the others go without."""

OTHERS = "(others)"

ENDS = ("finished", "failed", "died", "stopped", "lost", "canceled")
"""What an attempt can have come to, as its reservation is given back with it."""

FAILURES = ("failed", "died", "lost")

BOUNDS_S = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 21600.0,
    86400.0,
)  # fmt: skip
"""Upper bounds by which waits and durations are counted."""

_FIELDS = ("code", "function")


@dataclass(frozen=True, slots=True)
class Span:
    """One attempt of a function on its node."""

    id: str  #: of its reservation: the job, and which placement
    node: str
    name: str  #: of what it calls; '' = not known
    function_id: str
    attempt: int
    start_ms: int
    end_ms: int | None = None  #: None: it runs
    outcome: str = ""  #: one of `ENDS`; '' = it runs
    cost: str = ""  #: texts/cost; '' = not known

    @property
    def job_id(self) -> str:
        return job_of(self.id)


@dataclass(slots=True)
class Second:
    """What happened in one second."""

    at_s: int
    started: int = 0
    retried: int = 0
    ended: Counter[str] = field(default_factory=Counter)  #: by outcome
    waited: int = 0  #: how many of the started had waited, and
    waited_ms: int = 0  #: how long together


@dataclass(slots=True)
class Spread:
    """How many took how long."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        seconds = max(0.0, seconds)
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds

    def copy(self) -> Spread:
        return Spread(list(self.counts), self.total_s)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that befell a node or a run, or that an operator did."""

    at_ms: int
    kind: str  #: node, run, audit
    about: str  #: which node or run; who did it
    change: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rates:
    """What happened in some seconds, per second of these."""

    seconds: int
    started: float
    finished: float
    failed: float  #: attempts, also those that are tried again
    other: float  #: stopped, canceled
    wait_s: float | None  #: from ready to started, on average; None = none has started


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when events are known."""

    complete_since_ms: int  #: all that came since then was read
    now_ms: int  #: by the clock of Redis


@dataclass(frozen=True, slots=True)
class Totals:
    """Counted since the history is read: it only grows."""

    placed: int  #: reservations that were made, also by claims
    started: int
    retried: int
    ended: Mapping[str, int]  #: attempts by outcome
    by_name: Mapping[tuple[str, str], int]  #: by name and outcome
    lost_nodes: int
    held: int  #: how often a node was held for somebody
    missed: int  #: how often events were gone before they were read
    waits: Spread
    durations: Spread


class Past:
    """Events, folded. Knows no Redis; one thread at a time."""

    def __init__(self) -> None:
        self.spans: deque[Span] = deque(maxlen=MOST_SPANS)
        self.trails = Trails()
        self.open: OrderedDict[str, Span] = OrderedDict()
        self.ready: OrderedDict[str, int] = OrderedDict()  #: job that waits -> since when
        self.costs: OrderedDict[str, str] = OrderedDict()  #: of reservations that have not started
        self.seconds: deque[Second] = deque(maxlen=KEPT_S)
        self.changes: deque[Change] = deque(maxlen=MOST_CHANGES)
        self.names: Counter[tuple[str, str]] = Counter()
        self.ended: Counter[str] = Counter()
        self.placed = self.started = self.retried = self.lost_nodes = self.held = 0
        self.waits, self.durations = Spread(), Spread()

    def add(self, event: Mapping[str, str], names: Mapping[str, tuple[str, str]]) -> None:
        """Take one event in; `names` has of jobs the name of what each calls, and the user's id."""
        at_ms = number_in(event.get("at_ms"))
        self.trails.add(event, at_ms)
        match event:
            case {"event": "waiting" | "parked", "job": job}:
                self._note_ready(job, at_ms)
            case {"event": "reserved", "id": id}:
                self._reserve(id, event.get("cost", ""), at_ms)
            case {"event": "delayed", "job": job}:
                self.ready.pop(job, None)
            case {"event": "started", "id": id, "node": node}:
                self._start(id, node, number_in(event.get("attempt")), at_ms, names)
            case {"event": "released", "id": id, "outcome": outcome}:
                self._release(id, outcome, at_ms)
            case {"event": "node", "node": node, "change": change}:
                self.lost_nodes += change == "lost"
                self.changes.append(Change(at_ms, "node", node, change, event.get("reason", "")))
            case {"event": "run", "dag": dag, "change": change}:
                self.changes.append(Change(at_ms, "run", dag, change, event.get("reason", "")))
            case {"event": "audit", "who": who, "what": what}:
                self.changes.append(Change(at_ms, "audit", who, what, event.get("about", "")))
            case {"event": "held"}:
                self.held += 1

    def second(self, at_ms: int) -> Second:
        """The second of a moment; of a clock that was set back the newest there is."""
        at_s = at_ms // 1000
        if not self.seconds or self.seconds[-1].at_s < at_s:
            self.seconds.append(Second(at_s))
        return self.seconds[-1]

    def _note_ready(self, job: str, at_ms: int) -> None:
        self.ready.setdefault(job, at_ms)
        if len(self.ready) > MOST_OPEN:
            self.ready.popitem(last=False)

    def _reserve(self, id: str, cost: str, at_ms: int) -> None:
        self.placed += 1
        if of := parts_of(id):
            self._note_ready(of[0], at_ms)
            self.costs[id] = cost
            if len(self.costs) > MOST_OPEN:
                self.costs.popitem(last=False)

    def _start(self, id: str, node: str, attempt: int, at_ms: int, names: Mapping[str, tuple[str, str]]) -> None:
        job = job_of(id)
        name, function_id = names.get(job, ("", job))
        self.open[id] = Span(id, node, name, function_id, attempt, at_ms, cost=self.costs.pop(id, ""))
        if len(self.open) > MOST_OPEN:
            self.open.popitem(last=False)
        second = self.second(at_ms)
        second.started += 1
        self.started += 1
        self.retried += attempt > 1
        second.retried += attempt > 1
        since_ms = self.ready.pop(job, None)
        if since_ms is not None:
            second.waited += 1
            second.waited_ms += max(0, at_ms - since_ms)
            self.waits.add((at_ms - since_ms) / 1000)

    def _release(self, id: str, outcome: str, at_ms: int) -> None:
        self.costs.pop(id, None)
        span = self.open.pop(id, None)
        if outcome not in ENDS or parts_of(id) is None:
            return
        self.second(at_ms).ended[outcome] += 1
        self.ended[outcome] += 1
        key = (span.name if span else "", outcome)
        is_new = key not in self.names and len(self.names) >= MOST_NAMES
        self.names[(OTHERS, outcome) if is_new else key] += 1
        if span:
            self.durations.add((at_ms - span.start_ms) / 1000)
            self.spans.append(replace(span, end_ms=max(at_ms, span.start_ms), outcome=outcome))


class History:
    """What the events of one namespace have told since it is read, and in the ten thousand before."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reading = threading.Lock()
        self._folding = threading.Lock()
        self._past = Past()
        self._after = b"0-0"
        self._complete_since_ms = self._now_ms = 0
        self._missed = 0

    def read(self) -> int:
        """Read what has come since the last read. Who comes while another reads waits for him, and reads no more.

        -> how many events it has read. Raises `StoreUnavailable`; the next read goes on where this one ended.
        """
        if not self._reading.acquire(blocking=False):
            with self._reading:
                return 0
        try:
            return self._read()
        finally:
            self._reading.release()

    def _read(self) -> int:
        key = self._store.keys("events")
        (seconds, micros), oldest, last = self._store.read_each(
            [
                ("TIME",),
                ("XRANGE", key, "-", "+", "COUNT", 1),
                ("XREVRANGE", key, self._after, "-", "COUNT", 1),
            ]
        )
        self._now_ms = self._store.now_ms or int(seconds) * 1000 + int(micros) // 1000
        if oldest and not last:
            # What was read last is gone, and with it perhaps what came behind it. At first nothing was read.
            self._missed += self._after != b"0-0"
            self._complete_since_ms = number_in(_texts(oldest[0][1]).get("at_ms"))
        count = 0
        for _ in range(MOST_READS):
            found = entries_of(self._store.read("XREAD", "COUNT", MOST_AT_ONCE, "STREAMS", key, self._after))
            events = [_texts(fields) for _, fields in found]
            names = self._names_of(events)
            with self._folding:
                for event in events:
                    self._past.add(event, names)
            if found:
                self._after = found[-1][0]
            count += len(found)
            if len(found) < MOST_AT_ONCE:
                break
        return count

    def _names_of(self, events: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, str]]:
        """Of what has started the name of what it calls, and the user's id; of what is gone by now nothing."""
        jobs = list(dict.fromkeys(job_of(event["id"]) for event in events if event.get("event") == "started"))
        read = jobs[:NAMED_AT_ONCE]
        found = self._store.read_each([("HMGET", self._store.keys("rq_job", job), *names_of(_FIELDS)) for job in read])
        named = {}
        for job, values in zip(read, found, strict=True):
            stored = StoredJob.of(_FIELDS, values)
            named[job] = _text(stored, "code"), _text(stored, "function") or job
        return named

    @property
    def window(self) -> Window:
        """From when to when all is known."""
        return Window(self._complete_since_ms, self._now_ms)

    def rates(self, seconds: int = 60) -> Rates:
        """What happened in the last whole seconds, or as many as are known."""
        until_s = self._now_ms // 1000
        with self._folding:
            found = [each for each in self._past.seconds if until_s - seconds <= each.at_s < until_s]
            ended = sum((each.ended for each in found), Counter[str]())
            started = sum(each.started for each in found)
            waited, waited_ms = sum(each.waited for each in found), sum(each.waited_ms for each in found)
        known = max(1, min(seconds, until_s - self._complete_since_ms // 1000))
        failed = sum(ended[outcome] for outcome in FAILURES)
        return Rates(
            seconds=known,
            started=started / known,
            finished=ended["finished"] / known,
            failed=failed / known,
            other=(ended.total() - ended["finished"] - failed) / known,
            wait_s=waited_ms / waited / 1000 if waited else None,
        )

    def series(self, seconds: int = 300) -> list[Second]:
        """The last whole seconds one by one, also those in which nothing happened; the oldest first."""
        until_s = self._now_ms // 1000
        with self._folding:
            found = {each.at_s: replace(each, ended=each.ended.copy()) for each in self._past.seconds}
        return [found.get(at_s, Second(at_s)) for at_s in range(until_s - seconds, until_s)]

    def spans(self, since_ms: int, *, most: int = 5_000) -> list[Span]:
        """Attempts that ran at some time since then, by their starts; the newest where there are more."""
        with self._folding:
            found = [span for span in self._past.spans if (span.end_ms or 0) >= since_ms]
            found += self._past.open.values()
        return sorted(found, key=lambda span: span.start_ms)[-most:]

    def of(self, job_id: str) -> list[Span]:
        """The attempts of one function that are known, in their order."""
        with self._folding:
            every = [*self._past.spans, *self._past.open.values()]
        return sorted((span for span in every if span.job_id == job_id), key=lambda span: span.start_ms)

    def trail(self, job_id: str) -> list[Step]:
        """What befell one function, as far as it is known."""
        with self._folding:
            return self._past.trails.of(job_id)

    def changes(self, kinds: Iterable[str] = ("node", "run", "audit")) -> list[Change]:
        """What befell nodes and runs, and what operators did; the newest first."""
        wanted = frozenset(kinds)
        with self._folding:
            return [change for change in reversed(self._past.changes) if change.kind in wanted]

    def outcomes(self) -> dict[str, Counter[str]]:
        """What came of attempts, by the name of what was called; the most called first."""
        found: dict[str, Counter[str]] = {}
        with self._folding:
            for (name, outcome), count in self._past.names.items():
                found.setdefault(name, Counter())[outcome] += count
        return dict(sorted(found.items(), key=lambda each: (-each[1].total(), each[0])))

    def totals(self) -> Totals:
        """What was counted since the history is read."""
        with self._folding:
            past = self._past
            return Totals(
                placed=past.placed,
                started=past.started,
                retried=past.retried,
                ended=dict(past.ended),
                by_name=dict(past.names),
                lost_nodes=past.lost_nodes,
                held=past.held,
                missed=self._missed,
                waits=past.waits.copy(),
                durations=past.durations.copy(),
            )


def _texts(fields: Mapping[bytes, bytes] | Sequence[bytes]) -> dict[str, str]:
    pairs = fields.items() if isinstance(fields, Mapping) else zip(fields[::2], fields[1::2], strict=True)
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in pairs}


def _text(job: StoredJob, field: str) -> str:
    return job.bytes(field).decode(errors="replace")
