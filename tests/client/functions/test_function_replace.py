"""`replace=True`: the id of a function that has failed or was canceled is used again, and of no other."""

from __future__ import annotations

import pytest
from rq.job import Job

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import DuplicateFunction, FunctionFailed, Infeasible, PartlySubmitted
from handoff.graph.dag import DAG
from handoff.ledger.housekeeping import tick
from handoff.words.function import Function
from support.agent import FakeAgent, ok
from support.books import assert_nothing_held
from support.ledger import read_ledger
from support.passing import pass_ms
from support.refused import assert_refused, work
from support.rq_states import STATES, play_out, to_failed, to_stopped

MAKE_WAY = {"failed": STATES["failed"], "stopped": to_stopped, "canceled": STATES["canceled"]}

STAY = {state: to for state, to in STATES.items() if state not in MAKE_WAY}


def again(cluster: Cluster, id: str, **options: object) -> Handle:
    return cluster.enqueue(work, "again", job_id=id, replace=True, cost={"cpu": 1}, **options)  # type: ignore[arg-type]


class TestTaken:
    @pytest.mark.parametrize("state", MAKE_WAY)
    def test_the_new_one_runs_as_if_there_had_been_no_other(
        self, cluster: Cluster, agent: FakeAgent, state: str
    ) -> None:
        id = MAKE_WAY[state](cluster, agent).id

        handle = again(cluster, id)

        assert handle.verdict is not None
        assert (handle.verdict.state, handle.status, handle.attempts, handle.job.args) == (
            "placed",
            "queued",
            0,
            ("again",),
        )
        assert not [
            key for key in read_ledger(cluster.store).rq if key.startswith(("failed:", "canceled:", "results:"))
        ]
        [started] = agent.take()
        agent.finish(ok(started.id, "done"))
        assert (handle.result(timeout=0), handle.attempts) == ("done", 1)
        assert_nothing_held(cluster.store)

    @pytest.mark.parametrize("state", [*MAKE_WAY, "finished"])
    def test_whatever_has_ended_makes_way_for_what_replaces_those(
        self, cluster: Cluster, agent: FakeAgent, state: str
    ) -> None:
        first = {**MAKE_WAY, "finished": STATES["finished"]}[state](cluster, agent)

        second = cluster.enqueue(work, "again", job_id=first.id, replace="ended", cost={"cpu": 1})

        assert (second.status, second.attempts, second.job.args) == ("queued", 0, ("again",))
        [started] = agent.take()
        agent.finish(ok(started.id, "done"))
        assert first.result(timeout=0) == "done"
        assert_nothing_held(cluster.store)

    @pytest.mark.parametrize("state", sorted(STAY.keys() - {"finished"}))
    def test_what_has_not_ended_makes_way_for_nothing(self, cluster: Cluster, agent: FakeAgent, state: str) -> None:
        first = STAY[state](cluster, agent)

        assert_refused(
            cluster, lambda cluster: cluster.enqueue(work, job_id=first.id, replace="ended"), DuplicateFunction
        )

    def test_an_id_that_nobody_has_is_taken_too(self, cluster: Cluster, agent: FakeAgent) -> None:
        assert again(cluster, "new").status == "queued"

    def test_who_waits_for_the_failed_one_waits_for_the_new_one(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = to_failed(cluster, agent)
        again(cluster, first.id)

        [started] = agent.take()
        agent.finish(ok(started.id, 7))

        assert first.result(timeout=0) == 7

    def test_of_many_each_takes_the_place_of_its_own(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = to_failed(cluster, agent)
        queued = cluster.enqueue(work, job_id="queued")
        functions = [Function(name, work, cost={"cpu": 1}) for name in ("one", "two", "three")]

        with pytest.raises(PartlySubmitted) as told:
            cluster.submit_many(functions, job_ids=[first.id, queued.id, "new"], replace=True)

        assert [handle and handle.status for handle in told.value.handles] == ["queued", None, "queued"]
        assert [type(error) for error in told.value.errors.values()] == [DuplicateFunction]

    def test_an_on_failure_that_has_not_run_yet_is_not_run_of_the_new_one(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=6000).register()
        handle = cluster.enqueue(work, job_id="x", on_failure="tasks.told")
        agent.take()
        pass_ms(cluster.store, 9000)
        tick(cluster.store)
        assert handle.status == "failed"

        again(cluster, "x")

        assert cluster.store.run("tick", room=4, token="t")[2] == []

    @pytest.mark.parametrize("state", ["waiting", "delayed", "queued", "started"])
    def test_what_rq_has_canceled_makes_way_and_keeps_no_room(
        self, cluster: Cluster, agent: FakeAgent, state: str
    ) -> None:
        first = STATES[state](cluster, agent)
        Job.fetch(first.id, connection=cluster.connection).cancel()

        handle = again(cluster, first.id)
        play_out(cluster, agent)

        assert (handle.status, handle.attempts) == ("finished", 1)
        assert_nothing_held(cluster.store)

    def test_a_result_of_the_one_before_does_not_end_the_new_one(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = STATES["started"](cluster, agent)
        [late] = agent.runs
        Job.fetch(first.id, connection=cluster.connection).cancel()
        handle = again(cluster, first.id)

        agent.finish(ok(late, "late"))

        assert handle.status in ("waiting", "queued")
        assert handle.job.return_value() is None


class TestRefused:
    @pytest.mark.parametrize("state", STAY)
    def test_what_has_not_failed_stays(self, cluster: Cluster, agent: FakeAgent, state: str) -> None:
        id = STAY[state](cluster, agent).id

        assert_refused(cluster, lambda cluster: again(cluster, id), DuplicateFunction, f"cluster.handle({id!r})")

    def test_one_of_a_run_stays_with_its_run(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(DAG("d").add(Function("f", work)))
        id = run.handle("f").id
        run.cancel()

        assert_refused(cluster, lambda cluster: again(cluster, id), DuplicateFunction)

    def test_one_of_another_namespace_stays(self, cluster: Cluster, agent: FakeAgent) -> None:
        with Cluster(connection=cluster.connection, namespace=f"{cluster.namespace}2") as other:
            other.enqueue(work, job_id="theirs").cancel()

            assert_refused(cluster, lambda cluster: again(cluster, "theirs"), DuplicateFunction)

    def test_where_the_new_one_is_not_to_wait_in_vain_the_failed_one_stays(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        first = to_failed(cluster, agent)

        with pytest.raises(Infeasible):
            cluster.enqueue(work, job_id=first.id, replace=True, cost={"cpu": 9}, on_infeasible="raise")

        with pytest.raises(FunctionFailed):
            first.result(timeout=0)

    def test_replace_is_one_of_three(self, cluster: Cluster) -> None:
        with pytest.raises(ValueError, match="replace is 'yes': give True, False or"):
            cluster.enqueue(work, job_id="x", replace="yes")  # type: ignore[arg-type]


def test_who_is_refused_is_told_the_ways_out(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.enqueue(work, job_id="order-17")

    with pytest.raises(DuplicateFunction) as told:
        cluster.enqueue(work, job_id="order-17")

    assert str(told.value) == (
        "a function 'order-17' exists already: go on with cluster.handle('order-17'), or choose another id; "
        "one that has failed or was canceled makes way for replace=True"
    )
