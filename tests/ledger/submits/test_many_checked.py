"""All of a call of submit_many is looked at before anything of it is written."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from handoff.ledger.asking import ScriptBug
from handoff.ledger.texts.submission import write_kind, write_submissions
from support.yard import snapshot, yard

SOUND: dict[str, Any] = {
    "demand": "cpu=10000,slots=10000", "options": "", "priority": 0, "preferred": "", "refuse": 0,
    "delay_ms": 0, "due_ms": 0, "own": {}, "fields": ["description", "d"],
}  # fmt: skip

BENT = {
    "job_id": "a.b", "demand": "cpu", "options": "sooner=1", "priority": 1001, "delay_ms": 10**15, "due_ms": 10**15,
    "fields": ["description"],
}  # fmt: skip


@pytest.mark.parametrize("bent", BENT)
def test_where_the_last_is_bent_the_first_is_not_written_either(database: redis.Redis, bent: str) -> None:
    kind = write_kind(**SOUND)
    is_kind = bent in SOUND
    bent_kind = write_kind(**{**SOUND, bent: BENT[bent]}) if is_kind else kind
    last = "last" if is_kind else str(BENT[bent])
    with yard(database) as place:
        before = snapshot(place.store)

        with pytest.raises(ScriptBug, match="is not what the header says"):
            place.store.run(
                "submit_many",
                *write_submissions([kind, bent_kind], [(1, "first", ()), (2, last, ())]),
                token="t",
                replace=0,
            )

        assert snapshot(place.store) == before
        place.store.run("submit_many", *write_submissions([kind], [(1, "first", ())]), token="t", replace=0)
        assert place.status("first") == "queued"
