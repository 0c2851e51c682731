"""One function: why it stands where it does, its way there, how it is called and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handoff.dashboard.page import Asked, Missing, address
from handoff.dashboard.pages.timeline import timeline
from handoff.dashboard.pages.waiting import links_of
from handoff.dashboard.sight import Sight
from handoff.dashboard.words import cost_words, percent
from handoff.errors import UnknownFunction, UnreadableField
from handoff.ledger.logs import read_logs
from handoff.ledger.phrases import in_words
from handoff.ledger.states import ENDED
from handoff.view.detail import Detail, read_detail
from handoff.view.wording import seconds, short_id, short_name, usage_in_words
from handoff.words.times import span

LONGEST_LOG = 64_000
"""Characters of what it has printed that are shown: the last."""


def function(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """All of it."""
    id = asked.get("id")
    try:
        detail = sight.share(("detail", id), lambda: read_detail(sight.store, id))
        logs = sight.share(("logs", id), lambda: read_logs(sight.store, id))
    except UnknownFunction:
        raise Missing(f"No function has the id {id}, or nothing is kept of it any more.") from None
    except UnreadableField as error:
        raise Missing(f"Function {id} cannot be read: {error}") from None
    history = sight.history()
    now_ms = history.window.now_ms
    progress = detail.progress
    return {
        "detail": detail,
        "title": short_name(detail.name) or detail.description,
        "facts": _facts(detail, asked.root),
        "timeline": timeline(detail, history, now_ms, asked.root),
        "links": links_of(detail.why, asked.root)
        | {id: address(asked.root, f"/functions/{id}") for id, _ in detail.awaits},
        "kinds": [_kind(kind) for kind in detail.why.short[:12]],
        "holders": [_holder(holder, asked.root) for holder in detail.why.holders if holder["id"] != id],
        "open": [
            {**each, "url": address(asked.root, f"/functions/{each['id']}")}
            for each in (detail.why.dependencies or {}).get("open", [])
        ],
        "overtakes": _overtakes(detail),
        "percent": None if progress is None else percent(progress.fraction, 1),
        "said": progress.message if progress else None,
        "logs": logs[-LONGEST_LOG:],
        "cut": max(0, len(logs) - LONGEST_LOG),
        "acts": _acts(detail, asked),
    }


def _acts(detail: Detail, asked: Asked) -> list[dict[str, str]]:
    if not asked.write:
        return []
    acts = []
    if detail.state in ("failed", "canceled") and detail.run is None:
        acts.append({"word": "Retry", "url": address(asked.root, "/do/retry", about=detail.id)})
    if detail.state not in ENDED:
        acts.append({"word": "Cancel", "url": address(asked.root, "/do/cancel", about=detail.id)})
    return acts


def _facts(detail: Detail, root: str) -> list[tuple[str, str, str]]:
    """Name, text, and the address to which that leads."""
    devices = ", ".join(f"{name} {' '.join(map(str, held))}" for name, held in detail.devices.items())
    tries = f"{detail.attempts} of {detail.retries + 1}"
    took = None
    if detail.started_at and detail.ended_at:
        took = max(0.0, (detail.ended_at - detail.started_at).total_seconds())
    facts = [
        ("id", detail.id, ""),
        ("function", detail.function_id if detail.function_id != detail.id else "", ""),
        ("calls", detail.name, ""),
        ("asks for", ", ".join(cost_words(detail.cost)), ""),
        ("run", detail.run or "", address(root, "/run", id=detail.run)),
        ("node", detail.node or "", address(root, f"/nodes/{detail.node}")),
        ("devices", devices, ""),
        ("attempts", tries, ""),
        ("timeout", f"{detail.timeout_s} s" if detail.timeout_s else "", ""),
        ("took", seconds(took), ""),
        ("used", usage_in_words(detail.usage) if detail.usage else "", ""),
        ("submitted", _moment(detail.created_at), ""),
    ]
    return [fact for fact in facts if fact[1]]


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def _kind(kind: Mapping[str, Any]) -> dict[str, Any]:
    """Alike nodes, and what is missing there."""
    if kind["never"]:
        word, said = "never", "; ".join(kind["never"])
    elif kind["closed"] and not kind["open"]:
        word, said = "closed", kind["closed"]["reason"] or kind["closed"]["how"] or "takes nothing now"
    elif kind["missing"]:
        word, said = "full", f"short of {in_words(kind['missing'])}"
    elif kind["apart"]:
        word, said = "full", "has all of it, but never on one node at once"
    elif kind["withheld"]:
        word, said = "held", "has room, which is held for others"
    else:
        word, said = "room", "has room"
    others = f" and {kind['nodes'] - 1} like it" if kind["nodes"] > 1 else ""
    name = "what all share" if kind["node"] == "*" else kind["node"]
    return {"name": name + others, "resources": kind["resources"], "labels": kind["labels"], "word": word, "said": said}


def _holder(holder: Mapping[str, Any], root: str) -> dict[str, Any]:
    url = ""
    match holder["kind"]:
        case "claim":
            name = f"claim of {holder['owner'] or 'somebody'}"
        case "external":
            name = "other programs"
        case _:
            name, url = short_id(holder["function_id"]), address(root, f"/functions/{holder['id']}")
    return {
        "name": name,
        "url": url,
        "node": holder["node"],
        "amounts": holder["amounts"],
        "age": span(holder["seconds"]),
    }


def _overtakes(detail: Detail) -> str:
    overtakes = detail.why.overtakes
    if not overtakes or not overtakes["count"]:
        return ""
    limit = f"; at {overtakes['limit']} a node is held for it" if overtakes["limit"] else ""
    return f"overtaken {overtakes['count']} times by others that use what it lacks{limit}"
