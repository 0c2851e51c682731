"""The node's side of the ledger: register, renew, take and deliver; one script each, asked once.

Whoever calls decides when to ask again; every call may, with the same arguments, and is answered the same.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handoff.errors import OtherLayout, UnreadableField, shown
from handoff.ledger.asking import unlisted
from handoff.ledger.begun import Begun
from handoff.ledger.connection import SILENCE_S
from handoff.ledger.dependents import Dependents
from handoff.ledger.housekeeping import takes_turn
from handoff.ledger.nodes import write_capabilities, write_external
from handoff.ledger.recurring import fire_due
from handoff.ledger.rqmodel import worker_fields
from handoff.ledger.store import Store
from handoff.ledger.texts.handed import Handed
from handoff.ledger.texts.holder import Holder, read_holder, write_holder
from handoff.ledger.texts.labels import write_labels
from handoff.ledger.upgrading import upgrade
from handoff.words.capabilities import Capabilities
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.memory import Ended
from handoff_worker.agent.started import Started
from handoff_worker.machine.external import External
from handoff_worker.machine.holder import is_gone

logger = logging.getLogger(__name__)

LARGEST_JOB = 64 * 2**20
"""Bytes of the fields of a job that are read by themselves; arguments have 8 MB at most."""


class Stale(Exception):
    """The node has another epoch by now: what runs here is no longer this agent's."""


class Behind(Exception):
    """Redis was rolled back: it does not know all that has ended here."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Another agent has the lease."""

    holder: Holder
    incarnation: str
    left_ms: int


