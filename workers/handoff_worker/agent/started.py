"""A function that was started for this agent: what its job's stored hash says, read where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from textwrap import shorten
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from handoff.errors import UnreadableField
from handoff.ledger.fields import FIELDS
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.reservation import job_of
from handoff.shown import one_line
from handoff.words.resources import Units

MOST_SHOWN = 80
"""Characters of a title."""

_OURS = frozenset(row.name.encode() for row in FIELDS.values() if row.name.startswith("h_") or row.name == "created_at")
"""What is read here, with the one of RQ's by which a job is known again."""

T = TypeVar("T")

_HELD = tuple(FIELDS[name].name.encode() for name in ("demand", "variant", "devices"))

Hash = Mapping[bytes, bytes]
"""A hash, or an entry of a stream, as Redis has it."""


class _Held(NamedTuple):
    """What is reserved for a function."""

    devices: Mapping[str, list[int]]
    cost: Units


# The log tells it twice of each function, and most are called like others.
@lru_cache(256)
def _title(said: bytes) -> str:
    return one_line(shorten(said.decode(errors="replace"), MOST_SHOWN, placeholder=" ..."))


# Functions in a row mostly hold the same, and it is asked for twice.
@lru_cache(256)
def _read_held(*values: bytes | None) -> _Held:
    job = StoredJob({name: value for name, value in zip(_HELD, values, strict=True) if value})
    return _Held(job.devices, job.cost)


class _once(Generic[T]):
    """A property that is read when it is asked for first. `functools.cached_property` takes a lock, before 3.12."""

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read, self._name, self.__doc__ = read, read.__name__, read.__doc__

    def __get__(self, owner: object, kind: object = None) -> T:
        # Whoever asks again finds it there, and does not come here.
        value: T
        value = owner.__dict__[self._name] = self._read(owner)
        return value


class Started:
    """A function that is this agent's to run: the reservation, and the job's hash as rq keeps it."""

    def __init__(
        self,
        id: str,
        job: Hash,
        inputs: Mapping[int, Hash] = MappingProxyType({}),
        left_out: Sequence[bytes] = (),
    ) -> None:
        self.id, self.job = id, job
        self.inputs = inputs  #: number in its run -> entry of a result
        self.left_out = left_out  #: fields that the hash has beside these, and that are large
        self._stored = StoredJob(job)

    @classmethod
    def read(
        cls,
        id: bytes,
        job: Sequence[Sequence[bytes]],
        inputs: Sequence[tuple[int, Sequence[bytes]]] = (),
        left_out: Sequence[bytes] = (),
    ) -> Started:
        """Read it as the scripts reply it: name, value, name, value, ...; of a job its hash, and what was set since."""
        entries = {int(number): _mapping(entry) for number, entry in inputs}
        return cls(id.decode(), _mapping(list(chain.from_iterable(job))), entries, left_out)

    def with_fields(self, fields: Hash) -> Started:
        """The same with what was left out."""
        return Started(self.id, {**self.job, **fields}, self.inputs)

    def check(self) -> None:
        """Raise `UnreadableField` where one of these cannot be read that the agent needs."""
        for each in ("made_by", "is_known_by_its_submit", "attempt", "message", "serializer", "is_isolated", "_held"):
            getattr(self, each)

    def without_ours(self) -> Started:
        """The same with what is RQ's alone, for its failure callback, where the rest cannot be read."""
        return Started(self.id, {name: value for name, value in self.job.items() if name not in _OURS}, self.inputs)

    @_once
    def job_id(self) -> str:
        """The RQ job of which this is one attempt."""
        return job_of(self.id)

    @_once
    def made_by(self) -> tuple[str, str]:
        """Which submit made the job, and when: an id may be used again."""
        return self._stored.text("token"), self._stored.text("created_at")

    @_once
    def is_known_by_its_submit(self) -> bool:
        """Not so of a job that rq put onto a queue: that may be the same one once more."""
        return bool(self._stored.text("token") or self._stored.text("run"))

    @_once
    def attempt(self) -> int:
        """Which attempt of the function this is, from 1."""
        return self._stored.attempts

    @property
    def has_retries(self) -> bool:
        """Whether it is tried again where its node ends it; one with a field that is bent is taken for the last."""
        job = self._stored
        try:
            return self.attempt <= job.number("retries") and not job.ends_with_its_node
        except UnreadableField:
            return False

    @_once
    def title(self) -> str:
        """What it is, for people: its id in a run, or what it is called, without the arguments of a call."""
        job = self._stored
        return _title(job.bytes("function") or job.bytes("description").partition(b"(")[0])

    @property
    def devices(self) -> Mapping[str, list[int]]:
        """The devices that are reserved for it, by resource."""
        return self._held.devices

    @property
    def cost(self) -> Units:
        """The one of its costs that is reserved."""
        return self._held.cost

    @_once
    def serializer(self) -> Literal["msgpack", "pickle"]:
        """What its arguments are written with."""
        return "pickle" if self._stored.is_pickled else "msgpack"

    @_once
    def is_isolated(self) -> bool:
        """Whether it is to have a child of its own."""
        return self._stored.is_isolated

    @_once
    def _held(self) -> _Held:
        return _read_held(*map(self.job.get, _HELD))

    @property
    def error(self) -> str:
        """The type of what it failed with."""
        return self._stored.text("error")

    @property
    def message(self) -> str:
        """What is said of its failure."""
        return self._stored.text("message")


def _mapping(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
