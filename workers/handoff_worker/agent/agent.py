"""The agent: one loop on one thread that carries functions from the node's queue to children, and results back.

The parent does all Redis work and runs nobody's code; what runs here is `functions`', what is to be delivered is
`delivery`'s, what the books say is `ledger`'s. Nothing waits on Redis but one script at a time, with the socket's
time-out as its limit.

Four verbs stop it, each more than the one before: `quiet` (take no more), `serve` undoes that, `stop` (quiet, finish by
a deadline, then hand back), `kill` (hand back at once).
"""

from __future__ import annotations

import logging
import random
import selectors
import time
from collections.abc import Mapping
from typing import Any

from handoff.errors import OtherLayout, StoreUnavailable
from handoff.ledger.asking import ScriptBug
from handoff.ledger.texts.handed import Handed
from handoff.words.resources import SLOTS, UNIT
from handoff_worker.agent import hints
from handoff_worker.agent.bulk import Bulk
from handoff_worker.agent.commands import Commands
from handoff_worker.agent.delivery import Outbox
from handoff_worker.agent.ending import Ending
from handoff_worker.agent.exchanges import EXCHANGE, TAKE, Exchanges
from handoff_worker.agent.functions import Functions
from handoff_worker.agent.handed import HandedOver
from handoff_worker.agent.heartbeat import Heartbeat
from handoff_worker.agent.large import Large
from handoff_worker.agent.ledger import Behind, NameTaken, NodeLedger, Stale
from handoff_worker.agent.options import Options
from handoff_worker.agent.outage import Outage, longest_pause_s
from handoff_worker.agent.recalling import tell_ended
from handoff_worker.agent.recess import Recess
from handoff_worker.agent.started import Started
from handoff_worker.agent.stumbles import BEAT, PENDING, QUIET, REGISTER, TELL, TICK, Stumbles
from handoff_worker.agent.tasks import Maker
from handoff_worker.agent.telling import Telling
from handoff_worker.children.pool import Children

logger = logging.getLogger(__name__)

TICK_S = 0.5
"""Everybody's housekeeping; also how long a lost hint costs."""

MOST_TAKEN = 64
"""Functions of one take: their arguments come in one reply."""

MOST_FORKED = 4
"""Children at a time: a fresh one takes 5 ms of CPU, in which a warm one runs ten short functions."""


