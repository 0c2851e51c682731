"""The page of a job's fields, and what is read from a hash by it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import handoff
import handoff_worker
from handoff.ledger.fields import FIELDS, names_of
from handoff.ledger.rqmodel import call_fields, job_fields
from handoff.ledger.stored_job import StoredJob
from handoff.words.variants import Variant

OURS = re.compile(r"\bh_[a-z]+\b")


def test_a_field_is_called_by_its_key_and_ours_have_a_mark() -> None:
    ours = {field for field, row in FIELDS.items() if row.name.startswith("h_")}

    assert {"demand", "node", "state"} <= ours
    assert {FIELDS[field].name for field in ours} == {f"h_{field}" for field in ours}
    assert all(row.name == field for field, row in FIELDS.items() if field not in ours)


def test_no_other_module_spells_a_field_of_ours() -> None:
    folders = [Path(path) for package in (handoff, handoff_worker) for path in package.__path__]
    spelled = {
        str(path): sorted(set(OURS.findall(path.read_text())))
        for folder in folders
        for path in folder.rglob("*.py")
        if path.name != "fields.py"
    }

    assert {name: found for name, found in spelled.items() if found} == {}


def test_every_field_is_used_by_somebody() -> None:
    folders = [Path(path) for package in (handoff, handoff_worker) for path in package.__path__]
    texts = [
        path.read_text()
        for folder in folders
        for suffix in ("*.py", "*.lua")
        for path in folder.rglob(suffix)
        if path.name != "fields.py"
    ]
    used = {a or b for text in texts for a, b in re.findall(r"""\bF\.(\w+)|["'](\w+)["']""", text)}

    assert FIELDS.keys() - used == set()


def test_what_the_client_writes_of_rqs_fields_is_on_the_page() -> None:
    flat = job_fields(timeout=1, result_ttl=2, failure_ttl=3, meta=b"m", on_success="a.b", on_failure="c.d")

    assert {*flat[::2], *call_fields(b"x", "f()")} <= {row.name for row in FIELDS.values()}


def job(**values: str) -> StoredJob:
    return StoredJob({FIELDS[field].name.encode(): value.encode() for field, value in values.items()})


class TestStoredJob:
    def test_what_is_not_there_is_empty(self) -> None:
        nothing = StoredJob({})

        assert (nothing.text("node"), nothing.bytes("inputs")) == ("", b"")
        assert (nothing.demand, nothing.variant, nothing.cost, nothing.devices) == (None, 0, {}, {})
        assert (nothing.attempts, nothing.is_pickled, nothing.is_evicted) == (0, False, False)

    def test_fields_that_were_read_are_put_together_in_their_order(self) -> None:
        found = StoredJob.of(("node", "attempts", "error"), [b"a", b"2", None])

        assert (found.text("node"), found.attempts, found.text("error")) == ("a", 2, "")
        assert names_of(("node", "status")) == ("h_node", "status")

    def test_its_cost_is_that_of_the_variant_it_was_placed_with(self) -> None:
        demand = "gpu=10000,slots=10000@zone=a&30000:cpu=80000,slots=10000@zone=a"

        assert job(demand=demand).cost == {"gpu": 10000, "slots": 10000}
        assert job(demand=demand, variant="1").cost == {"cpu": 80000, "slots": 10000}
        found = job(demand=demand).demand
        assert found is not None
        assert found.variants[1] == Variant(30000, {"cpu": 80000, "slots": 10000})

    @pytest.mark.parametrize(
        ("status", "finer", "state"),
        [
            ("queued", "", "queued"),
            ("started", "", "started"),
            ("stopped", "", "failed"),
            ("canceled", "waiting", "canceled"),
            ("deferred", "waiting", "waiting"),
            ("deferred", "delayed", "delayed"),
            ("deferred", "deferred", "deferred"),
            ("deferred", "parked", "waiting"),
            ("scheduled", "", "waiting"),
        ],
    )
    def test_its_state_is_said_in_words_of_the_api(self, status: str, finer: str, state: str) -> None:
        assert job(status=status, state=finer).state == state

    @pytest.mark.parametrize(
        ("origin", "is_of"),
        [("team", True), ("team.a", True), ("team.a.b", True), ("teams", False), ("other.team", False), ("", True)],
    )
    def test_its_queue_tells_whose_it_is(self, origin: str, is_of: bool) -> None:
        assert job(origin=origin).is_of("team") is is_of

    def test_only_the_placement_that_was_evicted_is_being_stopped(self) -> None:
        assert job(placement="3", evicted="3").is_evicted
        assert not job(placement="4", evicted="3").is_evicted
        assert not job(placement="3").is_evicted
