"""A function that was started for this agent: what its job's stored hash says, read where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from textwrap import shorten
from types import MappingProxyType
from typing import Literal, NamedTuple

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


class Started(NamedTuple):
    """A function that is this agent's to run: the reservation, and the job's hash as rq keeps it."""

    id: str
    job: Hash
    inputs: Mapping[int, Hash] = MappingProxyType({})  #: number in its run -> entry of a result
    left_out: Sequence[bytes] = ()  #: fields that the hash has beside these, and that are large

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
        return self._replace(job={**self.job, **fields}, left_out=())

    def check(self) -> None:
        """Raise `UnreadableField` where one of these cannot be read that the agent needs."""
        for each in ("made_by", "is_known_by_its_submit", "attempt", "message", "serializer", "is_isolated", "_held"):
            getattr(self, each)

    def without_ours(self) -> Started:
        """The same with what is RQ's alone, for its failure callback, where the rest cannot be read."""
        return self._replace(job={name: value for name, value in self.job.items() if name not in _OURS}, left_out=())

    @property
    def job_id(self) -> str:
        """The RQ job of which this is one attempt."""
        return job_of(self.id)

    @property
    def made_by(self) -> tuple[str, str]:
        """Which submit made the job, and when: an id may be used again."""
        job = StoredJob(self.job)
        return job.text("token"), job.text("created_at")

    @property
    def is_known_by_its_submit(self) -> bool:
        """Not so of a job that rq put onto a queue: that may be the same one once more."""
        job = StoredJob(self.job)
        return bool(job.text("token") or job.text("run"))

    @property
    def attempt(self) -> int:
        """Which attempt of the function this is, from 1."""
        return StoredJob(self.job).attempts

    @property
    def has_retries(self) -> bool:
        """Whether it is tried again where its node ends it; one with a field that is bent is taken for the last."""
        job = StoredJob(self.job)
        try:
            return self.attempt <= job.number("retries") and not job.ends_with_its_node
        except UnreadableField:
            return False

    @property
    def title(self) -> str:
        """What it is, for people: its id in a run, or what it is called, without the arguments of a call."""
        job = StoredJob(self.job)
        return _title(job.bytes("function") or job.bytes("description").partition(b"(")[0])

    @property
    def devices(self) -> Mapping[str, list[int]]:
        """The devices that are reserved for it, by resource."""
        return self._held.devices

    @property
    def cost(self) -> Units:
        """The one of its costs that is reserved."""
        return self._held.cost

    @property
    def serializer(self) -> Literal["msgpack", "pickle"]:
        """What its arguments are written with."""
        return "pickle" if StoredJob(self.job).is_pickled else "msgpack"

    @property
    def is_isolated(self) -> bool:
        """Whether it is to have a child of its own."""
        return StoredJob(self.job).is_isolated

    @property
    def _held(self) -> _Held:
        return _read_held(*map(self.job.get, _HELD))

    @property
    def error(self) -> str:
        """The type of what it failed with."""
        return StoredJob(self.job).text("error")

    @property
    def message(self) -> str:
        """What is said of its failure."""
        return StoredJob(self.job).text("message")


def _mapping(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
