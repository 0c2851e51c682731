"""Reading a job's hash: each field as what it means, when it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from handoff.errors import UnreadableField
from handoff.ledger.fields import FIELDS
from handoff.ledger.keys import is_queue_of
from handoff.ledger.states import PARKED, STATES, state_of
from handoff.ledger.texts.demand import Demand, read_demand
from handoff.ledger.texts.devices import read_devices
from handoff.ledger.texts.number_list import read_numbers
from handoff.ledger.texts.options import read_option
from handoff.ledger.texts.progress import read_progress
from handoff.ledger.texts.shortfall import Amiss, Shortfall, read_shortfall
from handoff.ledger.texts.terms import CAPACITY, capacity_of
from handoff.ledger.texts.usage import FunctionUsage, read_usage
from handoff.words.resources import Units

T = TypeVar("T")

MOST_DIGITS = 15
"""So many digits are exact in Lua too."""

MOST_UNITS = 2**53
"""Of an amount, that of a group too."""

MOST_DEVICES = 10**6
"""No index is as large."""

_SERIALIZERS = ("", "msgpack", "pickle")

_KEYS = {field: row.name.encode() for field, row in FIELDS.items()}


class StoredJob:
    """A job as Redis has it, all of its hash or some of its fields. A field that is not there counts as empty.

    Nothing is read before it is asked for: of most functions a child asks for next to nothing. What was asked for and
    is not what `fields` says of it raises `UnreadableField`: whoever can write to Redis can write anything into a hash.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self._values = values

    @classmethod
    def of(cls, fields: Sequence[str], values: Sequence[bytes | None]) -> StoredJob:
        """Put together what was read of some fields, in their order."""
        return cls({_KEYS[field]: value for field, value in zip(fields, values, strict=True) if value})

    def text(self, field: str) -> str:
        """A field as text."""
        # Most are empty.
        if not (value := self._values.get(_KEYS[field])):
            return ""
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise self._unreadable(field, "text in UTF-8") from None

    def bytes(self, field: str) -> bytes:
        """A field as it is."""
        return self._values.get(_KEYS[field], b"")

    def number(self, field: str) -> int:
        """A field as a whole number from 0; 0 where it is empty."""
        if not (value := self._values.get(_KEYS[field])):
            return 0
        if not (value.isdigit() and len(value) <= MOST_DIGITS):
            raise self._unreadable(field, f"a whole number of at most {MOST_DIGITS} digits")
        return int(value)

    def is_of(self, namespace: str) -> bool:
        """Whether its queue is one of this namespace: the lobby, or a node's."""
        return is_queue_of(namespace, self.text("origin") or namespace)

    @property
    def state(self) -> str:
        """API's word for where it stands."""
        finer = self.text("state")
        if finer and finer not in (*STATES, PARKED):
            raise self._unreadable("state", f"one of {', '.join(STATES)}")
        return state_of(self.text("status"), finer)

    @property
    def demand(self) -> Demand | None:
        """What it asks for; None of one that rq's own hands made, and that no script has seen yet."""
        return self._read("demand", _checked_demand, "a cost with constraints") if self.bytes("demand") else None

    @property
    def variant(self) -> int:
        """Which of its demand it was placed with, from 0."""
        return self._variant_of(self.demand)

    @property
    def cost(self) -> Units:
        """What it takes where it was placed, with its slot."""
        demand = self.demand
        return demand.variants[self._variant_of(demand)].cost if demand else {}

    @property
    def devices(self) -> dict[str, list[int]]:
        """Which devices it has, by resource."""
        return self._read("devices", _checked_devices, "devices by resource")

    @property
    def attempts(self) -> int:
        """How often it was started."""
        return self.number("attempts")

    @property
    def told(self) -> list[int]:
        """The placements, of its last few, that have told something."""
        return self._read("told", read_numbers, "placements")

    @property
    def progress(self) -> tuple[int, int, float, str] | None:
        """Which attempt has said when how far it is, and what to that; None = none has."""
        return self._read("progress", read_progress, "how far a function is") if self.bytes("progress") else None

    @property
    def usage(self) -> FunctionUsage | None:
        """What its last attempt that has ended has used; None = nothing is known of it."""
        return self._read("usage", read_usage, "what a function has used") if self.bytes("usage") else None

    @property
    def is_pickled(self) -> bool:
        """Whether its arguments, and so its result, are pickles."""
        name = self.text("serializer")
        if name not in _SERIALIZERS:
            raise self._unreadable("serializer", "msgpack or pickle")
        return name == "pickle"

    @property
    def is_isolated(self) -> bool:
        """Whether it is to have a process that nobody has used, and nobody uses after it."""
        isolation = read_option(self.text("options"), "isolation")
        if isolation not in ("", "fresh"):
            raise self._unreadable("options", "options of which isolation is warm or fresh")
        return isolation == "fresh"

    @property
    def ends_with_its_node(self) -> bool:
        """Whether it is not tried again where its node is lost."""
        return read_option(self.text("options"), "loss") == "fail"

    @property
    def is_evicted(self) -> bool:
        """Whether it is being stopped because its node is drained."""
        return bool(self.text("evicted")) and self.text("evicted") == self.text("placement")

    @property
    def shortfall(self) -> Shortfall:
        """What the nearest node lacks, of one that has failed because it is infeasible."""
        return self._read("message", _checked_shortfall, "what the nearest node lacks")

    def _variant_of(self, demand: Demand | None) -> int:
        number = self.number("variant")
        if demand is not None and number >= len(demand.variants):
            raise self._unreadable("variant", f"less than {len(demand.variants)}, the number of its costs")
        return number

    def _read(self, field: str, read: Callable[[str], T], rule: str) -> T:
        text = self.text(field)
        try:
            return read(text)
        except ValueError:
            raise self._unreadable(field, rule) from None

    def _unreadable(self, field: str, rule: str) -> UnreadableField:
        return UnreadableField(FIELDS[field].name, self.bytes(field).decode("utf-8", "backslashreplace"), rule)


# Functions in a row mostly ask for the same, and to read it takes 20 us.
@lru_cache(256)
def _checked_demand(text: str) -> Demand:
    """Read a demand. Raises `ValueError`, also for amounts of which no script would write so much."""
    demand = read_demand(text)
    costs = [variant.cost for variant in demand.variants]
    costs += [capacity_of(term) for term in demand.terms if term.name == CAPACITY]
    if not all(0 <= units < MOST_UNITS for cost in costs for units in cost.values()):
        raise ValueError(text)
    return demand


def _checked_devices(text: str) -> dict[str, list[int]]:
    devices = read_devices(text)
    if not all(0 <= index < MOST_DEVICES for indices in devices.values() for index in indices):
        raise ValueError(text)
    return devices


def _checked_shortfall(text: str) -> Shortfall:
    found = read_shortfall(text)
    if any(isinstance(item, Amiss) and max(item.wanted, item.there) >= MOST_UNITS for item in found.items):
        raise ValueError(text)
    return found
