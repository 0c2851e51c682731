"""What is said of each event."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handoff.client.cluster import Cluster
from handoff.graph.dag import DAG
from handoff.ledger.events import read_last_events
from handoff.view import said
from handoff.view.said import event_of
from handoff.words.function import Function
from handoff.words.times import utc
from support.agent import FakeAgent
from support.status import Playing, failed

LUA = Path(said.__file__).parents[1] / "ledger" / "lua"


def texts(cluster: Cluster, *, less: int = 0) -> list[str]:
    """What is said of all that has happened, but for the first."""
    found = [event_of(id, fields) for id, fields in read_last_events(cluster.store, 1000)]
    return [event.text for event in found][less:]


def test_of_every_kind_that_a_script_writes_something_is_said() -> None:
    written = {kind for path in LUA.rglob("*.lua") for kind in re.findall(r"Events\.emit\('(\w+)'", path.read_text())}

    assert written == said._SAID.keys()


def test_the_way_of_a_function_is_told_in_sentences(cluster: Cluster) -> None:
    playing = Playing(cluster)
    before = len(texts(cluster))
    handle = failed(cluster, playing, cost={"cpu": 1, "gpu": 1})
    handle.retry()
    waiting = cluster.enqueue("tasks:f", cost=[{"cpu": 2}], node="b", where={"zone": "x"})
    waiting.cancel()

    told = texts(cluster, less=before)

    assert told == [
        f"function {handle.id} is placed on a with cpu 1, gpu 1 (gpu 0)",
        f"function {handle.id} starts on a",
        f"function {handle.id} gives back cpu 1, gpu 1 (gpu 0) on a: failed",
        f"function {handle.id} makes way for another of its id",
        f"function {handle.id} is placed on a with cpu 1, gpu 1 (gpu 0)",
        f"function {waiting.id} waits for cpu 2 on b where zone x",
        f"function {waiting.id} wants cpu 2 on b where zone x, which no live node could hold",
        f"function {waiting.id} is canceled",
    ]


def test_what_becomes_of_nodes_runs_and_what_is_shared_is_told(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 2})
    cluster.share({"license": 2})
    cluster.share({"license": 0})
    claim = cluster.tracker.request("a", {"cpu": 1})
    cluster.submit_dag(DAG("nightly").add(Function("one", "tasks:f", cost={"cpu": 64}))).cancel()
    cluster.drain("a")
    cluster.undrain("a")

    assert [text for text in texts(cluster) if not text.startswith("function ")] == [
        "node a is registered with cpu 2",
        "the cluster shares license 2",
        "the cluster shares license 0",
        f"claim {claim.id} has cpu 1 on a",
        "run nightly is running",
        "run nightly is stopping (canceled)",
        "run nightly is canceled",
        "node a is draining",
        "node a is undrained",
    ]


def test_what_other_programs_use_is_told_as_it_changes(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"memory": 8000})
    agent.external = ({"memory": 3000}, {})
    agent.register()
    agent.external = ({"memory": 0}, {})
    agent.beat()

    assert texts(cluster, less=1) == [
        "external has memory 3000 on a",
        "external gives back memory 3000 on a: other programs use more by now, or less",
    ]


@pytest.mark.parametrize("kind", [*said._SAID, "colour"])
def test_of_what_cannot_be_read_the_fields_are_told(kind: str) -> None:
    event = event_of(b"17-0", {"event": kind, "at_ms": "x", "what else": "7"})

    assert event.text == f"{kind}: what else 7"
    assert event.at is None


def test_an_event_names_whom_it_happened_to() -> None:
    of_job = event_of(b"17-0", {"event": "started", "at_ms": "1800000000000", "id": "f:3", "node": "a", "attempt": "2"})
    of_run = event_of(b"18-0", {"event": "run", "at_ms": "0", "run": "r", "dag": "nightly", "change": "running"})

    assert (of_job.job, of_job.node, of_job.at, of_job.text) == (
        "f",
        "a",
        utc(1_800_000_000_000),
        "function f starts on a, attempt 2",
    )
    assert (of_run.job, of_run.run) == (None, "nightly")
