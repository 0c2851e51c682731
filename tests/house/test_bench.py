"""Parts of scripts/bench that start no workers run, at a size that says nothing of speed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import dashboard, doctor, script_time, sizing, submits
from benchmarks.decision import by_backlog, by_nodes, by_shapes, scene
from benchmarks.decision.bulk import BulkStore
from benchmarks.figures import Figure
from handoff.client.cluster import Cluster
from handoff.ledger import functions as work
from handoff.local.server import RedisServer
from support.users import ALL, ONLY_SCRIPTS, add_user

Tell = Callable[[str], None]

PARTS: dict[str, Callable[[Tell], list[Figure]]] = {
    "submit": lambda tell: submits.measure(8, 1, tell),
    "script": lambda tell: script_time.measure(16, 1, tell),
    "decision by nodes": lambda tell: by_nodes.measure((10, 20, 30), 8, 1, tell),
    "decision by shapes": lambda tell: by_shapes.measure(10, (by_shapes.mix(4, 3, 200),), 8, 1, tell),
    "decision by backlog": lambda tell: by_backlog.measure((0, 100), 8, 1, tell),
    "dashboard": lambda tell: dashboard.measure(200, 1, tell),
    "doctor": lambda tell: doctor.measure(20, 1, tell),
    "sizing": lambda tell: sizing.measure(16, 1, tell),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_comes_to_figures(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_time, "NODES", (2, 4))
    monkeypatch.setattr(scene, "EVENTS_KEPT", 100)
    monkeypatch.setattr(sizing, "NODES", 4)
    monkeypatch.setattr(dashboard, "PAGES", {"overview": "/"})
    monkeypatch.setattr(dashboard, "FORGOTTEN_S", 0.0)
    monkeypatch.setattr(dashboard, "WATCHED_S", 0.1)
    monkeypatch.setattr(dashboard, "VIEWERS", (2,))

    figures = PARTS[part](lambda what: None)

    assert any(figure.values for figure in figures)


@pytest.mark.parametrize("rights", [ALL, ONLY_SCRIPTS], ids=["functions", "scripts"])
def test_many_calls_at_once_are_made_in_either_form(server: RedisServer, rights: tuple[str, ...]) -> None:
    with Cluster(add_user(server, *rights), namespace="bulk") as cluster:
        store = BulkStore(cluster.connection, cluster.namespace)
        call = store.note(lambda: work.cancel(store, "nobody"))

        replies = list(store.pour(call.but(job_id=f"nobody{number}") for number in range(600)))

        assert replies == [[b"unknown"]] * 600
