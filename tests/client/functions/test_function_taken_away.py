"""What is said of a function that did not lose its node by accident: a deadline, or somebody, took it away."""

from __future__ import annotations

import pytest
from rq.job import Job

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import NodeLost
from handoff.ledger.texts.loss import AT_ONCE, DEREGISTERED, DRAINED, GRACE, ROLLED_BACK, UNKNOWN, write_cause
from handoff_worker.agent.started import Started
from support.agent import FakeAgent, killed
from support.submits import later, submit

CAUSES = [AT_ONCE, DEREGISTERED, DRAINED, GRACE, ROLLED_BACK, UNKNOWN]

TOLD = {
    write_cause(GRACE, 3.0): "the agent on node a was told to stop and its grace of 3 s ended",
    write_cause(AT_ONCE): "the agent on node a was told to stop at once",
}


def lost(handle: Handle) -> NodeLost:
    with pytest.raises(NodeLost) as caught:
        handle.result(0)
    return caught.value


@pytest.mark.parametrize("cause", TOLD)
def test_an_agent_that_leaves_says_why_and_it_is_told_everywhere(
    cluster: Cluster, agent: FakeAgent, cause: str
) -> None:
    handle = submit(cluster)
    agent.take()

    assert agent.goodbye(cause)

    error = lost(handle)
    assert (error.node, error.attempts, error.reason) == ("a", 1, TOLD[cause])
    assert TOLD[cause] in str(error)
    assert str(handle.explain()) == f"failed on a after 1 attempt, for {TOLD[cause]}"
    result = Job.fetch(handle.id, connection=cluster.connection).latest_result()
    assert result is not None
    assert "its agent was told to stop" in str(result.exc_string)


def test_what_can_be_tried_again_is_and_what_was_queued_waits_at_no_cost(cluster: Cluster, agent: FakeAgent) -> None:
    retried, queued = submit(cluster, cost={"cpu": 1}, max_retries=1), submit(cluster, cost={"cpu": 1})
    agent.take()

    agent.goodbye("grace 3")

    assert (retried.status, retried.attempts) == ("delayed", 1)
    assert (queued.status, queued.attempts) == ("waiting", 0)


def test_all_of_many_are_told_why_whoever_gives_them_back(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 200}).register()
    handles = [submit(cluster, f"f{number}", cost={"cpu": 1}) for number in range(200)]
    agent.take(200)

    reply = cluster.store.run("deregister", name="a", incarnation=agent.incarnation, cause="grace 3")
    for _ in range(20):
        later(cluster, 1)

    assert reply == ["again"]
    assert {lost(handle).reason for handle in handles} == {TOLD["grace 3"]}


def test_its_on_failure_is_told_why(cluster: Cluster, agent: FakeAgent) -> None:
    submit(cluster)
    cluster.enqueue("tasks:work", on_failure="tasks:told")
    agent.take(2)
    agent.goodbye("grace 3")

    [owed] = cluster.store.run("tick", room=9, token="t")[2]

    assert Started.read(*owed).job[b"h_message"] == b"a grace 3"


def test_the_next_loss_of_a_node_that_left_is_told_as_what_it_is(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.store.run("deregister", name="a", incarnation=agent.incarnation, cause="grace 3")
    agent.register()
    handle = submit(cluster)
    agent.take()

    later(cluster, 7)

    assert lost(handle).reason == ""
    assert "when that node was lost" in str(lost(handle))


def test_a_node_that_is_deregistered_by_hand_was_not_lost(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    agent.take()

    cluster.deregister_node("a")

    assert lost(handle).reason == "node a was deregistered"


def test_the_deadline_of_a_drain_is_told_as_that(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    [started] = agent.take()
    cluster.drain("a", deadline=1)
    later(cluster, 2)

    agent.finish(killed(started.id))

    assert lost(handle).reason == "node a is drained and the deadline of that ended"
    assert "drain" in str(Job.fetch(handle.id, connection=cluster.connection).latest_result().exc_string)  # type: ignore[union-attr]


def test_what_an_agent_does_not_run_was_not_lost_with_its_node(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    agent.take()
    agent.runs.clear()

    agent.beat()

    assert lost(handle).reason == "the agent on node a does not run it"


def test_of_a_cause_that_this_client_does_not_know_it_says_that_the_node_is_gone(
    cluster: Cluster, agent: FakeAgent
) -> None:
    handle = submit(cluster)
    agent.take()

    agent.goodbye("sunset 12")

    assert "node a was lost" in str(lost(handle))


@pytest.mark.parametrize("cause", CAUSES)
def test_rqs_tools_show_a_text_of_its_own_for_each_cause(cluster: Cluster, agent: FakeAgent, cause: str) -> None:
    handles = [submit(cluster, "f"), submit(cluster, "g")]
    for each in (cause, ""):
        agent.take()
        agent.goodbye(each)
        agent.register()

    texts = {
        Job.fetch(handle.id, connection=cluster.connection).latest_result().exc_string  # type: ignore[union-attr]
        for handle in handles
    }

    assert len(texts) == 2
    assert all(str(text).startswith("handoff.errors.NodeLost: ") for text in texts)
