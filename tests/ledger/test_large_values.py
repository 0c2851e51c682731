"""What is large travels by itself: results in pieces ahead of their end, and arguments after the reply that starts."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.graph.dag import DAG
from handoff.ledger.result_entry import encode_value
from handoff.serializer import Serializer
from handoff.words.argument import Argument
from handoff.words.function import Function
from support.agent import FakeAgent, Result, ok, sent

START_MS = 1_900_000_000_000

VALUE = b"v" * 100_000

TEXT = encode_value(Serializer.dumps(VALUE))

MOST = 2**19
"""Bytes of one reply to an agent."""


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 64}).register()


def take(cluster: Cluster, agent: FakeAgent, **options: Any) -> str:
    """Start a function. -> its reservation"""
    cluster.enqueue("tasks:work", **options)
    (started,) = agent.take()
    return started.id


def named(cluster: Cluster, name: str = "f") -> str:
    """The id of a job: rq's keys have no namespace."""
    return f"{cluster.namespace}-{name}"


def parcels(cluster: Cluster) -> list[bytes]:
    client: Any = cluster.connection
    return list(client.scan_iter(match=f"*{cluster.store.keys('parcel')}*"))


class TestResults:
    def test_a_value_that_was_sent_in_pieces_is_stored_when_its_function_ends(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        id = take(cluster, agent, job_id=named(cluster, "f"))
        assert agent.send("p", TEXT[:1000]) == 1000
        assert agent.send("p", TEXT[1000:], at=1000) == len(TEXT)

        assert agent.finish(sent(id, "p", len(TEXT))) == ["stored"]

        assert cluster.handle(named(cluster, "f")).result(0) == VALUE
        assert parcels(cluster) == []

    def test_a_piece_that_is_sent_again_is_there_once(self, agent: FakeAgent) -> None:
        assert [agent.send("p", "abc"), agent.send("p", "abc")] == [3, 3]
        assert [agent.send("p", "de", at=3), agent.send("p", "de", at=3)] == [5, 5]

    def test_a_piece_behind_a_hole_is_not_taken_and_the_answer_says_where_to_go_on(self, agent: FakeAgent) -> None:
        agent.send("p", "abc")

        assert agent.send("p", "xyz", at=10) == 3

    def test_a_parcel_that_nobody_fetches_expires(self, cluster: Cluster, agent: FakeAgent) -> None:
        agent.send("p", "abc")

        client: Any = cluster.connection
        assert 0 < client.pttl(cluster.store.keys("parcel", "p")) <= 600_000

    @pytest.mark.parametrize("there", [0, 1000], ids=["nothing", "a part"])
    def test_where_not_all_of_it_is_there_the_function_goes_on_until_it_is(
        self, cluster: Cluster, agent: FakeAgent, there: int
    ) -> None:
        id = take(cluster, agent, job_id=named(cluster, "f"))
        started = agent.runs[id]
        if there:
            agent.send("p", TEXT[:there])

        assert agent.finish(sent(id, "p", len(TEXT))) == ["incomplete"]
        agent.runs[id] = started
        assert agent.beat() == []
        assert cluster.handle(named(cluster, "f")).status == "started"

        agent.send("q", TEXT)
        assert agent.finish(sent(id, "q", len(TEXT))) == ["stored"]
        assert cluster.handle(named(cluster, "f")).result(0) == VALUE

    def test_others_in_the_same_call_are_stored_though_one_is_incomplete(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        first, second = take(cluster, agent), take(cluster, agent, job_id=named(cluster, "g"))
        started = agent.runs[first]

        assert agent.finish(sent(first, "p", 5), ok(second, 7)) == ["incomplete", "stored"]

        agent.runs[first] = started
        assert cluster.handle(named(cluster, "g")).result(0) == 7

    def test_asked_again_it_answers_the_same(self, cluster: Cluster, agent: FakeAgent) -> None:
        id = take(cluster, agent, job_id=named(cluster, "f"))
        agent.send("p", TEXT)
        agent.finish(sent(id, "p", len(TEXT)))
        agent.op -= 1

        assert agent.finish(sent(id, "p", len(TEXT))) == ["stored"]
        assert cluster.handle(named(cluster, "f")).result(0) == VALUE

    @pytest.mark.parametrize("is_refused", [False, True])
    def test_nothing_is_left_of_the_value_of_a_function_that_was_canceled(
        self, cluster: Cluster, agent: FakeAgent, is_refused: bool
    ) -> None:
        id = take(cluster, agent, job_id=named(cluster, "f"))
        cluster.handle(named(cluster, "f")).cancel()
        agent.send("p", TEXT)
        if is_refused:
            agent.finish(ok(id))
            agent.send("p", TEXT)

        assert agent.finish(sent(id, "p", len(TEXT))) == ["refused" if is_refused else "canceled"]
        assert parcels(cluster) == []

    def test_forms_come_along_behind_the_value(self, cluster: Cluster, agent: FakeAgent) -> None:
        dag = DAG("d").add(Function("f", "tasks:make"))
        dag.add(Function("g", "tasks:take", args=[Argument("f", serialize="tasks:small")]))
        run = cluster.submit_dag(dag)
        (started,) = agent.take()
        form = encode_value(Serializer.dumps("form"))
        agent.send("p", f"{TEXT},{form}")

        agent.finish(sent(started.id, "p", len(TEXT) + 1 + len(form)))

        client: Any = cluster.connection
        ((_, entry),) = client.xrevrange(cluster.store.keys("rq_results", started.job_id), count=1)
        assert (entry[b"return_value"].decode(), entry[b"form:1"].decode()) == (TEXT, form)
        run.cancel()


class TestArguments:
    def test_arguments_that_are_large_are_left_out_and_named(self, cluster: Cluster, agent: FakeAgent) -> None:
        # Such as zlib makes no smaller.
        cluster.enqueue("tasks:work", _noise(MOST + 1), job_id=named(cluster, "large"), meta={"some": "thing"})
        cluster.enqueue("tasks:work", 7, job_id=named(cluster, "small"))

        large, small = agent.take(room=2)

        assert (large.left_out, small.left_out) == (["data"], [])
        assert "data" not in large.job
        assert {"status", "meta", "origin"} <= large.job.keys()
        assert "data" in small.job

    def test_a_reply_to_an_agent_is_never_large_however_many_functions_are_in_it(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        for number in range(16):
            cluster.enqueue("tasks:work", _noise(MOST // 5), job_id=named(cluster, f"f{number}"))

        started = agent.take(room=16)

        assert len(started) == 16
        assert sum(len(value) for each in started for value in each.job.values()) <= MOST + 16 * 2**11
        assert {tuple(each.left_out) for each in started} == {(), ("data",)}

    def test_asked_again_the_same_is_left_out(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.enqueue("tasks:work", _noise(MOST + 1))
        (first,) = agent.take()
        agent.op, agent.runs = agent.op - 1, {}

        (again,) = agent.take()

        assert again == first

    def test_the_arguments_of_a_failure_callback_are_left_out_too(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.enqueue("tasks:work", _noise(MOST + 1), on_failure="tasks:tell")
        agent.take()
        cluster.deregister_node("a")

        _, _, ((_, job, _, left_out),), *_ = cluster.store.run("tick", room=1, token=uuid.uuid4().hex)

        assert left_out == [b"data"]
        assert b"data" not in job

    def test_results_that_would_make_a_reply_large_are_read_by_the_children(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        dag = DAG("d")
        for number in range(16):
            dag.add(Function(f"f{number}", "tasks:make"))
        for number in range(8):
            dag.add(Function(f"g{number}", "tasks:take", args=[f"f{each}" for each in range(16)]))
        cluster.submit_dag(dag)
        results: list[Result] = [ok(started.id, b"v" * 10_000) for started in agent.take(room=16)]
        agent.finish(*results)

        takers = agent.take(room=8)

        sizes = [sum(len(value) for entry in each.inputs.values() for value in entry.values()) for each in takers]
        assert sum(sizes) <= MOST
        assert {len(each.inputs) for each in takers} == {0, 16}
        agent.finish(*(ok(each.id) for each in takers))


def _noise(size: int) -> bytes:
    return b"".join(uuid.uuid4().bytes for _ in range(size // 16 + 1))
