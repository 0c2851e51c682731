"""What one event of the stream says: to whom it happened, and a sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from handoff.ledger.phrases import in_words, place_in_words, variants_in_words
from handoff.ledger.texts.cost import asked_for, read_cost
from handoff.ledger.texts.demand import read_demand
from handoff.ledger.texts.devices import read_devices
from handoff.ledger.texts.reservation import parts_of
from handoff.why.holders import external_or_claim
from handoff.words.resources import UNLIMITED, amounts
from handoff.words.times import iso, moment, utc

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened."""

    id: str  #: of the entry in the stream
    at: datetime | None
    event: str  #: the kind
    job: str | None  #: the function to which it happened: the id of RQ's job
    node: str | None
    run: str | None  #: the id of the DAG
    text: str  #: a sentence
    fields: Fields  #: as they stand in the stream; amounts in 1/10,000

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON: the moment as ISO text."""
        return asdict(self) | {"at": self.at and iso(self.at)}


def event_of(id: bytes, fields: Fields) -> Event:
    """Read an entry of the stream; of a kind that nobody here knows its fields are told."""
    kind, at_ms = fields.get("event", ""), fields.get("at_ms", "")
    parts = parts_of(fields.get("id", ""))
    return Event(
        id=id.decode(),
        at=utc(int(at_ms)) if at_ms.isdigit() else None,
        event=kind,
        job=parts[0] if parts else fields.get("job"),
        node=fields.get("node"),
        run=fields.get("dag") or fields.get("run"),
        text=_text(kind, fields),
        fields=dict(fields),
    )


def _text(kind: str, fields: Fields) -> str:
    try:
        return _SAID[kind](fields)
    except (KeyError, ValueError, IndexError):
        told = ", ".join(f"{name} {value}" for name, value in fields.items() if name not in ("event", "at_ms"))
        return f"{kind}: {told}"


def _job(fields: Fields) -> str:
    return f"function {fields['job']}"


def _holder(fields: Fields) -> str:
    """Whose reservation it is."""
    parts = parts_of(fields["id"])
    return f"function {parts[0]}" if parts else external_or_claim(fields["id"])


def _amounts(fields: Fields) -> str:
    cost = in_words(amounts(asked_for(read_cost(fields["cost"]))))
    devices = "".join(
        f", {name} {' '.join(map(str, indices))}" for name, indices in read_devices(fields["devices"]).items()
    )
    return cost + (f" ({devices[2:]})" if devices else "")


def _reserved(fields: Fields) -> str:
    if parts_of(fields["id"]):
        return f"{_holder(fields)} is placed on {fields['node']} with {_amounts(fields)}"
    return f"{_holder(fields)} has {_amounts(fields)} on {fields['node']}"


def wanted_in_words(text: str) -> str:
    """Say what a demand asks for, and where. Raises ValueError."""
    demand = read_demand(text)
    pin, where = place_in_words(demand.terms)
    return variants_in_words(demand.variants) + (f" on {pin}" if pin else "") + (f" where {where}" if where else "")


def _started(fields: Fields) -> str:
    attempt = fields["attempt"]
    again = f", attempt {attempt}" if attempt != "1" else ""
    return f"{_holder(fields)} starts on {fields['node']}{again}"


_OUTCOMES = {
    "handed back": "it goes back to what waits",
    "moved": "it is placed anew",
    "gone": "nobody has it any more",
    "changed": "other programs use more by now, or less",
}
"""How a reservation has ended, where its word alone would not say it."""


def _released(fields: Fields) -> str:
    outcome = fields["outcome"]
    return f"{_holder(fields)} gives back {_amounts(fields)} on {fields['node']}: {_OUTCOMES.get(outcome, outcome)}"


def _held(fields: Fields) -> str:
    return f"node {fields['node']} is held for function {fields['job']}, which lacks {fields['lacks']} there"


def _run(fields: Fields) -> str:
    reason = f" ({fields['reason']})" if fields.get("reason") else ""
    return f"run {fields.get('dag') or fields['run']} is {fields['change']}{reason}"


_CHANGES = {"registered": "is registered", "serving": "serves again", "lost": "is lost", "quiet": "takes no more"}


def _node(fields: Fields) -> str:
    change = fields["change"]
    reason = f", for {fields['reason']}" if fields.get("reason") else ""
    offer = ""
    if change == "registered":
        has = {name: units for name, units in read_cost(fields["units"]).items() if units < UNLIMITED}
        offer = f" with {in_words(amounts(has))}"
    return f"node {fields['node']} {_CHANGES.get(change, f'is {change}')}{offer}{reason}"


def _shared(fields: Fields) -> str:
    return f"the cluster shares {in_words(amounts(read_cost(fields['amounts']))) if fields['amounts'] else 'nothing'}"


_SAID: dict[str, Callable[[Fields], str]] = {
    "waiting": lambda fields: f"{_job(fields)} waits for {wanted_in_words(fields['demand'])}",
    "parked": lambda fields: f"{_job(fields)} waits for another of its group to choose a node",
    "delayed": lambda fields: f"{_job(fields)} is delayed until {moment(int(fields['until_ms']))}",
    "infeasible": lambda fields: (
        f"{_job(fields)} wants {wanted_in_words(fields['demand'])}, which no live node could hold"
    ),
    "reserved": _reserved,
    "started": _started,
    "released": _released,
    "failed": lambda fields: f"{_job(fields)} has failed with {fields['error']}",
    "canceled": lambda fields: f"{_job(fields)} is canceled",
    "replaced": lambda fields: f"{_job(fields)} makes way for another of its id",
    "discarded": lambda fields: f"{_job(fields)} is deleted, with all that was kept of it",
    "audit": lambda fields: f"{fields['who']} asks for {fields['what']} of {fields['about']}",
    "adopted": lambda fields: f"{_job(fields)} is taken on again",
    "recalled": lambda fields: f"{_job(fields)} is told anew after Redis was rolled back: {fields['outcome']}",
    "held": _held,
    "unheld": lambda fields: f"node {fields['node']} is held for function {fields['job']} no longer",
    "run": _run,
    "node": _node,
    "shared": _shared,
    "upgraded": lambda fields: f"the data is upgraded from layout {fields['from']} to {fields['to']}",
    "unknown": lambda fields: f"{fields['what']} is of a kind that this version does not know",
}
"""What is said of each kind of event."""
