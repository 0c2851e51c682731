"""An agent without processes: it says to Redis what an agent says, when the test says so, and runs nothing.

agent = FakeAgent(store, "a", {"cpu": 4}).register()
[started] = agent.take()
assert agent.finish(ok(started.id)) == ["stored"]
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handoff.ledger.exceeded import EXCEEDED
from handoff.ledger.learned import LEARN_TTL_S
from handoff.ledger.nodes import write_capabilities, write_external
from handoff.ledger.result_entry import encode_traceback, encode_value
from handoff.ledger.rqmodel import worker_fields
from handoff.ledger.store import Store
from handoff.ledger.texts.labels import write_labels
from handoff.ledger.texts.told import write_told
from handoff.ledger.texts.usage import write_usage
from handoff.serializer import Serializer
from handoff.words.capabilities import DeviceMemory, parse_capabilities
from handoff.words.constraints import parse_labels
from handoff.words.resources import UNIT, Number


class Stale(Exception):
    """The node has another epoch: nothing of it is this agent's any more. `register` again."""


class Behind(Exception):
    """Redis does not know of the last `finish`: nothing was written, and recall goes first."""


class NameTaken(Exception):
    """Another agent has the name's lease, for `left_ms` more."""

    def __init__(self, holder: str, incarnation: str, left_ms: int) -> None:
        super().__init__(holder, incarnation, left_ms)
        self.holder, self.incarnation, self.left_ms = holder, incarnation, left_ms


