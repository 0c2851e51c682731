"""A graph with its states as a flowchart for Mermaid. Pure: takes vertices, and gives text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handoff.graph.vertex import INLINE, Vertex, shown

_COLORS = {
    INLINE: "fill:#f5f5f5,stroke:#9e9e9e,stroke-dasharray:4",
    "deferred": "fill:#eceff1,stroke:#90a4ae",
    "delayed": "fill:#ede7f6,stroke:#7e57c2",
    "waiting": "fill:#fff8e1,stroke:#ffb300",
    "queued": "fill:#e1f5fe,stroke:#29b6f6",
    "started": "fill:#bbdefb,stroke:#1565c0,stroke-width:3px",
    "finished": "fill:#e8f5e9,stroke:#43a047",
    "failed": "fill:#ffebee,stroke:#e53935",
    "canceled": "fill:#efebe9,stroke:#8d6e63",
    "gone": "fill:#ffffff,stroke:#bdbdbd",
}

_PLAIN = re.compile(r"[^\W_]| |(?<=[^\W_])[-_.,/=+@](?=[^\W_])")
"""What stands for itself in a Mermaid label. Other marks may begin an entity, a list or emphasis, or end the label."""


def mermaid(vertices: Sequence[Vertex]) -> str:
    """Draw a flowchart: a class per state, inlines as hexagons, what is placed with its node."""
    lines = ["flowchart TD"]
    lines += [f"    n{index}{_box(vertex)}:::{vertex.state}" for index, vertex in enumerate(vertices)]
    for index, vertex in enumerate(vertices):
        lines += [f"    n{source} --> n{index}" for source in dict.fromkeys(vertex.args)]
    occur = {vertex.state for vertex in vertices}
    lines += [f"    classDef {state} {style}" for state, style in _COLORS.items() if state in occur]
    return "\n".join(lines) + "\n"


def _box(vertex: Vertex) -> str:
    label = _escaped(shown(vertex.id))
    if vertex.node is not None and vertex.state in ("queued", "started"):
        label += f"<br/>on {_escaped(vertex.node)}"
    return f'{{{{"{label}"}}}}' if vertex.state == INLINE else f'["{label}"]'


def _escaped(text: str) -> str:
    """Write all that Mermaid, its Markdown or HTML might read as something else by its number."""
    kept = {match.start() for match in _PLAIN.finditer(text)}
    return "".join(char if i in kept else f"#{ord(char)};" for i, char in enumerate(text))
