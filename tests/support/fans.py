"""Graphs to be drawn."""

from __future__ import annotations

from collections.abc import Callable

from handoff.graph.vertex import Vertex


def fan(width: int, states: Callable[[int], str]) -> list[Vertex]:
    """A source, so many that take it, and a sink that takes them all."""
    return [
        Vertex("source", (), "finished", "a"),
        *(
            Vertex(f"m{i}", (0,), states(i), "a" if states(i) in ("started", "finished") else None)
            for i in range(width)
        ),
        Vertex("sink", tuple(range(1, width + 1)), "deferred"),
    ]
