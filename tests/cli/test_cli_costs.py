"""`handoff costs`: what functions have used beside what they had declared."""

from __future__ import annotations

import json

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.learned import write_sample
from handoff.ledger.texts.usage import FunctionUsage
from support.agent import FakeAgent
from support.command_line import Run


@pytest.fixture
def learned(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 2}).register()
    samples = {
        "films:train": (FunctionUsage(912, 3.0, 2.0), {"memory": 5_000_000, "cpu": 10_000}),
        "films:render_all_of_them_in_every_size_there_is": (FunctionUsage(80, 0.001, 0.002), {"memory": 20_000_000}),
    }
    for name, (usage, cost) in samples.items():
        agent.learn((name, *write_sample("f:1", usage, cost)))


@pytest.mark.usefixtures("learned")
def test_people_get_a_line_for_each_name(run: Run) -> None:
    lines = run("costs").stdout.splitlines()

    assert max(map(len, lines)) <= 80
    assert [line.split() for line in lines] == [
        ["FUNCTION", "SEEN", "MEMORY", "P50", "P95", "MAX", "WASTE", "CPU", "SUGGESTED"],
        ["films:render_a...", "1", "2000", "80", "80", "80", "1920", "-", "memory=88"],
        ["films:train", "1", "500", "912", "912", "912", "-", "1.50", "memory=1004,cpu=1.5"],
    ]


@pytest.mark.usefixtures("learned")
def test_programs_get_all_figures(run: Run) -> None:
    _, train = json.loads(run("costs", "--json").stdout)

    assert train == {
        "function": "films:train",
        "count": 1,
        "memory": {"p50": 912, "p95": 912, "max": 912},
        "cpu": {"p50": 1.5, "p95": 1.5, "max": 1.5},
        "duration": {"p50": 2.0, "p95": 2.0, "max": 2.0},
        "declared": {"memory": 500, "cpu": 1},
        "suggested": {"memory": 1004, "cpu": 1.5},
        "wasted_mb": 0.0,
    }


def test_where_nothing_is_known_that_is_said(run: Run) -> None:
    assert run("costs").stdout.startswith("Nothing is known yet of what functions use in namespace ")
    assert run("costs", "--json").stdout == "[]\n"
