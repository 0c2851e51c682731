"""The functions as a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handoff.dashboard.page import Asked, address
from handoff.dashboard.sight import Sight
from handoff.dashboard.words import ago
from handoff.errors import UnknownRun
from handoff.ledger.phrases import in_words
from handoff.ledger.states import STATES
from handoff.view.functions import MOST_LISTED, Listing, Wanted, list_functions
from handoff.view.row import FunctionRow
from handoff.view.wording import seconds, short_id, short_name

PER_PAGE = 50

AHEAD = 1
"""Pages behind the one that is shown that are read of a list in its usual order."""

SORTS: dict[str, tuple[str, Callable[[FunctionRow], Any]]] = {
    "": ("the newest first", lambda row: 0),
    "oldest": ("the oldest first", lambda row: row.at.timestamp() if row.at else 0.0),
    "longest": ("the longest first", lambda row: -(row.duration_s or 0.0)),
    "name": ("by name", lambda row: (row.name, row.function_id)),
    "attempts": ("the most attempts first", lambda row: -row.attempts),
}


def functions(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """Those that match a filter, by pages."""
    given = {name: asked.get(name) for name in ("state", "name", "node", "run", "shape", "text", "sort")}
    page = asked.number("page", 1, MOST_LISTED // PER_PAGE)
    is_whole = bool(given["text"]) or (given["sort"] in SORTS and given["sort"] != "")
    limit = MOST_LISTED if is_whole else min(MOST_LISTED, (page + AHEAD) * PER_PAGE)
    wanted = Wanted(
        states=(given["state"],) if given["state"] in STATES else None,
        node=given["node"] or None,
        name=given["name"] or None,
        run=given["run"] or None,
        shape=given["shape"] or None,
    )
    complaint = ""
    try:
        listing = sight.share(("functions", wanted, limit), lambda: list_functions(sight.store, wanted, limit))
    except UnknownRun:
        listing, complaint = Listing([], False, 0), f"No run is called {given['run']!r}, or it has expired."
    rows = [row for row in listing.rows if _has(row, given["text"].lower())]
    if given["sort"] in SORTS and given["sort"]:
        rows.sort(key=SORTS[given["sort"]][1])
    now_ms = sight.history().window.now_ms
    first = (page - 1) * PER_PAGE
    query = {name: value for name, value in given.items() if value}
    return {
        "given": given,
        "rows": [_row(row, now_ms, asked.root) for row in rows[first : first + PER_PAGE]],
        "count": len(rows),
        "more": listing.more,
        "is_whole": is_whole,
        "looked_at": listing.looked_at,
        "complaint": complaint,
        "most": MOST_LISTED,
        "page": page,
        "previous": address(asked.root, "/functions", **query, page=page - 1) if page > 1 else "",
        "next": address(asked.root, "/functions", **query, page=page + 1) if len(rows) > first + PER_PAGE else "",
    }


def form(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """What the filter's form shows, which is not kept current: somebody writes into it."""
    nodes = [node.name for node in sight.nodes().all]
    return {
        "states": STATES,
        "sorts": [(name, word) for name, (word, _) in SORTS.items()],
        "node_names": nodes[:500],
        "given": {name: asked.get(name) for name in ("state", "name", "node", "run", "shape", "text", "sort")},
    }


def _has(row: FunctionRow, text: str) -> bool:
    return not text or any(
        text in told.lower() for told in (row.id, row.function_id, row.description, row.error or "", row.message or "")
    )


def _row(row: FunctionRow, now_ms: int, root: str) -> dict[str, Any]:
    about = f"{row.error}: {row.message}".removesuffix(": ") if row.error else row.description
    return {
        "id": row.id,
        "name": short_name(row.name),
        "function_id": short_id(row.function_id),
        "url": address(root, f"/functions/{row.id}"),
        "state": row.standing,
        "node": row.node or "",
        "node_url": address(root, f"/nodes/{row.node}") if row.node else "",
        "cost": in_words(row.cost),
        "about": about,
        "is_error": bool(row.error),
        "attempts": row.attempts,
        "took": seconds(row.duration_s),
        "since": ago(row.at.timestamp() * 1000, now_ms) if row.at else "",
        "run": row.run or "",
        "run_url": address(root, "/run", id=row.run) if row.run else "",
    }
