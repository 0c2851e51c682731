"""A node on which five different functions died within ten minutes is cordoned, until somebody opens it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import UnknownNode
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import Node, read_nodes
from support.agent import FakeAgent, died, failure
from support.ledger import read_ledger
from support.passing import pass_ms

NAMES = [f"m:f{number}" for number in range(5)]

NODES = ("a", "b", "c")

WHY = f"5 different functions died there within 10 minutes: {', '.join(NAMES).replace(':', '.')}"


@pytest.fixture(autouse=True)
def own_clock(cluster: Cluster) -> None:
    cluster.store.now_ms = 1_800_000_000_000


@pytest.fixture
def agents(cluster: Cluster) -> dict[str, FakeAgent]:
    return {name: FakeAgent(cluster.store, name, {"cpu": 8}).register() for name in NODES}


def run(cluster: Cluster, agent: FakeAgent, names: Sequence[str], end: Any = died, **options: Any) -> None:
    """Have functions of these names end so on the node of an agent."""
    for name in names:
        pass_ms(cluster.store, 1)
        cluster.enqueue(name, **({"node": agent.name} | options))
        (started,) = agent.take()
        agent.finish(end(started.id))


def state_of(cluster: Cluster, name: str = "a") -> str:
    return node_of(cluster, name).state


def node_of(cluster: Cluster, name: str) -> Node:
    (found,) = read_nodes(cluster.store, name)
    return found


def test_it_takes_no_more_and_says_why_wherever_one_looks(cluster: Cluster, agents: dict[str, FakeAgent]) -> None:
    run(cluster, agents["a"], NAMES[:4])
    assert state_of(cluster) == "up"
    run(cluster, agents["a"], NAMES[4:])

    found = node_of(cluster, "a")
    assert (found.state, found.cordoned) == ("cordoned", (cluster.store.now_ms, WHY))
    verdicts = [cluster.enqueue("m:f", cost={"cpu": 4}).verdict for _ in range(4)]
    assert [verdict.node for verdict in verdicts if verdict] == ["b", "b", "c", "c"]
    pinned = cluster.enqueue("m:f", node="a")
    assert pinned.verdict is not None
    assert pinned.verdict.state == "waiting"
    said = str(pinned.explain())
    assert said.endswith(f"a is cordoned, for {WHY}; `handoff undrain a` opens it")
    assert list(cluster.discover_nodes()) == list(NODES)
    assert not cluster.resources_available("a", {"cpu": 1})
    (event,) = [event for _, event in cluster.events() if event.get("change") == "cordoned"]
    assert (event["node"], event["reason"]) == ("a", WHY)


def test_what_runs_there_ends_and_what_stands_on_its_queue_goes_elsewhere(
    cluster: Cluster, agents: dict[str, FakeAgent]
) -> None:
    running = cluster.enqueue("m:f", cost={"cpu": 2})
    agents["a"].take()
    names = [cluster.enqueue(name, node="a") for name in NAMES]
    taken = agents["a"].take(room=5)
    queued = [cluster.enqueue("m:g", cost={"cpu": 3}) for _ in range(2)]
    assert [(handle.status, handle.node) for handle in queued] == [("queued", "a")] * 2

    agents["a"].finish(*(died(started.id) for started in taken), room=8)
    tick(cluster.store)

    assert [handle.status for handle in names] == ["failed"] * 5
    assert [(handle.status, handle.node) for handle in queued] == [("queued", "b")] * 2
    assert running.status == "started"
    (id,) = agents["a"].runs
    assert agents["a"].finish(failure(id, retryable=False)) == ["failed"]


def test_undrain_opens_it_and_what_was_held_against_it_is_forgotten(
    cluster: Cluster, agents: dict[str, FakeAgent]
) -> None:
    run(cluster, agents["a"], NAMES)
    pinned = cluster.enqueue("m:f", node="a")

    cluster.undrain("a")

    assert pinned.status == "queued"
    (started,) = agents["a"].take()
    agents["a"].finish(died(started.id))
    run(cluster, agents["a"], ["m:g", "m:h", "m:i"])
    assert state_of(cluster) == "up"
    run(cluster, agents["a"], ["m:j"])
    assert state_of(cluster) == "cordoned"
    assert [event["change"] for _, event in cluster.events() if event.get("node") == "a" and "change" in event] == [
        "registered", "cordoned", "uncordoned", "cordoned",
    ]  # fmt: skip


@pytest.mark.parametrize("way", ["restarted", "crashed", "left", "lost"])
def test_it_stays_so_when_its_agent_comes_again(cluster: Cluster, agents: dict[str, FakeAgent], way: str) -> None:
    run(cluster, agents["a"], NAMES)
    if way == "left":
        agents["a"].goodbye("grace 30")
    elif way == "lost":
        pass_ms(cluster.store, agents["a"].lease_ms)
        tick(cluster.store)
        for other in ("b", "c"):
            agents[other].register()
    dead = agents["a"].incarnation if way == "crashed" else ""

    again = FakeAgent(
        cluster.store, "a", {"cpu": 8}, incarnation=agents["a"].incarnation if way == "restarted" else None
    )
    again.register(dead=dead)

    assert node_of(cluster, "a").cordoned is not None
    assert cluster.enqueue("m:f", cost={"cpu": 8}).node == "b"
    cluster.undrain("a")
    assert state_of(cluster) == "up"


def test_one_that_is_away_is_opened_too_and_one_that_is_taken_away_by_hand_is_forgotten(
    cluster: Cluster, agents: dict[str, FakeAgent]
) -> None:
    run(cluster, agents["a"], NAMES)
    agents["a"].goodbye("grace 30")

    cluster.undrain("a")
    with pytest.raises(UnknownNode):
        cluster.undrain("a")
    agents["a"].register()
    assert state_of(cluster) == "up"

    run(cluster, agents["a"], [f"{name}_again" for name in NAMES])
    cluster.deregister_node("a")
    assert "cordoned" not in read_ledger(cluster.store).own


# What does not count.


def test_five_deaths_of_one_function_are_none_of_five(cluster: Cluster, agents: dict[str, FakeAgent]) -> None:
    run(cluster, agents["a"], [*NAMES[:4], *NAMES[:4], NAMES[0]])

    assert state_of(cluster) == "up"


def test_functions_that_failed_otherwise_do_not_count(cluster: Cluster, agents: dict[str, FakeAgent]) -> None:
    run(cluster, agents["a"], NAMES, failure)

    assert state_of(cluster) == "up"


def test_a_function_that_also_died_elsewhere_speaks_against_no_node(
    cluster: Cluster, agents: dict[str, FakeAgent]
) -> None:
    run(cluster, agents["a"], NAMES[:4])
    run(cluster, agents["b"], NAMES[2:3])
    run(cluster, agents["a"], NAMES[4:])
    assert (state_of(cluster, "a"), state_of(cluster, "b")) == ("up", "up")

    run(cluster, agents["a"], ["m:another"])
    assert (state_of(cluster, "a"), state_of(cluster, "b")) == ("cordoned", "up")


def test_deaths_of_more_than_ten_minutes_ago_do_not_count(cluster: Cluster, agents: dict[str, FakeAgent]) -> None:
    run(cluster, agents["a"], NAMES[:1])
    pass_ms(cluster.store, 1000)
    run(cluster, agents["b"], NAMES[1:2])
    pass_ms(cluster.store, 599_000)
    run(cluster, agents["a"], NAMES[1:])
    assert state_of(cluster) == "up"

    pass_ms(cluster.store, 2_000)
    run(cluster, agents["a"], ["m:g"])
    assert state_of(cluster) == "cordoned"


@pytest.mark.parametrize(("ago_ms", "state"), [(599_000, "cordoned"), (600_001, "up")])
def test_five_deaths_count_where_they_were_within_ten_minutes(
    cluster: Cluster, agents: dict[str, FakeAgent], ago_ms: int, state: str
) -> None:
    run(cluster, agents["a"], NAMES[:4])

    pass_ms(cluster.store, ago_ms)
    run(cluster, agents["a"], NAMES[4:])

    assert state_of(cluster) == state


def test_what_dies_together_with_its_node_counts_once(cluster: Cluster, agents: dict[str, FakeAgent]) -> None:
    agent = agents["a"]
    for names in [NAMES, *([name] for name in NAMES[1:4])]:
        for name in names:
            cluster.enqueue(name, node="a")
        assert len(agent.take(room=5)) == len(names)
        agent.goodbye()
        agent.register()
        assert state_of(cluster) == "up"

    for name in ("m:g", "m:h"):
        cluster.enqueue(name, node="a")
        agent.take()
        agent.goodbye()
        agent.register()
    assert state_of(cluster) == "cordoned"


# What is never closed.


@pytest.mark.parametrize("count", [1, 2])
def test_of_one_or_two_nodes_none_is_closed(cluster: Cluster, count: int) -> None:
    agents = [FakeAgent(cluster.store, name, {}).register() for name in NODES[:count]]

    run(cluster, agents[0], [*NAMES, "m:g", "m:h"])

    assert state_of(cluster) == "up"


def test_no_more_than_a_third_of_the_live_nodes_is_closed(cluster: Cluster) -> None:
    agents = [FakeAgent(cluster.store, f"n{number}", {}).register() for number in range(7)]

    for number, agent in enumerate(agents):
        run(cluster, agent, [f"{name}_{number}" for name in NAMES])

    states = [node.state for node in read_nodes(cluster.store)]
    assert states == ["cordoned", "cordoned", *["up"] * 5]
    cluster.undrain("n0")
    run(cluster, agents[6], ["m:once_more"])
    assert state_of(cluster, "n6") == "cordoned"


@pytest.fixture(params=["by what it costs", "by its place", "by a label"])
def needing(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What only node `a` could hold, when idle."""
    needing: dict[str, dict[str, Any]] = {
        "by what it costs": {"cost": {"cpu": 8, "gpu": 1}},
        "by its place": {"node": "a", "cost": {"cpu": 8}},
        "by a label": {"where": {"zone": "z"}, "cost": {"cpu": 8}},
    }
    return needing[request.param]


