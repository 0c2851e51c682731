"""Which functions take longest: of those that run now, and of those that have ended lately."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.view import slowest
from handoff.view.history import Span
from handoff.view.slowest import read_slowest, slowest_of
from support.status import Playing


@pytest.fixture
def playing(cluster: Cluster) -> dict[str, Playing]:
    """Two nodes that run two functions each, started in the order of their ids."""
    nodes = {name: Playing(cluster, name) for name in ("a", "b")}
    for number, node in enumerate(("a", "b", "a", "b")):
        cluster.enqueue("tasks:f", job_id=f"{node}-{number}", node=node, cost={"cpu": 1})
        nodes[node].start()
        if cluster.store.now_ms:
            cluster.store.now_ms += 1000
    return nodes


@pytest.mark.usefixtures("playing")
class TestRunning:
    def test_those_that_run_longest_come_first_whatever_their_node(self, cluster: Cluster) -> None:
        found = [row.id for row in read_slowest(cluster.store, ["a", "b"], 50)]

        assert sorted(found) == ["a-0", "a-2", "b-1", "b-3"]
        assert found.index("a-0") < found.index("a-2")
        assert found.index("b-1") < found.index("b-3")

    def test_the_first_of_each_node_is_among_them_however_few_may_be_read(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(slowest, "MOST_LOOKED_AT", 2)

        assert {row.id for row in read_slowest(cluster.store, ["a", "b"], 50)} == {"a-0", "b-1"}

    def test_no_more_are_given_than_are_asked_for(self, cluster: Cluster) -> None:
        assert len(read_slowest(cluster.store, ["a", "b"], 3)) == 3


def test_without_a_node_nothing_runs(cluster: Cluster) -> None:
    assert read_slowest(cluster.store, [], 50) == []


def test_of_what_ended_lately_what_took_longest_comes_first() -> None:
    def span(id: str, start_ms: int, end_ms: int | None) -> Span:
        return Span(id, "a", "f", id, 1, start_ms, end_ms, "finished" if end_ms else "")

    spans = [span("short", 900, 1000), span("long", 500, 1000), span("early", 0, 400), span("runs", 0, None)]

    assert [each.id for each in slowest_of(spans, 500, 9)] == ["long", "short"]
    assert [each.id for each in slowest_of(spans, 500, 1)] == ["long"]
