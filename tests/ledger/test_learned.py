"""What is known of functions by the name of what they call, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.graph.rules import check_graph
from handoff.ledger.learned import (
    MOST_IDS,
    LearnedCost,
    Spread,
    id_field,
    read_durations,
    read_learned,
    spread,
    write_sample,
)
from handoff.ledger.texts.usage import FunctionUsage
from handoff.words.function import Function
from support.agent import FakeAgent, Stale
from support.passing import pass_ms
from support.plans import function as planned
from support.plans import inline

START_MS = 1_900_000_000_000

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=40 * DAY_MS).register()


def learn(agent: FakeAgent, name: str, *samples: tuple[int, float, float], memory: int = 0, cpu: int = 0) -> None:
    """Tell samples of a name, of each MB and seconds of processors and of time; what was declared is in units."""
    for place, (mb, cpu_s, took_s) in enumerate(samples):
        _, text = write_sample("f:1", FunctionUsage(mb, cpu_s, took_s), {"memory": memory, "cpu": cpu})
        agent.learn((name, place, text))


def only(cluster: Cluster) -> LearnedCost:
    (found,) = read_learned(cluster.store)
    return found


def test_nothing_is_known_in_the_beginning(cluster: Cluster) -> None:
    assert read_learned(cluster.store) == []


def test_it_says_what_was_seen_beside_what_was_declared(cluster: Cluster, agent: FakeAgent) -> None:
    learn(agent, "tasks:f", *[(100 + i, 1.0, 2.0) for i in range(20)], memory=500 * 10_000, cpu=10_000)

    assert only(cluster) == LearnedCost(
        "tasks:f", 20, Spread(109, 118, 119), Spread(0.5, 0.5, 0.5), Spread(2, 2, 2), {"memory": 500, "cpu": 1},
        {"memory": 131, "cpu": 0.5},
    )  # fmt: skip
    assert only(cluster).wasted_mb == 500 - 118


def test_what_is_too_short_says_nothing_of_processors(cluster: Cluster, agent: FakeAgent) -> None:
    learn(agent, "tasks:f", (10, 0.05, 0.05))

    assert only(cluster).cpu is None
    assert only(cluster).suggested == {"memory": 11}


def test_what_nobody_knows_is_not_taken_for_nothing(cluster: Cluster, agent: FakeAgent) -> None:
    _, text = write_sample("f:1", FunctionUsage(None, None, None), {})
    agent.learn(("tasks:f", 0, text))

    assert only(cluster) == LearnedCost("tasks:f", 1, None, None, None, {}, {})


def test_who_uses_more_than_he_declares_wastes_nothing(cluster: Cluster, agent: FakeAgent) -> None:
    learn(agent, "tasks:f", (900, 1, 1), memory=500 * 10_000)

    assert only(cluster).wasted_mb == 0


def test_names_are_in_their_order(cluster: Cluster, agent: FakeAgent) -> None:
    for name in ("tasks:g", "tasks:f", "a:z"):
        learn(agent, name, (1, 1, 1))

    assert [each.function for each in read_learned(cluster.store)] == ["a:z", "tasks:f", "tasks:g"]


def test_a_sample_that_is_told_again_counts_once(cluster: Cluster, agent: FakeAgent) -> None:
    sample = write_sample("f:1", FunctionUsage(5, 1, 1), {})
    for _ in range(2):
        agent.learn(("tasks:f", *sample))

    assert only(cluster).count == 1


def test_of_few_none_is_lost(cluster: Cluster, agent: FakeAgent) -> None:
    agent.learn(*(("tasks:f", *write_sample(f"f{i}:1", FunctionUsage(5, 1, 1), {})) for i in range(64)))

    assert only(cluster).count == 64


def test_no_more_than_so_many_are_kept(cluster: Cluster, agent: FakeAgent) -> None:
    agent.learn(*(("tasks:f", *write_sample(f"f{i}:1", FunctionUsage(5, 1, 1), {})) for i in range(1000)))

    assert only(cluster).count == 64


def test_a_name_is_forgotten_thirty_days_after_its_last(cluster: Cluster, agent: FakeAgent) -> None:
    learn(agent, "tasks:f", (1, 1, 1))
    pass_ms(cluster.store, 20 * DAY_MS)
    learn(agent, "tasks:g", (1, 1, 1))
    pass_ms(cluster.store, 11 * DAY_MS)
    learn(agent, "tasks:h", (1, 1, 1))

    assert [each.function for each in read_learned(cluster.store)] == ["tasks:g", "tasks:h"]
    for key in (cluster.store.keys("learned", "tasks:h"), cluster.store.keys("learners")):
        assert 29 * DAY_MS < cluster.connection.pttl(key) <= 30 * DAY_MS


def test_whose_node_was_lost_tells_nothing(cluster: Cluster, agent: FakeAgent) -> None:
    other = FakeAgent(cluster.store, "a", {"cpu": 2}, incarnation=agent.incarnation)
    other.epoch = "0"

    with pytest.raises(Stale):
        learn(other, "tasks:f", (1, 1, 1))
    assert read_learned(cluster.store) == []


def test_what_somebody_wrote_over_is_left_out(cluster: Cluster, agent: FakeAgent) -> None:
    learn(agent, "tasks:f", (1, 1, 1))
    cluster.connection.hset(cluster.store.keys("learned", "tasks:f"), mapping={"3": "soon", "4": "1,2", "5": b"\xff"})

    assert only(cluster).count == 1
    cluster.connection.delete(cluster.store.keys("learned", "tasks:f"))


def test_each_node_says_how_long_it_is_kept(cluster: Cluster, agent: FakeAgent) -> None:
    learn(agent, "tasks:f", (1, 1, 1))
    agent.learn(("tasks:g", *write_sample("g:1", FunctionUsage(1, 1, 1), {}), 7), ttl_s=60)

    assert [each.function for each in read_learned(cluster.store)] == ["tasks:f", "tasks:g"]
    for key in ("learned", "took"):
        assert 0 < cluster.connection.pttl(cluster.store.keys(key, "tasks:g")) <= 60_000
    assert cluster.connection.pttl(cluster.store.keys("learners")) > 29 * DAY_MS

    pass_ms(cluster.store, 61_000)
    learn(agent, "tasks:f", (1, 1, 1))
    assert cluster.connection.zrange(cluster.store.keys("learners"), 0, -1) == [b"tasks:f"]


def function(id: str, **fields: Any) -> Function:
    return planned(id, **{"code": "tasks:f", **fields})


def tell_durations(agent: FakeAgent, name: str, **took_s: float) -> None:
    """Tell how long functions of graphs took, by their ids."""
    samples = ((id, *write_sample(f"{id}:1", FunctionUsage(1, 1, seconds), {})) for id, seconds in took_s.items())
    agent.learn(*((name, place, text, id_field(id.encode())) for id, place, text in samples))


def durations(cluster: Cluster, *functions: Function) -> list[float | None]:
    return read_durations(cluster.store, check_graph(functions).functions)


def test_how_long_a_function_of_a_graph_takes_says_its_id_and_else_the_mean_of_its_name(
    cluster: Cluster, agent: FakeAgent
) -> None:
    tell_durations(agent, "tasks.f", a=1.5, b=4.5, c=6)
    learn(agent, "tasks.g", (1, 1, 0))

    assert durations(
        cluster, function("a"), function("new"), function("b"), function("of g", code="tasks:g"),
        function("of h", code="tasks:h"), function("c", duration=2), inline("x"),
    ) == [1.5, 4, 4.5, None, None, None, None]  # fmt: skip


def test_an_id_takes_what_it_took_last(cluster: Cluster, agent: FakeAgent) -> None:
    for seconds in (9, 2):
        tell_durations(agent, "tasks.f", a=seconds)

    assert durations(cluster, function("a"), function("b")) == [2, 2]


def test_of_no_more_ids_than_so_many_is_known_how_long_they_took(cluster: Cluster, agent: FakeAgent) -> None:
    tell_durations(agent, "tasks.f", **{f"f{number}": 1 for number in range(MOST_IDS + 20)})

    assert cluster.connection.hlen(cluster.store.keys("took", "tasks.f")) == MOST_IDS


def test_who_may_not_read_what_is_learned_submits_graphs_all_the_same(cluster: Cluster, agent: FakeAgent) -> None:
    tell_durations(agent, "tasks.f", a=1)
    keys = [cluster.store.keys(name, "tasks.f") for name in ("learned", "took")]
    cluster.connection.delete(*keys)
    cluster.connection.mset(dict.fromkeys(keys, "x"))

    assert durations(cluster, function("a"), function("b")) == [None, None]
    cluster.connection.delete(*keys)


def test_where_redis_is_away_nobody_knows_how_long_anything_takes() -> None:
    with Cluster("redis://localhost:1") as away:
        assert durations(away, function("a"), function("b")) == [None, None]


@pytest.mark.parametrize(
    ("seen", "found"),
    [([], None), ([3.0], Spread(3, 3, 3)), ([2.0, 1.0], Spread(1, 2, 2)), ([*range(1, 101)], Spread(50, 95, 100))],
    ids=["none", "one", "two", "a hundred"],
)
def test_a_spread_is_made_of_what_was_seen(seen: list[float], found: Spread | None) -> None:
    assert spread(seen) == found
