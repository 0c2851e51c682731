"""Reading a job's hash: each field as what it means, when it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handoff.ledger.fields import FIELDS
from handoff.ledger.keys import is_queue_of
from handoff.ledger.states import state_of
from handoff.ledger.texts.demand import Demand, read_demand
from handoff.ledger.texts.devices import read_devices
from handoff.ledger.texts.options import read_option
from handoff.words.resources import Units

_KEYS = {field: row.name.encode() for field, row in FIELDS.items()}


class StoredJob:
    """A job as Redis has it, all of its hash or some of its fields. A field that is not there counts as empty.

    Nothing is read before it is asked for: of most functions a child asks for next to nothing.
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
        return self._values.get(_KEYS[field], b"").decode()

    def bytes(self, field: str) -> bytes:
        """A field as it is."""
        return self._values.get(_KEYS[field], b"")

    def is_of(self, namespace: str) -> bool:
        """Whether its queue is one of this namespace: the lobby, or a node's."""
        return is_queue_of(namespace, self.text("origin") or namespace)

    @property
    def state(self) -> str:
        """API's word for where it stands."""
        return state_of(self.text("status"), self.text("state"))

    @property
    def demand(self) -> Demand | None:
        """What it asks for; None of one that rq's own hands made, and that no script has seen yet."""
        text = self.text("demand")
        return read_demand(text) if text else None

    @property
    def variant(self) -> int:
        """Which of its demand it was placed with, from 0."""
        return int(self.text("variant") or 0)

    @property
    def cost(self) -> Units:
        """What it takes where it was placed, with its slot."""
        demand = self.demand
        return demand.variants[self.variant].cost if demand else {}

    @property
    def devices(self) -> dict[str, list[int]]:
        """Which devices it has, by resource."""
        return read_devices(self.text("devices"))

    @property
    def attempts(self) -> int:
        """How often it was started."""
        return int(self.text("attempts") or 0)

    @property
    def is_pickled(self) -> bool:
        """Whether its arguments, and so its result, are pickles."""
        return self.text("serializer") == "pickle"

    @property
    def is_isolated(self) -> bool:
        """Whether it is to have a process that nobody has used, and nobody uses after it."""
        return read_option(self.text("options"), "isolation") == "fresh"

    @property
    def is_evicted(self) -> bool:
        """Whether it is being stopped because its node is drained."""
        return bool(self.text("evicted")) and self.text("evicted") == self.text("placement")
