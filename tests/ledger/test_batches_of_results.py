"""Results that come together are what they are one by one, though what is written of them is written once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from handoff import Cluster
from handoff.ledger.events import read_events
from handoff.ledger.nodes import read_nodes
from support.agent import FakeAgent, ok, unstarted
from support.submits import NOW_MS, submit

SEVERAL = 24
"""More than are read of a line, or of what waits, at once."""


@pytest.fixture(autouse=True)
def clock(cluster: Cluster) -> None:
    cluster.store.now_ms = NOW_MS


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    return FakeAgent(cluster.store, "a", {"cpu": SEVERAL, "memory": SEVERAL, "slots": 4 * SEVERAL}).register()


def used(cluster: Cluster) -> dict[str, int]:
    """What of the node is used, in units."""
    raw: Any = cluster.connection.hgetall(cluster.store.keys("node", "a"))
    return {name.decode(): int(value) for name, value in raw.items() if name.startswith(b"used:") and int(value)}


def test_as_many_as_end_start_in_the_order_of_their_ranks_though_they_wait_in_two_lines(
    cluster: Cluster, agent: FakeAgent
) -> None:
    for number in range(SEVERAL):
        submit(cluster, f"first{number:02}", cost={"cpu": 1})
    started = agent.take(SEVERAL)
    costs = [{"cpu": 1, "memory": 1} if number % 3 else {"cpu": 1} for number in range(SEVERAL)]
    handles = [submit(cluster, f"f{number:02}", cost=cost) for number, cost in enumerate(costs)]
    seen = cluster.events()

    agent.finish(*(ok(each.id) for each in started), room=SEVERAL)

    after = read_events(cluster.store, seen[-1][0], None)
    reserved = [event["id"].rpartition(":")[0] for _, event in after if event["event"] == "reserved"]
    assert [handle.status for handle in handles] == ["started"] * SEVERAL
    assert [handle.id for handle in handles] == reserved


def test_a_result_that_comes_twice_in_one_call_counts_once(cluster: Cluster, agent: FakeAgent) -> None:
    for id in "fg":
        submit(cluster, id, cost={"cpu": 1})
    one, other = agent.take(2)

    assert agent.finish(ok(one.id), ok(one.id), ok(other.id)) == ["stored", "refused", "stored"]

    assert used(cluster) == {}


def test_of_a_record_that_was_written_over_in_a_batch_the_others_still_count(
    cluster: Cluster, agent: FakeAgent
) -> None:
    for id in "fghi":
        submit(cluster, id, cost={"cpu": 1})
    started = agent.take(4)
    cluster.connection.hset(cluster.store.keys("reservations", "a"), started[1].id, "junk")

    assert agent.finish(*(ok(each.id) for each in started[:3])) == ["stored"] * 3

    assert used(cluster) == {"used:cpu": 10_000, "used:slots": 10_000}


def test_a_node_that_has_too_little_takes_nothing_before_the_last_of_a_batch_is_given_back(
    cluster: Cluster, agent: FakeAgent
) -> None:
    for id in "fghi":
        submit(cluster, id, cost={"cpu": 1})
    started = agent.take(4)
    agent.capabilities = {"cpu": 1, "memory": 1, "slots": 4 * SEVERAL}
    agent.register()
    waiting = submit(cluster, "w", cost={"cpu": 1})

    agent.finish(*(ok(each.id) for each in started[:3]))

    assert waiting.status == "waiting"
    (node,) = read_nodes(cluster.store)
    assert node.state == "up"
    agent.finish(ok(started[3].id), room=1)
    assert waiting.status == "started"


def test_what_could_not_be_started_beside_others_that_ended_goes_where_there_is_room(
    cluster: Cluster, agent: FakeAgent
) -> None:
    handles = [submit(cluster, id, cost={"cpu": 1}) for id in "fg"]
    one, other = agent.take(2)

    assert agent.finish(unstarted(one.id), ok(other.id)) == ["returned", "stored"]

    assert sorted(str(handle.status) for handle in handles) == ["finished", "queued"]
    assert used(cluster) == {"used:cpu": 10_000, "used:slots": 10_000}


def test_numbers_of_placements_are_given_once_however_many_one_call_makes(cluster: Cluster, agent: FakeAgent) -> None:
    for number in range(2 * SEVERAL):
        submit(cluster, f"f{number}", cost={"cpu": 1})
    first = agent.take(SEVERAL)
    ids = {each.id.rpartition(":")[2] for each in first}
    agent.finish(*(ok(each.id) for each in first), room=SEVERAL)
    ids |= {id.rpartition(":")[2] for id in agent.runs}

    assert len(ids) == 2 * SEVERAL
    order: Any = cluster.connection.get(cluster.store.keys("order"))
    assert int(order) == max(map(int, ids))


def test_what_is_sent_of_a_function_is_what_stands_in_its_hash(cluster: Cluster, agent: FakeAgent) -> None:
    submit(cluster, "f", cost={"cpu": SEVERAL})
    submit(cluster, "g", cost={"cpu": SEVERAL})
    (one,) = agent.take()

    agent.finish(ok(one.id), room=1)

    (other,) = agent.runs.values()
    stored: Any = cluster.connection.hgetall(cluster.store.keys("rq_job", other.job_id))
    assert other.job == {name.decode(): value for name, value in stored.items()}
    assert other.job["status"] == b"started"


def test_large_arguments_that_waited_are_left_out_too(cluster: Cluster, agent: FakeAgent) -> None:
    submit(cluster, "f", cost={"cpu": SEVERAL})
    noise = random.Random(1).randbytes(600_000)
    handle = cluster.enqueue("tasks:work", noise, cost={"cpu": SEVERAL})
    (one,) = agent.take()

    agent.finish(ok(one.id), room=1)

    (other,) = agent.runs.values()
    assert (other.job_id, other.left_out) == (handle.id, ["data"])


def test_arguments_that_are_large_are_noted_so_that_none_is_read_unseen(cluster: Cluster) -> None:
    small, large = (random.Random(1).randbytes(size) for size in (1_000, 600_000))
    cluster.enqueue("tasks:work", small)
    assert not cluster.connection.exists(cluster.store.keys("large"))

    cluster.enqueue("tasks:work", large)

    left_ms: Any = cluster.connection.pttl(cluster.store.keys("large"))
    assert 0 < left_ms <= 86_400_000


def test_what_could_not_be_started_goes_on_its_way_in_the_same_call(cluster: Cluster, agent: FakeAgent) -> None:
    for id in "fghi":
        submit(cluster, id, cost={"cpu": SEVERAL / 2, "memory": 1})
    one, other = agent.take(2)

    assert agent.finish(unstarted(one.id), ok(other.id), room=2) == ["returned", "stored"]

    # The one that came back is in front of those that wait.
    assert [each.id.rpartition(":")[0] for each in agent.runs.values()].count(one.job_id) == 1
    assert len(agent.runs) == 2
    assert used(cluster)["used:cpu"] == 10_000 * SEVERAL


def test_work_that_a_call_leaves_over_is_told_by_that_call(cluster: Cluster, agent: FakeAgent) -> None:
    submit(cluster, "f", cost={"cpu": SEVERAL})
    for number in range(4 * SEVERAL):
        submit(cluster, f"w{number}", cost={"cpu": 1 / 4})
    (one,) = agent.take()
    agent.op += 1

    reply: Any = cluster.store.run(
        "finish",
        *(one.id, "finished", "", "", "", 0, 1.0, "", ""),
        name="a",
        epoch=agent.epoch,
        op=agent.op,
        room=SEVERAL,
        waits=0,
    )

    # As many as one call starts were started, and a mark says that there is more.
    assert cluster.connection.exists(cluster.store.keys("dirty"))
    assert reply[3] == 1
