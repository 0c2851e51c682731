"""The nodes: all of them, and one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handoff.dashboard.drawing.areas import area
from handoff.dashboard.drawing.bars import bars_of
from handoff.dashboard.drawing.lanes import stream
from handoff.dashboard.page import Asked, Missing, address
from handoff.dashboard.pages.overview import first_to_see, holder_of, node_row, said_of
from handoff.dashboard.sight import NodeSeen, Sight
from handoff.dashboard.words import clock
from handoff.ledger.texts.cost import read_cost
from handoff.ledger.texts.holder import host_and_pid
from handoff.view.history import Span
from handoff.view.wording import number
from handoff.why.node_state import lease_in_words
from handoff.words.resources import UNIT
from handoff.words.times import moment

PER_PAGE = 40

HISTORY_MS = 600_000

MOST_HOLDERS = 100

MOST_LOST = 20


def nodes(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """All nodes, by pages; those that need a look first."""
    every = sight.nodes()
    state, text = asked.get("state"), asked.get("text").lower()
    found = [node for node in first_to_see(every.all) if state in ("", node.state) and _matches(node, text)]
    pages = max(1, -(-len(found) // PER_PAGE))
    page = asked.number("page", 1, pages)
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    held = sight.held(tuple(node.name for node in shown))
    now_ms = sight.history().window.now_ms
    return {
        "nodes": every,
        "found": len(found),
        "rows": [
            {
                **node_row(node, held[node.name], sight.palette, now_ms, asked.root),
                "labels": node.node.labels,
                "lease": lease_in_words(node.node, now_ms),
                "act": _act(node, asked),
            }
            for node in shown
        ],
        "page": page,
        "pages": pages,
        "state_asked": state,
        "shared_bars": bars_of(sight.overview().shared, (), sight.palette),
        "text": asked.get("text"),
    }


def node(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """One node."""
    name = asked.get("name")
    seen = sight.nodes().by_name.get(name)
    if seen is None:
        raise Missing(f"No node is called {name!r}, or it was forgotten.")
    history = sight.history()
    now_ms = history.window.now_ms
    since_ms = now_ms - HISTORY_MS
    holders = sight.held((name,))[name]
    spans = [span for span in history.spans(since_ms) if span.node == name]
    known_ms = max(since_ms, history.window.complete_since_ms)
    return {
        "row": node_row(seen, holders, sight.palette, now_ms, asked.root),
        "facts": _facts(seen, now_ms),
        "labels": seen.node.labels,
        "holders": [
            {
                **holder_of(holder, now_ms, asked.root),
                "amounts": holder.amounts,
                "devices": holder.devices,
                "runs": holder.runs,
            }
            for holder in holders[:MOST_HOLDERS]
        ],
        "more": max(0, len(holders) - MOST_HOLDERS),
        "areas": [
            (resource, area(_use(spans, resource, known_ms), known_ms, now_ms, float(use.capacity), resource))
            for resource, use in seen.uses.items()
        ],
        "stream": stream(spans, [name], known_ms, now_ms, sight.palette, {}),
        "news": [
            {"at": clock(change.at_ms), "said": said_of(change)}
            for change in history.changes(["node"])
            if change.about == name
        ][:20],
        "lost": [
            {"url": address(asked.root, f"/functions/{span.job_id}"), "id": span.function_id or span.job_id}
            for span in sorted(spans, key=lambda span: -(span.end_ms or 0))
            if span.outcome == "lost"
        ][:MOST_LOST],
        "queued": seen.stand.queued,
        "running": seen.stand.started,
        "act": _act(seen, asked),
    }


def _matches(node: NodeSeen, text: str) -> bool:
    if not text:
        return True
    return any(text in told.lower() for told in (node.name, *(f"{k}={v}" for k, v in node.node.labels.items())))


def _act(seen: NodeSeen, asked: Asked) -> dict[str, str]:
    """What may be done to it."""
    if not asked.write or seen.state == "lost":
        return {}
    name = "undrain" if seen.state in ("draining", "cordoned") else "drain"
    return {"word": name.capitalize(), "url": address(asked.root, f"/do/{name}", about=seen.name)}


def _facts(seen: NodeSeen, now_ms: int) -> list[tuple[str, str]]:
    node = seen.node
    facts = [
        ("agent", host_and_pid(node.holder) if node.holder else ""),
        ("lease", lease_in_words(node, now_ms).removeprefix("lease ")),
        ("queued", number(seen.stand.queued)),
        ("running", number(seen.stand.started)),
        ("drained until", moment(node.draining) if node.draining else ""),
        ("cordoned", f"since {moment(node.cordoned[0])}: {node.cordoned[1]}" if node.cordoned else ""),
        ("takes no more", node.quiet_reason),
        ("held for", f"{node.hold.job_id} ({', '.join(node.hold.lacks)})" if node.hold else ""),
    ]
    return [(name, text) for name, text in facts if text]


def _use(spans: list[Span], resource: str, since_ms: int) -> list[tuple[int, float]]:
    """How much of a resource was in use from each moment on, by what ran."""
    steps: dict[int, float] = {}
    for span in spans:
        units = read_cost(span.cost).get(resource, 0) / UNIT if span.cost else 0.0
        start_ms = max(since_ms, span.start_ms)
        steps[start_ms] = steps.get(start_ms, 0.0) + units
        if span.end_ms is not None:
            steps[span.end_ms] = steps.get(span.end_ms, 0.0) - units
    found, level = [], 0.0
    for at_ms in sorted(steps):
        level += steps[at_ms]
        found.append((at_ms, max(0.0, round(level, 4))))
    return found
