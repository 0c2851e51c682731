"""A node whose functions run in this very process, one at a time and when somebody says so: for tests.

All that it says to Redis an agent says too, and what has been started is run, and delivered, by the agent's own code.
What a child gives a function beside is not there: a process of its own, a limit of time, an end by a signal.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgpack
import redis

from handoff.ledger.fields import FIELDS
from handoff.ledger.store import Store
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.reservation import job_of
from handoff.words.capabilities import Capabilities
from handoff_worker.agent.delivery import Outbox
from handoff_worker.agent.functions import Functions
from handoff_worker.agent.heartbeat import Heartbeat
from handoff_worker.agent.ledger import NodeLedger, Stale
from handoff_worker.agent.started import Started
from handoff_worker.agent.tasks import Maker
from handoff_worker.agent.telling import Telling
from handoff_worker.children.outcome import Died, Outcome, read_outcome
from handoff_worker.children.task import Task
from handoff_worker.children.told import Told
from handoff_worker.inside.execution import described, finished, perform
from handoff_worker.inside.limits import NoLimit
from handoff_worker.inside.telling import encoded, listen
from handoff_worker.machine.holder import this_process

MOST_TAKEN = 64
"""Functions of one take, as an agent takes them; the others stand on the node's queue until then."""

Fault = Callable[[str], BaseException | None]
"""What is raised in place of a call, by the name of what is called; None: it is called."""


_NUMBERS = itertools.count(1)


class Here:
    """Stands where an agent has its children: keeps what was started, in order, until it is told to run the next."""

    def __init__(self, connection: redis.Redis, fault: Fault) -> None:
        self._connection, self._fault = connection, fault
        self._started: dict[str, tuple[int, Task]] = {}
        self._ended: list[Outcome] = []
        self.told: list[Told] = []  #: by what has run

    @property
    def first(self) -> tuple[int, Task] | None:
        """What was started first, and its number among all of this process."""
        return next(iter(self._started.values()), None)

    def start(self, task: Task) -> None:
        """Have it run when its turn comes."""
        self._started[task.id] = next(_NUMBERS), task

    def kill(self, id: str, reason: str) -> bool:
        """End what has not run yet; False where that is not here."""
        if self._started.pop(id, None) is None:
            return False
        self._ended.append(Died(id, None, reason))
        return True

    def kill_all(self, ids: Iterable[str], reason: str) -> list[str]:
        """End several. -> those that are here"""
        return [id for id in ids if self.kill(id, reason)]

    def withdraw(self, id: str) -> bool:
        """Take back what has not run yet; False where that is not here."""
        return self._started.pop(id, None) is not None

    def poll(self) -> list[Outcome]:
        """-> what has ended since"""
        ended, self._ended = self._ended, []
        return ended

    def run_first(self) -> BaseException | None:
        """Run what was started first. -> what it raised"""
        _, task = self._started.pop(next(iter(self._started)))
        begun_s, begun_cpu_s = time.monotonic(), time.process_time()
        outcome, raised = self._run(task)
        used = {"took": time.monotonic() - begun_s, "cpu": time.process_time() - begun_cpu_s, "memory": 0}
        message = {"id": task.id, "kept": 0, **used, "spent": False, "left": False, **outcome}
        self._ended.append(read_outcome(message, task.id))
        return raised

    def _run(self, task: Task) -> tuple[dict[str, object], BaseException | None]:
        # As it comes to a child, but for the limit of time.
        told = msgpack.unpackb(task.packed())
        told["job"].pop(b"timeout", None)
        with _environment({**task.environment, "HANDOFF_NODE": task.node}):
            try:
                if task.kind == "run" and (fault := self._fault(StoredJob(task.job).text("code"))) is not None:
                    raise fault
                with self._heard(task.id) as heard:
                    return finished(perform(told, lambda _: self._connection, lambda: None, heard, NoLimit)), None
            except KeyboardInterrupt:
                # It is the test that somebody wants to end.
                raise
            except BaseException as error:
                return described(error, StoredJob(task.job)), error.__cause__ if error.__cause__ and _is_ours(
                    error
                ) else error

    @contextlib.contextmanager
    def _heard(self, id: str) -> Iterator[_Heard]:
        """Hear what a function tells, and what it prints meanwhile."""
        heard = _Heard(id, self.told)
        ends = [listen(stream, heard.print) for stream in (sys.stdout, sys.stderr)]
        try:
            yield heard
        finally:
            for end in ends:
                end()


