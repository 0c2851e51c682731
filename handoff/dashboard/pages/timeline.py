"""The way of one function, with the reason of each of its waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from handoff.dashboard.page import address
from handoff.dashboard.words import ago, clock
from handoff.ledger.phrases import NEVER
from handoff.ledger.states import ENDED
from handoff.ledger.texts.demand import read_demand
from handoff.view.detail import Detail
from handoff.view.history import FAILURES, History
from handoff.view.said import wanted_in_words
from handoff.view.trails import Step
from handoff.view.wording import plural, seconds, short_id
from handoff.words.constraints import pinned_to

MOST_SHUT_SAID = 3
"""Nodes that took nothing which are named: those that were told of last."""

_SHUT = {"draining": "was draining", "cordoned": "was cordoned", "quiet": "took no more", "lost": "was lost"}


def timeline(detail: Detail, history: History, now_ms: int, root: str) -> list[dict[str, Any]]:
    """What befell it; where the events are gone, what its own moments say."""
    steps = history.trail(detail.id)
    told = [_step(step, steps[place - 1] if place else None, root) for place, step in enumerate(steps)]
    entries = [entry for entry in told if entry]
    if not entries or steps[0].event not in ("waiting", "reserved", "delayed", "parked"):
        entries = _known(detail, before_ms=steps[0].at_ms if steps else now_ms) + entries
    elif detail.awaits and detail.created_at:
        entries.insert(0, _entry("deferred", detail.created_at, _submitted(detail)))
    if detail.state not in ENDED:
        since_ms = steps[-1].at_ms if steps else None
        age = f"for {ago(since_ms, now_ms)}" if since_ms else ""
        entries.append(
            {"state": detail.state, "at": "now", "said": detail.why.text, "note": age, "url": "", "link": ""}
        )
    return entries


def _known(detail: Detail, before_ms: float) -> list[dict[str, Any]]:
    moments = (
        ("deferred", detail.created_at, _submitted(detail)),
        ("queued", detail.enqueued_at, f"placed on {detail.node}" if detail.node else "placed"),
        ("started", detail.started_at, f"started on {detail.node}" if detail.node else "started"),
        (detail.state, detail.ended_at if detail.state in ENDED else None, detail.state),
    )
    return [
        _entry(state, at, said) for state, at, said in moments if at is not None and at.timestamp() * 1000 < before_ms
    ]


def _entry(state: str, at: datetime, said: str) -> dict[str, Any]:
    return {"state": state, "at": clock(at.timestamp() * 1000), "said": said, "note": "", "url": "", "link": ""}


def _submitted(detail: Detail) -> str:
    """For whom it had to wait before it was ready."""
    names = [name if id == name else f"{name} ({id})" for id, name in detail.awaits]
    if not names:
        return "submitted"
    if detail.awaits_more:
        names.append(f"{detail.awaits_more} more")
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"submitted, deferred until {listed} had ended"


_OUTCOMES = {
    "finished": ("finished", "finished on {node}"),
    "failed": ("failed", "failed on {node}"),
    "died": ("failed", "its process on {node} died"),
    "stopped": ("stopped", "was stopped on {node}"),
    "lost": ("lost", "was lost with {node}"),
    "canceled": ("canceled", "was canceled on {node}"),
    "expired": ("failed", "did not start in time on {node}"),
    "handed back": ("waiting", "was handed back by {node}, which takes no more"),
    "unstarted": ("waiting", "could not be started on {node}"),
}


def _step(step: Step, before: Step | None, root: str) -> dict[str, Any] | None:
    """One entry; None for what says nothing new."""
    after = f"after {seconds((step.at_ms - before.at_ms) / 1000)}" if before and step.at_ms > before.at_ms else ""

    def entry(state: str, said: str, freed_by: str = "") -> dict[str, Any]:
        url = address(root, f"/functions/{freed_by}") if freed_by else ""
        link = short_id(freed_by)
        return {"state": state, "at": clock(step.at_ms), "said": said, "note": after, "url": url, "link": link}

    match step.event:
        case "waiting":
            return entry("waiting", _waited(step, before))
        case "parked":
            return entry("waiting", "waits for another of its group to choose a node")
        case "infeasible":
            return entry("infeasible", NEVER)
        case "delayed" if before and before.outcome in FAILURES:
            return entry("delayed", f"is tried again, not before {clock(step.until_ms)}")
        case "delayed":
            return entry("delayed", f"is delayed until {clock(step.until_ms)}")
        case "reserved" if step.freed_by:
            return entry("queued", f"was placed on {step.node}, in the room that was given back by", step.freed_by)
        case "reserved":
            return entry("queued", f"was placed on {step.node}")
        case "started":
            return entry("started", f"attempt {step.attempt} started on {step.node}")
        case "released":
            state, said = _OUTCOMES.get(
                step.outcome, ("waiting", f"gave back what it held on {{node}}: {step.outcome}")
            )
            return entry(state, said.format(node=step.node))
        case "canceled" if not before or before.outcome != "canceled":
            return entry("canceled", "was canceled")
        case "failed" if not before or before.event != "released":
            return entry("failed", "failed")
        # What a node hands back is taken on again, as what rq's tools bring back is.
        case "adopted" if not before or before.event != "released":
            return entry("waiting", "was brought back by rq's tools")
        case "replaced" | "retried":
            return entry("waiting", "was started afresh")
    return None


def _waited(step: Step, before: Step | None) -> str:
    """What it asked for as it began to wait, and why it did not start then."""
    try:
        wanted, pin = wanted_in_words(step.demand), pinned_to(read_demand(step.demand).terms)
    except ValueError:
        wanted, pin = "", None
    begun = (
        "waited again" if before and before.event in ("released", "replaced", "retried", "adopted") else "began to wait"
    )
    asked = f"{begun} for {wanted}" if wanted else begun
    shut = step.shut or {}
    if pin is not None:
        return f"{asked}: {_shut_in_words(pin, shut[pin])}" if pin in shut else f"{asked}: {pin} had no room for it"
    away = [_shut_in_words(name, whys) for name, whys in [*shut.items()][-MOST_SHUT_SAID:]]
    if len(shut) > len(away):
        away.append(f"{plural(len(shut) - len(away), 'further node')} took nothing")
    return "; ".join([f"{asked}: no node had room for it", *away])


def _shut_in_words(node: str, whys: Sequence[str]) -> str:
    return f"{node} {' and '.join(_SHUT[why] for why in whys)}"
