"""What functions and claims hold of nodes, taken and given back."""

from __future__ import annotations

import math

from handoff.books.groups import Group, candidates
from handoff.words.resources import Units
from support.oracle.fitting import Fitting
from support.oracle.model import Claim, External, Held, Job, Node


class Holding(Fitting):
    """Takes what fits, and gives it back."""

    def _hold(self, node: Node, owner: Job | Claim, cost: Units) -> Held:
        rest, part = self.shared.rest(cost), self.shared.part(cost)
        held = node.holds[owner] = Held(rest, node.books.take(rest), part)
        self.shared.used.update(part)
        node.was.append(node.books.copy())
        return held

    def _give_back(self, node: Node, owner: Job | Claim) -> None:
        held = node.holds.pop(owner)
        was_open = node.open
        node.books.give_back(held.cost, held.devices)
        self._settle_external(node)
        if node.open and not was_open:
            self.overtaking.recall()
        if held.shared:
            self.shared.used.subtract(held.shared)
            self._dirty(self.shared)

    def _settle_external(self, node: Node) -> None:
        """As much as is free is kept for other programs; nothing while more is held than there is."""
        if node.external is None or not node.live or node.quiet:
            return
        was_open = node.open
        self._keep(node, External())
        if node.open:
            free, books = node.books._usable_memory("gpu_memory"), node.books
            sums = {
                name: min(units, books.free(name)) for name, units in node.external.sums.items() if books.limits(name)
            }
            gpus = {index: min(units, free.get(index, 0)) for index, units in node.external.gpus.items()}
            self._keep(
                node,
                External(
                    {name: units for name, units in sums.items() if units},
                    {index: units for index, units in sorted(gpus.items()) if units},
                ),
            )
        if node.open and not was_open:
            self.overtaking.recall()

    def _keep(self, node: Node, external: External) -> None:
        for of, sign in ((node.kept, 1), (external, -1)):
            node.books.give_back({name: sign * units for name, units in of.sums.items()}, {})
            for index, units in of.gpus.items():
                node.books.give_back({"gpu_memory": sign * units}, {"gpu": [index]})
        node.kept = external

    def _drop_claim(self, claim: Claim) -> None:
        self._give_back(self.nodes[claim.node], claim)
        del self.claims[claim.id]

    def _claim_together(self, group: Group, made: dict[str, Claim]) -> bool:
        """Add claims of all members on the first node that takes them one after another."""
        books = {name: node.books for name, node in self.nodes.items()}
        for name in candidates(group, books, {name: node.labels for name, node in self.nodes.items()}):
            node = self.nodes[name]
            claims: dict[str, Claim] = {}
            for member, cost in zip(group.members, group.costs, strict=True):
                if not self._fits(node, cost):
                    break
                claims[member.id] = Claim("", name, cost, math.inf)
                self._hold(node, claims[member.id], cost)
            else:
                made.update(claims)
                return True
            for claim in claims.values():
                self._give_back(node, claim)
        return False