class NameTaken(Exception):
    """Another agent holds the node's lease and keeps renewing it."""

    def __init__(self, node: str, taken: Taken) -> None:
        super().__init__(node, taken)
        self.node, self.taken = node, taken

    def __str__(self) -> str:
        holder = self.taken.holder
        return (
            f"node {self.node!r} is held by the agent with process id {holder.pid} on host {holder.host}: "
            "stop that agent, or give this one another --name"
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """The answer to a delivery."""

    outcomes: list[str]  #: per result, in order
    replied: list[Any]  #: of each that was started, as the script replies it
    more: bool  #: work is left over: tick
    is_ready: bool  #: something may be handed over before the next one

    @property
    def count(self) -> int:
        """How many were started."""
        return len(self.replied)

    @property
    def started(self) -> list[Started]:
        """What was started; read anew each time."""
        return [Started.read(*each) for each in self.replied]


@dataclass(frozen=True, slots=True)
class Beaten:
    """The answer to a heartbeat."""

    stops: list[str]  #: reservations to be stopped
    drained: int  #: on a node that is drained, until when functions may run, by the ledger's clock; 0 = for ever
    left_s: float  #: how long that is
    at: str  #: where to go on with what is reserved, '' = all of it was looked at
    asked: list[str]  #: reservations of which something has to run here


class NodeLedger:
    """One node, as its agent of one incarnation writes it. All calls may raise `StoreUnavailable`."""

    def __init__(
        self,
        store: Store,
        name: str,
        holder: Holder,
        incarnation: str,
        *,
        beside: Callable[[Callable[[], None]], None] = lambda do: do(),
        external: Callable[[], External | None] = lambda: None,
    ) -> None:
        """`beside` does what may take long without having anybody wait for it, or does it at once.

        `external` tells what other programs use of this host, where somebody looks.
        """
        self._store = store
        self.name = name
        self._holder = holder
        self._incarnation = incarnation
        self._external = external
        self._epoch = ""
        self._tick_token = uuid.uuid4().hex
        self._is_told = True  #: what the last tick has handed out
        self._dependents, self._can_release, self._beside = Dependents(store), True, beside
        self._has_unknown = False  #: there is what only a newer version knows

    def register(
        self, capabilities: Capabilities, lease_ms: int, *, labels: Mapping[str, str] | None = None
    ) -> Taken | None:
        """Take the lease, also from a holder that ran on this machine and whose process is gone. None = it is ours.

        Such a holder was there before this agent, or Redis was rolled back to when it was. Data of an older layout is
        upgraded before. Raises `OtherLayout` where that cannot be.
        """
        units, devices = write_capabilities(capabilities)
        dead = ""
        while True:
            try:
                reply = self._store.attempt(
                    "register",
                    *worker_fields(self._holder.host, self._holder.pid),
                    name=self.name, incarnation=self._incarnation, holder=write_holder(self._holder), dead=dead,
                    lease_ms=lease_ms, units=units, devices=devices, labels=write_labels(labels or {}),
                    **self._told_of_others(),
                )  # fmt: skip
            except OtherLayout as error:
                self.upgrade(error)
                continue
            match reply:
                case ["registered", bytes(epoch)]:
                    self._epoch = epoch.decode()
                    return None
                case ["again"]:
                    continue
                case ["leased", bytes(holder), bytes(incarnation), int(left_ms)]:
                    taken = Taken(_holder(holder), incarnation.decode(errors="replace"), left_ms)
                    if dead == taken.incarnation or not is_gone(taken.holder):
                        return taken
                    logger.info("taking node %s over from process %d, which is gone", self.name, taken.holder.pid)
                    dead = taken.incarnation
                case _:
                    raise unlisted("register", reply)

    def upgrade(self, error: OtherLayout) -> None:
        """Bring data up to date that an earlier version has left, or a roll-back. Any other raises the error."""
        if not error.is_older:
            raise error
        upgrade(self._store)

    def beat(self, runs: Iterable[str], op: int, at: str, worked_s: float) -> Beaten:
        """Renew the lease, compare some of the reservations that run here, and go on with what is reserved.

        `op` is the last exchange that was answered, `worked_s` how long functions have run under this agent, all
        together. Raises `Stale`, and `Behind` where `op` is not known any more.
        """
        worked_ms = round(worked_s * 1000)
        said = {"op": op, "worked_ms": worked_ms, "at": at, **self._told_of_others()}
        reply = self._store.attempt("beat", *runs, name=self.name, epoch=self._epoch, **said)
        match reply:
            case ["behind"]:
                raise Behind
            case ["beaten", list(stops), int(drained), int(left_ms), bytes(following), list(asked)]:
                return Beaten(
                    [stop.decode() for stop in stops], drained, left_ms / 1000, following.decode(),
                    [id.decode() for id in asked],
                )  # fmt: skip
            case ["stale"]:
                raise Stale
            case _:
                raise unlisted("beat", reply)

    def _told_of_others(self) -> dict[str, str]:
        found = self._external()
        cost, devices = ("", "") if found is None else write_external(found.units, found.memory)
        return {"external": cost, "external_devices": devices}

    def deny(self, ids: Sequence[str], op: int) -> None:
        """Say of reservations that nothing of them runs here. Raises `Stale` and `Behind`, as `beat`."""
        match self._store.attempt("deny", *ids, name=self.name, epoch=self._epoch, op=op):
            case ["denied"]:
                return
            case ["behind"]:
                raise Behind
            case ["stale"]:
                raise Stale
            case reply:
                raise unlisted("deny", reply)

    def exchange(self, op: int, room: int, results: Sequence[Result]) -> Exchange:
        """Deliver results and take up to `room` functions. Same `op`, same answer. Raises `Stale` and `Behind`."""
        return self.answered(self.begin_exchange(op, room, results).answer())

    def begin_exchange(self, op: int, room: int, results: Sequence[Result], *, waits: bool = False) -> Begun:
        """Send an exchange; `answered` reads what is answered to it.

        `waits`: into what is left of the room one may be handed over with a hint, under the number of the next one.
        """
        flat = [value for result in results for value in result.flat()]
        return self._store.begin("finish", *flat, name=self.name, epoch=self._epoch, op=op, room=room, waits=int(waits))

    def answered(self, reply: list[Any]) -> Exchange:
        """Read the answer to an exchange. Raises `Stale` and `Behind`."""
        match reply:
            case ["done", list(outcomes), list(started), int(more), int(ready)]:
                return Exchange([outcome.decode() for outcome in outcomes], started, bool(more), bool(ready))
            case ["behind"]:
                raise Behind
            case ["stale"]:
                raise Stale
            case _:
                raise unlisted("finish", reply)

    def tell(self, told: Sequence[str | bytes]) -> None:
        """Keep what functions tell that run here: texts/told, one behind the other. Raises `Stale`."""
        match self._store.attempt("tell", *told, name=self.name, epoch=self._epoch):
            case ["told"]:
                return
            case ["stale"]:
                raise Stale
            case reply:
                raise unlisted("tell", reply)

    def learn(self, samples: Sequence[bytes | str | int], ttl_s: int) -> None:
        """Keep samples of what functions have used that ran here, for so long. Raises `Stale`."""
        match self._store.attempt("learn", *samples, name=self.name, epoch=self._epoch, ttl_ms=1000 * ttl_s):
            case ["learned"]:
                return
            case ["stale"]:
                raise Stale
            case reply:
                raise unlisted("learn", reply)

    def is_for_us(self, handed: Handed) -> bool:
        """Whether a function was started for this process, which nobody can name who may not read the node's hash."""
        return (handed.incarnation, handed.epoch) == (self._incarnation, self._epoch)

    def send_piece(self, token: str, offset: int, piece: str) -> int:
        """Send a piece of a large result. -> where the next one begins"""
        match self._store.attempt("parcel", token=token, offset=offset, piece=piece):
            case ["has", int(length)]:
                return length
            case reply:
                raise unlisted("parcel", reply)

    def read_fields(self, job_id: str, names: Sequence[bytes]) -> dict[bytes, bytes]:
        """Read fields of a job's hash, as far as there are any. Raises `UnreadableField` for more than a job has."""
        key = self._store.keys("rq_job", job_id)
        lengths = self._store.glance([("HSTRLEN", key, name) for name in names], SILENCE_S)
        # It would be in the memory of agent and child several times over.
        if (size := sum(length for length in lengths if isinstance(length, int))) > LARGEST_JOB:
            fields = b", ".join(names).decode(errors="replace")
            raise UnreadableField(fields, f"{size} bytes", f"at most {LARGEST_JOB // 2**20} MB together")
        values = self._store.read_once("HMGET", key, *names)
        return {name: value for name, value in zip(names, values, strict=True) if value is not None}

    def recall(self, ended: Sequence[Ended], op: int) -> int:
        """Tell what has ended or runs here, after a roll-back. -> of how many it was news

        `op` is the last exchange that was answered, with the last call of several; else 0.

        Raises `Stale`.
        """
        flat = [value for each in ended for value in each.flat()]
        reply = self._store.attempt("recall", *flat, name=self.name, epoch=self._epoch, op=op)
        match reply:
            case ["recalled", int(count)]:
                return count
            case ["stale"]:
                raise Stale
            case _:
                raise unlisted("recall", reply)

    def quiet(self, reason: str | None) -> None:
        """Take no more and hand the queue back, with a reason that people see ('' = told so); None: serve again.

        Raises `Stale`.
        """
        quiet, why = int(reason is not None), reason or ""
        while True:
            reply = self._store.attempt("quiet", name=self.name, epoch=self._epoch, quiet=quiet, reason=why)
            if reply == ["stale"]:
                raise Stale
            if reply != ["again"]:
                return

    def tick(self, room: int) -> tuple[bool, list[Started]]:
        """Do a slice of everybody's housekeeping. -> whether there is more, and jobs whose on_failure is to be run.

        After a lost reply the next call asks for the same again, so that no callback is lost or run twice, and does so
        whosever turn it is.
        """
        is_ours = takes_turn(self._store)
        if not is_ours and self._is_told:
            return False, []
        self._is_told = False
        reply = self._store.attempt("tick", room=room if is_ours else -1, token=self._tick_token)
        self._tick_token = uuid.uuid4().hex
        self._is_told = True
        if reply == ["busy"]:
            return False, []
        self._tell_unknown(reply[3])
        fire_due(self._store, reply[4], self._store.awaited.attempt)
        if not reply[1]:
            # Of 10,000 that wait for one function RQ's own code takes many seconds.
            self._beside(self._release_dependents)
        return bool(reply[1]), [Started.read(*each) for each in reply[2]]

    def _release_dependents(self) -> None:
        try:
            self._dependents.go_on()
        except Exception as error:
            # Others write those jobs, and what was handed out above must not be lost for them.
            if self._can_release:
                logger.warning("jobs of RQ's own that depend on functions cannot be released now: %s", error)
            self._can_release = False
        else:
            self._can_release = True

    def _tell_unknown(self, texts: Sequence[bytes]) -> None:
        """Say, once while there is any, what a newer version has noted to be done and nobody does here."""
        if texts and not self._has_unknown:
            logger.warning(
                "a newer version has left to be done what this one does not know, such as %s, and it stays undone: "
                "upgrade this agent, or start a newer one",
                shown(texts[0].decode(errors="replace")),
            )
        self._has_unknown = bool(texts)

    def pending(self) -> bool:
        """Whether anything waits that this node could run when idle."""
        return bool(self._store.attempt("pending", name=self.name)[1])

    def leave(self, cause: str = "") -> None:
        """Deregister: what is queued waits again, what is started counts as lost for this cause (texts/loss)."""
        while True:
            reply = self._store.attempt("deregister", name=self.name, incarnation=self._incarnation, cause=cause)
            if reply != ["again"]:
                return


def _holder(stored: bytes) -> Holder:
    """Who has a lease; of what somebody has written over that, a process that nobody can tell to be gone."""
    text = stored.decode(errors="replace")
    try:
        return read_holder(text)
    except ValueError:
        return Holder(shown(text), 0, "", "")
