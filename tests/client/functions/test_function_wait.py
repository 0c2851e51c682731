"""Whoever waits is given the result by what wakes him; who has just submitted the function reads nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rq import Queue
from rq.results import Result

from handoff.client.cluster import Cluster
from handoff.errors import FunctionFailed
from handoff.ledger.records import PickledResult
from handoff.ledger.result_entry import encode_value, is_success
from handoff.serializer import PickleSerializer, Serializer
from handoff.words.function import Function
from support.agent import FakeAgent, failure, ok
from support.agent import Result as Told
from support.submits import NOW_MS, run, submit
from support.waiting import LIMIT_S


def asked(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, before: Callable[[], Any] = lambda: None) -> list[str]:
    """What a client asks Redis for: scripts and commands. `before` is called in front of each read that may wait."""
    names: list[str] = []
    run, read = cluster.store.run, cluster.store.read

    def note_run(script: str, *rest: Any, **arguments: Any) -> Any:
        names.append(script)
        return run(script, *rest, **arguments)

    def note_read(command: str, *arguments: Any) -> Any:
        names.append(command)
        before()
        return read(command, *arguments)

    monkeypatch.setattr(cluster.store, "run", note_run)
    monkeypatch.setattr(cluster.store, "read", note_read)
    return names


class TestWait:
    @pytest.fixture
    def other(self, cluster: Cluster) -> Iterator[Cluster]:
        """Another client of the same namespace."""
        with Cluster(connection=cluster.connection, namespace=cluster.namespace) as other:
            other.store.now_ms = NOW_MS
            yield other

    @pytest.fixture
    def reads(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        return asked(cluster, monkeypatch)

    def test_who_has_just_submitted_a_function_reads_its_result_and_nothing_else(
        self, cluster: Cluster, agent: FakeAgent, reads: list[str]
    ) -> None:
        handles = [submit(cluster), cluster.enqueue("tasks:work"), *cluster.submit_many([Function("g", "tasks:work")])]
        for started in agent.take(3):
            agent.finish(ok(started.id, 7))
        reads.clear()

        assert [handle.result() for handle in handles] == [7, 7, 7]
        assert reads == ["XREAD"] * 3

    def test_who_waits_for_what_another_has_submitted_looks_first_and_is_given_the_result_by_what_wakes_him(
        self, cluster: Cluster, other: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        handle = other.handle(submit(cluster).id)
        reads = asked(other, monkeypatch, lambda: run(agent, lambda id: ok(id, 7)))

        assert handle.result(LIMIT_S) == 7
        assert reads == ["look", "XREAD"]

    def test_a_failure_is_looked_at(self, cluster: Cluster, agent: FakeAgent, reads: list[str]) -> None:
        handle = submit(cluster)
        run(agent, failure)
        reads.clear()

        with pytest.raises(FunctionFailed, match="no"):
            handle.result()
        assert reads == ["XREAD", "look"]

    def test_what_rq_brought_back_meanwhile_is_waited_for(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster)
        run(agent, failure)
        handle.job.requeue()

        with pytest.raises(TimeoutError):
            handle.result(0.001)
        run(agent, lambda id: ok(id, 7))
        assert handle.result() == 7

    def test_who_asks_again_is_told_of_what_rq_began_anew(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster)
        run(agent, lambda id: ok(id, 7))
        assert handle.result() == 7
        Queue(f"{cluster.namespace}.a", connection=cluster.connection, serializer=Serializer).enqueue_job(handle.job)

        with pytest.raises(TimeoutError):
            handle.result(0.001)
        run(agent, lambda id: ok(id, 8))
        assert handle.result() == 8

    @pytest.mark.parametrize("many", [False, True])
    def test_results_that_are_left_of_an_earlier_job_of_that_id_are_nobodys(
        self, cluster: Cluster, agent: FakeAgent, many: bool
    ) -> None:
        left = {"type": "1", "return_value": encode_value(Serializer.dumps("of another"))}
        cluster.connection.xadd(cluster.store.keys("rq_results", "mine"), left)  # type: ignore[arg-type]

        if many:
            [handle] = cluster.submit_many([Function("g", "tasks:work")], job_ids=["mine"])
        else:
            handle = cluster.enqueue("tasks:work", job_id="mine")

        with pytest.raises(TimeoutError):
            handle.result(0.001)
        run(agent, lambda id: ok(id, 7))
        assert handle.result() == 7

    def test_who_waits_and_was_not_asked_to_unpickle_is_told_that_a_result_is_pickled(
        self, cluster: Cluster, other: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Cluster(connection=cluster.connection, namespace=cluster.namespace, serializer="pickle") as pickling:
            pickling.store.now_ms = NOW_MS
            ours = submit(pickling)
            theirs = other.handle(ours.id)
            pickled = encode_value(PickleSerializer.dumps({7}))
            reads = asked(other, monkeypatch, lambda: run(agent, lambda id: Told(id, "finished", pickled)))

            with pytest.raises(PickledResult):
                theirs.result(LIMIT_S)
            assert reads == ["look", "XREAD"]
            assert ours.result() == {7}


@pytest.mark.parametrize("kind", list(Result.Type))
def test_an_entry_is_a_success_where_rq_says_so(kind: Result.Type) -> None:
    result = Result("job", kind, connection=None)  # type: ignore[arg-type]
    fields = {name.encode(): str(value).encode() for name, value in result.serialize().items()}

    assert is_success(fields) == (kind is Result.Type.SUCCESSFUL)
