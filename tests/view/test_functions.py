"""The functions of a namespace as a list: which of them, in which order, and what is told of each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import UnknownRun
from handoff.graph.dag import DAG
from handoff.ledger.housekeeping import tick
from handoff.ledger.states import STATES
from handoff.view import functions
from handoff.view.functions import Listing, Wanted, list_functions
from handoff.view.row import FunctionRow
from handoff.words.function import Collocated, Function
from handoff.words.times import utc
from support.status import Playing, failed

NOW_MS = 1_800_000_000_000


@pytest.fixture(autouse=True)
def own_clock(cluster: Cluster) -> None:
    cluster.store.now_ms = NOW_MS


@pytest.fixture
def playing(cluster: Cluster) -> Playing:
    return Playing(cluster)


def listed(cluster: Cluster, limit: int = 100, **wanted: object) -> Listing:
    return list_functions(cluster.store, Wanted(**wanted), limit)  # type: ignore[arg-type]


def ids(cluster: Cluster, limit: int = 100, **wanted: object) -> list[str]:
    return [row.id for row in listed(cluster, limit, **wanted).rows]


def row_of(cluster: Cluster, handle: Handle) -> FunctionRow:
    return next(row for row in listed(cluster).rows if row.id == handle.id)


def in_every_state(cluster: Cluster, playing: Playing) -> dict[str, Handle]:
    """One function in each state."""
    found = {"failed": failed(cluster, playing)}
    found["finished"] = cluster.enqueue("tasks:f")
    playing.end("finished", *playing.start())
    found["canceled"] = cluster.enqueue("tasks:f", cost={"cpu": 64})
    found["canceled"].cancel()
    found["started"] = cluster.enqueue("tasks:f", cost={"cpu": 1})
    playing.start()
    found["queued"] = cluster.enqueue("tasks:f", cost={"cpu": 1})
    found["waiting"] = cluster.enqueue("tasks:f", cost={"cpu": 1})
    found["delayed"] = cluster.enqueue("tasks:f", delay=60)
    found["deferred"] = cluster.enqueue("tasks:f", depends_on=found["waiting"])
    return found


class TestStates:
    def test_one_in_every_state_is_found_by_it_and_among_all(self, cluster: Cluster, playing: Playing) -> None:
        handles = in_every_state(cluster, playing)

        assert set(handles) == set(STATES)
        assert {state: ids(cluster, states=(state,)) for state in STATES} == {
            state: [handle.id] for state, handle in handles.items()
        }
        assert {row.id: row.state for row in listed(cluster).rows} == {
            handle.id: state for state, handle in handles.items()
        }
        assert not listed(cluster).more

    def test_several_states_are_those_of_each(self, cluster: Cluster, playing: Playing) -> None:
        handles = in_every_state(cluster, playing)

        found = ids(cluster, states=("failed", "started"))

        assert set(found) == {handles["failed"].id, handles["started"].id}

    def test_what_waits_for_another_of_its_group_is_listed_as_waiting(self, cluster: Cluster) -> None:
        dag = (
            DAG()
            .add(Function("one", "tasks:f", cost={"cpu": 1}))
            .add(Function("two", "tasks:f", cost={"cpu": 1}, node=Collocated("one")))
        )
        cluster.submit_dag(dag)

        found = {row.function_id for row in listed(cluster, states=("waiting",)).rows}

        assert found == {"one", "two"}

    def test_what_is_deferred_is_found_behind_many_that_wait(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("handoff.view.row.PAGE", 8)
        monkeypatch.setattr(functions, "PAGE", 8)
        first = cluster.enqueue("tasks:f", cost={"cpu": 1})
        deferred = cluster.enqueue("tasks:f", depends_on=first)
        cluster.map("tasks:f", range(30), cost={"cpu": 1})

        assert ids(cluster, 1, states=("deferred",)) == [deferred.id]

    def test_what_no_node_could_hold_is_found_as_infeasible_and_among_what_waits(
        self, cluster: Cluster, playing: Playing
    ) -> None:
        hopeless = cluster.enqueue("tasks:f", cost={"cpu": 3})
        cluster.map("tasks:f", range(4), cost={"cpu": 1})

        assert ids(cluster, states=("infeasible",)) == [hopeless.id]
        assert hopeless.id in ids(cluster, states=("waiting",))

    def test_a_word_that_is_no_state_is_refused(self, cluster: Cluster) -> None:
        with pytest.raises(ValueError, match="'done' is no state: give one of deferred, delayed"):
            listed(cluster, states=("done",))


class TestOrder:
    def test_the_newest_come_first_whatever_their_priority(self, cluster: Cluster) -> None:
        handles = []
        for priority in (0, 1000, -1000, 7, 0):
            handles.append(cluster.enqueue("tasks:f", cost={"cpu": 1}, priority=priority))
            cluster.store.now_ms += 1000

        assert ids(cluster) == [handle.id for handle in reversed(handles)]
        assert ids(cluster, 2) == [handle.id for handle in handles[:-3:-1]]

    def test_those_of_several_nodes_stand_among_each_other(self, cluster: Cluster, playing: Playing) -> None:
        other = Playing(cluster, "b")
        handles = []
        for node, agent in (("a", playing), ("b", other), ("a", playing), ("b", other)):
            handles.append(failed(cluster, agent, node=node))
            cluster.store.now_ms += 2000

        assert ids(cluster, states=("failed",)) == [handle.id for handle in reversed(handles)]
        assert ids(cluster, 1, states=("failed",)) == [handles[-1].id]

    def test_no_more_are_listed_than_asked_for_and_it_is_told_that_there_are_more(self, cluster: Cluster) -> None:
        cluster.map("tasks:f", range(7), cost={"cpu": 1})

        few, all_of_them = listed(cluster, 3), listed(cluster, 7)

        assert (len(few.rows), few.more) == (3, True)
        assert (len(all_of_them.rows), all_of_them.more) == (7, False)

    @pytest.mark.parametrize("limit", [0, 10_001, True, "3"])
    def test_a_limit_that_is_none_is_refused(self, cluster: Cluster, limit: int) -> None:
        with pytest.raises(ValueError, match="give an int from 1 to 10,000"):
            listed(cluster, limit)

    def test_what_is_looked_at_is_bounded_and_said(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(functions, "LEAST_LOOKED_AT", 5)
        monkeypatch.setattr(functions, "LOOKED_AT_FOR_EACH", 5)
        cluster.enqueue("tasks:rare", cost={"cpu": 1})
        cluster.map("tasks:f", range(9), cost={"cpu": 1})

        found = listed(cluster, 1, states=("waiting",), name="rare")

        assert (found.rows, found.more, found.looked_at) == ([], True, 5)

    def test_of_more_than_a_page_each_is_listed_once(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("handoff.view.places.PAGE", 4)
        monkeypatch.setattr(functions, "PAGE", 3)
        handles = cluster.map("tasks:f", range(11), cost={"cpu": 1})
        gone = cluster.map("tasks:f", range(11), cost={"cpu": 64})
        cluster.cancel(gone)

        assert sorted(ids(cluster, states=("waiting",))) == sorted(handle.id for handle in handles)
        assert sorted(ids(cluster, states=("canceled",))) == sorted(handle.id for handle in gone)


class TestFilters:
    def test_on_a_node_is_what_is_placed_runs_or_ran_there(self, cluster: Cluster, playing: Playing) -> None:
        handles = in_every_state(cluster, playing)

        there = {handles[state].id for state in ("queued", "started", "finished", "failed")}

        assert set(ids(cluster, node="a")) == there
        assert ids(cluster, node="b") == []

    def test_a_part_of_the_name_of_what_is_called_will_do(self, cluster: Cluster) -> None:
        train = cluster.enqueue("models.big:train", cost={"cpu": 1})
        cluster.enqueue("models.big:test", cost={"cpu": 1})

        assert ids(cluster, name="train") == [train.id]
        assert len(ids(cluster, name="models.big:t")) == 2

    def test_since_a_moment_is_what_came_where_it_stands_since_then(self, cluster: Cluster) -> None:
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        cluster.store.now_ms += 60_000
        late = cluster.enqueue("tasks:f", cost={"cpu": 1})

        assert ids(cluster, since=utc(NOW_MS) + timedelta(seconds=30)) == [late.id]

    def test_of_a_run_are_its_own_by_their_users_ids(self, cluster: Cluster, playing: Playing) -> None:
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        cluster.submit_dag(DAG("mine").add(Function("one", "tasks:f")).add(Function("two", "tasks:f", args=["one"])))

        found = listed(cluster, run="mine")

        assert {row.function_id: (row.state, row.run) for row in found.rows} == {
            "one": ("queued", "mine"),
            "two": ("deferred", "mine"),
        }
        assert [row.function_id for row in listed(cluster, run="mine", states=("deferred",)).rows] == ["two"]

    def test_a_run_that_nobody_knows_is_refused(self, cluster: Cluster) -> None:
        with pytest.raises(UnknownRun):
            listed(cluster, run="nobody")

    def test_of_a_shape_is_what_waits_with_it(self, cluster: Cluster) -> None:
        big = cluster.enqueue("tasks:f", cost={"cpu": 8})
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        shape = row_of(cluster, big).shape

        assert ids(cluster, shape=shape) == [big.id]

    def test_a_shape_may_be_named_by_its_cost_whatever_else_it_asks_for(self, cluster: Cluster) -> None:
        both = [
            cluster.enqueue("tasks:f", cost={"cpu": 0.5, "memory": 8}),
            cluster.enqueue("tasks:f", cost={"cpu": 0.5, "memory": 8}, node="b"),
        ]
        plain = cluster.enqueue("tasks:f")

        assert set(ids(cluster, shape="memory=8, cpu=0.5")) == {handle.id for handle in both}
        assert ids(cluster, shape="slots=1") == [plain.id]
        assert ids(cluster, shape="cpu=0.5") == []


class TestRows:
    def test_a_row_says_what_is_called_for_what_cost_and_since_when(self, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:f", 3, cost={"cpu": 0.5}, description="a small one")

        row = row_of(cluster, handle)

        assert (row.name, row.description, row.cost) == ("tasks.f", "a small one", {"cpu": 0.5})
        assert (row.state, row.node, row.run, row.attempts, row.error) == ("waiting", None, None, 0, None)
        assert row.at == utc(NOW_MS)
        assert row.duration_s is None

    def test_what_runs_tells_for_how_long_by_the_clock_of_the_server(self, cluster: Cluster, playing: Playing) -> None:
        handle = cluster.enqueue("tasks:f")
        playing.start()
        cluster.store.now_ms += 5000

        row = row_of(cluster, handle)

        assert (row.duration_s, row.node, row.attempts) == (5.0, "a", 1)

    def test_what_has_failed_tells_its_error(self, cluster: Cluster, playing: Playing) -> None:
        handle = failed(cluster, playing, error="ValueError", message="too small")

        row = row_of(cluster, handle)

        assert (row.error, row.message, row.node) == ("ValueError", "too small", "a")

    def test_what_no_node_could_hold_is_told_as_such(self, cluster: Cluster, playing: Playing) -> None:
        hopeless = cluster.enqueue("tasks:f", cost={"cpu": 3})
        for _ in range(3):
            patient = cluster.enqueue("tasks:f", cost={"cpu": 1})

        assert row_of(cluster, hopeless).infeasible
        assert not row_of(cluster, patient).infeasible

    def test_what_nobody_can_read_is_listed_with_that_as_its_error(self, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:f", cost={"cpu": 1})
        good = cluster.enqueue("tasks:f", cost={"cpu": 1})
        key = cluster.store.keys("rq_job", handle.id)
        demand = cluster.connection.hget(key, "h_demand")
        cluster.connection.hset(key, "h_demand", b"\xff")
        try:
            rows = {row.id: row for row in listed(cluster).rows}
        finally:
            cluster.connection.hset(key, "h_demand", demand)

        assert set(rows) == {handle.id, good.id}
        assert rows[handle.id].error == "handoff.errors.UnreadableField"

    def test_what_rq_has_deleted_is_not_listed(self, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:f", cost={"cpu": 1})
        handle.job.delete()

        assert ids(cluster) == []
        tick(cluster.store)
