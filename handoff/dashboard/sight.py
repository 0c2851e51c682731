"""What the pages see of a namespace: each thing read once a second at most, for all viewers together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from handoff.client.cluster import Cluster
from handoff.dashboard.drawing.colours import Palette
from handoff.ledger.nodes import Node
from handoff.ledger.store import Store
from handoff.view.fullness import fullness
from handoff.view.held import Holder, read_held
from handoff.view.history import History
from handoff.view.looks import Looks
from handoff.view.overview import Overview, Stand, Waiting, read_overview, read_stands
from handoff.view.reasons import Reason, read_reasons
from handoff.why.use import Use, use_of

T = TypeVar("T")


@dataclass(frozen=True)
class NodeSeen:
    """One node with what is in use of it."""

    stand: Stand

    @property
    def node(self) -> Node:
        return self.stand.node

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def state(self) -> str:
        return self.node.state

    @cached_property
    def uses(self) -> Mapping[str, Use]:
        return use_of(self.node)

    @cached_property
    def fullness(self) -> float:
        """The largest part of anything it has that is in use."""
        return fullness(self.node)


@dataclass(frozen=True)
class Nodes:
    """All nodes, in order of first registration."""

    all: tuple[NodeSeen, ...]

    @cached_property
    def by_name(self) -> Mapping[str, NodeSeen]:
        return {node.name: node for node in self.all}

    @cached_property
    def states(self) -> Mapping[str, int]:
        """How many are in which state; those that are up first, also if none is."""
        return {"up": 0, **Counter(node.state for node in self.all)}


class Sight:
    """One namespace, as the pages of one application see it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.store: Store = cluster.store
        self.looks = Looks()
        self.palette = Palette()
        self._history = History(self.store)

    def share(self, key: Hashable, read: Callable[[], T]) -> T:
        """Read something for all that look at the same."""
        return self.looks.get(key, read)

    def nodes(self) -> Nodes:
        """All nodes, with how much stands on each."""
        return self.share("nodes", lambda: Nodes(tuple(map(NodeSeen, read_stands(self.store)))))

    def overview(self) -> Overview:
        """The namespace in numbers."""
        return self.share("overview", lambda: read_overview(self.store, [node.stand for node in self.nodes().all]))

    def reasons(self, shapes: Sequence[Waiting]) -> dict[str, Reason]:
        """Why the first of each of these shapes waits."""
        return self.share(("reasons", tuple(shape.shape for shape in shapes)), lambda: read_reasons(self.store, shapes))

    def held(self, names: tuple[str, ...]) -> dict[str, list[Holder]]:
        """Who holds what of some nodes."""
        return self.share(("held", names), lambda: read_held(self.store, names))

    def history(self) -> History:
        """What the events have told, read up to now."""
        self.share("history", self._history.read)
        return self._history
