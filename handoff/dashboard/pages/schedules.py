"""What recurs: when it comes next, and what came of the last run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from handoff.dashboard.page import Asked, address
from handoff.dashboard.sight import Sight
from handoff.dashboard.words import ago
from handoff.ledger.recurring import Schedule
from handoff.ledger.schedules import MOST_LISTED
from handoff.view.row import FunctionRow
from handoff.view.schedules import ScheduleRow, read_schedules
from handoff.view.wording import number, seconds, short_name
from handoff.words.recurring import Recurrence
from handoff.words.times import span

PER_PAGE = 50


def schedules(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """All of them, by pages."""
    page = asked.number("page", 1, MOST_LISTED // PER_PAGE)
    first = (page - 1) * PER_PAGE
    found = sight.share(("schedules", page), lambda: read_schedules(sight.store, first, PER_PAGE))
    now_ms = sight.history().window.now_ms
    return {
        "rows": [_row(row, now_ms, asked) for row in found.rows],
        "count": found.count,
        "page": page,
        "previous": address(asked.root, "/schedules", page=page - 1) if page > 1 else "",
        "next": address(asked.root, "/schedules", page=page + 1) if found.count > first + PER_PAGE else "",
    }


def _row(row: ScheduleRow, now_ms: int, asked: Asked) -> dict[str, Any]:
    schedule = row.schedule
    if schedule is None:
        return {"name": row.name, "is_bent": True}
    zone = _zone(schedule.timezone)
    return {
        "name": row.name,
        "is_bent": False,
        "code": schedule.code,
        "short": short_name(schedule.code),
        "when": _when(schedule),
        "zone": schedule.timezone,
        "next": _moment(schedule.next, zone),
        "until": _until(schedule.next, now_ms),
        "last": _moment(schedule.last, zone),
        "since": f"{ago(schedule.last.timestamp() * 1000, now_ms)} ago" if schedule.last else "",
        "came": _came(row.last, schedule.last_id, asked.root),
        "runs": schedule.runs,
        "runs_url": address(asked.root, "/functions", text=f"{row.name}-") if schedule.runs else "",
        "left_out": ", ".join(
            f"{number(count)} {word}"
            for word, count in (("skipped", schedule.skipped), ("missed", schedule.missed))
            if count
        ),
        "ways": (f"overlap {schedule.overlap}", f"catch_up {schedule.catch_up}"),
        "acts": _acts(schedule, asked),
    }


def _when(schedule: Schedule) -> str:
    every_s = Recurrence(schedule.when, schedule.timezone, 0).seconds
    if every_s is None:
        return schedule.when
    size, unit = next(
        (size, unit) for size, unit in ((3600, "h"), (60, "min"), (1, "s")) if every_s % size == 0 or size == 1
    )
    return f"every {number(every_s / size)} {unit}"


def _zone(name: str) -> tzinfo:
    """UTC where this machine does not know it, which moments then say."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _moment(at: datetime | None, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}" if at else ""


def _until(at: datetime | None, now_ms: int) -> str:
    if at is None:
        return ""
    left_s = at.timestamp() - now_ms / 1000
    return f"in {span(left_s)}" if left_s > 0 else f"due for {span(-left_s)}"


def _came(run: FunctionRow | None, id: str | None, root: str) -> dict[str, str]:
    """What came of its last run."""
    if id is None:
        return {}
    if run is None:
        return {"state": "gone", "url": "", "said": ""}
    took = f"took {seconds(run.duration_s)}" if run.duration_s is not None else ""
    said = f"{run.error}: {run.message}".removesuffix(": ") if run.error else took
    return {"state": run.standing, "url": address(root, f"/functions/{run.id}"), "said": said}


def _acts(schedule: Schedule, asked: Asked) -> list[dict[str, str]]:
    if not asked.write:
        return []
    words = (("resume", "Resume") if schedule.paused else ("pause", "Pause"), ("run", "Run now"))
    return [
        {"word": word, "url": address(asked.root, f"/do/{name}-schedule", about=schedule.name)} for name, word in words
    ]
