"""The page of what recurs, and what is done from it."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from dashboard.test_actions import audits
from handoff.client.cluster import Cluster
from handoff.ledger.recurring import Schedule
from support.status import Playing

DAY_S = 86_400


pytestmark = pytest.mark.usefixtures("fresh")


@pytest.fixture(autouse=True)
def _sweep(cluster: Cluster) -> None:
    cluster.every("sweep", DAY_S, "films:sweep", overlap="run", catch_up="none")


def sweep(cluster: Cluster) -> Schedule:
    [schedule] = cluster.schedules()
    return schedule


def test_it_shows_when_each_comes_next_and_how(cluster: Cluster, web: TestClient) -> None:
    cluster.every("yearly", "30 2 29 2 *", "films:count", timezone="Europe/Paris")
    text = web.get("/schedules").text

    assert "2 things recur" in text
    assert re.search(r"every 24 h.*overlap run.*catch_up none.*in 24 h.*not yet", text, re.DOTALL)
    assert re.search(r"30 2 29 2 \*</code>.*Europe/Paris.*overlap skip.*-02-29 02:30:00 CET", text, re.DOTALL)


def test_it_shows_what_came_of_the_last_run_and_leads_there(cluster: Cluster, web: TestClient) -> None:
    playing = Playing(cluster)
    handle = cluster.run_schedule("sweep")
    runs = web.get("/schedules").text
    playing.end("failed", *playing.start(), error="films.Torn", message="no film")
    failed = web.get("/schedules").text

    assert re.search(rf'<a href="/functions/{handle.id}"[^>]*><span class="state s-queued"', runs)
    assert re.search(rf'<a href="/functions/{handle.id}"[^>]*><span class="state s-failed"', failed)
    assert "films.Torn: no film" in failed
    assert handle.id in web.get("/functions?text=sweep-").text


def test_of_a_run_of_which_nothing_is_kept_it_says_so(cluster: Cluster, web: TestClient) -> None:
    handle = cluster.run_schedule("sweep")
    handle.cancel()
    cluster.connection.delete(cluster.store.keys("rq_job", handle.id))

    assert 's-gone"' in web.get("/schedules").text


def test_what_somebody_has_bent_keeps_nobody_from_seeing_the_others(cluster: Cluster, web: TestClient) -> None:
    bent = {"when": "nan", "due": "soon", "zone": "\xff", "overlap": ""}
    for field, value in bent.items():
        cluster.every(f"bent-{field}", DAY_S, "films:cut")
        cluster.connection.hset(cluster.store.keys("schedule", f"bent-{field}"), field, value)
    answer = web.get("/schedules")

    assert answer.status_code == 200
    assert answer.text.count("It cannot be read") == 2
    assert "sweep" in answer.text
    assert "sweep" in {schedule.name for schedule in cluster.schedules()}
    for field in bent:
        cluster.remove_schedule(f"bent-{field}")


def test_it_goes_on_over_several_pages(cluster: Cluster, web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handoff.dashboard.pages.schedules.PER_PAGE", 1)
    cluster.every("later", 2 * DAY_S, "films:cut")
    first, second = web.get("/schedules").text, web.get("/schedules?page=2").text

    assert ("sweep" in first, "later" in first, 'rel="next"' in first) == (True, False, True)
    assert ("sweep" in second, "later" in second, 'rel="next"' in second) == (False, True, False)


def test_where_nothing_recurs_it_says_how_it_would(cluster: Cluster, web: TestClient) -> None:
    cluster.remove_schedule("sweep")

    assert "cluster.every(" in web.get("/schedules").text


def test_it_is_paused_and_resumed(cluster: Cluster, operator: TestClient) -> None:
    asked = operator.get("/do/pause-schedule?about=sweep").text
    before = sweep(cluster).paused
    paused = operator.post("/do/pause-schedule", data={"about": "sweep"})
    shown = operator.get(paused.headers["location"]).text
    was_paused = sweep(cluster).paused
    operator.post("/do/resume-schedule", data={"about": "sweep"})

    assert "Let sweep rest?" in asked
    assert (before, was_paused, sweep(cluster).paused) == (False, True, False)
    assert "It rests until it is resumed" in shown
    assert "/do/resume-schedule?about=sweep" in shown
    assert "/do/pause-schedule" not in shown
    assert audits(cluster) == [("somebody", "pause-schedule", "sweep"), ("somebody", "resume-schedule", "sweep")]


def test_it_is_run_now_also_while_it_rests(cluster: Cluster, operator: TestClient) -> None:
    cluster.pause_schedule("sweep")
    done = operator.post("/do/run-schedule", data={"about": "sweep"})
    schedule = sweep(cluster)

    assert done.status_code == 303
    assert (schedule.runs, schedule.paused) == (1, True)
    assert schedule.last_id is not None
    assert f"/functions/{schedule.last_id}" in operator.get(done.headers["location"]).text
    assert audits(cluster) == [("somebody", "run-schedule", "sweep")]
    cluster.handle(schedule.last_id).cancel()


@pytest.mark.parametrize("action", ["pause", "resume", "run"])
def test_a_schedule_that_is_gone_is_told_with_the_question(action: str, operator: TestClient) -> None:
    answer = operator.post(f"/do/{action}-schedule", data={"about": "swept"})

    assert answer.status_code == 409
    assert "did you mean &#39;sweep&#39;" in answer.text


def test_one_who_only_looks_is_offered_nothing_to_do(web: TestClient) -> None:
    assert "/do/" not in web.get("/schedules").text
    assert web.post("/do/run-schedule", data={"about": "sweep"}, headers={"Sec-Fetch-Site": "same-origin"}).is_error
