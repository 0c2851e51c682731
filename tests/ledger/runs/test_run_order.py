"""Who of a run, and of several, goes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handoff.client.cluster import Cluster
from handoff.ledger.learned import id_field, write_sample
from handoff.ledger.texts.usage import FunctionUsage
from handoff.words.function import Function
from support.graphs import Site, chain, function, graph
from support.runs import run_to_the_end


def test_who_has_the_longest_way_to_the_end_goes_first(site: Site) -> None:
    site.node("a", cpu=1)
    site.submit(
        function("alone"), function("one"), function("two"), function("two b", "two"), function("two c", "two b"),
        function("one b", "one"),
    )  # fmt: skip

    assert run_to_the_end(site) == ["two", "one", "two b", "alone", "one b", "two c"]


def test_expected_durations_say_how_long_a_way_is(site: Site) -> None:
    site.node("a", cpu=1)
    site.submit(
        function("short", duration=1), function("short b", "short", duration=1), function("long", duration=5),
        function("middle", duration=3),
    )  # fmt: skip

    assert run_to_the_end(site) == ["long", "middle", "short", "short b"]


def test_what_was_learned_of_how_long_functions_take_orders_those_that_do_not_say(
    site: Site,
) -> None:
    agent = site.node("a", cpu=1)
    for id, seconds in (("short", 1.0), ("long", 5.0)):
        place, sample = write_sample(f"{id}:1", FunctionUsage(None, None, seconds), {})
        agent.learn(("graph_tasks.work", place, sample, id_field(id.encode())))
    site.submit(function("short"), function("new"), function("long"), function("said", duration=4))

    assert run_to_the_end(site) == ["long", "said", "new", "short"]


def test_a_larger_priority_goes_first_however_short_its_way(site: Site) -> None:
    site.node("a", cpu=1)
    site.submit(*chain(3), function("x", priority=1))

    assert run_to_the_end(site) == ["x", "f1", "f2", "f3"]


def test_of_two_runs_the_one_that_was_submitted_first_goes_first(site: Site) -> None:
    site.node("a", cpu=1)
    site.submit(function("a1"), function("a2", "a1"))
    site.submit(function("b1"), function("b2", "b1"), function("b3", "b2"))

    assert run_to_the_end(site) == ["a1", "a2", "b1", "b2", "b3"]


def test_what_becomes_ready_gets_the_room_that_came_free_before_a_later_one_that_waited(site: Site) -> None:
    site.node("a", cpu=1)
    site.submit(*chain(2))
    other = site.cluster.enqueue("tasks:work", cost={"cpu": 0.5})
    site.take()

    site.finish("f1")

    assert site.reservations() == {"f2": "a"}
    assert other.status == "waiting"


def test_what_waited_gets_the_room_that_came_free_before_a_later_one_that_becomes_ready(site: Site) -> None:
    site.node("a", cpu=1)
    earlier = site.cluster.enqueue("tasks:work", cost={"cpu": 0.5}, delay=1)
    run = site.submit(*chain(2))
    site.take()
    site.pass_time(1)
    assert earlier.status == "waiting"

    site.finish("f1")

    assert earlier.status == "queued"
    assert site.states(run)["f2"] == "waiting"


def test_of_several_that_become_ready_at_once_the_best_rank_gets_the_room(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(
        function("x"), function("short", "x"), function("long", "x"), function("end", "long"),
        function("high", "x", priority=1),
    )  # fmt: skip
    site.take()

    site.finish("x")

    assert site.states(run) == {
        "x": "finished", "short": "waiting", "long": "waiting", "end": "deferred", "high": "queued"
    }  # fmt: skip


def test_a_token_of_a_limited_run_goes_to_what_becomes_ready_before_a_worse_one_that_waited(site: Site) -> None:
    site.node("a", cpu=9)
    site.node("b", cpu=9)
    site.submit(*chain(4), function("x"), max_concurrency=1)

    assert run_to_the_end(site) == ["f1", "f2", "f3", "x", "f4"]


def test_a_token_of_a_limited_run_goes_to_who_waited_before_a_worse_one_that_becomes_ready(site: Site) -> None:
    site.node("a", cpu=9)
    site.node("b", cpu=9)
    site.submit(function("x", priority=1), function("y", "x"), *chain(3), max_concurrency=1)

    assert run_to_the_end(site) == ["x", "f1", "f2", "y", "f3"]


def test_room_on_another_node_than_that_of_the_finish_is_found_too(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=4)
    site.submit(function("x"), function("y", "x", cost={"cpu": 4}))
    site.take()

    site.finish("x")

    assert site.reservations() == {"y": "b"}


class AlwaysB:
    """A user's allocator."""

    def allocate(self, functions: Sequence[Function], free: Mapping[str, Any]) -> dict[str, str | None]:
        return {each.id: "b" for each in functions}


def test_the_node_that_the_users_allocator_names_is_tried_first_when_a_function_is_ready(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=1)
    with Cluster(connection=site.cluster.connection, namespace=site.cluster.namespace, allocator=AlwaysB()) as choosing:
        choosing.store.now_ms = site.store.now_ms
        choosing.submit_dag(graph(function("x"), function("y", "x"), function("z", "x")))
    assert site.take("b") == ["x"]

    site.finish("x")

    assert site.reservations() == {"y": "b", "z": "a"}


def test_what_becomes_ready_and_gets_the_room_that_came_free_has_not_waited(site: Site) -> None:
    site.node("a", cpu=1)
    site.submit(*chain(2))
    like_it = site.cluster.enqueue("tasks:work", cost={"cpu": 1})
    site.take()

    site.finish("f1")

    assert site.reservations() == {"f2": "a"}
    assert [event["job"] for event in site.events("waiting")] == [like_it.id]
