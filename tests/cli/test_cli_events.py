"""What has happened, as a command tells it."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from support.command_line import Run

#: By its name: the package has the command under it.
module = importlib.import_module("handoff.cli.events")


def test_the_last_are_told_a_line_each_with_the_time(run: Run, cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 1})
    handle = cluster.enqueue("tasks:f", cost={"cpu": 1})

    lines = run("events").stdout.splitlines()

    assert len(lines) == 2
    assert re.fullmatch(rf"\d\d:\d\d:\d\d\.\d{{3}} function {handle.id} is placed on a with cpu 1", lines[1])
    assert run("events", "--count", "1").stdout.splitlines() == lines[1:]
    assert run("events", "--count", "0").stdout == ""


def test_programs_get_an_object_a_line(run: Run, cluster: Cluster) -> None:
    handle = cluster.enqueue("tasks:f", cost={"cpu": 1})

    found = [json.loads(line) for line in run("events", "--json").stdout.splitlines()]

    assert [(each["event"], each["job"]) for each in found] == [("waiting", handle.id), ("infeasible", handle.id)]
    assert {tuple(each) for each in found} == {("id", "at", "event", "job", "node", "run", "text", "fields")}


def test_who_follows_is_told_each_once_until_interrupted(
    run: Run, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.register_node("a", {"cpu": 1})
    read = module.read_events

    def reading(store: Any, after: bytes, block_s: float | None) -> Any:
        if not (found := read(store, after, None)):
            raise KeyboardInterrupt
        return found

    def first_reading(store: Any, after: bytes, block_s: float | None) -> Any:
        cluster.enqueue("tasks:f", cost={"cpu": 1}, job_id="f")
        monkeypatch.setattr(module, "read_events", reading)
        return reading(store, after, block_s)

    monkeypatch.setattr(module, "read_events", first_reading)

    result = run("events", "--follow", "--json")

    assert result.exit_code == 130
    assert [json.loads(line)["event"] for line in result.stdout.splitlines()] == ["node", "reserved"]
