"""What tests of the dashboard share: a namespace with some of everything, and who looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from handoff import DAG, Function
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.dashboard import app
from handoff.view import looks
from support.status import Playing

SCRIPT = "<script>alert('h')</script>"
"""What no page may have in it as it is, wherever somebody has written it."""


@dataclass(frozen=True)
class Scene:
    """A node that runs one function and has another fail, one that waits for room, and one that fits nowhere."""

    playing: Playing
    running: Handle
    failed: Handle
    waiting: Handle
    infeasible: Handle
    run: str


def play(cluster: Cluster) -> Scene:
    """Have all of it happen."""
    playing = Playing(cluster)
    failed = cluster.enqueue("films:fail", "alien", description=SCRIPT)
    playing.end("failed", *playing.start(), error="films.Torn", message=SCRIPT)
    running = cluster.enqueue("films:convert", SCRIPT, cost={"cpu": 2, "gpu": 1})
    playing.start()
    waiting = cluster.enqueue("films:convert", "brazil", cost={"cpu": 2})
    infeasible = cluster.enqueue("films:convert", "charade", cost={"gpu": 8})
    dag = DAG(f"weekly {SCRIPT}").add(Function("first", "films:first", cost={"cpu": 2}))
    dag.add(Function("second", "films:second", args=("first",)))
    cluster.submit_dag(dag)
    return Scene(playing, running, failed, waiting, infeasible, dag.id)


@pytest.fixture
def scene(cluster: Cluster) -> Iterator[Scene]:
    scene = play(cluster)
    yield scene
    for each in (scene.running, scene.waiting, scene.infeasible):
        each.cancel()


@pytest.fixture
def web(cluster: Cluster) -> TestClient:
    """Who may only look."""
    return TestClient(app(cluster))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked for is read anew: what was read in this beat is not shown again."""
    monkeypatch.setattr(looks, "until_next_beat_s", lambda now_s: 0.0)
    monkeypatch.setattr(looks, "TIMES", 0)


@pytest.fixture
def operator(cluster: Cluster) -> TestClient:
    """Who may act, by pages of this site."""
    return TestClient(app(cluster, write=True), headers={"Sec-Fetch-Site": "same-origin"}, follow_redirects=False)
