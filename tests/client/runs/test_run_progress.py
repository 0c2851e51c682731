"""How far a run is: pages of it are put together, and each function is told once."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from handoff.errors import UnknownRun
from handoff.ledger.asking import Ledger
from handoff.ledger.members import Member, dependencies_of
from handoff.ledger.states import STATES
from handoff.ledger.store import at_once
from handoff.why.progress import Progress, read_progress


class TestDependencies:
    def test_they_are_found_through_inlines_each_once_in_order_of_first_use(self) -> None:
        members = [
            Member("a", 1, ()),
            Member("b", 2, ()),
            Member("i", 0, (1, 0)),
            Member("j", 0, (2,)),
            Member("c", 3, (3, 0, 1)),
        ]

        assert [member.id for member in dependencies_of(members, 3)] == ["b", "a"]
        assert dependencies_of(members, 1) == []


class Pages:
    """A ledger whose progress script answers these pages, one after the other."""

    def __init__(self, *pages: list[Any]) -> None:
        self._pages = list(pages)
        self.cursors: list[str] = []

    async def run(self, script: str, *, run: str, cursor: str) -> list[Any]:
        assert script == "progress"
        self.cursors.append(cursor)
        return self._pages.pop(0)


def flat(**fields: object) -> list[bytes]:
    return [text for name, value in fields.items() for text in (name.encode(), str(value).encode())]


class TestProgress:
    def test_pages_are_put_together_and_who_is_seen_twice_counts_once(self) -> None:
        fields = flat(dag="g", state="running", total=9, created_ms=1, n_finished=2, n_canceled=1, n_deferred=1)
        pinned = b"cpu=20000,slots=10000@node=b&30000:gpu=5000,slots=10000@node=b"
        first = [
            *(b"1", b"started", b"", b"a", b"cpu=10000,slots=10000", b"1", b""),
            *(b"2", b"deferred", b"parked", b"", b"slots=10000", b"", b"7"),
            *(b"3", b"deferred", b"waiting", b"", b"cpu=90000,slots=10000", b"", b""),
        ]
        second = [b"1", b"started", b"", b"a", b"cpu=10000,slots=10000", b"1", b""]
        third = [
            *(b"7", b"deferred", b"waiting", b"", pinned, b"", b""),
            *(b"8", b"deferred", b"delayed", b"", b"slots=10000", b"2", b"1900000001800"),
            *(b"9", b"queued", b"", b"a", b"slots=10000", b"", b""),
            *(b"10", b"deferred", b"delayed", b"", b"slots=10000", b"", b"1900000001800"),
        ]
        now_ms = 1_900_000_000_000
        store = Pages(
            ["progress", b"5", fields, first, [b"cpu=90000,slots=10000", 0], now_ms],
            ["progress", b"3", fields, second, [], now_ms],
            ["progress", b"0", fields, third, [pinned, 1], now_ms],
        )

        found = at_once(read_progress(cast(Ledger, store), "g", "run", {i: f"f{i}" for i in range(1, 11)}))

        assert found == Progress(
            id="g",
            status="running",
            total=9,
            counts={
                "deferred": 1,
                "delayed": 2,
                "waiting": 3,
                "queued": 1,
                "started": 1,
                "finished": 2,
                "canceled": 1,
            },
            running={"f1": "a"},
            waiting={
                "f2": "for 'f7' to choose a node",
                "f3": "cpu 9: no live node could hold it, even when idle",
                "f7": "cpu 2 or gpu 0.5 (after 30 s) on b",
                "f8": "attempt 2 failed, next in 1.8 s",
                "f10": "until 2030-03-17T17:46:41.800+00:00",
            },
            infeasible=["f3"],
        )
        assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
        assert list(found.counts) == [state for state in STATES if state in found.counts]
        assert store.cursors == ["0", "5", "3"]

    def test_of_a_run_that_expired_it_is_unknown(self) -> None:
        with pytest.raises(UnknownRun, match="'g'"):
            at_once(read_progress(cast(Ledger, Pages(["unknown"])), "g", "run", {}))
