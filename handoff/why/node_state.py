"""Why a node takes nothing, and how it is known that its agent is there. Pure."""

from __future__ import annotations

from handoff.ledger.nodes import Node
from handoff.words.times import moment, span


def lease_in_words(node: Node, now_ms: int) -> str:
    """Say how it is known that its agent is there, or since when it is not."""
    if node.lost_since is not None:
        return f"lost {span(max(0, now_ms - node.lost_since) / 1000)} ago"
    if node.state == "lost":
        return "its lease is over"
    return "registered by hand" if node.lease_s is None else f"lease {node.lease_s:.0f} s"


def why_closed(node: Node) -> str:
    """Say why it takes nothing though it is there; '' where its state says all that is known."""
    match node.state:
        case "cordoned" if node.cordoned:
            return f"cordoned, for {node.cordoned[1]}"
        case "draining" if node.draining:
            return f"what runs ends until {moment(node.draining)}, or is stopped"
        case "quiet":
            return node.quiet_reason
        case "over":
            return "more is held than it has since that was lowered"
        case _:
            return ""
