"""What has failed, by what it failed with and what it called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handoff.dashboard.page import Asked, address
from handoff.dashboard.sight import Sight
from handoff.dashboard.words import ago
from handoff.view.failures import FailureGroup, read_failures
from handoff.view.wording import short_id, short_name


def failures(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """The groups, the newest first."""
    found = sight.share("failures", lambda: read_failures(sight.store))
    now_ms = sight.history().window.now_ms
    return {
        "groups": [_group(group, now_ms, asked) for group in found.groups],
        "count": sum(group.count for group in found.groups),
        "more": found.more,
    }


def _group(group: FailureGroup, now_ms: int, asked: Asked) -> dict[str, Any]:
    root = asked.root
    return {
        "error": group.error,
        "name": group.name,
        "short": short_name(group.name),
        "count": group.count,
        "newest": ago(group.newest_at.timestamp() * 1000, now_ms) if group.newest_at else "",
        "oldest": ago(group.oldest_at.timestamp() * 1000, now_ms) if group.oldest_at else "",
        "messages": group.messages,
        "nodes": group.nodes,
        "examples": [(short_id(id), address(root, f"/functions/{id}")) for id in group.ids],
        "url": address(root, "/functions", state="failed", name=group.name, text=group.error),
        "acts": [
            {"word": word, "url": address(root, f"/do/{name}", error=group.error, name=group.name)}
            for name, word in (("retry-failed", "Retry all"), ("delete-failed", "Delete all"))
            if asked.write
        ],
    }
