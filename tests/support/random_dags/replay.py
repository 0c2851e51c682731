"""What happened on the way, read from the stream of events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from handoff.ledger.nodes import SHARED
from handoff.ledger.texts.cost import read_cost
from handoff.words.capabilities import parse_capabilities
from handoff.words.resources import UNIT
from support.random_dags.cases import NODES, Case


@dataclass
class Replay:
    """Goes through what happened, and never finds more held than there is."""

    case: Case
    ids: Mapping[str, str]  #: of jobs -> of functions
    limit: int | None
    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    devices: Counter[tuple[str, str]] = field(default_factory=Counter)
    finished: set[str] = field(default_factory=set)
    chosen: dict[frozenset[str], str] = field(default_factory=dict)

    def all(self, events: Iterable[Mapping[str, str]]) -> None:
        groups = {id: frozenset(group) for group in self.case.groups() for id in group}
        takes = {id: self.case.takes(id) for id in self.case.regular}
        for event in events:
            id = self.ids.get(event.get("id", "").rpartition(":")[0], "")
            match event["event"]:
                case "reserved":
                    self.hold(event, 1)
                    self.check_place(id, event["node"], groups.get(id))
                case "released":
                    self.hold(event, -1)
                    if event["outcome"] == "finished":
                        self.finished.add(id)
                    elif event["outcome"] == "undone" and id in groups:
                        # It fitted there, and another of its group did not.
                        self.chosen.pop(groups[id], None)
                case "started":
                    assert takes[id] <= self.finished, (id, takes[id] - self.finished)
                case "node" if event["change"] in ("lost", "draining"):
                    self.chosen = {group: node for group, node in self.chosen.items() if node != event["node"]}
        assert not +self.used
        assert not +self.devices

    def hold(self, event: Mapping[str, str], sign: int) -> None:
        node = event["node"]
        for name, units in read_cost(event["cost"]).items():
            place = SHARED if name.startswith("run.") else node
            self.used[place, name] += sign * units
            has = self.limit * UNIT if self.limit and place == SHARED else _CAPACITIES.get((place, name))
            assert self.used[place, name] >= 0, event
            assert has is None or self.used[place, name] <= has, event
        for part in filter(None, event["devices"].split(";")):
            name, _, entries = part.partition(":")
            for index, _, amount in (entry.partition("=") for entry in entries.split(",")):
                is_memory = amount.endswith("m")
                device = (node, f"{name}{index}{'m' if is_memory else ''}")
                self.devices[device] += sign * int(amount.removesuffix("m"))
                assert 0 <= self.devices[device] <= (8000 * UNIT if is_memory else UNIT), event

    def check_place(self, id: str, node: str, group: frozenset[str] | None) -> None:
        each = self.case.regular[id]
        if isinstance(each.node, str):
            assert node == each.node, (id, node)
        if each.where:
            assert node == "b", (id, node)
        if group is not None:
            assert self.chosen.setdefault(group, node) == node, (id, node, group)


_CAPACITIES = {
    (name, resource): units
    for name, has in NODES.items()
    for resource, units in parse_capabilities(
        {key: value for key, value in has.items() if key not in ("labels", "device_memory")}, has.get("device_memory")
    ).units.items()
}
