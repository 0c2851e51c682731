"""What the stream of events says, played again: held to the rules of the model, and to what is promised."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from handoff.ledger.nodes import SHARED
from handoff.words.resources import device_of
from model.refused import Refused
from model.replay import CLAIM, Event, Replay


class Hammered(Replay):
    """Knows the ranks of functions, and with them what is held for whom."""

    def __init__(self, ranks: Mapping[str, int]) -> None:
        super().__init__()
        self.ends: dict[str, list[str]] = defaultdict(list)  #: function -> outcomes of its reservations, in order
        self.given_back: Counter[str] = Counter()  #: by outcome
        self._ranks = ranks
        self._holds: dict[str, tuple[str, set[str]]] = {}  #: node -> the job it is held for, and what is left to that

    def one(self, event: Event, at: str = "") -> None:
        super().one(event, at)
        match event["event"]:
            case "held":
                self._holds[event["node"]] = event["job"], set(event["lacks"].split(","))
            case "unheld":
                self._holds.pop(event["node"], None)
            case "reserved":
                held = self.held[event["id"]]
                self._check_promise(event, event["node"], held.rest)
                self._check_promise(event, SHARED, held.shared)
            case "released":
                self.given_back[event["outcome"]] += 1
                if not event["id"].startswith(CLAIM):
                    self.ends[event["id"].rpartition(":")[0]].append(event["outcome"])

    def _check_promise(self, event: Event, node: str, cost: Mapping[str, int]) -> None:
        """What is held for a function is not given to who comes after it."""
        holder, lacks = self._holds.get(node, ("", set()))
        if lacks.isdisjoint(device_of(name) or name for name in cost):
            return
        rank = self._ranks.get(event["id"].rpartition(":")[0])
        if rank is None or rank > self._ranks[holder]:
            raise Refused("held", f"{node} is held for {holder}, which comes first", event)