class Agent:
    """Runs one registered node until it is told to stop, or its `burst` is over.

    `run` returns when everything is handed back and no child is left; `OtherLayout` leaves it then, where this version
    is too old for what is in Redis. `Stale` never leaves it: a node that was cut off and comes back stops what is no
    longer its own and registers anew, or raises `NameTaken`.
    """

    def __init__(
        self, ledger: NodeLedger, children: Children, heard: hints.Hints, maker: Maker, options: Options
    ) -> None:
        self._ledger, self._children = ledger, children
        self._outbox = Outbox()
        self._functions = Functions(children, maker, self._outbox, options.learn_ttl_s)
        self.exceed = self._functions.exceed
        self._heartbeat = Heartbeat(ledger, self._functions.learning, lambda: children.worked_s)
        self._telling = Telling(self._functions.running, ledger.tell, options.log_bytes)
        self._handed = HandedOver(ledger, self._functions, self._outbox)
        self._options = options
        self._slots = options.offer.capabilities.units[SLOTS] // UNIT
        self._selector = selectors.DefaultSelector()
        self._selector.register(children, selectors.EVENT_READ)
        self._commands = Commands(heard, self._selector, self._obey)
        self._bulk = Bulk(ledger, self.watch)
        self._large = Large(self._bulk, self._functions, self._outbox)
        self._look = True  #: there may be something to take
        self._quiet = False
        self._known: str | None = None  #: why the ledger has this node as quiet, '' = told so, None = it is not
        self._recess = Recess(children)
        self._ending = Ending(options.grace_s, options.lease_s, time.monotonic())
        self._is_new = True  #: registered, and not yet heard of
        self._gone = False  #: the node is no longer ours, and we are ending anyway
        self._longest_pause_s = longest_pause_s(options.lease_s)
        self._outage = Outage(time.monotonic, self._longest_pause_s)
        self._stumbles = Stumbles(time.monotonic, self._longest_pause_s)
        self._started: list[Any] = []  #: by the last answer, as it was replied, and to be begun before the step ends
        self._to_stop: list[str] = []  #: jobs that the answer on its way may have started
        self._exchanges = Exchanges(ledger, self._outbox, self._functions, self._stumbles, self._selector)
        self._beat_at_s = self._tick_at_s = self._take_at_s = 0.0

    def watch(self, file: Any) -> None:
        """Wake up when this becomes readable; it is drained by its owner between two steps."""
        self._selector.register(file, selectors.EVENT_READ, file)

    # The verbs: called by signal handlers, between two steps.

    def quiet(self) -> None:
        """Take no more functions; what is queued waits again."""
        self._quiet = True

    def serve(self) -> None:
        """Take functions again."""
        if not self._ending.has_begun:
            self._quiet = False

    def stop(self) -> None:
        """Take no more, let what runs finish, and end."""
        self._quiet = True
        self._ending.begin(time.monotonic())

    def kill(self) -> None:
        """End now: what runs counts as lost with its node."""
        self._quiet = True
        self._ending.at_once()

    # The loop.

    def run(self) -> None:
        """Work until it is time to end; then hand everything back."""
        try:
            self._bulk.begin()
            while not self._is_over():
                self.step()
            if time.monotonic() >= self._ending.at_s:
                self._cut_off()
        finally:
            self._children.close()
            self._bulk.close()
            self._leave()
        if self._ending.outdated is not None:
            raise self._ending.outdated

    def _cut_off(self) -> None:
        """Kill what still runs, and deliver what has ended, for as long as that may take."""
        self._hear_children()
        self._functions.cut_off(self._ending.tell_cut)
        self._ending.cut(time.monotonic())
        if self._gone:
            return
        # However long ago Redis was away: this is the last time.
        self._outage.until_s = 0.0
        if self._outbox or self._bulk or self._telling:
            self.step()
        while (self._outbox or self._bulk) and time.monotonic() < self._ending.at_s:
            self.step()

    def step(self) -> None:
        """One round: hear what has happened, then tell Redis, if it is there."""
        for key, _ in self._selector.select(self._idle_for_s()):
            if key.data is not None:
                key.data.drain()
        now_s = time.monotonic()
        if self._ending.has_begun and not self._ending.is_cut:
            self._ending.foretell(self._functions.at_work(), now_s)
        self._children.expire(now_s)
        self._hear_children()
        if not self._gone:
            self._large.send_ahead()
        if self._recess.is_over(now_s):
            self._functions.go_on()
        if self._gone or now_s < self._outage.until_s or self._is_exchange_awaited():
            self._functions.write_diary()
            return
        try:
            try:
                self._hear_and_say()
            except Behind:
                self._recall()
            if not self._exchanges.is_under_way:
                self._outage.is_over()
        except StoreUnavailable as error:
            self._back_off(error)
        except Stale:
            self._start_over()
        except OtherLayout as error:
            self._meet(error)
        finally:
            self._begin_started()

    def _why_quiet(self) -> str | None:
        """Why this node is to be quiet, '' = told so; None: it serves."""
        if self._quiet:
            return ""
        return self._recess.reason or None

    def _hear_children(self) -> None:
        for outcome in self._children.poll():
            self._functions.end(outcome)
        self._telling.hear(self._children.told)

    def _is_over(self) -> bool:
        if not (self._ending.has_begun or self._options.burst):
            return False
        if time.monotonic() >= self._ending.at_s:
            return True
        if self._ending.outdated is not None:
            return not (self._functions.at_work() or self._functions.callbacks)
        handed = self._handed.may_be and not self._outage.lasts
        busy = self._functions.running or self._functions.callbacks or self._outbox or self._bulk or handed
        if self._ending.has_begun:
            return not busy
        return not busy and not self._look and self._is_idle()

    def _is_idle(self) -> bool:
        try:
            with self._stumbles.over(PENDING):
                return not self._ledger.pending()
        except StoreUnavailable as error:
            self._back_off(error)
        except OtherLayout as error:
            self._meet(error)
        return False

    def _idle_for_s(self) -> float:
        now_s = time.monotonic()
        next_s = min(self._ending.at_s, self._recess.until_s)
        if self._exchanges.is_under_way:
            next_s = min(next_s, self._exchanges.until_s)
        elif not self._gone:
            if now_s >= self._outage.until_s and self._wants_exchange():
                return 0.0
            next_s = min(next_s, max(self._outage.until_s, min(self._beat_at_s, self._tick_at_s, self._telling.due_s)))
        return max(0.0, min(next_s, self._children.next_deadline()) - now_s)

    def _wants_exchange(self) -> bool:
        return self._stumbles.may(EXCHANGE) and (
            bool(self._outbox)
            or (self._look and self._room() > 0)
            # Where no more is taken, it is asked once for that of which no hint has come.
            or (self._handed.may_be and (self._look or self._why_quiet() is not None))
        )

    def _room(self) -> int:
        is_let = not self._outbox.is_careful and self._stumbles.may(TAKE)
        if self._why_quiet() is not None or time.monotonic() < self._take_at_s or not is_let:
            return 0
        # What is being delivered gives its slots back in the same script.
        slots = self._slots - self._at_hand() + len(self._outbox.sent)
        children = self._children.room + max(0, MOST_FORKED - self._children.starting)
        return max(0, min(slots, children - len(self._started), MOST_TAKEN))

    def _at_hand(self) -> int:
        """How many functions are this node's: those too that were started and have not begun."""
        return len(self._functions.running) - self._exchanges.unsettled + len(self._started)

    # Redis.

    def _hear_and_say(self) -> None:
        if self._exchanges.is_under_way:
            self._hear_answer()
        if self._commands.subscribe():
            # Unheard words may have been of new work, and of what is to be stopped.
            self._look, self._beat_at_s = True, 0.0
        if self._outbox.is_unanswered and self._stumbles.may(EXCHANGE):
            # Before the beat: to it, what a lost answer started would look started for nobody.
            self._exchange()
        if self._exchanges.is_under_way:
            return
        now_s = time.monotonic()
        if self._is_due(now_s):
            self._begin_started()
            self._say_what_is_due(now_s)
        if not self._telling.is_idle:
            with self._stumbles.over(TELL):
                self._telling.go_on(now_s, self._functions.running if self._ending.is_cut else self._outbox.ids())
        if self._wants_exchange():
            self._exchange()

    def _is_due(self, now_s: float) -> bool:
        return self._why_quiet() != self._known or now_s >= min(self._beat_at_s, self._tick_at_s)

    def _say_what_is_due(self, now_s: float) -> None:
        if self._why_quiet() != self._known and self._stumbles.may(QUIET):
            with self._stumbles.over(QUIET):
                self._say_quiet()
        if now_s >= self._beat_at_s:
            with self._stumbles.over(BEAT):
                self._beat()
            pause_s = self._options.lease_s / 3 * random.uniform(0.8, 1.0) if self._heartbeat.is_over else 0.0
            self._beat_at_s = now_s + (self._stumbles.left_s(BEAT) or pause_s)
        if now_s >= self._tick_at_s:
            self._tick()
            self._look = True
            self._commands.listen(now_s)

    def _say_quiet(self) -> None:
        why_quiet = self._why_quiet()
        self._ledger.quiet(why_quiet)
        self._known = why_quiet
        self._look = self._known is None

    def _beat(self) -> None:
        now_s, runs, op = time.monotonic(), self._functions.running, self._outbox.answered
        beaten = self._heartbeat.go_on(runs, op)
        for id in beaten.stops:
            self._functions.stop(id, "its job was canceled or deleted, or its node is drained")
        self._ending.foretell_drain(self._functions.at_work(), beaten.drained, beaten.left_s)
        self._is_new = False
        self._ending.heard(now_s)
        self._heartbeat.deny([id for id in beaten.asked if id not in runs], op)

    def _recall(self) -> None:
        """Tell what has ended here and is not in the books, before it is started once more."""
        self._exchanges.settle()
        parts = self._functions.told_after_roll_back()
        count = sum(tell_ended(self._ledger, self._stumbles, part, 0) for part in parts[:-1])
        count += tell_ended(self._ledger, self._stumbles, parts[-1], self._outbox.answered)
        if count or not self._is_new:
            logger.warning("Redis was rolled back: it did not know %d functions that have run here", count)
            # Others may have as much to tell, of what stands on our queue by now.
            self._take_at_s = time.monotonic() + 2 * self._longest_pause_s
        self._beat_at_s = 0.0

    def _exchange(self) -> None:
        # The rest follows at once: where one carries all, server, agent and children wait for each other in turn.
        most = -(-self._at_hand() // (1 if self._ending.is_cut else 2))
        self._handed.may_be |= self._exchanges.begin(self._room, most=most, waits=not self._options.burst)
        # A hint that comes from now on may be of what is not in the answer.
        self._look = False
        if not self._is_exchange_awaited():
            self._begin_started()
            self._hear_answer()

    def _is_exchange_awaited(self) -> bool:
        """Whether one is on its way, and there is time for other things until its answer is here."""
        return not self._ending.is_cut and self._exchanges.is_awaited(time.monotonic())

    def _hear_answer(self) -> None:
        answered = self._exchanges.end(time.monotonic())
        self._outage.is_over()
        if answered is None:
            self._look = True
            return
        answer, is_more = answered
        self._look |= is_more
        self._handed.may_be = answer.is_ready
        self._started += answer.replied
        if self._to_stop:
            self._begin_started()
            while self._to_stop:
                self._functions.stop_job(self._to_stop.pop())
        if answer.more:
            self._tick_at_s = 0.0

    def _begin_started(self) -> None:
        started, self._started = self._started, []
        for each in started:
            self._large.start(Started.read(*each))
        self._exchanges.settle()  # not before: a child has begun by then
        self._functions.write_diary()

    def _tick(self) -> None:
        more = False
        with self._stumbles.over(TICK):
            more, owed = self._ledger.tick(
                0 if self._known is not None else max(0, self._slots - self._functions.callbacks)
            )
            for started in owed:
                self._large.call_back_lost(started)
        pause_s = max(TICK_S * random.uniform(0.8, 1.2), self._stumbles.left_s(TICK))
        self._tick_at_s = 0.0 if more else time.monotonic() + pause_s

    def _back_off(self, error: StoreUnavailable) -> None:
        self._commands.drop()
        self._outage.note(error)

    def _meet(self, error: OtherLayout) -> None:
        """The data is of another layout: bring it up to date, or take no more and end."""
        try:
            self._ledger.upgrade(error)
        except StoreUnavailable as reason:
            self._back_off(reason)
        except OtherLayout:
            self._quiet = self._gone = True
            self._ending.give_way(error, self._functions.at_work(), time.monotonic())

    def _start_over(self) -> None:
        """The node is not ours any more: end what runs under the old epoch, and register anew.

        Raises `NameTaken` where another agent has it.
        """
        logger.warning(
            "node %s is no longer this agent's (lease over, deregistered, or Redis emptied): %d functions are stopped",
            self._ledger.name, len(self._functions.running),
        )  # fmt: skip
        self._started.clear()
        self._exchanges.settle()
        self._functions.disown("its node was lost")
        self._outbox.drop()
        self._exchanges.forget()
        self._handed.may_be = False
        self._bulk.forget()
        if self._ending.has_begun:
            self._gone = True
            return
        try:
            offer = self._options.offer
            taken = self._ledger.register(offer.capabilities, round(self._options.lease_s * 1000), labels=offer.labels)
        except StoreUnavailable as error:
            self._back_off(error)
            return
        except ScriptBug as error:
            self._stumbles.note(REGISTER, error)
            self._outage.until_s = time.monotonic() + self._stumbles.left_s(REGISTER)
            return
        except OtherLayout as error:
            self._meet(error)
            return
        if taken is not None:
            raise NameTaken(self._ledger.name, taken)
        self._known, self._look, self._is_new = None, True, True

    def _leave(self) -> None:
        self._exchanges.close()
        self._commands.drop()
        self._functions.tell_undelivered()
        if self._ending.outdated is not None:
            return
        try:
            self._ledger.leave(self._ending.cause)
        except (StoreUnavailable, ScriptBug, OtherLayout) as error:
            logger.warning("%s; the lease of node %s will run out by itself", error, self._ledger.name)

    # Commands.

    def _obey(self, command: Mapping[str, Any] | Handed) -> None:
        match command:
            case Handed():
                if not self._gone:
                    self._handed.begin(command)
            case {"command": hints.WORK}:
                self._look = True
            case {"command": hints.BEAT}:
                self._beat_at_s = 0.0
            case {"command": "stop-job", "job_id": str(job_id)} | {"command": "stop-execution", "job_id": str(job_id)}:
                self._functions.stop_job(job_id)
                if self._outbox.is_unanswered:
                    self._to_stop.append(job_id)
            case {"command": "kill-horse"}:
                self._functions.kill_all("killed by rq's kill-horse command")
            case {"command": "shutdown"}:
                self.stop()
            case _:
                logger.warning("ignoring a command that this agent does not know: %s", command)
