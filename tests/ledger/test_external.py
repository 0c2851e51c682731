"""What other programs use of a host is reserved, so that nothing is placed into room that is not there."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.nodes import Node, read_nodes
from support.agent import FakeAgent, ok
from support.books import check_books


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    """Of a host of which others use 3000 MB."""
    agent = FakeAgent(cluster.store, "a", {"cpu": 4, "memory": 8000})
    agent.external = ({"memory": 3000}, {})
    return agent.register()


def node(cluster: Cluster) -> Node:
    [found] = read_nodes(cluster.store)
    return found


def free(cluster: Cluster) -> float | int:
    return node(cluster).free()["memory"]


def test_nothing_is_placed_into_room_that_others_use(cluster: Cluster, agent: FakeAgent) -> None:
    fits = cluster.enqueue("tasks:work", cost={"memory": 5000})
    waits = cluster.enqueue("tasks:work", cost={"memory": 1})

    assert (fits.status, waits.status, free(cluster)) == ("queued", "waiting", 0)
    agent.external = ({"memory": 2000}, {})
    agent.beat()
    assert (waits.status, free(cluster)) == ("queued", 999)


def test_what_waited_before_the_node_came_is_not_placed_there_either(cluster: Cluster) -> None:
    handles = [cluster.enqueue("tasks:work", cost={"memory": 3000}) for _ in range(2)]
    agent = FakeAgent(cluster.store, "a", {"memory": 8000})
    agent.external = ({"memory": 3000}, {})

    agent.register()

    assert [handle.status for handle in handles] == ["queued", "waiting"]


def test_it_takes_what_is_free_and_the_rest_as_functions_end_before_others_do(
    cluster: Cluster, agent: FakeAgent
) -> None:
    first = cluster.enqueue("tasks:work", cost={"memory": 3000})
    second = cluster.enqueue("tasks:work", cost={"memory": 1000})
    started = {each.job_id: each for each in agent.take(room=2)}
    waiting = cluster.enqueue("tasks:work", cost={"memory": 2000})

    agent.external = ({"memory": 6000}, {})
    agent.beat()
    assert (first.status, second.status, free(cluster)) == ("started", "started", 0)

    assert agent.finish(ok(started[first.id].id)) == ["stored"]
    assert (waiting.status, free(cluster)) == ("waiting", 1000)
    agent.finish(ok(started[second.id].id))
    assert (waiting.status, node(cluster).used["memory"]) == ("queued", 80_000_000)


def test_what_would_fit_beside_nobody_waits_and_is_not_infeasible(cluster: Cluster, agent: FakeAgent) -> None:
    handle = cluster.enqueue("tasks:work", cost={"memory": 8000})

    assert (handle.status, handle.explain().state) == ("waiting", "waiting")
    agent.external = ({"memory": 0}, {})
    agent.beat()
    assert handle.status == "queued"


def test_an_agent_that_does_not_look_any_more_gives_it_back(cluster: Cluster, agent: FakeAgent) -> None:
    agent.external = None
    agent.beat()

    assert (free(cluster), cluster.connection.exists(cluster.store.keys("reservations", "a"))) == (8000, 0)


def test_with_the_agent_it_goes(cluster: Cluster, agent: FakeAgent) -> None:
    agent.goodbye()

    assert not cluster.connection.exists(cluster.store.keys("reservations", "a"))


def test_another_agent_of_the_node_that_does_not_look_has_all_of_it(cluster: Cluster, agent: FakeAgent) -> None:
    FakeAgent(cluster.store, "a", {"cpu": 4, "memory": 8000}).register(dead=agent.incarnation)

    assert free(cluster) == 8000


def test_a_capacity_that_is_lowered_below_it_leaves_the_node_open(cluster: Cluster, agent: FakeAgent) -> None:
    agent.capabilities = {"memory": 2000}
    agent.external = ({"memory": 1000}, {})

    agent.register()

    assert (node(cluster).state, free(cluster)) == ("up", 1000)


def test_while_more_is_reserved_than_there_is_it_has_nothing(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.enqueue("tasks:work", cost={"memory": 5000})
    [running] = agent.take()
    agent.capabilities = {"memory": 4000}
    agent.register()
    assert (node(cluster).state, node(cluster).used["memory"]) == ("over", 50_000_000)

    agent.finish(ok(running.id))

    assert (node(cluster).state, free(cluster)) == ("up", 1000)


def test_on_a_closed_node_it_stays_as_it_is_until_that_opens(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.drain("a")
    agent.external = ({"memory": 5000}, {})
    agent.beat()
    assert node(cluster).used["memory"] == 30_000_000

    cluster.undrain("a")
    assert free(cluster) == 3000


def test_of_devices_it_has_memory_of_those_that_serve_nothing_else(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"gpu": 3}, device_memory={"gpu": 1000}).register()
    cluster.enqueue("tasks:work", cost={"gpu": 0.5})
    [share] = agent.take()
    agent.external = ({"memory": 0}, {0: 600, 1: 700, 2: 10})
    agent.beat()
    check_books(cluster.store)

    memory = cluster.enqueue("tasks:work", cost={"gpu_memory": 301})
    whole = cluster.enqueue("tasks:work", cost={"gpu": 1})
    assert (memory.devices, whole.status) == ({"gpu": [2]}, "waiting")

    agent.finish(ok(share.id))
    assert cluster.enqueue("tasks:work", cost={"gpu_memory": 400}).devices == {"gpu": [0]}


def test_the_same_said_again_changes_nothing(cluster: Cluster, agent: FakeAgent) -> None:
    last = cluster.events()[-1]

    agent.beat()

    assert cluster.events()[-1] == last


def test_what_waits_for_it_says_so(cluster: Cluster, agent: FakeAgent) -> None:
    small = cluster.enqueue("tasks:work", cost={"memory": 1000})
    handle = cluster.enqueue("tasks:work", cost={"memory": 6000})

    why = handle.explain()

    assert f"short of 2000 memory; function {small.id} holds it, for " in why.text
    assert "; external memory 3000 is what other programs use there; " in why.text
    assert [holder["kind"] for holder in why.holders] == ["external", "function"]
