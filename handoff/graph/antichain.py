"""How much of something the members of an order may take at once: the heaviest set of which none comes before another.

Pure: knows neither functions nor resources.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def heaviest_antichain(after: Sequence[int], weights: Sequence[int]) -> int:
    """The largest sum of `weights` over members that are pairwise unordered.

    `after[i]` has bit j set where member j comes after member i; the relation is transitive. By Dilworth's theorem
    with weights it is the sum of all minus the largest flow that leads from every member, at most its weight, to
    members after it, each of which takes at most its own.
    """
    weighty = sum(1 << member for member, weight in enumerate(weights) if weight)
    return sum(weights) - _Flow([later & weighty for later in after], weights).largest()


class _Flow:
    """From givers (the members) to takers (the members again) that come after them."""

    def __init__(self, after: Sequence[int], weights: Sequence[int]) -> None:
        self._after = after
        self._to_give = list(weights)
        self._to_take = list(weights)
        self._given: list[dict[int, int]] = [{} for _ in weights]  # Of each taker: giver -> how much.
        self._open = (1 << len(weights)) - 1  # Takers that can still take.
        self._reachable = self._open  # Takers from which a way to an open one may still be found.

    def largest(self) -> int:
        for giver in range(len(self._to_give)):
            while self._to_give[giver] and self._augment(giver):
                pass
        return sum(sum(givers.values()) for givers in self._given)

    def _augment(self, start: int) -> bool:
        """Give more from `start` by a shortest way; on it a taker hands back what it has of another giver."""
        unseen = self._reachable
        came_by: dict[int, tuple[int, int]] = {}  # Giver -> the taker it was reached by, and the giver before that.
        givers = [start]
        for giver in givers:  # It grows while it is walked.
            fresh = self._after[giver] & unseen
            if fresh & self._open:
                self._give(next(_bits(fresh & self._open)), giver, start, came_by)
                return True
            unseen &= ~fresh
            for taker in _bits(fresh):
                for other in self._given[taker]:
                    if other != start and other not in came_by:
                        came_by[other] = (taker, giver)
                        givers.append(other)
        # Nothing leads out of what was seen, now or later: what is given changes only along ways that are found.
        self._reachable = unseen
        return False

    def _give(self, taker: int, giver: int, start: int, came_by: dict[int, tuple[int, int]]) -> None:
        way: list[tuple[int, int, int]] = []  # Taker, the giver it takes from now, and the one that it took from.
        last = giver
        while last != start:
            through, before = came_by[last]
            way.append((through, before, last))
            last = before
        amount = min(
            self._to_give[start], self._to_take[taker], *(self._given[through][old] for through, _, old in way)
        )
        self._to_give[start] -= amount
        self._to_take[taker] -= amount
        if not self._to_take[taker]:
            self._open &= ~(1 << taker)
        self._move(taker, giver, amount)
        for through, new, old in way:
            self._move(through, new, amount)
            self._move(through, old, -amount)

    def _move(self, taker: int, giver: int, amount: int) -> None:
        given = self._given[taker]
        given[giver] = given.get(giver, 0) + amount
        if not given[giver]:
            del given[giver]


def _bits(mask: int) -> Iterator[int]:
    """The set bits, lowest first."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1