@dataclass(frozen=True, slots=True)
class _Heard:
    """Stands where a child sends what its function tells."""

    id: str
    told: list[Told]

    def progress(self, fraction: float, message: str) -> None:
        self.told.append(Told(self.id, (fraction, message), (), ()))

    def print(self, text: str) -> None:
        self.told.append(Told(self.id, None, [(0, encoded(text))], ()))

    def part(self, data: bytes) -> None:
        self.told.append(Told(self.id, None, (), [data]))


class NodeHere:
    """One node; several of them in a process are several agents."""

    def __init__(
        self,
        store: Store,
        name: str,
        capabilities: Capabilities,
        labels: Mapping[str, str],
        *,
        lease_ms: int,
        fault: Fault,
    ) -> None:
        self._store, self.name, self._capabilities, self._labels = store, name, capabilities, labels
        self._lease_ms = lease_ms
        self._ledger = NodeLedger(store, name, this_process(), uuid.uuid4().hex)
        self._outbox = Outbox()
        self._here = Here(store.client, fault)
        maker = Maker(
            node=name,
            worker=store.keys.queue(name),
            url="",
            has_gpus="gpu" in capabilities.devices,
            allow_pickle=True,
            environ=dict(os.environ),
        )
        # How long functions take by the clock of this machine would order the graphs of a test, never twice the same.
        self._functions = Functions(self._here, maker, self._outbox, learn_ttl_s=0)
        self._heartbeat = Heartbeat(self._ledger, self._functions.learning)
        self._telling = Telling(self._functions.running, self._ledger.tell)

    def register(self) -> None:
        """Take the name, or renew what is said of it."""
        self._ledger.register(self._capabilities, self._lease_ms, labels=self._labels)

    def lapse_within(self, lease_ms: int) -> None:
        """Make the lease so short: it is not renewed any more."""
        self._ledger.register(self._capabilities, lease_ms, labels=self._labels)

    @property
    def first(self) -> int:
        """The number of what was started first, among all of this process; 0 = nothing"""
        first = self._here.first
        return first[0] if first else 0

    @property
    def first_job(self) -> str:
        """The job of that."""
        assert self._here.first is not None
        return job_of(self._here.first[1].id)

    def is_wanted(self) -> bool:
        """Whether it is still to run: nobody has canceled it since."""
        assert self._here.first is not None
        task = self._here.first[1]
        cancel = FIELDS["cancel"].name
        key = self._store.keys("rq_job", job_of(task.id))
        return task.kind != "run" or self._store.read("HMGET", key, "status", cancel) == [b"started", None]

    def exchange(self) -> None:
        """Deliver what has ended, and start what stands on the queue."""
        for outcome in self._here.poll():
            self._functions.end(outcome)
        self._telling.hear(self._here.told)
        self._telling.go_on(time.monotonic(), self._outbox.ids())
        while True:
            op, results = self._outbox.exchange()
            answer = self._ledger.exchange(op, MOST_TAKEN, results)
            delivered, _ = self._outbox.note_answer(len(answer.outcomes))
            for result, said in zip(delivered, answer.outcomes, strict=True):
                self._functions.settle(result, said)
            # The answer has them in order of their ids.
            for started in sorted(answer.started, key=_rank):
                if started.left_out:
                    started = started.with_fields(self._ledger.read_fields(started.job_id, started.left_out))
                self._functions.start(started)
            self._functions.write_diary()
            if not self._outbox and len(answer.started) < MOST_TAKEN:
                return

    def beat(self) -> None:
        """Hear what is to be stopped."""
        op = self._outbox.answered
        while True:
            beaten = self._heartbeat.go_on(self._functions.running, op)
            self._heartbeat.deny([id for id in beaten.asked if id not in self._functions.running], op)
            for id in beaten.stops:
                self._functions.stop(id, "its job was canceled or deleted, or its node is drained")
            if self._heartbeat.is_over:
                break
        self.exchange()

    def tick(self) -> bool:
        """Do a slice of everybody's housekeeping. -> whether there is more"""
        more, owed = self._ledger.tick(MOST_TAKEN)
        for started in owed:
            self._functions.call_back_lost(started)
        return more

    def run_first(self) -> BaseException | None:
        """Run what was started first, to the end, and deliver it. -> what it raised

        What comes of it is refused where the function has had this node lost.
        """
        raised = self._here.run_first()
        with contextlib.suppress(Stale):
            self.exchange()
        return raised


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables, and put back all that is changed meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _rank(started: Started) -> int:
    text = StoredJob(started.job).text("rank")
    return int(text) if text.isdigit() else 0


def _is_ours(error: BaseException) -> bool:
    """Whether it says of another one, its cause, where that came from."""
    return type(error).__module__.startswith("handoff_worker.")
