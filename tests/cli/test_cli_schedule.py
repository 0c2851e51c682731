"""What recurs, listed and changed by `handoff schedule`."""

from __future__ import annotations

import json

from handoff.client.cluster import Cluster
from support.command_line import Run


def test_what_recurs_is_listed_with_when_it_comes_next(run: Run, cluster: Cluster) -> None:
    cluster.every("nightly", "0 3 * * *", "tasks:f", timezone="Europe/Paris")
    cluster.every("often", 90, "tasks:g")
    cluster.pause_schedule("often")

    lines = run("schedule").stdout.splitlines()

    assert lines[0].split() == ["name", "when", "next", "(UTC)", "last", "runs", "calls"]
    assert lines[1].startswith("nightly  0 3 * * *")
    assert lines[2].split() == ["often", "each", "90", "s", "paused", "-", "0", "tasks.g"]
    assert max(map(len, lines)) <= 80


def test_a_program_gets_an_object_a_line(run: Run, cluster: Cluster) -> None:
    cluster.every("nightly", "0 3 * * *", "tasks:f")

    [line] = run("schedule", "--json").stdout.splitlines()

    found = json.loads(line)
    assert found["next"].endswith("03:00:00.000+00:00")
    assert {**found, "next": None} == {
        "name": "nightly", "code": "tasks.f", "when": "0 3 * * *", "timezone": "UTC", "next": None, "last": None,
        "last_id": None, "runs": 0, "skipped": 0, "missed": 0, "catch_up": "last", "overlap": "skip", "paused": False,
        "last_state": None,
    }  # fmt: skip


def test_where_the_last_run_stands_is_told(run: Run, cluster: Cluster) -> None:
    cluster.every("often", 86_400, "tasks:f", cost={"cpu": 1})
    handle = cluster.run_schedule("often")

    assert " infeasible " in run("schedule").stdout
    assert json.loads(run("schedule", "--json").stdout)["last_state"] == "infeasible"
    handle.cancel()


def test_what_somebody_has_bent_is_told_among_the_others(run: Run, cluster: Cluster) -> None:
    cluster.every("bent", 86_400, "tasks:f")
    cluster.every("sound", 86_400, "tasks:f")
    cluster.connection.hset(cluster.store.keys("schedule", "bent"), "due", "soon")

    listed = [json.loads(line) for line in run("schedule", "--json").stdout.splitlines()]

    assert "bent   -" in run("schedule").stdout
    assert {each["name"]: each["code"] for each in listed} == {"bent": None, "sound": "tasks.f"}
    assert listed[0].keys() == listed[1].keys()
    cluster.remove_schedule("bent")


def test_it_is_paused_resumed_run_and_removed(run: Run, cluster: Cluster) -> None:
    cluster.every("nightly", "0 3 * * *", "tasks:f")

    assert run("schedule", "pause", "nightly").stdout == "nightly: paused\n"
    assert cluster.schedules()[0].paused
    assert run("schedule", "resume", "nightly").stdout == "nightly: goes on\n"
    ran = json.loads(run("schedule", "run", "nightly", "--json").stdout)
    assert cluster.handle(ran["id"]).function_id == "nightly"
    assert run("schedule", "remove", "nightly").stdout == "nightly: removed\n"
    assert cluster.schedules() == []


def test_where_nothing_recurs_it_says_how_it_would(run: Run) -> None:
    assert "cluster.every" in run("schedule").stdout


def test_a_name_that_nobody_knows_is_told_in_one_line(run: Run) -> None:
    result = run("schedule", "pause", "nightly")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "nothing recurs under the name 'nightly'" in result.stderr
