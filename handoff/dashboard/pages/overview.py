"""The overview: in figures, what waits and why, who holds what, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handoff.dashboard.drawing.bars import bars_of
from handoff.dashboard.drawing.colours import Palette
from handoff.dashboard.drawing.plots import node_map, rates_plot
from handoff.dashboard.page import Asked, address
from handoff.dashboard.pages.waiting import rows_of
from handoff.dashboard.sight import Nodes, NodeSeen, Sight
from handoff.dashboard.words import ago, clock
from handoff.view.fullness import urgency
from handoff.view.held import Holder
from handoff.view.history import Change, History
from handoff.view.overview import Overview
from handoff.view.wording import number, plural, rate, seconds, short_id, short_name
from handoff.words.times import span

MOST_SHAPES, MOST_NODES, MOST_NEWS, MOST_HOLDERS = 8, 12, 9, 6

CLOSED = ("quiet", "over", "draining", "cordoned")


def overview(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """All of it."""
    nodes, numbers, history = sight.nodes(), sight.overview(), sight.history()
    now_ms = history.window.now_ms
    shapes = numbers.shapes[:MOST_SHAPES]
    shown = first_to_see(nodes.all)[:MOST_NODES]
    held = sight.held(tuple(node.name for node in shown))
    return {
        "nodes": nodes,
        "overview": numbers,
        "tiles": _tiles(nodes, numbers, history, asked),
        "rows": rows_of(shapes, sight.reasons(shapes), asked.root),
        "grid": [node_row(node, held[node.name], sight.palette, now_ms, asked.root) for node in shown],
        "nodes_told": ", ".join(f"{number(count)} {state}" for state, count in nodes.states.items()),
        "map": _map(nodes) if len(nodes.all) > MOST_NODES else "",
        "plot": rates_plot(history.series(300)),
        "rates_told": _rates_told(history),
        "news": [_news(change) for change in history.changes()[:MOST_NEWS]],
    }


def first_to_see(nodes: Sequence[NodeSeen]) -> list[NodeSeen]:
    """Those that are not up first, then the fullest."""
    return sorted(nodes, key=lambda node: urgency(node.state, node.fullness))


def node_row(node: NodeSeen, holders: Sequence[Holder], palette: Palette, now_ms: int, root: str) -> dict[str, Any]:
    """One node, with bars and who holds what."""
    return {
        "name": node.name,
        "state": node.state,
        "url": address(root, f"/nodes/{node.name}"),
        "note": _note(node),
        "links": {hold.job_id: address(root, f"/functions/{hold.job_id}")} if (hold := node.node.hold) else {},
        "bars": bars_of(node.uses, holders, palette),
        "holders": [holder_of(holder, now_ms, root) for holder in holders[:MOST_HOLDERS]],
        "more": max(0, len(holders) - MOST_HOLDERS),
    }


def holder_of(holder: Holder, now_ms: int, root: str) -> dict[str, Any]:
    """Who holds something, as a list shows it."""
    return {
        "name": holder.name,
        "function_id": holder.function_id,
        "kind": holder.kind,
        "said": holder.said,
        "label": short_name(holder.name) or short_id(holder.function_id),
        "url": address(root, f"/functions/{holder.id}"),
        "age": ago(holder.since_ms, now_ms),
    }


def _note(node: NodeSeen) -> str:
    if node.node.cordoned:
        return node.node.cordoned[1]
    if node.node.hold:
        return f"held for {node.node.hold.job_id}"
    return node.node.quiet_reason


def _tiles(nodes: Nodes, numbers: Overview, history: History, asked: Asked) -> list[dict[str, Any]]:
    rates, away = history.rates(60), len(nodes.all) - nodes.states["up"]

    def tile(
        name: str, value: str, more: str = "", path: str = "", mark: str = "", alarm: bool = False
    ) -> dict[str, Any]:
        url = asked.root + path if path else ""
        return {"name": name, "value": value, "more": more, "url": url, "mark": mark, "alarm": alarm}

    waited = f"longest {span(numbers.oldest.waited_s)}" if numbers.oldest else "for room"
    return [
        tile(
            "infeasible", number(numbers.infeasible), "fit on no live node" if numbers.infeasible else "all could fit",
            "/waiting", "infeasible", bool(numbers.infeasible),
        ),
        tile("waiting", number(numbers.waiting), waited, "/waiting", "waiting"),
        tile("queued", number(numbers.queued), "placed", "/functions?state=queued", "queued"),
        tile("running", number(numbers.started), "now", "/functions?state=started", "started"),
        tile("started", f"{rate(rates.started)}/s", "" if rates.wait_s is None else f"waited {seconds(rates.wait_s)}"),
        tile("failed", number(numbers.failed), f"{rate(rates.failed)}/s fail", "/failures", "failed", rates.failed > 0),
        tile("nodes up", number(nodes.states["up"]), f"{number(away)} not" if away else "all of them", "/nodes", "up"),
    ]  # fmt: skip


def _rates_told(history: History) -> str:
    rates = history.rates(60)
    return f"a second: {rate(rates.finished)} finished, {rate(rates.failed)} failed"


def _map(nodes: Nodes) -> str:
    full = sum(node.fullness >= 1 for node in nodes.all)
    told = ", ".join(f"{number(count)} {state}" for state, count in nodes.states.items())
    return node_map(
        [_cell(node) for node in nodes.all], f"{plural(len(nodes.all), 'node')}: {told}; {number(full)} full"
    )


def _cell(node: NodeSeen) -> str:
    if node.state != "up":
        return "hw" if node.state in CLOSED else "hx"
    return "h0" if node.fullness <= 0 else f"h{min(4, 1 + int(node.fullness * 4 - 1e-9)) if node.fullness < 1 else 4}"


_SAID = {
    ("node", "registered"): "has joined",
    ("node", "lost"): "was lost",
    ("node", "leaving"): "has left",
    ("node", "replaced"): "was taken over by a new agent",
    ("node", "deregistered"): "was deregistered",
    ("node", "draining"): "is being drained",
    ("node", "undrained"): "takes functions again",
    ("node", "cordoned"): "was cordoned",
    ("node", "uncordoned"): "is open again",
    ("node", "quiet"): "takes no more for now",
    ("node", "serving"): "serves again",
    ("run", "running"): "began",
    ("run", "stopping"): "is being stopped",
}


def said_of(change: Change) -> str:
    """What befell it, or what somebody did."""
    said = _SAID.get((change.kind, change.change), change.change)
    if change.kind == "audit":
        return f"{said} {change.reason}"
    return f"{'(run) ' if change.kind == 'run' else ''}{said}" + (f": {change.reason}" if change.reason else "")


def _news(change: Change) -> dict[str, str]:
    return {"at": clock(change.at_ms), "about": change.about or "a run", "said": said_of(change)}
