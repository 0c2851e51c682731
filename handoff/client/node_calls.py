"""What a cluster can be asked of its nodes, and of what all share: each call once, as those of functions are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handoff.ledger import nodes
from handoff.ledger.asking import Ledger
from handoff.ledger.claims import TrackerCalls
from handoff.ledger.events import read_events
from handoff.ledger.overtaking import limit_overtaking
from handoff.words.capabilities import DeviceMemory
from handoff.words.function import Strategy
from handoff.words.resources import Amount, Number


class NodeCalls:
    """The calls of one cluster that are of no function."""

    def __init__(self, ledger: Ledger, strategy: Strategy) -> None:
        self._ledger = ledger
        self.tracker = TrackerCalls(ledger, strategy)

    async def register_node(
        self,
        name: str,
        capabilities: Mapping[str, Number | Sequence[int]],
        labels: Mapping[str, str] | None = None,
        device_memory: DeviceMemory | None = None,
    ) -> None:
        """Register a static node, or change what it has; it stays until it is deregistered.

        `labels` are what `where` speaks of: `{"zone": "a"}`. `device_memory` is the MB of each device:
        `{"gpu": 24000}`, or a list in the order of their indices; functions take of it by a cost of `gpu_memory`.
        Raises `InvalidNode`, `InvalidResources`, `NodeIsLeased` where an agent holds the name.
        """
        await self.tracker.register_node(name, capabilities, labels, device_memory)

    async def deregister_node(self, name: str) -> None:
        """Take a node away: its tracker claims are dropped, queued functions wait again, started ones are lost.

        A running agent under that name is told to shut down. Raises `UnknownNode`.
        """
        await self.tracker.deregister_node(name)

    async def discover_nodes(self) -> dict[str, dict[str, Amount]]:
        """The capabilities of all live nodes, in order of first registration."""
        return await self.tracker.discover_nodes()

    async def share(self, amounts: Mapping[str, Number]) -> None:
        """Set what the cluster as a whole has of these resources, such as licenses: `{"matlab_license": 5}`.

        A function that names one in its cost takes it from here, wherever it runs; what nodes say later that they have
        under the same name does not count. Resources that are not named stay as they are, 0 takes one away. May be
        lowered below use: nothing takes of it until it fits again. Raises `InvalidResources`, also for what a live node
        has for itself.
        """
        await nodes.share(self._ledger, amounts)

    async def shared(self) -> dict[str, Amount]:
        """What the cluster as a whole has, held or not."""
        return await nodes.shared(self._ledger)

    async def drain(self, node: str, deadline: float | None = None) -> None:
        """Empty a node: it takes no more, what is queued there waits again, and what runs ends.

        What still runs `deadline` seconds from now is stopped and counts as lost with its node: it is retried, or
        raises `NodeLost`. Stays so, over new registrations too, until `undrain`. Raises `UnknownNode`.
        """
        await nodes.drain(self._ledger, node, deadline)

    async def undrain(self, node: str) -> None:
        """Let a node take functions again that is drained or cordoned. Raises `UnknownNode`."""
        await nodes.undrain(self._ledger, node)

    async def limit_overtaking(self, count: int | None = 100, seconds: float | None = 60.0) -> None:
        """Say when the first function of a kind that waits is to have a node held for it.

        Others that come after it (of smaller priority, or submitted later) run meanwhile where there is room. Once
        they have done so `count` times, or it has waited that many seconds, none of them that uses what it lacks is
        placed on the node where it lacks least, until it has started. Larger priorities still go first. None = never
        for that reason. It holds for the namespace, and is kept in Redis.
        """
        await limit_overtaking(self._ledger, count, seconds)

    async def resources_available(self, node: str, cost: Mapping[str, Number] | None) -> bool:
        """Whether `cost` fits on the node now; False for an unknown or lapsed node."""
        return await self.tracker.resources_available(node, cost)

    async def events(
        self, after: bytes = b"0-0", *, block_s: float | None = None
    ) -> list[tuple[bytes, dict[str, str]]]:
        """The next events after an id, oldest first, at most 1,000: (id, {"event": ..., ...}); amounts in 1/10,000.

        Waits for at most `block_s` seconds where there are none yet. The stream keeps about the last ten thousand.
        """
        return await read_events(self._ledger, after, block_s)
