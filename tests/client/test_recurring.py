"""What recurs is submitted once for each moment, by whoever ticks."""

from __future__ import annotations

import inspect
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import InvalidFunction, InvalidResources
from handoff.ledger.housekeeping import tick
from handoff.ledger.recurring import find, fire, fire_due
from handoff.ledger.schedules import UnknownSchedule
from handoff.ledger.store import at_once
from handoff.ledger.texts.reservation import job_of
from handoff.words import recurring as recurring_words
from handoff.words.ids import new_id
from support.agent import FakeAgent, Result, failure, ok
from support.passing import pass_ms
from support.refused import work
from support.submits import later, run

DAY_S = 86_400
ONE_CALL = {
    "at", "delay", "depends_on", "durability", "job_id", "on_infeasible", "replace", "unique", "unique_ttl"
}  # fmt: skip
"""What is said of one call alone."""
START = datetime(2030, 1, 1, tzinfo=UTC)
START_MS = round(START.timestamp() * 1000)


@pytest.fixture(autouse=True)
def _still(cluster: Cluster) -> None:
    cluster.store.now_ms = START_MS


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=10**10).register()


def nightly(cluster: Cluster, **options: object) -> None:
    cluster.every("nightly", "0 3 * * *", work, 1, cost={"cpu": 1}, **options)  # type: ignore[arg-type]


def ids(cluster: Cluster) -> list[str]:
    start = cluster.store.keys("rq_job", "")
    return sorted(key.decode().removeprefix(start) for key in cluster.connection.scan_iter(f"{start}nightly-*"))


def unknown_zone(name: str) -> ZoneInfo:
    raise ZoneInfoNotFoundError(f"No time zone found with key {name}")


def quarter_past_two(night: date, zone: ZoneInfo) -> datetime:
    """Or the end of the hour that the night does not have, which in these zones begins at two."""
    said = datetime(night.year, night.month, night.day, 2, 15, tzinfo=zone)
    is_there = said.astimezone(UTC).astimezone(zone).time() == said.time()
    return (said if is_there else said.replace(minute=0)).astimezone(UTC)