@dataclass(frozen=True, slots=True)
class Started:
    """A function that the agent is to run."""

    id: str  #: the reservation, `<job>:<number>`
    job: Mapping[str, bytes]  #: the job's hash; empty if rq deleted it since
    inputs: Mapping[int, Mapping[str, bytes]]  #: of a run: results that were sent along, by number
    left_out: Sequence[str] = ()  #: large fields of the hash, which the agent is to read by itself

    @property
    def job_id(self) -> str:
        return self.id.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt: made by `ok`, `failure` and `killed`."""

    id: str
    kind: str
    body: str = ""
    error: str = ""
    message: str = ""
    retryable: bool = False
    jitter: float = 1.0
    forms: str = ""
    usage: str = ""


def ok(id: str, value: Any = None, *forms: Any) -> Result:
    """The function returned `value`, of which its serializers made `forms`."""
    body = "" if value is None else encode_value(Serializer.dumps(value))
    return Result(id, "finished", body, forms=",".join(encode_value(Serializer.dumps(form)) for form in forms))


def sent(id: str, parcel: str, size: int) -> Result:
    """The function returned a value that was sent before."""
    return Result(id, "sent", parcel, message=str(size))


def failure(id: str, message: str = "no", *, retryable: bool = True, jitter: float = 1.0) -> Result:
    """The function raised a ValueError; `jitter` is the factor on its backoff."""
    body = encode_traceback(f"ValueError: {message}")
    return Result(id, "failed", body, "builtins.ValueError", message, retryable, jitter)


def died(id: str, *, retryable: bool = True, jitter: float = 1.0) -> Result:
    """Its child process ended, and nobody had asked for that."""
    message = "its child process was killed by signal 9 (SIGKILL)"
    return Result(id, "died", encode_traceback(message), "handoff.ChildDied", message, retryable, jitter)


def unstarted(id: str) -> Result:
    """No process could be started for it."""
    return Result(id, "unstarted", message="no process could be started for it")


def killed(id: str) -> Result:
    """The agent ended the child because it was told to stop the function."""
    return Result(id, "stopped", encode_traceback("it was stopped"), "builtins.KeyboardInterrupt", "it was stopped")


def exceeded(id: str, used_mb: int, *, of_gpus: bool = False) -> Result:
    """The agent ended the child because the function used so much memory, which is more than it had declared."""
    message = f"it used {used_mb} MB of memory"
    body = encode_traceback(f"{EXCEEDED}: {message}")
    usage = write_usage(41, None, 1.5, used_mb) if of_gpus else write_usage(used_mb, None, 1.5)
    return Result(id, "exceeded", body, EXCEEDED, message, usage=usage)


class FakeAgent:
    """One agent on one node. Every call but `register` raises `Stale` once the node is not its own any more,
    and `Behind` where Redis was rolled back.

    The default lease outlasts any test on a server whose own clock runs; a test that loses the node sets the clock, and
    a lease with it.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        capabilities: Mapping[str, Number | Sequence[int]],
        *,
        labels: Mapping[str, str] | None = None,
        device_memory: DeviceMemory | None = None,
        lease_ms: int = 3_600_000,
        incarnation: str | None = None,
    ) -> None:
        self._store = store
        self.name = name
        #: These three for the next `register`.
        self.capabilities, self.labels, self.device_memory = capabilities, labels, device_memory
        self.lease_ms = lease_ms
        self.incarnation = uuid.uuid4().hex if incarnation is None else incarnation
        self.epoch = ""  #: '' = not registered
        self.worked_ms = 0  #: what it says at a heartbeat
        #: What others use of its host: of sums, and MB of gpus by index; None = it does not look.
        self.external: tuple[Mapping[str, float], Mapping[int, float]] | None = None
        self.op = 0  #: number of the last `finish`
        self.runs: dict[str, Started] = {}  #: by reservation; take one out and the agent has lost it

    def __repr__(self) -> str:
        return f"FakeAgent({self.name!r}, incarnation={self.incarnation!r})"

    def register(self, *, dead: str = "") -> FakeAgent:
        """Take the lease, or change what the node has. `dead` is an incarnation whose process is known to be gone.

        Raises `NameTaken`.
        """
        units, devices = write_capabilities(parse_capabilities(self.capabilities, self.device_memory))
        reply: list[Any] = ["again"]
        while reply == ["again"]:
            reply = self._store.run(
                "register", *worker_fields("here", 1), name=self.name, incarnation=self.incarnation,
                holder=f"here:{self.incarnation}", dead=dead, lease_ms=self.lease_ms, units=units, devices=devices,
                labels=write_labels(parse_labels(self.name, self.labels)), **self._external()
            )  # fmt: skip
        if reply[0] == "leased":
            raise NameTaken(reply[1].decode(), reply[2].decode(), reply[3])
        assert reply[0] == "registered", reply
        epoch = reply[1].decode()
        if epoch != self.epoch:
            self.epoch, self.op, self.runs = epoch, 0, {}
        return self

    def beat(self) -> list[str]:
        """A heartbeat: renew the lease and compare what runs, in as many calls as that takes.

        -> the reservations that are to be stopped
        """
        stops: list[str] = []
        untold, at = list(self.runs), b""
        while True:
            page, untold = untold[:64], untold[64:]
            told = self._own("beat", *page, op=self.op, worked_ms=self.worked_ms, at=at, **self._external())
            _, stopped, _, _, at, asked = told
            stops += [id.decode() for id in stopped]
            if denied := [id for id in asked if id.decode() not in self.runs]:
                self._own("deny", *denied, op=self.op)
            if not untold and not at:
                return stops

    def _external(self) -> dict[str, str]:
        if self.external is None:
            return dict.fromkeys(("external", "external_devices"), "")
        sums, gpus = self.external
        units = {index: round(UNIT * each) for index, each in gpus.items()}
        texts = write_external(
            {name: round(UNIT * each) for name, each in sums.items()}, {"gpu": units} if units else {}
        )
        return dict(zip(("external", "external_devices"), texts, strict=True))

    def take(self, room: int = 1) -> list[Started]:
        """Take up to `room` functions from the node's queue."""
        before = set(self.runs)
        self.finish(room=room)
        return [started for id, started in self.runs.items() if id not in before]

    def finish(self, *results: Result, room: int = 0, waits: bool = False) -> list[str]:
        """Deliver results and take up to `room` functions. -> what became of each result

        `waits`: into what is left of the room one may be handed over with a hint.
        """
        flat = [value for result in results for value in _flat(result)]
        self.op += 1
        reply = self._own("finish", *flat, op=self.op, room=room, waits=int(waits))
        for result in results:
            self.runs.pop(result.id, None)
        for id, job, inputs, left_out in reply[2]:
            sent = {number: _fields(entry) for number, entry in inputs}
            self.runs[id.decode()] = Started(
                id.decode(),
                _fields([part for parts in job for part in parts]),
                sent,
                [name.decode() for name in left_out],
            )
        return [outcome.decode() for outcome in reply[1]]

    def send(self, parcel: str, text: str, *, at: int = 0) -> int:
        """Send a piece of a large value. -> how much of it is there"""
        reply = self._store.run("parcel", token=parcel, offset=at, piece=text)
        assert reply[0] == "has", reply
        return int(reply[1])

    def tell(self, *told: tuple[str, str, float, str | bytes]) -> None:
        """Tell what functions tell: of each the reservation, what it is (texts/told), its number, and that."""
        reply = self._own("tell", *(value for each in told for value in write_told(*each)))
        assert reply == ["told"], reply

    def learn(self, *samples: tuple[str, int, str] | tuple[str, int, str, int], ttl_s: int = LEARN_TTL_S) -> None:
        """Tell what functions have used: of each the name, a number, the sample, and in a graph its id's number."""
        self.tell_learned([value for each in samples for value in (*each, "")[:4]], ttl_s)

    def tell_learned(self, samples: Sequence[bytes | str | int], ttl_s: int = LEARN_TTL_S) -> None:
        """The same as the script takes it."""
        reply = self._own("learn", *samples, ttl_ms=1000 * ttl_s)
        assert reply == ["learned"], reply

    def recall(self, started: Started, result: Result) -> int:
        """Tell once more what came of a function, after a roll-back. -> 1 where that was news"""
        job = started.job
        reply = self._own(
            "recall", job["h_token"].decode(), job["created_at"].decode(), int(job["h_attempts"]), *_flat(result),
            op=self.op,
        )  # fmt: skip
        return int(reply[1])

    def quiet(self, on: bool = True, reason: str = "") -> None:
        """Take no more, and hand back what is queued; or serve again."""
        while self._own("quiet", quiet=int(on), reason=reason) == ["again"]:
            continue

    def goodbye(self, cause: str = "") -> bool:
        """Deregister the node; `cause` is of texts/loss. -> False if it is another agent's, or gone"""
        reply: list[Any] = ["again"]
        while reply == ["again"]:
            reply = self._store.run("deregister", name=self.name, incarnation=self.incarnation, cause=cause)
        self._forget()
        return reply == ["gone"]

    def _own(self, script: str, *rest: Any, **arguments: Any) -> list[Any]:
        reply = self._store.run(script, *rest, name=self.name, epoch=self.epoch, **arguments)
        if reply == ["stale"]:
            self._forget()
            raise Stale(self.name)
        if reply == ["behind"]:
            raise Behind(self.name)
        return reply

    def _forget(self) -> None:
        self.epoch, self.runs = "", {}


def _flat(result: Result) -> tuple[str | int, ...]:
    return (
        result.id, result.kind, result.body, result.error, result.message, int(result.retryable),
        f"{result.jitter:.3f}", result.forms, result.usage,
    )  # fmt: skip


def _fields(flat: list[bytes]) -> dict[str, bytes]:
    return {flat[i].decode(): flat[i + 1] for i in range(0, len(flat), 2)}