@pytest.fixture
def special(cluster: Cluster) -> FakeAgent:
    for name in ("b", "c"):
        FakeAgent(cluster.store, name, {"cpu": 8}).register()
    return FakeAgent(cluster.store, "a", {"cpu": 8, "gpu": 1}, labels={"zone": "z"}).register()


def test_the_last_node_that_could_hold_what_waits_is_not_closed(
    cluster: Cluster, special: FakeAgent, needing: dict[str, Any]
) -> None:
    holder = cluster.enqueue("m:holder", node="a", cost={"cpu": 1})
    special.take()
    waiting = cluster.enqueue("m:f", **needing)
    assert waiting.status == "waiting"

    run(cluster, special, NAMES)
    assert state_of(cluster) == "up"

    waiting.cancel()
    run(cluster, special, NAMES[:1])
    assert state_of(cluster) == "cordoned"
    assert holder.status == "started"


def test_nor_is_the_last_for_what_stands_on_its_queue(
    cluster: Cluster, special: FakeAgent, needing: dict[str, Any]
) -> None:
    for name in NAMES:
        cluster.enqueue(name, node="a")
    taken = special.take(room=5)
    queued = cluster.enqueue("m:f", **needing)
    assert queued.status == "queued"

    special.finish(*(died(started.id) for started in taken))

    assert (state_of(cluster), queued.status) == ("up", "queued")