class TestMoments:
    def test_it_is_submitted_at_each_of_its_moments_under_an_id_that_names_it(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        nightly(cluster)
        later(cluster, 3 * 3600 - 1)
        assert ids(cluster) == []

        later(cluster, 1)
        run(agent, lambda id: ok(id, 7))
        later(cluster, DAY_S)

        assert ids(cluster) == ["nightly-20300101T030000Z", "nightly-20300102T030000Z"]
        first = cluster.handle("nightly-20300101T030000Z")
        assert (first.function_id, first.result(timeout=0), first.job.args) == ("nightly", 7, (1,))
        [schedule] = cluster.schedules()
        assert (schedule.runs, schedule.missed, schedule.last_id) == (2, 0, "nightly-20300102T030000Z")
        assert schedule.next == START + timedelta(days=2, hours=3)

    def test_of_many_that_have_seen_it_due_one_submits_it(self, cluster: Cluster, agent: FakeAgent) -> None:
        nightly(cluster)
        pass_ms(cluster.store, 3 * 3_600_000)
        seen = cluster.store.run("tick", room=0, token=new_id())[4]
        stored = find(cluster.store, "nightly")
        assert stored is not None

        for _ in range(3):
            fire_due(cluster.store, seen, cluster.store.awaited.run)

        assert (seen, len(ids(cluster)), cluster.schedules()[0].runs) == ([b"nightly"], 1, 1)

    def test_two_that_have_read_it_before_either_wrote_submit_it_once(self, cluster: Cluster, agent: FakeAgent) -> None:
        nightly(cluster)
        pass_ms(cluster.store, 3 * 3_600_000)
        sent: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

        async def note(*rest: Any, **arguments: Any) -> list[Any]:
            sent.append((rest, arguments))
            return ["stale"]

        for _ in range(2):
            fire_due(cluster.store, [b"nightly"], note)
        replies = [cluster.store.run(*rest, **arguments)[0] for rest, arguments in sent]

        assert (replies, len(ids(cluster))) == (["fired", "stale"], 1)

    @pytest.mark.slow
    @pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe"])
    def test_a_year_of_nights_has_one_run_for_each(self, cluster: Cluster, agent: FakeAgent, zone: str) -> None:
        here = ZoneInfo(zone)
        cluster.every("nightly", "15 2 * * *", work, timezone=zone, result_ttl=0)
        ran: list[str] = []

        def note(id: str) -> Result:
            ran.append(job_of(id))
            return ok(id)

        for _ in range(365):
            later(cluster, DAY_S)
            agent.beat()
            run(agent, note)

        first = START.astimezone(here).date()
        due = [quarter_past_two(first + timedelta(days=day), here) for day in range(367)]
        wanted = [f"nightly-{each:%Y%m%dT%H%M%SZ}" for each in due if START < each <= START + timedelta(days=365)]
        assert ran == wanted
        assert (cluster.schedules()[0].runs, cluster.schedules()[0].missed) == (365, 0)

    def test_a_host_that_does_not_know_its_zone_leaves_it_to_others(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nightly(cluster, timezone="Europe/Paris")

        with monkeypatch.context() as here:
            here.setattr(recurring_words, "ZoneInfo", unknown_zone)
            later(cluster, 4 * 3600)
            assert (ids(cluster), cluster.schedules()[0].paused) == ([], False)
        later(cluster, 1)

        assert ids(cluster) == ["nightly-20300101T020000Z"]

    def test_seconds_are_counted_from_when_it_was_said(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.every("nightly", 90, work)
        later(cluster, 89)
        assert ids(cluster) == []

        later(cluster, 1)

        assert ids(cluster) == ["nightly-20300101T000130Z"]


class TestMissed:
    @pytest.mark.parametrize(("catch_up", "runs"), [("last", 1), ("none", 0)])
    def test_moments_that_passed_unseen_have_one_run_or_none(
        self, cluster: Cluster, agent: FakeAgent, catch_up: str, runs: int
    ) -> None:
        nightly(cluster, catch_up=catch_up)

        later(cluster, 5 * DAY_S)

        [schedule] = cluster.schedules()
        assert (schedule.runs, schedule.runs + schedule.skipped + schedule.missed) == (runs, 5)
        assert len(ids(cluster)) == runs
        assert schedule.next == START + timedelta(days=5, hours=3)


class TestOverlap:
    @pytest.mark.parametrize(("overlap", "count"), [("skip", 1), ("run", 2)])
    def test_a_moment_is_left_out_or_not_while_the_run_before_goes_on(
        self, cluster: Cluster, agent: FakeAgent, overlap: str, count: int
    ) -> None:
        nightly(cluster, overlap=overlap)
        later(cluster, 3 * 3600)
        agent.take()

        later(cluster, DAY_S)

        assert (len(ids(cluster)), cluster.schedules()[0].skipped) == (count, 2 - count)

    @pytest.mark.parametrize("state", ["waits", "retries"])
    def test_one_that_waits_or_is_to_be_retried_goes_on(self, cluster: Cluster, agent: FakeAgent, state: str) -> None:
        options: dict[str, Any] = {"cost": {"cpu": 64}}
        if state == "retries":
            options = {"max_retries": 1, "retry_after": 10 * DAY_S}
        cluster.every("nightly", "0 3 * * *", work, **options)
        later(cluster, 3 * 3600)
        for started in agent.take():
            agent.finish(failure(started.id))

        later(cluster, DAY_S)

        assert len(ids(cluster)) == 1

    @pytest.mark.parametrize("end", [ok, failure])
    def test_one_that_has_ended_does_not(self, cluster: Cluster, agent: FakeAgent, end: object) -> None:
        nightly(cluster)
        later(cluster, 3 * 3600)
        run(agent, end)  # type: ignore[arg-type]

        later(cluster, DAY_S)

        assert len(ids(cluster)) == 2


class TestAgain:
    def test_said_again_with_the_same_moments_it_keeps_what_is_due(self, cluster: Cluster, agent: FakeAgent) -> None:
        nightly(cluster)
        pass_ms(cluster.store, 4 * 3_600_000)

        cluster.every("nightly", "0 3 * * *", work, 2)
        tick(cluster.store)

        assert [cluster.handle(id).job.args for id in ids(cluster)] == [(2,)]

    def test_with_other_moments_it_begins_anew(self, cluster: Cluster, agent: FakeAgent) -> None:
        nightly(cluster)
        pass_ms(cluster.store, 4 * 3_600_000)

        schedule = cluster.every("nightly", "0 5 * * *", work, 2)
        tick(cluster.store)

        assert (ids(cluster), schedule.next) == ([], START + timedelta(hours=5))

    def test_what_was_paused_stays_so(self, cluster: Cluster) -> None:
        nightly(cluster)
        cluster.pause_schedule("nightly")

        nightly(cluster)

        assert cluster.schedules()[0].paused


class TestByHand:
    def test_what_rests_is_not_submitted_and_goes_on_at_its_next_moment(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        nightly(cluster)
        assert cluster.pause_schedule("nightly").next is None
        later(cluster, 2 * DAY_S)
        assert ids(cluster) == []

        assert cluster.resume_schedule("nightly").next == START + timedelta(days=2, hours=3)
        later(cluster, 3 * 3600)

        assert ids(cluster) == ["nightly-20300103T030000Z"]

    def test_it_runs_now_beside_its_moments(self, cluster: Cluster, agent: FakeAgent) -> None:
        nightly(cluster)
        cluster.pause_schedule("nightly")

        handle = cluster.run_schedule("nightly")

        run(agent, lambda id: ok(id, 9))
        assert (handle.result(timeout=0), handle.function_id) == (9, "nightly")
        assert (cluster.schedules()[0].runs, cluster.schedules()[0].last_id) == (1, handle.id)

    def test_what_is_replaced_while_it_is_asked_for_runs_as_it_is_now(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nightly(cluster)
        run, asked = cluster.store.run_noting, []

        def replaced_first(script: str, *rest: Any, **arguments: Any) -> Any:
            asked.append(script)
            if asked == ["fire"]:
                cluster.every("nightly", "0 3 * * *", work, 2)
            return run(script, *rest, **arguments)

        monkeypatch.setattr(cluster.store, "run_noting", replaced_first)

        handle = cluster.run_schedule("nightly")

        assert (ids(cluster), handle.job.args) == ([handle.id], (2,))

    def test_asked_again_after_it_was_replaced_it_runs_once(self, cluster: Cluster, agent: FakeAgent) -> None:
        nightly(cluster)
        stored = find(cluster.store, "nightly")
        assert stored is not None
        sent: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

        async def note(*rest: Any, **arguments: Any) -> list[Any]:
            sent.append((rest, arguments))
            return ["fired"]

        at_once(fire(note, stored, "nightly-now", START_MS, due="", upcoming=0, passed=0, is_run=True))
        [(rest, arguments)] = sent
        first = cluster.store.run(*rest, **arguments)
        cluster.every("nightly", "0 5 * * *", work)

        assert cluster.store.run(*rest, **arguments) == first
        assert (ids(cluster), cluster.schedules()[0].runs) == (["nightly-now"], 1)

    def test_what_is_removed_is_submitted_no_more(self, cluster: Cluster) -> None:
        nightly(cluster)

        cluster.remove_schedule("nightly")
        later(cluster, DAY_S)

        assert (cluster.schedules(), ids(cluster)) == ([], [])

    @pytest.mark.parametrize("call", ["pause_schedule", "resume_schedule", "remove_schedule", "run_schedule"])
    def test_a_name_that_nobody_knows_is_told_with_one_that_is_near(self, cluster: Cluster, call: str) -> None:
        nightly(cluster)

        with pytest.raises(UnknownSchedule, match="did you mean 'nightly'"):
            getattr(cluster, call)("nightli")


class TestRefused:
    @pytest.mark.parametrize(
        ("error", "name", "when", "options"),
        [
            (ValueError, "n", "soon", {}),
            (ValueError, "n", "@daily", {"timezone": "Mars"}),
            (ValueError, "n", "@daily", {"catch_up": "all"}),
            (ValueError, "n", "@daily", {"overlap": "wait"}),
            (InvalidFunction, "a b", "@daily", {}),
            (InvalidFunction, "", "@daily", {}),
            (InvalidFunction, "n" * 65, "@daily", {}),
            (InvalidFunction, "n", "@daily", {"timeout": -1}),
            (InvalidFunction, "n", "@daily", {"meta": 5}),
            (InvalidFunction, "n", "@daily", {"job_id": "x"}),
            (InvalidResources, "n", "@daily", {"cost": {"cpu": -1}}),
        ],
    )
    def test_what_breaks_a_rule_is_refused_and_nothing_is_written(
        self, cluster: Cluster, error: type[Exception], name: str, when: str, options: dict[str, object]
    ) -> None:
        before = sorted(cluster.connection.scan_iter())

        with pytest.raises(error):
            cluster.every(name, when, "tasks:work", **options)  # type: ignore[arg-type]

        assert sorted(cluster.connection.scan_iter()) == before

    def test_what_somebody_has_bent_is_paused_and_keeps_nobody_from_theirs(
        self, cluster: Cluster, agent: FakeAgent, caplog: pytest.LogCaptureFixture
    ) -> None:
        nightly(cluster)
        cluster.every("sound", "0 3 * * *", work)
        cluster.connection.hset(cluster.store.keys("schedule", "nightly"), "call", b"\xff")

        later(cluster, 3 * 3600)

        assert [(each.name, each.paused) for each in cluster.schedules()] == [("sound", False), ("nightly", True)]
        assert cluster.schedules()[0].runs == 1
        assert "cluster.every anew" in caplog.text


def test_every_option_of_a_call_that_recurs_is_one_of_a_single_call_with_the_same_default() -> None:
    def options(call: object) -> dict[str, object]:
        found = inspect.signature(call).parameters.values()  # type: ignore[arg-type]
        return {each.name: each.default for each in found if each.kind is each.KEYWORD_ONLY}

    recurring, single = options(Cluster.every), options(Cluster.enqueue)

    assert {name: recurring[name] for name in recurring.keys() & single} == {
        name: single[name] for name in single.keys() - ONE_CALL
    }
