"""A graph on real nodes, from submit to its results."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handoff import DAG, Function, RunHandle
from handoff.client.cluster import Cluster
from handoff.errors import RunCanceled
from handoff.ledger.nodes import read_nodes
from support.diamond import attendants
from support.local import local_cluster
from support.waiting import LIMIT_S


@pytest.fixture(scope="module")
def live() -> Iterator[Cluster]:
    with local_cluster({"a": {"cpu": 1}, "b": {"cpu": 1}}) as cluster:
        yield cluster


class TestOnRealNodes:
    def test_a_graph_runs_across_nodes_and_gives_back_all_results(self, live: Cluster) -> None:
        graph = (
            DAG()
            .add(Function("one", "operator:add", extra_args=[1, 2], node="a"))
            .add(Function("two", "operator:mul", args=["one"], extra_args=[10], node="b"))
            .add(Function("minus", "operator:neg", args=["two"], type="inline"))
            .add(Function("sum", "builtins:sum", args=["one", "two", "minus"], argument_inclusion="as_list"))
        )

        result = live.execute(graph, attached=True)

        assert result.results == {"one": 3, "two": 30, "sum": 3}
        assert (result.allocations["one"], result.allocations["two"]) == ("a", "b")
        assert attendants() == []

    def test_a_run_that_is_canceled_ends_what_runs(self, live: Cluster) -> None:
        run: RunHandle = live.submit_dag(DAG().add(Function("nap", "time:sleep", extra_args=[600])))

        assert run.cancel()

        with pytest.raises(RunCanceled):
            run.result(LIMIT_S)
        assert all(not node.used.get("slots") for node in read_nodes(live.store))