AGAIN: dict[str, Any] = {"node": None, "cost": {"gpu": 1}, "max_retries": 1}


def test_nor_is_the_last_for_what_died_there_and_is_tried_again(cluster: Cluster, special: FakeAgent) -> None:
    run(cluster, special, NAMES[:4])

    run(cluster, special, NAMES[4:], **AGAIN)
    assert state_of(cluster) == "up"

    FakeAgent(cluster.store, "d", {"gpu": 1}).register()
    run(cluster, special, ["m:g"], **AGAIN)
    assert state_of(cluster) == "cordoned"


def test_what_is_delayed_and_fits_nowhere_keeps_no_node_open(cluster: Cluster, special: FakeAgent) -> None:
    cluster.enqueue("m:later", cost={"cpu": 64}, delay=30)

    run(cluster, special, NAMES)

    assert state_of(cluster) == "cordoned"


def test_where_another_node_is_closed_too_it_is_no_other_node(cluster: Cluster, special: FakeAgent) -> None:
    twin = FakeAgent(cluster.store, "d", {"cpu": 8, "gpu": 1}).register()
    cluster.enqueue("m:holder", node="a", cost={"cpu": 1})
    special.take()
    cluster.drain("d")
    waiting = cluster.enqueue("m:f", cost={"cpu": 8, "gpu": 1})
    assert (waiting.status, twin.name) == ("waiting", "d")

    run(cluster, special, NAMES)

    assert state_of(cluster) == "up"


# Its books.


def test_the_books_of_deaths_are_bounded_and_expire(cluster: Cluster, agents: dict[str, FakeAgent]) -> None:
    agents["a"].lease_ms = 3_600_000
    cluster.drain("b")
    cluster.drain("c")
    run(cluster, agents["a"], [f"m:f{number}" for number in range(80)])

    store, keys = cluster.store, cluster.store.keys
    assert store.read("ZCARD", keys("deaths_on", "a")) == 64
    for key in (keys("deaths_on", "a"), keys("deaths_of", "m.f79")):
        assert 0 < store.read("PTTL", key) <= 600_000
