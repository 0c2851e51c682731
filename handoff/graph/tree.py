"""A graph with its states as a tree for the terminal. Pure: takes vertices, and gives lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from handoff.graph.vertex import Vertex, shown

MOST_ALIKE = 20
"""So many alike siblings, or links of a chain, are shown one by one; more become one line."""

DEEPEST = 40
"""Levels that are indented; deeper ones stand below each other."""

MOST_SAID = 100
"""Characters of an error's message that a line shows."""

MOST_NAMED = 5
"""Further dependencies that a line names."""


def tree(vertices: Sequence[Vertex]) -> list[str]:
    """List every function once: below the last of its dependencies, with the others named beside it.

    What runs is marked by `*`. Many alike siblings, and long chains of one state, are one line that says how many.
    """
    return _Tree(vertices).lines()


class _Tree:
    def __init__(self, vertices: Sequence[Vertex]) -> None:
        self._vertices = vertices
        self._below: list[list[int]] = [[] for _ in vertices]
        self._roots: list[int] = []
        for index, vertex in enumerate(vertices):
            (self._below[vertex.args[-1]] if vertex.args else self._roots).append(index)
        self._order = self._top_down()
        self._kinds = self._alike()

    def _top_down(self) -> list[int]:
        order = list(self._roots)
        for index in order:  # It grows while it is walked.
            order += self._below[index]
        return order

    def _alike(self) -> list[int]:
        """Give what looks the same with all that is below it the same number."""
        kinds = [0] * len(self._vertices)
        numbers: dict[tuple[str, bool, frozenset[tuple[int, int]]], int] = {}
        for index in reversed(self._order):
            below = Counter(kinds[each] for each in self._below[index])
            vertex = self._vertices[index]
            look = (vertex.state, vertex.infeasible, frozenset(below.items()))
            kinds[index] = numbers.setdefault(look, len(numbers))
        return kinds

    def lines(self) -> list[str]:
        lines: list[str] = []
        left = [(0, group) for group in reversed(self._grouped(self._roots))]
        while left:
            depth, group = left.pop()
            if len(group) > 1:
                lines.append(_line(depth, self._many(group), runs=self._runs(group)))
                continue
            chain = self._chain(group[0])
            if len(chain) > MOST_ALIKE:
                many = f"{shown(self._vertices[chain[0]].id)} ... {shown(self._vertices[chain[-1]].id)}"
                text = f"{many}: {len(chain):,} in a row, {self._states(chain)}"
                lines.append(_line(depth, text, runs=self._runs(chain)))
                last = chain[-1]
            else:
                last = group[0]
                lines.append(_line(depth, self._one(last), runs=self._runs(group)))
            left += [(depth + 1, below) for below in reversed(self._grouped(self._below[last]))]
        return lines

    def _grouped(self, siblings: Sequence[int]) -> list[list[int]]:
        by_kind: dict[int, list[int]] = {}
        for index in siblings:
            by_kind.setdefault(self._kinds[index], []).append(index)
        groups: list[list[int]] = []
        for index in siblings:
            alike = by_kind[self._kinds[index]]
            if len(alike) <= MOST_ALIKE:
                groups.append([index])
            elif alike[0] == index:
                groups.append(alike)
        return groups

    def _chain(self, index: int) -> list[int]:
        """It, and those of its state that follow one below the other, where none takes anything else."""
        chain = [index]
        if len(set(self._vertices[index].args)) > 1:
            return chain
        while len(below := self._below[chain[-1]]) == 1 and self._alone(below[0], self._vertices[index].state):
            chain += below
        return chain

    def _alone(self, index: int, state: str) -> bool:
        return self._vertices[index].state == state and len(set(self._vertices[index].args)) == 1

    def _runs(self, indices: Sequence[int]) -> bool:
        return any(self._vertices[index].state == "started" for index in indices)

    def _one(self, index: int) -> str:
        vertex = self._vertices[index]
        others = list(dict.fromkeys(arg for arg in vertex.args if arg != vertex.args[-1]))
        text = f"{shown(vertex.id)}: {_stands(vertex)}"
        if not others:
            return text
        named = [shown(self._vertices[arg].id) for arg in others[:MOST_NAMED]]
        if further := len(others) - len(named):
            named.append(f"{further:,} more")
        return f"{text}, also takes {', '.join(named)}"

    def _many(self, group: Sequence[int]) -> str:
        names = f"{shown(self._vertices[group[0]].id)} ... {shown(self._vertices[group[-1]].id)}"
        below = self._size(group[0]) - 1
        followed = f", each with {below:,} below it" if below else ""
        return f"{names}: {len(group):,} alike, {self._states(group)}{followed}"

    def _states(self, indices: Sequence[int]) -> str:
        """What they all are, of those that are placed how many are where, and why the first of them failed."""
        first, state = self._vertices[indices[0]], self._vertices[indices[0]].state
        if state == "failed":
            return f"failed, the first{_stands(first).removeprefix('failed')}"
        if state == "waiting" and len({self._vertices[index].asks for index in indices}) == 1:
            return _stands(first)
        if first.infeasible:
            return "waiting for what no live node could hold, even when idle"
        on = Counter(self._vertices[index].node for index in indices)
        if state not in ("queued", "started") or None in on:
            return state
        return f"{state} on {', '.join(f'{node} ({count:,})' for node, count in on.most_common())}"

    def _size(self, index: int) -> int:
        found = [index]
        for each in found:  # It grows while it is walked.
            found += self._below[each]
        return len(found)


def _stands(vertex: Vertex) -> str:
    if vertex.state == "waiting" and vertex.asks:
        return f"waiting for {vertex.asks.removeprefix('for ')}"
    if vertex.state == "delayed" and vertex.asks:
        return f"delayed: {vertex.asks}"
    text = vertex.state + (f" on {vertex.node}" if vertex.node is not None else "")
    if vertex.error is None:
        return text
    tried = f" after {vertex.attempts} attempt{'' if vertex.attempts == 1 else 's'}" if vertex.attempts else ""
    error = shown(f"{vertex.error['type']}: {' '.join(vertex.error['message'].split())}".removesuffix(": "))
    return f"{text}{tried}: {error if len(error) <= MOST_SAID else f'{error[: MOST_SAID - 3]}...'}"


def _line(depth: int, text: str, *, runs: bool) -> str:
    return f"{'*' if runs else ' '} {'  ' * min(depth, DEEPEST)}{text}"
