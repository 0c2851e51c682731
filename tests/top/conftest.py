"""What tests of `handoff top` share: a namespace with some of everything, and who looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from support.status import Playing
from support.terminals import Shown

ESCAPE = "\x1b[31mred"
"""What no terminal may be sent, wherever somebody has written it."""


@dataclass(frozen=True)
class Scene:
    """A node that runs one function and had another fail, one that waits for room, and one that fits nowhere."""

    playing: Playing
    running: Handle
    failed: Handle
    waiting: Handle
    infeasible: Handle


@pytest.fixture
def scene(cluster: Cluster) -> Iterator[Scene]:
    playing = Playing(cluster)
    failed = cluster.enqueue("films:fail", "alien", job_id="failed-1")
    playing.end("failed", *playing.start(), error="films.Torn", message=f"reel 7 {ESCAPE}")
    running = cluster.enqueue("lab.films:convert", ESCAPE, job_id="running-1", cost={"cpu": 2, "gpu": 1})
    playing.start()
    waiting = cluster.enqueue("films:convert", "brazil", job_id="waiting-1", cost={"cpu": 2})
    infeasible = cluster.enqueue("films:convert", "charade", job_id="infeasible-1", cost={"gpu": 8})
    yield Scene(playing, running, failed, waiting, infeasible)
    for each in (running, waiting, infeasible):
        each.cancel()


@pytest.fixture
def shown(cluster: Cluster, scene: Scene) -> Iterator[Shown]:
    """Who looks at that, and has seen it once."""
    with Shown(cluster) as shown:
        shown.until("UTC", "running 1")
        yield shown
