"""The task stream: who ran what when, in the last minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from handoff.dashboard.drawing.colours import COUNT
from handoff.dashboard.drawing.lanes import stream
from handoff.dashboard.page import Asked, address
from handoff.dashboard.sight import Sight
from handoff.dashboard.words import clock
from handoff.view.history import ENDS

MINUTES = (1, 5, 15)

MOST_NODES = 24


def tasks(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """What ran on the nodes that were the busiest."""
    minutes = asked.number("minutes", 1, MINUTES[-1])
    history = sight.history()
    now_ms = history.window.now_ms
    since_ms = now_ms - minutes * 60_000
    spans = history.spans(since_ms)
    ran = Counter(span.node for span in spans)
    listed = [node.name for node in sight.nodes().all]
    text = asked.get("node")
    names = [name for name in listed if text in name] + [name for name in ran if name not in listed and text in name]
    if len(names) > MOST_NODES:
        busiest = {name for name, _ in Counter({name: ran[name] for name in names}).most_common(MOST_NODES)}
        names = [name for name in names if name in busiest]
    links = {span.job_id: address(asked.root, f"/functions/{span.job_id}") for span in spans}
    drawn = stream(spans, names, since_ms, now_ms, sight.palette, links)
    return {
        "drawn": drawn,
        "legend": drawn.names[:COUNT],
        "minutes": minutes,
        "choices": [(each, address(asked.root, "/tasks", minutes=each, node=text)) for each in MINUTES],
        "nodes_left_out": max(0, len(listed) - len(names)) if not text else 0,
        "known_since": clock(history.window.complete_since_ms) if history.window.complete_since_ms > since_ms else "",
        "outcomes": [(name, counts) for name, counts in list(history.outcomes().items())[:20]],
        "ends": ENDS,
    }
