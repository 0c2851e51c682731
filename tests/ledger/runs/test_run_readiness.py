"""Who of a graph starts when: what is ready, and in which call it becomes so."""

from __future__ import annotations

import pytest

from handoff.ledger.housekeeping import tick
from handoff.ledger.jobs import MOST_SENT
from handoff.ledger.result_entry import encode_value
from handoff.serializer import Serializer
from handoff.words.argument import Argument
from support.agent import ok
from support.books import assert_nothing_held
from support.graphs import Site, chain, function
from support.waiting import LIMIT_S


def test_a_chain_of_ten_one_cpu_functions_runs_on_one_cpu(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(10))

    for i in range(1, 11):
        assert site.take() == [f"f{i}"]
        assert site.reservations() == {f"f{i}": "a"}
        site.finish(f"f{i}", value=i)

    assert run.result(LIMIT_S).results == {f"f{i}": i for i in range(1, 11)}
    assert_nothing_held(site.store)


def test_a_function_holds_nothing_while_what_it_takes_has_not_ended(site: Site) -> None:
    site.node("a", cpu=4)
    run = site.submit(*chain(3))
    site.take()

    assert site.states(run) == {"f1": "started", "f2": "deferred", "f3": "deferred"}
    assert site.reservations() == {"f1": "a"}


def test_a_function_is_queued_in_the_call_that_ends_the_last_of_its_dependencies(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("z", "x", "y"))
    site.take()

    site.finish("x")
    assert site.states(run) == {"x": "finished", "y": "started", "z": "deferred"}
    site.finish("y")

    assert site.states(run) == {"x": "finished", "y": "finished", "z": "queued"}


def test_a_call_that_ends_a_dependency_may_bring_back_what_became_ready(site: Site) -> None:
    agent = site.node("a", cpu=1)
    site.submit(*chain(2))
    (first,) = agent.take()

    agent.finish(ok(first.id), room=1)

    assert site.running() == {"f2": "a"}


def test_a_function_that_becomes_ready_where_nothing_is_free_waits_for_room(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y", "x", cost={"cpu": 2}))
    site.take()
    site.cluster.tracker.request("a", {"cpu": 1})

    site.finish("x")

    assert site.states(run) == {"x": "finished", "y": "waiting"}


def test_two_dependencies_that_end_in_one_call_start_the_dependent_once(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("z", "x", "y"))
    site.take()

    site.finish("x", "y")

    assert site.take() == ["z"]
    assert site.take() == []
    site.finish("z")
    assert [event["id"].rpartition(":")[0] for event in site.events("started")].count(run.handle("z").id) == 1
    assert run.status == "finished"


def test_two_dependencies_that_end_on_two_nodes_start_the_dependent_once(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    site.submit(function("x"), function("y"), function("z", "x", "y"))
    assert site.take() == ["x", "y"]

    site.finish("x", "y")

    assert site.take() == ["z"]
    assert site.take() == []


def test_a_result_that_is_taken_twice_counts_as_one_dependency(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x"), function("y", "x", Argument("x"), "x"))
    site.take()

    site.finish("x")

    assert site.states(run)["y"] == "queued"


def test_results_that_a_function_takes_are_sent_along_with_it(site: Site) -> None:
    site.node("a", cpu=2)
    site.submit(function("x"), function("y"), function("z", "x", "y"))
    site.take()
    site.finish("x", value="of x")
    site.finish("y", value=None)
    site.take()

    _, started = site.agent_of("z")

    assert started.inputs[1]["return_value"] == encode_value(Serializer.dumps("of x")).encode()
    assert started.inputs[1]["worker_name"].decode().endswith(".a")
    assert "return_value" not in started.inputs[2]


def test_what_takes_many_or_large_results_is_left_to_read_them_itself(site: Site) -> None:
    many = MOST_SENT + 1
    agent = site.node("a", cpu=100)
    site.submit(
        *(function(f"f{i}") for i in range(many)),
        function("many", *(f"f{i}" for i in range(many))),
        function("large"),
        function("small"),
        function("mixed", "large", "small"),
    )
    site.take()
    site.finish(*(f"f{i}" for i in range(many)), "small", value=1)
    site.finish("large", value=b"x" * 100_000)
    site.take()

    assert site.agent_of("many")[1].inputs == {}
    numbers = set(site.agent_of("mixed")[1].inputs)
    assert numbers == {many + 3}
    assert agent.runs.keys() == {site.agent_of("many")[1].id, site.agent_of("mixed")[1].id}


def test_an_empty_graph_has_finished_when_it_is_submitted(site: Site) -> None:
    run = site.submit()
    tick(site.store)

    assert run.status == "finished"
    assert run.result(LIMIT_S).results == {}
    assert run.progress().counts == {}


def test_a_graph_of_inline_functions_alone_has_finished_when_it_is_submitted(site: Site) -> None:
    run = site.submit(function("i", type="inline"), function("j", "i", type="inline"))

    assert run.status == "finished"
    assert run.result(LIMIT_S).results == {}


def test_a_function_is_ready_when_all_that_its_inlines_take_has_ended(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(
        function("x"),
        function("y"),
        function("i", "x", type="inline"),
        function("j", "i", "y", type="inline"),
        function("z", "j"),
    )
    site.take()

    site.finish("x")
    assert site.states(run) == {"x": "finished", "y": "started", "z": "deferred"}
    site.finish("y")

    assert site.states(run)["z"] == "queued"


@pytest.mark.parametrize("id", ["a b", "ä/ö:1|2", "日本", "{x}", "x" * 512, "0", "-1", "run|x|1", "*"])
def test_ids_are_shown_as_the_user_wrote_them_whatever_they_contain(site: Site, id: str) -> None:
    site.node("a", cpu=1)
    run = site.submit(function(id), function(id + id, id), id=id)
    site.take()
    site.finish(id, value=1)
    site.take()

    assert run.progress().running == {id + id: "a"}
    assert run.handle(id).function_id == id
    assert site.cluster.run(id).id == id
    site.finish(id + id, value=2)
    assert run.result(LIMIT_S).results == {id: 1, id + id: 2}
    assert [summary.id for summary in site.cluster.runs()] == [id]
