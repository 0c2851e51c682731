"""What can be done from the terminal: each names what it is done to, is asked for once more, and then done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from handoff.client.cluster import Cluster
from handoff.client.noting import note
from handoff.top.subjects import OfFunction, OfNode, Subject


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done."""

    name: str  #: as it is noted
    kind: type[OfNode] | type[OfFunction]  #: to what
    noun: str
    asks: str
    tells: str  #: what follows from it
    does: Callable[[Cluster, str], str]  #: does it. -> what came of it


@dataclass(frozen=True, slots=True)
class Asked:
    """An action, and the name or id of what it is to be done to."""

    action: Action
    about: str

    @property
    def question(self) -> str:
        """What is asked before it is done."""
        return self.action.asks.format(self.about)

    def do(self, cluster: Cluster) -> str:
        """Do it, once it is noted who asks for it. -> what came of it"""
        note(cluster, self.action.name, self.about)
        return self.action.does(cluster, self.about)


def _drain(cluster: Cluster, node: str) -> str:
    cluster.drain(node)
    return f"{node} takes no more, and what runs there ends"


def _undrain(cluster: Cluster, node: str) -> str:
    cluster.undrain(node)
    return f"{node} takes functions again"


def _cancel(cluster: Cluster, id: str) -> str:
    return f"{id} is canceled, or is being stopped" if cluster.handle(id).cancel() else f"{id} had ended already"


def _retry(cluster: Cluster, id: str) -> str:
    return f"{id}: {cluster.handle(id).retry().reason}"


_ALL = (
    Action(
        "drain", OfNode, "node", "Drain the node {}?",
        "It takes no more until it is undrained: what is queued there waits again, what runs there may finish.", _drain,
    ),
    Action(
        "undrain", OfNode, "node", "Let the node {} take functions again?",
        "What waits and fits starts there at once.", _undrain,
    ),
    Action(
        "cancel", OfFunction, "function", "Cancel the function {}?",
        "What waits never starts; what runs is stopped, and its room given back once its process is dead.", _cancel,
    ),
    Action(
        "retry", OfFunction, "function", "Retry the function {}?",
        "It starts afresh under its id, and nothing is kept of what became of it.", _retry,
    ),
)  # fmt: skip

ACTIONS = {action.name: action for action in _ALL}


def asked_of(name: str, subjects: Iterable[Subject]) -> Asked | None:
    """The action for the first of these that it can be done to; None where there is none."""
    action = ACTIONS[name]
    for subject in subjects:
        match subject:
            case OfNode(about) | OfFunction(about) if isinstance(subject, action.kind):
                return Asked(action, about)
    return None
