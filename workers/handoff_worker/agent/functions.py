"""The functions that are this agent's, from the reply that starts them to the one that has taken their result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, KeysView, Sequence
from dataclasses import replace
from typing import Protocol

from handoff.errors import UnreadableField
from handoff.ledger.exceeded import GPU_MEMORY
from handoff.ledger.learned import LEARN_TTL_S
from handoff.ledger.texts.loss import DRAINED, write_loss
from handoff.ledger.texts.reservation import job_of
from handoff.words.resources import amount
from handoff_worker.agent.delivery import (
    Outbox,
    Result,
    exceeded,
    result,
    stopped,
    unbegun,
    unreadable,
    unstorable,
    usage,
)
from handoff_worker.agent.diary import Diary
from handoff_worker.agent.ending import told
from handoff_worker.agent.learning import Learning
from handoff_worker.agent.memory import Ended, Memory
from handoff_worker.agent.started import Started
from handoff_worker.agent.tasks import Maker
from handoff_worker.children.enforcing import MemorySeen
from handoff_worker.children.outcome import Died, Failed, Finished, NotStarted, Outcome
from handoff_worker.children.task import Task
from handoff_worker.machine.memory_use import MB

logger = logging.getLogger(__name__)


class Runs(Protocol):
    """What runs them: `Children`, elsewhere."""

    def start(self, task: Task) -> None: ...

    def kill(self, id: str, reason: str) -> bool: ...

    def kill_all(self, ids: Iterable[str], reason: str) -> list[str]: ...

    def withdraw(self, id: str) -> bool: ...


class Functions:
    """What runs on this node: functions, and the failure callbacks of some that have failed, here or elsewhere."""

    def __init__(self, children: Runs, maker: Maker, outbox: Outbox, learn_ttl_s: int = LEARN_TTL_S) -> None:
        self._children, self._maker, self._outbox = children, maker, outbox
        self._running: dict[str, Started] = {}
        self._stopped: dict[str, str] = {}  #: reservation -> why it is being killed
        self._exceeded: dict[str, MemorySeen] = {}  #: by reservation; it is being killed for that
        self._on_gpus: dict[str, int] = {}  #: reservation -> MB of gpus that it was seen to have at most
        self._disowned: set[str] = set()  #: lost with the node, and their children are being killed
        self._incomplete: set[str] = set()  #: some of the job is still on its way here
        self._asked: set[str] = set()  #: killed because somebody asked for that, as a failure that may be retried
        self._is_cut = False  #: the node ends: nothing is begun any more
        self._cut: set[str] = set()  #: killed because of that, and lost with it
        self._callbacks: dict[str, Task] = {}
        self._postponed: list[Task] = []  #: callbacks for which no process could be started
        self._ended = Memory()
        self.learning = Learning(learn_ttl_s)
        self._diary = Diary(maker.node)

    @property
    def running(self) -> KeysView[str]:
        """The reservations that are ours; those too of which the result is on its way."""
        return self._running.keys()

    def at_work(self) -> list[Started]:
        """What runs here, and has no result yet."""
        ended = set(self._outbox.ids())
        return [started for id, started in self._running.items() if id not in ended]

    def tell_undelivered(self) -> None:
        """Say what has ended here and is not known to Redis, when nothing more is done about it."""
        ids = [id for id in self._outbox.ids() if id in self._running]
        if ids:
            logger.error(
                "the results of what had ended here are not delivered, and count as lost with node %s: %s",
                self._maker.node, ", ".join(told(self._running[id]) for id in ids),
            )  # fmt: skip

    def told_after_roll_back(self) -> list[list[Ended]]:
        """What has ended here lately and what runs, in parts."""
        return self._ended.told_with(self._running.values(), self._outbox.results())

    @property
    def callbacks(self) -> int:
        """How many failure callbacks run."""
        return len(self._callbacks)

    def start(self, started: Started) -> None:
        """Run a function."""
        if started.id in self._running:
            # It was handed over, and an exchange tells of it; or Redis was rolled back to before it was started.
            return
        if self._is_refused(started):
            return
        if (result := self._ended.result_of(started)) is not None:
            # Redis was rolled back to before it ended.
            logger.warning(
                "%s has ended here before Redis was rolled back: its result is delivered again", started.job_id
            )
            self._outbox.add(result)
        elif self._is_cut:
            self._outbox.add(unbegun(started.id))
        elif started.left_out:
            self._incomplete.add(started.id)
        elif started.id not in self._disowned:
            self._launch(started)

    def is_incomplete(self, id: str) -> bool:
        """Whether it is to be run when the rest of it has come."""
        return id in self._incomplete

    def complete(self, started: Started) -> None:
        """Run a function of which the rest has come."""
        if started.id in self._incomplete:
            self._incomplete.discard(started.id)
            if not self._is_refused(started) and started.id not in self._disowned:
                self._launch(started)

    def give_up(self, id: str, error: Exception) -> None:
        """Fail a function of which the rest cannot be read."""
        if id in self._incomplete:
            self._incomplete.discard(id)
            self._outbox.add(unreadable(id, error))

    def stop(self, id: str, why: str) -> None:
        """End a function that runs here."""
        if id in self._incomplete:
            self._incomplete.discard(id)
            self._outbox.add(stopped(id, why))
        elif id in self._running and self._children.kill(id, why):
            self._stopped[id] = why

    def exceed(self, seen: MemorySeen) -> None:
        """Keep what a function was seen to have of gpus; end it if that, or other memory, is more than it may have."""
        if seen.id not in self._running:
            return
        if seen.resource == GPU_MEMORY:
            self._on_gpus[seen.id] = max(seen.used_mb, self._on_gpus.get(seen.id, 0))
        if seen.is_too_much and self._children.kill(seen.id, "it used more memory than it had declared"):
            self._exceeded[seen.id] = seen

    def stop_job(self, job_id: str) -> None:
        """End what runs here of a job."""
        for id in [started.id for started in self._running.values() if started.job_id == job_id]:
            self.stop(id, "stopped by a stop-job command")

    def kill_all(self, why: str) -> None:
        """Kill what runs here, as a failure that may be retried."""
        for id in self._incomplete:
            self._outbox.add(result(Died(id, None, why, unasked=False)))
        self._incomplete.clear()
        self._asked.update(self._children.kill_all(self._running, why))

    def cut_off(self, tell: Callable[[Sequence[Started], Sequence[Started]], None]) -> None:
        """Kill what runs here, for the node ends and it is lost with it; what has not begun is given back.

        Before that `tell` is told of both.
        """
        self._is_cut = True
        running, returned = [], []
        for started in self.at_work():
            if started.id in self._incomplete or self._children.withdraw(started.id):
                returned.append(started)
            else:
                running.append(started)
        tell(running, returned)
        self._incomplete.clear()
        for started in returned:
            self._outbox.add(unbegun(started.id))
        to_end = [started.id for started in running if started.id not in self._stopped]
        self._cut.update(self._children.kill_all(to_end, "its agent ends"))
        for id in self._callbacks:
            logger.warning("%s is ended before its time: its agent ends", job_of(id))

    def disown(self, why: str) -> None:
        """Kill what runs here, and want to know nothing more of it."""
        for id in set(self._outbox.ids()) & self._running.keys():
            logger.warning("the result of %s came too late: %s", job_of(id), why)
        self._disowned.update(self._children.kill_all(self._running, why))
        self._running.clear()
        self._diary.disown(why)
        self._stopped.clear()
        self._exceeded.clear()
        self._on_gpus.clear()
        self._asked.clear()
        self._incomplete.clear()

    def end(self, outcome: Outcome) -> None:
        """Take what came of a function or a callback."""
        if outcome.id in self._callbacks:
            if isinstance(outcome, NotStarted):
                self._postponed.append(self._callbacks[outcome.id])
                return
            del self._callbacks[outcome.id]
            if not isinstance(outcome, Finished):
                logger.warning("on_failure of %s did not succeed: %s", job_of(outcome.id), outcome)
            return
        if outcome.id in self._disowned:
            self._disowned.discard(outcome.id)
            # Redis was emptied, and the same job submitted again.
            started = self._running.get(outcome.id)
            if started is not None and started.id not in self._incomplete:
                self._launch(started)
            return
        self._diary.end(outcome)
        if isinstance(outcome, Died) and outcome.id in self._cut:
            self._cut.discard(outcome.id)
            return
        why, seen = self._stopped.pop(outcome.id, None), self._exceeded.pop(outcome.id, None)
        on_gpus_mb = self._on_gpus.pop(outcome.id, None)
        if isinstance(outcome, Died) and outcome.exceeded is not None:
            seen = MemorySeen(outcome.id, -(-outcome.exceeded // MB))
        if isinstance(outcome, Died) and why:
            self._outbox.add(stopped(outcome.id, why, usage(outcome)))
        elif isinstance(outcome, Died) and seen is not None:
            declared_mb = amount(self._running[outcome.id].cost.get(seen.resource, 0))
            self._outbox.add(exceeded(outcome, declared_mb, seen.used_mb, seen.resource))
        else:
            if isinstance(outcome, Died) and outcome.id in self._asked:
                outcome = replace(outcome, unasked=False)
            self._asked.discard(outcome.id)
            self._outbox.add(result(outcome, on_gpus_mb))

    def go_on(self) -> None:
        """Processes can be started again."""
        postponed, self._postponed = self._postponed, []
        for task in postponed:
            self._children.start(task)

    def settle(self, result: Result, answer: str) -> None:
        """Take leave of a function whose result was delivered, but for its failure callback where that is ours."""
        if answer == "incomplete":
            self._outbox.send_again(result.id)
            return
        ahead = self._outbox.settle(result.id)
        started = self._running.pop(result.id)
        self._diary.settle(started, result, answer)
        if answer == "stored" or (result.kind == "exceeded" and answer != "refused"):
            self.learning.note(started, result)
        if answer not in ("refused", "returned") and started.is_known_by_its_submit:
            whole = ahead if ahead is not None and result.kind == "sent" else result
            self._ended.note(started, whole, time.monotonic())
        if answer == "refused":
            logger.warning("the result of %s came too late: its reservation is gone", job_of(result.id))
        elif answer == "failed+callback" and result.kind == "stopped":
            # By the deadline of a drain: it is as lost as if its node were.
            self.call_back_lost(started, write_loss(self._maker.node, DRAINED))
        elif answer == "failed+callback":
            self._call_back(started, lambda: self._maker.callback(started, result.error, result.message, result.body))

    def write_diary(self) -> None:
        """Write into the log what was begun and what has ended, all of a step together: see `log.Entries`."""
        self._diary.write()

    def replace(self, misfit: Result, error: Exception) -> None:
        """Fail a function whose result the books do not take; where they do not take that either, let it go.

        Then the next heartbeat does not name it, and it counts as lost with its node.
        """
        failure = unstorable(misfit.id, error)
        if misfit.error != failure.error:
            logger.error("the result of %s cannot be stored, so that it fails: %s", job_of(misfit.id), error)
            self._outbox.add_in_place_of(misfit, failure)
            return
        logger.error(
            "%s cannot be ended: this node does not run it any more, and says so: %s", job_of(misfit.id), error
        )
        self._outbox.settle(misfit.id)
        self._running.pop(misfit.id)

    def call_back_lost(self, started: Started, loss: str = "") -> None:
        """Run the failure callback of a function that was lost with a node, this one or another: see texts/loss.

        '' = the loss that its job tells.
        """
        self._call_back(started, lambda: self._maker.lost_callback(started, loss or started.message))

    def _is_refused(self, started: Started) -> bool:
        """Take a function over, and fail it at once where it cannot be read: no child could say more of it."""
        self._running[started.id] = started
        try:
            started.check()
        except UnreadableField as error:
            self._running[started.id] = started.without_ours()
            logger.warning("%s cannot be run: %s", started.job_id, error)
            self._outbox.add(unreadable(started.id, error))
            return True
        return False

    def _launch(self, started: Started) -> None:
        made = self._maker.task(started)
        if isinstance(made, Failed):
            self.end(made)
        else:
            self._diary.begin(started)
            self._children.start(made)

    def _call_back(self, started: Started, make: Callable[[], Task]) -> None:
        try:
            task = make()
        except UnreadableField as error:
            logger.warning("on_failure of %s cannot be called: %s", started.job_id, error)
            return
        if task.id in self._callbacks:
            # Redis was rolled back: it failed once more while it is told of the first time.
            return
        self._callbacks[task.id] = task
        self._children.start(task)
