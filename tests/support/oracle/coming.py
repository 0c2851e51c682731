"""How nodes come and go, and what becomes of what they held."""

from __future__ import annotations

from collections.abc import Mapping

from handoff.words.capabilities import Capabilities
from support.oracle.ending import Ending
from support.oracle.model import Claim, External, Job, Node, by_rank, with_slots


class Coming(Ending):
    """Lets nodes come up, be lost, and be forgotten."""

    def _settle(self) -> None:
        """What is left over: first what lost nodes held, then what is to be tried with all that waits."""
        self._recover()
        while self.overtaking.dirty:
            name = min(self.overtaking.dirty)
            self.overtaking.dirty.discard(name)
            if name == self.shared.name:
                self._fill_any()
            elif name in self.nodes:
                self._fill(self.nodes[name])

    def _come_up(
        self,
        name: str,
        kind: str,
        capabilities: Capabilities,
        labels: Mapping[str, str],
        external: External | None = None,
    ) -> None:
        """Whatever was held under the name by one that was lost is given back before."""
        if name in self.nodes and not self.nodes[name].up:
            self._recover()
        node = self.nodes.setdefault(name, Node(name, draining=name in self.drained))
        node.kind, node.up, node.quiet, node.emptied, node.labels = kind, True, False, True, labels
        after = with_slots(capabilities)
        node.books.change(node.capabilities, after)
        node.capabilities = after
        self.overtaking.free(node)
        self._hear_external(node, external)
        self._open(node)
        self._settle()

    def _hear_external(self, node: Node, external: External | None) -> None:
        was_open = node.open
        if external is None:
            self._keep(node, External())
            if node.open and not was_open:
                self.overtaking.recall()
        node.external = external
        self._settle_external(node)

    def _open(self, node: Node) -> None:
        """It may take what waits."""
        self._settle_external(node)
        self._dirty(node)
        if node.open:
            self.overtaking.recall()

    def _begin(self) -> None:
        """Notice whose lease is over, and how much each node has free."""
        for node in self.nodes.values():
            node.was = [node.books.copy()]
            if node.up and node.kind == "leased" and node.lease_ends_ms <= self.now_ms:
                self._lose(node)

    def _lose(self, node: Node) -> None:
        node.up, node.emptied, node.lost_ms, node.external = False, False, self.now_ms, None
        self.overtaking.free(node)

    def _forget(self, node: Node) -> None:
        self.timers.pop(f"drain|{node.name}", None)
        del self.nodes[node.name]

    def _recover(self) -> None:
        """Give back what lost nodes held: what was queued is placed again or waits, what ran has failed."""
        lost = [node for node in self.nodes.values() if not node.emptied]
        for node in sorted(lost, key=lambda node: (node.lost_ms, node.name)):
            self._hand_back(node)
            self._keep(node, External())
            for job in list(node.running):
                self._lose_run(node, job)
            for owner in list(node.holds):
                if isinstance(owner, Claim):
                    self._drop_claim(owner)
                else:
                    self._give_back(node, owner)
                    if owner.state == "queued":
                        self._admit(owner)
            node.emptied = True

    def _hand_back(self, node: Node) -> None:
        """What stands on the queue of a node that is closed is placed again, or waits."""
        self.overtaking.free(node)
        queued, node.queue = node.queue, []
        for job in by_rank(job for job in queued if job.state == "queued" and job in node.holds):
            self._give_back(node, job)
            self._admit(job)

    def _reconcile(self, node: Node, runs: list[Job] | None) -> set[Job]:
        stops = set()
        for owner in list(node.holds):
            if isinstance(owner, Claim):
                continue
            if runs is not None and owner in runs:
                if owner.state != "started" or owner.marked or owner.evicted:
                    stops.add(owner)
            elif owner in node.running:
                self._lose_run(node, owner)
            elif owner not in node.queue or owner.state != "queued":
                self._give_back(node, owner)
                if owner.state == "queued":
                    self._admit(owner)
        self._wake(node)
        return stops
