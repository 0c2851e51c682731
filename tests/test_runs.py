"""The rules of runs: who of a graph starts when, on which node, and what becomes of the others when one fails.

Agents are fake and the clock stands still, so that each rule is seen at the moment at which it is to hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rq.registry import CanceledJobRegistry, DeferredJobRegistry, FailedJobRegistry, FinishedJobRegistry

from child_tasks import wait_until
from handoff.client.cluster import Cluster
from handoff.client.run_handle import RunHandle
from handoff.errors import (
    DuplicateRun,
    FunctionCanceled,
    FunctionFailed,
    Infeasible,
    NodeLost,
    NotSerializable,
    ResourcesUnavailable,
    RunCanceled,
    RunTimedOut,
    StoreUnavailable,
    TooLarge,
    UnknownFunction,
    UnknownRun,
    WaitExpired,
)
from handoff.graph.plan import make_plan
from handoff.ledger import launch, runs
from handoff.ledger.housekeeping import tick
from handoff.ledger.jobs import MOST_SENT
from handoff.ledger.result_entry import encode_value
from handoff.ledger.run_options import RunOptions
from handoff.serializer import Serializer
from handoff.words.argument import Argument
from handoff.words.function import Collocated, Function
from support.agent import Stale, failure, ok
from support.books import assert_nothing_held, read_ledger
from support.graphs import START_MS, Site, chain, function, graph

LIMIT_S = 20
"""Nothing here takes this long; whoever waits for longer waits in vain."""


@pytest.fixture
def site(cluster: Cluster) -> Site:
    return Site(cluster)


def run_to_the_end(site: Site) -> list[str]:
    """Agents take and finish whatever there is, each function by itself. -> in which order they were taken"""
    order = []
    while True:
        order += site.take()
        running = list(site.running())
        if not running:
            return order
        site.finish(running[0])


# Readiness.


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


# The same asked again.


def test_a_finish_asked_again_changes_nothing(site: Site) -> None:
    agent = site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("z", "x", "y"), function("v", "x"))
    site.take()
    results = [ok(site.agent_of(id)[1].id, id) for id in ("x", "y")]
    outcomes = agent.finish(*results, room=5)
    after = site.ledger()

    agent.op -= 1
    again = agent.finish(*results, room=5)

    assert again == outcomes
    assert set(site.running()) == {"z", "v"}
    assert site.ledger() == after
    assert run.status == "running"


def test_every_slice_of_a_graph_asked_again_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "SLICE", 2)
    site.node("a", cpu=2)
    original, asked = site.store.run, []

    def twice(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        reply = original(script, *rest, **arguments)
        if script == "load":
            asked.append(reply)
            before = read_ledger(site.store)
            assert original(script, *rest, **arguments) == reply
            assert read_ledger(site.store) == before
        return reply

    monkeypatch.setattr(site.store, "run", twice)
    run = site.submit(function("c"), function("d", node=Collocated("c")), *chain(6), max_concurrency=2)

    assert len(asked) > 3
    assert sorted(run_to_the_end(site)) == ["c", "d", "f1", "f2", "f3", "f4", "f5", "f6"]
    assert run.status == "finished"


def test_a_cancel_asked_again_with_its_token_says_again_that_it_decided(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2))
    instance = runs.look_run(site.store, run.id).instance
    arguments = {"run": instance, "token": "t", "lost_text": ""}

    assert site.store.run("cancel_run", **arguments) == ["canceled"]
    after = site.ledger()

    assert site.store.run("cancel_run", **arguments) == ["canceled"]
    assert site.store.run("cancel_run", **{**arguments, "token": "u"}) == ["ended"]
    assert site.ledger() == after


# reserve="whole".


def test_a_run_that_reserves_whole_holds_for_all_of_it_before_any_starts(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=1)

    run = site.submit(*chain(3), reserve="whole")

    assert site.reservations() == {"f1": "a", "f2": "a", "f3": "b"}
    assert site.states(run) == {"f1": "queued", "f2": "deferred", "f3": "deferred"}


def test_a_run_that_cannot_reserve_whole_leaves_nothing(site: Site) -> None:
    site.node("a", cpu=2)
    before = site.traces()

    with pytest.raises(ResourcesUnavailable) as raised:
        site.submit(*chain(3), reserve="whole", id="big")

    assert raised.value.short == {"cpu": 1}
    site.housekeep()
    site.assert_traces(before)
    with pytest.raises(UnknownRun):
        site.cluster.run("big")


def test_a_graph_in_slices_that_cannot_reserve_whole_leaves_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "SLICE", 2)
    site.node("a", cpu=8)
    before = site.traces()

    with pytest.raises(ResourcesUnavailable):
        site.submit(*chain(10), reserve="whole", id="big")

    site.housekeep()
    site.assert_traces(before)
    assert_nothing_held(site.store)


def test_what_was_reserved_whole_is_given_back_function_by_function(site: Site) -> None:
    site.node("a", cpu=3)
    run = site.submit(*chain(3), reserve="whole")
    site.take()

    site.finish("f1")

    assert site.reservations() == {"f2": "a", "f3": "a"}
    assert run_to_the_end(site) == ["f2", "f3"]
    assert run.status == "finished"
    assert_nothing_held(site.store)


def test_what_is_reserved_whole_is_kept_from_all_others(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(*chain(2), reserve="whole")
    other = site.cluster.enqueue("tasks:work", cost={"cpu": 1}, priority=5)
    site.take()

    assert other.status == "waiting"
    site.finish("f1")

    assert other.status == "queued"
    assert site.states(run)["f2"] == "queued"


def test_a_function_whose_reservation_is_lost_with_a_node_runs_elsewhere(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    run = site.submit(*chain(2), reserve="whole")
    assert site.reservations() == {"f1": "a", "f2": "b"}
    site.take()

    site.lose("b")
    assert site.reservations() == {"f1": "a"}
    site.finish("f1")

    assert site.take() == ["f2"]
    assert site.running() == {"f2": "a"}
    site.finish("f2")
    assert run.status == "finished"


def test_a_function_whose_node_is_drained_moves_what_it_had_reserved(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    site.submit(*chain(2), reserve="whole")
    site.take()

    site.cluster.drain("b")
    site.finish("f1")

    assert site.reservations() == {"f2": "a"}


def test_a_retry_in_a_run_that_reserved_whole_reserves_anew(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(*chain(2), reserve="whole")
    site.take()

    site.fail("f1")
    assert site.reservations() == {"f2": "a"}
    site.pass_time(2)

    assert run_to_the_end(site) == ["f1", "f2"]
    assert run.status == "finished"


def test_a_retry_of_a_group_that_reserved_whole_stays_with_it(site: Site) -> None:
    site.node("a", cpu=3)
    site.node("b", cpu=3)
    claim = site.cluster.tracker.request("a", {"cpu": 1})
    site.submit(*(function(id, node=Collocated("x") if id != "x" else None) for id in "xyz"), reserve="whole")
    site.take()
    site.cluster.tracker.release(claim)

    site.fail("x")
    site.pass_time(2)

    assert site.reservations() == {"x": "b", "y": "b", "z": "b"}


def test_canceling_a_run_gives_back_what_it_reserved_whole(site: Site) -> None:
    site.node("a", cpu=3)
    run = site.submit(*chain(3), reserve="whole")
    site.take()

    assert run.cancel()

    assert site.reservations() == {"f1": "a"}
    assert site.obey() == {"f1"}
    assert_nothing_held(site.store)


def test_collocated_functions_are_reserved_whole_on_one_node(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=3)

    site.submit(
        function("x"), function("y", "x", node=Collocated("x")), function("z", node=Collocated("y")), reserve="whole"
    )

    assert site.reservations() == {"x": "b", "y": "b", "z": "b"}


def test_reserving_whole_takes_the_pinned_first(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)

    site.submit(function("x"), function("y", "x", node="a"), reserve="whole")

    assert site.reservations() == {"x": "b", "y": "a"}


# Collocated.


def test_the_first_of_a_group_chooses_a_node_that_could_hold_all_that_may_run_together(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=2)

    run = site.submit(function("x"), function("y", node=Collocated("x")))

    assert site.reservations() == {"x": "b", "y": "b"}
    assert site.states(run) == {"x": "queued", "y": "queued"}


def test_a_group_of_which_no_two_may_run_together_needs_room_for_one(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=2)

    site.submit(function("x"), function("y", "x", node=Collocated("x")), function("z", "y", node=Collocated("x")))
    order = run_to_the_end(site)

    assert order == ["x", "y", "z"]
    assert {event["node"] for event in site.events("started")} == {"a"}


def test_the_node_that_is_chosen_need_not_be_idle(site: Site) -> None:
    site.node("a", cpu=2)
    site.cluster.tracker.request("a", {"cpu": 1})

    run = site.submit(function("x"), function("y", node=Collocated("x")))

    assert site.reservations() == {"x": "a"}
    assert site.states(run) == {"x": "queued", "y": "waiting"}


def test_the_others_of_a_group_are_pinned_to_the_node_that_was_chosen(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=9)
    run = site.submit(function("x"), function("y", "x", node=Collocated("x")), function("z", "x", node=Collocated("x")))
    site.take()
    site.cluster.tracker.request("a", {"cpu": 1})
    site.finish("x")

    assert site.reservations() == {"y": "a"}
    assert site.states(run) == {"x": "finished", "y": "queued", "z": "waiting"}
    assert run_to_the_end(site) == ["y", "z"]
    assert {event["node"] for event in site.events("started")} == {"a"}


def test_others_of_a_group_are_parked_while_the_first_waits_for_a_node(site: Site) -> None:
    site.node("a", cpu=2)
    site.cluster.tracker.request("a", {"cpu": 2})
    run = site.submit(function("x"), function("y", node=Collocated("x")), function("z", node=Collocated("x")))
    # Three may run together: no node could hold them.
    assert {site.finer(run, id) for id in "xyz"} == {"waiting", "parked"}
    site.node("b", cpu=3)
    tick(site.store)

    assert site.reservations() == {"x": "b", "y": "b", "z": "b"}


def test_what_is_parked_is_told_as_waiting(site: Site) -> None:
    site.node("a", cpu=2)
    site.cluster.tracker.request("a", {"cpu": 2})

    run = site.submit(function("x"), function("y", node=Collocated("x")))

    assert site.finer(run, "y") == "parked"
    assert site.states(run) == {"x": "waiting", "y": "waiting"}
    assert run.progress().counts == {"waiting": 2}
    assert run.progress().waiting.keys() == {"x", "y"}


def test_when_the_one_that_was_to_choose_is_canceled_the_next_chooses(site: Site) -> None:
    site.node("a", cpu=3)
    claim = site.cluster.tracker.request("a", {"cpu": 3})
    run = site.submit(*(function(id, node=Collocated("x") if id != "x" else None) for id in "xyz"), fail_fast=False)

    assert run.handle("x").cancel()
    site.check()
    assert {site.finer(run, id) for id in "yz"} == {"waiting", "parked"}
    site.cluster.tracker.release(claim)
    tick(site.store)

    assert site.reservations() == {"y": "a", "z": "a"}


def test_when_the_one_that_was_to_choose_waited_too_long_the_next_chooses(site: Site) -> None:
    site.node("a", cpu=2)
    claim = site.cluster.tracker.request("a", {"cpu": 2})
    run = site.submit(function("x", wait_ttl=5), function("y", node=Collocated("x")), fail_fast=False)
    site.pass_time(6)
    assert site.states(run) == {"x": "failed", "y": "waiting"}
    assert site.finer(run, "y") == "waiting"

    site.cluster.tracker.release(claim)

    assert site.reservations() == {"y": "a"}


def test_a_group_whose_node_is_lost_chooses_again(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    run = site.submit(function("x"), function("y", node=Collocated("x")), function("z", "x", "y", node=Collocated("x")))
    assert site.take() == ["x", "y"]
    site.finish("x")

    site.lose("a")
    site.pass_time(5)

    assert site.take() == ["y"]
    site.finish("y")
    assert site.take() == ["z"]
    assert site.running() == {"z": "b"}
    site.finish("z")
    assert run.status == "finished"


def test_what_waits_for_the_node_of_its_group_goes_elsewhere_when_that_is_lost(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), *(function(id, "x", node=Collocated("x")) for id in "yz"))
    site.take()
    site.cluster.tracker.request("a", {"cpu": 1})
    site.finish("x")
    site.take()
    assert site.states(run) == {"x": "finished", "y": "started", "z": "waiting"}
    site.node("b", cpu=2)

    site.lose("a")
    site.pass_time(5)

    assert site.reservations() == {"y": "b", "z": "b"}


@pytest.mark.parametrize("verb", ["lose", "drain"])
def test_the_last_of_a_group_that_waits_for_a_node_goes_elsewhere_when_that_is_closed(site: Site, verb: str) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x"), function("y", "x", node=Collocated("x")))
    site.take()
    site.cluster.enqueue("tasks:work", cost={"cpu": 1}, node="a", priority=1)
    site.finish("x")
    assert site.states(run) == {"x": "finished", "y": "waiting"}
    site.node("b", cpu=1)
    assert site.reservations() == {}

    if verb == "lose":
        site.lose("a")
    else:
        site.cluster.drain("a")
        tick(site.store)

    assert site.reservations() == {"y": "b"}


def test_who_waits_for_a_lost_node_follows_a_member_that_chose_again_first(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    run = site.submit(
        function("x"), function("y", "x", node=Collocated("x")), function("z", "x", node=Collocated("x"), delay=25)
    )
    site.take()
    site.finish("x")
    assert site.states(run) == {"x": "finished", "y": "queued", "z": "delayed"}
    site.take()
    site.fail("y")
    site.cluster.tracker.request("a", {"cpu": 2})
    site.pass_time(2)
    assert site.states(run) == {"x": "finished", "y": "waiting", "z": "delayed"}

    site.lose("a")

    assert site.reservations() == {"y": "b", "z": "b"}


def test_a_group_whose_node_is_drained_chooses_again(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    run = site.submit(function("x"), function("y", "x", node=Collocated("x")))
    assert site.take() == ["x"]

    site.cluster.drain("a")
    site.finish("x")

    assert site.take() == ["y"]
    assert site.running() == {"y": "b"}
    site.finish("y")
    assert run.status == "finished"


def test_what_is_queued_on_a_node_that_is_drained_moves_with_its_group(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    site.submit(function("x"), function("y", node=Collocated("x")))
    assert site.reservations() == {"x": "a", "y": "a"}

    site.cluster.drain("a")
    tick(site.store)

    assert site.reservations() == {"x": "b", "y": "b"}


def test_a_retry_of_a_group_stays_on_the_node_that_was_chosen(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    site.submit(function("x"), function("y", "x", node=Collocated("x")))
    site.take()
    other = site.cluster.enqueue("tasks:work", cost={"cpu": 2}, node="b")
    site.fail("x")
    site.cluster.tracker.request("a", {"cpu": 1})

    site.pass_time(2)

    assert site.reservations() == {"x": "a"}
    assert other.node == "b"


def test_a_group_of_which_one_is_pinned_is_pinned(site: Site) -> None:
    site.node("a", cpu=4)
    site.node("b", cpu=1)

    site.submit(function("x"), function("y", "x", node=Collocated("z")), function("z", "y", node="b"), id="g")
    run_to_the_end(site)

    assert [event["node"] for event in site.events("started")] == ["a", "b", "b"]


def test_where_of_any_of_a_group_holds_for_all_of_it(site: Site) -> None:
    site.node("a", cpu=4)
    site.node("b", cpu=4, labels={"zone": "x"})

    site.submit(function("x"), function("y", "x", node=Collocated("x"), where={"zone": "x"}))

    assert site.reservations() == {"x": "b"}


def test_two_runs_of_one_graph_choose_each_for_itself(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)

    for id in ("one", "two"):
        site.submit(function(f"{id} x"), function(f"{id} y", node=Collocated(f"{id} x")), id=id)

    assert site.reservations() == {"one x": "a", "one y": "a", "two x": "b", "two y": "b"}


# Failure.


def attempts_until_it_failed(site: Site, id: str) -> int:
    count = 0
    while id in site.take():
        count += 1
        site.fail(id)
        site.pass_time(70)
    return count


def test_a_function_of_a_run_is_attempted_four_times(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2))

    assert attempts_until_it_failed(site, "f1") == 4

    assert run.status == "failed"
    with pytest.raises(FunctionFailed) as raised:
        run.result(LIMIT_S)
    assert (raised.value.function_id, raised.value.attempts) == ("f1", 4)
    assert (raised.value.exception_type, raised.value.message) == ("builtins.ValueError", "no f1")


@pytest.mark.parametrize(("of_run", "own", "expected"), [(0, None, 1), (0, 2, 3), (2, None, 3), (3, 0, 1)])
def test_a_function_is_retried_as_often_as_it_or_else_its_run_says(
    site: Site, of_run: int, own: int | None, expected: int
) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x", max_retries=own), max_retries=of_run)

    assert attempts_until_it_failed(site, "x") == expected
    assert run.status == "failed"


def test_what_no_retry_can_help_fails_at_once(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2))
    site.take()

    site.fail("f1", retryable=False)

    assert site.states(run) == {"f1": "failed", "f2": "canceled"}
    assert run.status == "failed"


def test_while_a_function_is_to_be_retried_its_run_goes_on(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y", "x"), function("z"))
    site.take()

    site.fail("x")

    assert site.states(run) == {"x": "delayed", "y": "deferred", "z": "started"}
    assert run.progress().counts == {"deferred": 1, "delayed": 1, "started": 1}
    assert run.status == "running"
    site.pass_time(2)
    assert "x" in site.take()
    site.finish("x")
    assert site.states(run)["y"] == "queued"


def everywhere(site: Site, **options: Any) -> RunHandle:
    """A run with a function in each state; `culprit` runs, and so does `runs`."""
    site.node("a", cpu=3)
    site.node("b", gpu=1)
    site.cluster.tracker.request("b", {"gpu": 1})
    run = site.submit(
        function("culprit", max_retries=0),
        function("deferred", "culprit"),
        function("runs", priority=1),
        function("delayed", priority=1),
        function("waiting", cost={"gpu": 1}),
        function("chooses", cost={"gpu": 1}),
        function("parked", cost={}, node=Collocated("chooses")),
        function("late", delay=1000),
        function("queued", "first"),
        function("first", priority=2),
        **options,
    )
    assert site.take() == ["first", "runs", "delayed"]
    site.fail("delayed")
    assert site.take() == ["culprit"]
    site.finish("first")
    assert site.states(run) == {
        "culprit": "started",
        "deferred": "deferred",
        "runs": "started",
        "delayed": "delayed",
        "waiting": "waiting",
        "chooses": "waiting",
        "parked": "waiting",
        "late": "delayed",
        "queued": "queued",
        "first": "finished",
    }
    assert site.finer(run, "parked") == "parked"
    return run


NOT_STARTED = ("deferred", "delayed", "waiting", "chooses", "parked", "late", "queued")


def test_the_first_failure_cancels_all_that_has_not_started_and_stops_what_runs(site: Site) -> None:
    run = everywhere(site, id="r")

    site.fail("culprit")
    tick(site.store)

    states = site.states(run)
    assert states == {
        **dict.fromkeys(NOT_STARTED, "canceled"), "culprit": "failed", "runs": "started", "first": "finished"
    }  # fmt: skip
    assert site.reservations().keys() & states.keys() == {"runs"}
    assert run.status == "running"
    assert site.obey() == {"runs"}
    assert site.states(run)["runs"] == "canceled"
    assert run.status == "failed"
    for id in (*NOT_STARTED, "runs"):
        with pytest.raises(FunctionCanceled) as raised:
            run.handle(id).result(LIMIT_S)
        assert raised.value.reason == "its run 'r' failed"


def test_the_result_of_a_failed_run_comes_when_what_ran_has_been_stopped(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), max_retries=0)
    site.take()
    site.fail("x")

    with pytest.raises(TimeoutError, match="1 of 2 functions have ended"):
        run.result(0.01)
    assert site.reservations() == {"y": "a"}
    site.obey()

    with pytest.raises(FunctionFailed, match="'x' failed"):
        run.result(LIMIT_S)
    assert_nothing_held(site.store)


def test_what_ends_while_its_run_is_stopped_is_canceled_whatever_it_returns(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("z", "y"), max_retries=0)
    site.take()
    site.fail("x")

    assert site.finish("y", value=1) == ["canceled"]

    assert site.states(run) == {"x": "failed", "y": "canceled", "z": "canceled"}
    assert run.status == "failed"


def test_what_becomes_ready_in_the_call_that_stops_its_run_is_ended_once(site: Site) -> None:
    agent = site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("z", "y"), max_retries=0)
    site.take()

    agent.finish(ok(site.agent_of("y")[1].id), failure(site.agent_of("x")[1].id))
    site.housekeep()

    assert site.states(run) == {"x": "failed", "y": "finished", "z": "canceled"}
    assert [event["job"] for event in site.events("canceled")] == [run.handle("z").id]
    assert len(run.handle("z").job.results()) == 1


@pytest.mark.parametrize("fail_fast", [True, False], ids=["fail fast", "go on"])
def test_of_two_failures_the_first_is_the_one_that_is_raised(site: Site, fail_fast: bool) -> None:
    site.node("a", cpu=3)
    run = site.submit(function("x"), function("y"), function("z"), max_retries=0, fail_fast=fail_fast)
    site.take()

    site.fail("y", "x")
    site.fail("z")

    with pytest.raises(FunctionFailed) as raised:
        run.result(LIMIT_S)
    assert raised.value.function_id == "y"


def test_without_fail_fast_independent_branches_finish(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(
        function("x"), function("y", "x"), function("z", "y"), function("u"), function("v", "u"),
        function("w", "v", "z"), fail_fast=False, max_retries=0,
    )  # fmt: skip
    site.take()

    site.fail("x")

    assert site.states(run) == {
        "x": "failed", "y": "canceled", "z": "canceled", "u": "started", "v": "deferred", "w": "canceled"
    }  # fmt: skip
    assert run.status == "running"
    site.finish("u", value=1)
    site.take()
    site.finish("v", value=2)
    assert run.status == "failed"
    with pytest.raises(FunctionFailed, match="'x' failed"):
        run.result(LIMIT_S)
    partial = run.result(LIMIT_S, partial=True)
    assert partial.results == {"u": 1, "v": 2}
    assert partial.errors.keys() == {"x", "y", "z", "w"}


def test_what_is_skipped_names_the_function_that_failed_and_not_the_one_between(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(*chain(4), fail_fast=False, max_retries=0)
    site.take()

    site.fail("f1")

    for id in ("f2", "f3", "f4"):
        with pytest.raises(FunctionCanceled) as raised:
            run.handle(id).result(LIMIT_S)
        assert raised.value.reason.startswith("its dependency 'f1' ")
    assert run.status == "failed"


def test_what_is_skipped_holds_nothing_of_a_run_that_reserved_whole(site: Site) -> None:
    site.node("a", cpu=4)
    site.submit(*chain(3), function("x"), fail_fast=False, max_retries=0, reserve="whole")
    site.take()

    site.fail("f1")

    assert site.reservations() == {"x": "a"}


def test_a_function_that_lacks_several_dependencies_is_skipped_once(site: Site) -> None:
    site.node("a", cpu=3)
    run = site.submit(function("x"), function("y"), function("z", "x", "y"), fail_fast=False, max_retries=0)
    site.take()

    site.fail("x", "y")

    assert site.states(run) == {"x": "failed", "y": "failed", "z": "canceled"}
    assert (run.summary().failed, run.summary().canceled) == (2, 1)
    assert run.status == "failed"


def test_what_succeeds_in_a_retry_lets_its_run_finish(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(3))
    for id in ("f1", "f2", "f3"):
        site.take()
        site.fail(id)
        site.pass_time(2)
        site.take()
        site.finish(id, value=id)

    assert run.result(LIMIT_S).results == {"f1": "f1", "f2": "f2", "f3": "f3"}
    assert run.handle("f2").attempts == 2


# Limits.


def test_no_more_of_a_run_is_on_nodes_than_its_max_concurrency(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    run = site.submit(*(function(f"f{i}") for i in range(9)), max_concurrency=3)

    for ended in range(9):
        site.take()
        running = list(site.running())
        assert len(site.reservations()) == len(running) == min(3, 9 - ended)
        site.finish(running[-1])

    assert run.status == "finished"
    assert len({event["node"] for event in site.events("started")}) == 2


def test_max_concurrency_limits_one_run_and_no_other(site: Site) -> None:
    site.node("a", cpu=9)

    site.submit(*(function(f"x{i}") for i in range(4)), max_concurrency=1)
    site.submit(*(function(f"y{i}") for i in range(4)), max_concurrency=2)
    site.submit(*(function(f"z{i}") for i in range(4)))

    assert sorted(id[0] for id in site.take()) == ["x", "y", "y", "z", "z", "z", "z"]


@pytest.mark.parametrize("ending", ["finish", "fail", "cancel"])
def test_of_the_limit_of_a_run_nothing_is_left_when_it_has_ended(site: Site, ending: str) -> None:
    site.node("a", cpu=9)
    run = site.submit(*(function(f"x{i}") for i in range(3)), max_concurrency=1, max_retries=0)
    site.take()
    assert site.cluster.shared() == {}
    assert "node:*" in site.ledger().own

    if ending == "finish":
        run_to_the_end(site)
    elif ending == "fail":
        site.fail("x0")
    else:
        run.cancel()
        site.obey()

    assert run.summary().ended_at is not None
    assert "node:*" not in site.ledger().own


def test_the_limit_of_a_run_and_what_the_cluster_shares_go_side_by_side(site: Site) -> None:
    site.node("a", cpu=9)
    site.cluster.share({"license": 1})
    site.submit(*(function(f"x{i}", cost={"license": 1}) for i in range(2)), *(function(f"y{i}") for i in range(2)),
        max_concurrency=2)  # fmt: skip

    assert site.take() == ["x0", "y0"]
    assert site.cluster.shared() == {"license": 1}
    site.finish("y0")
    assert site.take() == ["y1"]
    site.finish("x0", "y1")
    assert site.take() == ["x1"]
    site.finish("x1")
    assert site.cluster.shared() == {"license": 1}


def test_a_run_that_has_not_ended_in_time_is_stopped(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2), timeout=30)
    site.take()
    site.pass_time(29.9)
    assert site.states(run) == {"f1": "started", "f2": "deferred"}

    site.pass_time(0.1)

    assert site.states(run) == {"f1": "started", "f2": "canceled"}
    assert site.obey() == {"f1"}
    assert run.status == "failed"
    assert run.summary().reason == "timeout"
    with pytest.raises(RunTimedOut) as raised:
        run.result(LIMIT_S)
    assert (raised.value.id, raised.value.seconds) == (run.id, 30)
    with pytest.raises(FunctionCanceled, match="took too long"):
        run.handle("f2").result(LIMIT_S)


def test_a_run_that_has_ended_in_time_has_no_limit_left(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(1), timeout=30)
    run_to_the_end(site)

    assert site.ledger().get("timers") == {}
    site.pass_time(60)
    assert run.status == "finished"


# Canceling.


def test_canceling_a_run_decides_once(site: Site) -> None:
    run = everywhere(site)

    assert run.cancel()
    assert not run.cancel()
    tick(site.store)

    assert site.states(run) == {
        **dict.fromkeys(NOT_STARTED, "canceled"), "culprit": "started", "runs": "started", "first": "finished"
    }  # fmt: skip
    assert run.status == "running"
    assert site.obey() == {"culprit", "runs"}
    assert run.status == "canceled"
    assert not run.cancel()
    with pytest.raises(RunCanceled, match="was canceled"):
        run.result(LIMIT_S)
    assert run.result(LIMIT_S, partial=True).results == {"first": None}


def test_canceling_a_run_that_has_ended_changes_nothing(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(1))
    run_to_the_end(site)

    assert not run.cancel()
    assert run.status == "finished"


def test_canceling_one_function_stops_its_run(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("z", "y"))
    site.take()

    assert run.handle("z").cancel()

    assert site.obey() == {"x", "y"}
    assert run.status == "failed"
    with pytest.raises(FunctionCanceled) as raised:
        run.result(LIMIT_S)
    assert raised.value.function_id == "z"


def test_without_fail_fast_canceling_one_function_skips_what_takes_it(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), *chain(3), fail_fast=False)
    site.take()

    assert run.handle("f2").cancel()

    assert site.states(run) == {"x": "started", "f1": "started", "f2": "canceled", "f3": "canceled"}
    site.finish("x", "f1", value=1)
    assert run.result(LIMIT_S, partial=True).results == {"x": 1, "f1": 1}
    with pytest.raises(FunctionCanceled) as raised:
        run.handle("f3").result(LIMIT_S)
    assert "'f2'" in raised.value.reason


def test_a_function_that_runs_and_is_canceled_ends_its_run_when_it_is_stopped(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2))
    site.take()

    assert run.handle("f1").cancel()
    assert run.status == "running"
    assert site.obey() == {"f1"}

    assert site.states(run) == {"f1": "canceled", "f2": "canceled"}
    assert run.status == "failed"


def test_an_attached_run_is_canceled_when_its_client_has_gone(site: Site) -> None:
    site.node("a", cpu=1)
    run = attached(site)
    site.take()
    site.pass_time(14)
    assert runs.attend(site.store, run)
    site.pass_time(14.9)
    assert site.running() == {"f1": "a"}
    assert runs.look_run(site.store, "attached").status == "running"

    site.pass_time(0.1)

    assert site.obey() == {"f1"}
    assert not runs.attend(site.store, run)
    handle = site.cluster.run("attached")
    assert (handle.status, handle.summary().reason) == ("canceled", "detached")
    with pytest.raises(RunCanceled, match="its client went away"):
        handle.result(LIMIT_S)
    with pytest.raises(FunctionCanceled) as raised:
        handle.handle("f2").result(LIMIT_S)
    assert raised.value.reason == "its run 'attached' was left alone"


def test_an_attached_run_that_has_ended_needs_nobody(site: Site) -> None:
    site.node("a", cpu=1)
    run = attached(site)
    run_to_the_end(site)

    assert not runs.attend(site.store, run)
    site.pass_time(60)
    assert site.cluster.run("attached").status == "finished"


def attached(site: Site) -> str:
    """An attached run whose client says nothing by itself."""
    plan = make_plan(graph(*chain(2), id="attached"), site.cluster._default_cost)
    return launch.launch(
        site.store, plan, options=RunOptions(attached=True), serializer=Serializer,
        strategy="first_available", preferred={},
    )  # fmt: skip


def test_a_run_goes_on_without_its_client_unless_it_is_attached(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2))

    site.pass_time(100)

    assert run.status == "running"
    assert run_to_the_end(site) == ["f1", "f2"]


def wide(site: Site, count: int, *others: Function, **options: Any) -> RunHandle:
    """A run of many functions that need nobody, and of others; all that starts at once has ended."""
    run = site.submit(*(function(f"w{i}") for i in range(count)), *others, **options)
    for _ in range(6):
        tick(site.store)
    site.take()
    site.finish(*site.running())
    return run


# One run of a graph at a time.


@pytest.mark.parametrize("state", ["running", "stopping", "loading"])
def test_a_graph_whose_run_has_not_ended_is_not_run_again(
    site: Site, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.node("a", cpu=1)
    if state == "loading":
        load_half(site, monkeypatch, *chain(9), id="r")
    else:
        run = site.submit(*chain(2), id="r")
        site.take()
        if state == "stopping":
            run.cancel()
    before = site.traces()

    with pytest.raises(DuplicateRun) as raised:
        site.submit(*chain(3), id="r")

    assert raised.value.id == "r"
    site.assert_traces(before)


def test_a_graph_whose_run_has_ended_can_be_run_again(site: Site) -> None:
    site.node("a", cpu=1)
    old = site.submit(*chain(2), id="r")
    run_to_the_end(site)
    site.store.now_ms += 1

    new = site.submit(*chain(3), id="r")
    site.take()

    assert (old.status, new.status, site.cluster.run("r").status) == ("finished", "running", "running")
    assert old.result(LIMIT_S).results.keys() == {"f1", "f2"}
    assert [(summary.id, summary.total) for summary in site.cluster.runs()] == [("r", 3), ("r", 2)]
    site.finish("f1", value="new")
    run_to_the_end(site)
    assert site.cluster.run("r").result(LIMIT_S).results == {"f1": "new", "f2": None, "f3": None}
    assert old.result(LIMIT_S).results["f1"] is None


def test_the_end_of_an_old_run_takes_nothing_from_a_new_one_of_the_same_graph(site: Site) -> None:
    site.node("a", cpu=99)
    wide(site, 99, id="r", result_ttl=0)

    new = site.submit(*chain(2), id="r")
    site.housekeep()

    assert site.cluster.run("r").status == "running"
    assert run_to_the_end(site) == ["f1", "f2"]
    assert new.status == "finished"


# What is left.


def keys_of(site: Site, run: RunHandle) -> list[bytes]:
    """All keys of a run, on the whole server, but for the word that is left of it for lost replies."""
    instance = run.handle("f1").id.partition("-")[0]
    patterns = (f"*{instance}*", f"*run_of:{run.id}")
    found = [key for pattern in patterns for key in site.store.client.scan_iter(match=pattern, count=1000)]
    return [key for key in found if b":gone:" not in key]


def test_all_that_a_run_leaves_expires_together(site: Site) -> None:
    site.node("a", cpu=99)
    run = wide(site, 98, *chain(2), function("x", "f2", node=Collocated("f2")), result_ttl=300)
    run_to_the_end(site)
    site.housekeep()

    keys = keys_of(site, run)
    left_ms = [site.store.client.pttl(key) for key in keys]

    # A job and a result of each, dependencies of two; the run, what it looks like, its end, and whose newest it is.
    assert len(keys) == 101 + 101 + 2 + 4
    assert 300_000 - 20_000 < min(left_ms) <= max(left_ms) <= 300_000
    assert max(left_ms) - min(left_ms) < 10_000


def test_what_is_told_later_than_the_rest_when_it_expires_has_less_time_left(site: Site) -> None:
    site.node("a", cpu=200)
    run = wide(site, 150, function("f1"), result_ttl=300)
    assert run.status == "finished"

    site.store.now_ms += 100_000
    for agent in site.agents.values():
        agent.register()
    site.housekeep()

    left_s = [site.store.client.ttl(key) for key in keys_of(site, run)]
    assert min(left_s) > 180
    assert {round(left / 100) for left in left_s} == {2, 3}


def test_nothing_of_a_run_expires_before_it_has_ended(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2), result_ttl=1, failure_ttl=1)
    site.take()
    site.finish("f1")
    site.pass_time(60)

    assert {site.store.client.pttl(key) for key in keys_of(site, run)} == {-1}


@pytest.mark.parametrize("ending", ["finished", "failed", "canceled", "skipped"])
def test_of_a_run_that_is_not_kept_nothing_is_left_at_all(site: Site, ending: str) -> None:
    site.node("a", cpu=99)
    before = site.traces()
    options: dict[str, Any] = {"failed": {}, "skipped": {"fail_fast": False}}.get(ending, {})
    run = site.submit(
        *chain(2), *(function(f"w{i}", "f2") for i in range(60)), function("x"),
        function("y", "x", node=Collocated("x")), function("z", delay=20, wait_ttl=9), result_ttl=0,
        failure_ttl=0, max_retries=0, max_concurrency=70, timeout=9999, **options,
    )  # fmt: skip
    site.take()

    if ending in ("failed", "skipped"):
        site.fail("f1")
    elif ending == "canceled":
        run.cancel()
    site.obey()
    for _ in range(4):
        site.finish(*site.running())
        site.pass_time(10)
        site.take()
    site.housekeep()

    site.assert_traces(before)
    with pytest.raises(UnknownRun):
        _ = run.status
    with pytest.raises(UnknownRun):
        run.result(LIMIT_S)


def test_a_run_is_kept_by_how_it_ended(site: Site) -> None:
    site.node("a", cpu=1)
    good = site.submit(*chain(2), result_ttl=100, failure_ttl=900)
    run_to_the_end(site)
    bad = site.submit(*chain(2), result_ttl=100, failure_ttl=900, max_retries=0)
    site.take()
    site.finish("f1")
    site.take()
    site.fail("f2")
    kept = site.submit(*chain(2), result_ttl=-1)
    run_to_the_end(site)
    site.housekeep()

    ttl = site.store.client.ttl
    assert {ttl(key) for key in keys_of(site, good)} <= {98, 99, 100}
    assert {ttl(key) for key in keys_of(site, bad)} <= {898, 899, 900}
    assert {ttl(key) for key in keys_of(site, kept)} == {-1}


def is_forgotten(site: Site, before: Mapping[str, Any]) -> bool:
    tick(site.store)
    return site.traces() == before


def test_a_run_whose_time_is_over_is_gone_from_all_lists(site: Site) -> None:
    site.store.now_ms = 0
    site.node("a", cpu=1)
    before = site.traces()
    run = site.submit(*chain(3), result_ttl=1)
    run_to_the_end(site)
    assert [summary.id for summary in site.cluster.runs()] == [run.id]
    keys = keys_of(site, run)

    wait_until(lambda: not site.store.client.exists(*keys), "the keys of the run expire")
    wait_until(lambda: is_forgotten(site, before), "what lists the run forgets it")

    assert site.cluster.runs() == []
    with pytest.raises(UnknownRun):
        site.cluster.run(run.id)


# Loading.


def load_half(site: Site, monkeypatch: pytest.MonkeyPatch, *functions: Function, **options: Any) -> None:
    """A client dies after the first slice of a graph."""
    original, loads = site.store.run, 0

    def dying(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        nonlocal loads
        loads += script == "load"
        if loads == 2:
            raise StoreUnavailable("here", "the client died")
        return original(script, *rest, **arguments)

    with monkeypatch.context() as patch:
        patch.setattr(launch, "SLICE", 4)
        patch.setattr(site.store, "run", dying)
        with pytest.raises(StoreUnavailable, match="the client died"):
            site.submit(*functions, **options)


def test_nothing_of_a_graph_starts_before_all_of_it_is_loaded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.node("a", cpu=9)

    load_half(site, monkeypatch, *(function(f"f{i}") for i in range(9)), id="r")
    site.pass_time(59)

    assert site.take() == []
    assert site.cluster.run("r").status == "running"


def test_a_graph_that_is_not_loaded_to_its_end_is_dropped_after_a_minute(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.node("a", cpu=9)
    before = site.traces()
    load_half(site, monkeypatch, *chain(9), function("g"), id="r", max_concurrency=2, attached=True)
    assert site.traces() != before

    site.pass_time(61)
    site.housekeep()

    site.assert_traces(before)
    with pytest.raises(UnknownRun):
        site.cluster.run("r")
    assert site.submit(*chain(2), id="r").status == "running"


def test_a_graph_that_reserves_whole_and_is_not_loaded_to_its_end_gives_all_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.node("a", cpu=9)
    waits = site.cluster.enqueue("tasks:work", cost={"cpu": 9}, delay=1)
    load_half(site, monkeypatch, *chain(9), reserve="whole")

    site.pass_time(2)
    site.pass_time(61)
    site.housekeep()

    assert site.reservations() == {}
    assert waits.status == "queued"


def test_a_slice_that_comes_too_late_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.node("a", cpu=9)
    before = site.traces()
    original, loads = site.store.run, 0

    def slow(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        nonlocal loads
        loads += script == "load"
        if script == "load" and loads == 3:
            site.pass_time(61)
        return original(script, *rest, **arguments)

    monkeypatch.setattr(launch, "SLICE", 2)
    monkeypatch.setattr(site.store, "run", slow)
    with pytest.raises(StoreUnavailable, match="more than a minute"):
        site.submit(*chain(9))

    site.housekeep()
    site.assert_traces(before)


def test_a_graph_in_many_slices_runs_as_in_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "SLICE", 1)
    site.node("a", cpu=1)
    functions = [
        function("last", *(f"m{i}" for i in range(20)), "root"),
        *(function(f"m{i}", "root", node=Collocated("root") if i == 5 else None) for i in range(20)),
        function("root"),
    ]

    run = site.submit(*functions)

    assert run_to_the_end(site) == ["root", *(f"m{i}" for i in range(20)), "last"]
    assert run.status == "finished"
    assert len(run.handle("last").job.dependency_ids) == 21


def test_what_follows_in_more_steps_than_one_script_takes_follows_all_the_same(site: Site) -> None:
    site.node("a", cpu=300)
    width = 150
    run = site.submit(
        function("root"),
        *(function(f"m{i}", "root") for i in range(width)),
        function("last", *(f"m{i}" for i in range(width))),
    )
    site.take()

    site.finish("root")
    site.housekeep()

    assert run.progress().counts == {"finished": 1, "queued": width, "deferred": 1}
    assert sorted(site.take()) == sorted(f"m{i}" for i in range(width))
    site.finish(*(f"m{i}" for i in range(width)))
    site.housekeep()
    assert site.take() == ["last"]
    site.finish("last")
    assert run.status == "finished"


def test_a_wide_run_is_canceled_to_its_last_function(site: Site) -> None:
    site.node("a", cpu=3)
    run = site.submit(*(function(f"f{i}") for i in range(150)), function("last", *(f"f{i}" for i in range(150))))
    site.take()

    assert run.cancel()
    site.housekeep()
    site.obey()

    assert run.progress().counts == {"canceled": 151}
    assert run.status == "canceled"


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (function("bad", "f9", extra_args=(object(),)), NotSerializable),
        (function("bad", "f9", extra_args=(b"x" * 9_000_000,)), TooLarge),
        (function("bad", "f9", cost={"gpu": 1}, on_infeasible="raise"), Infeasible),
    ],
    ids=["not serializable", "too large", "infeasible"],
)
def test_a_graph_that_is_refused_for_one_of_its_functions_leaves_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, bad: Function, error: type[Exception]
) -> None:
    monkeypatch.setattr(launch, "SLICE", 4)
    site.node("a", cpu=9)
    before = site.traces()

    with pytest.raises(error, match="bad" if error is not NotSerializable else "object"):
        site.submit(*chain(9), bad, id="r", max_concurrency=3)

    site.housekeep()
    site.assert_traces(before)
    assert site.submit(*chain(1), id="r").status == "running"


# Waiting, delays and limits of time of single functions.


def test_what_no_node_could_hold_for_so_long_fails_its_run(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x"), function("y", "x", cost={"gpu": 1}, on_infeasible=10))
    site.pass_time(60)
    site.take()
    site.finish("x")
    site.pass_time(5)
    assert run.status == "running"

    site.pass_time(20)

    assert site.states(run) == {"x": "finished", "y": "failed"}
    with pytest.raises(Infeasible) as raised:
        run.result(LIMIT_S)
    assert raised.value.function_id == "y"


def test_what_waits_longer_than_its_wait_ttl_fails_its_run(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x"), function("y", "x", wait_ttl=10), function("z", cost={}))
    site.pass_time(60)
    site.take()
    site.cluster.enqueue("tasks:work", cost={"cpu": 1}, priority=9)
    site.finish("x")
    site.pass_time(9)
    assert site.states(run) == {"x": "finished", "y": "waiting", "z": "started"}

    site.pass_time(2)

    assert site.states(run)["y"] == "failed"
    assert site.obey() == {"z"}
    with pytest.raises(WaitExpired) as raised:
        run.result(LIMIT_S)
    assert raised.value.function_id == "y"


def test_a_delay_begins_when_all_that_is_taken_has_ended(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x"), function("y", "x", delay=10))
    site.pass_time(60)
    site.take()

    site.finish("x")
    assert site.states(run)["y"] == "delayed"
    site.pass_time(9.9)
    assert site.states(run)["y"] == "delayed"
    site.pass_time(0.1)

    assert site.states(run)["y"] == "queued"


def test_what_is_not_to_start_before_a_time_waits_for_that_and_for_what_it_takes(site: Site) -> None:
    site.node("a", cpu=1)
    at = datetime.fromtimestamp(START_MS / 1000, UTC) + timedelta(seconds=100)
    run = site.submit(function("x"), function("y", "x", at=at), function("z", "y", at=at))
    site.take()
    site.finish("x")
    assert site.states(run)["y"] == "delayed"
    site.pass_time(99)
    assert site.take() == []

    site.pass_time(1)

    assert site.take() == ["y"]
    site.finish("y")
    assert site.states(run)["z"] == "queued"


def test_what_reserved_whole_keeps_its_reservation_while_it_is_delayed(site: Site) -> None:
    site.node("a", cpu=2)
    site.submit(function("x"), function("y", "x", delay=10), reserve="whole")
    site.take()

    site.finish("x")
    assert site.reservations() == {"y": "a"}
    site.pass_time(10)

    assert site.take() == ["y"]


# Order.


def test_who_has_the_longest_way_to_the_end_goes_first(site: Site) -> None:
    site.node("a", cpu=1)
    site.submit(
        function("alone"), function("one"), function("two"), function("two b", "two"), function("two c", "two b"),
        function("one b", "one"),
    )  # fmt: skip

    assert run_to_the_end(site) == ["two", "one", "two b", "alone", "two c", "one b"]


def test_expected_durations_say_how_long_a_way_is(site: Site) -> None:
    site.node("a", cpu=1)
    site.submit(
        function("short", duration=1), function("short b", "short", duration=1), function("long", duration=5),
        function("middle", duration=3),
    )  # fmt: skip

    assert run_to_the_end(site) == ["long", "middle", "short", "short b"]


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
    site.submit(*chain(3), function("x"), max_concurrency=1)

    assert run_to_the_end(site) == ["f1", "f2", "f3", "x"]


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


# Nodes that are lost.


def test_a_run_goes_on_elsewhere_when_a_node_is_lost(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=1)
    run = site.submit(*(function(id) for id in "uvwx"), function("end", *"uvwx"))
    assert site.take("a") == ["u", "v"]
    assert site.states(run) == {"u": "started", "v": "started", "w": "queued", "x": "waiting", "end": "deferred"}
    site.finish("u", value="of a")
    site.take("a")

    site.lose("a")
    site.pass_time(5)

    assert sorted(run_to_the_end(site)) == ["end", "v", "w", "x"]
    assert run.result(LIMIT_S).allocations == {"u": "a", "v": "b", "w": "b", "x": "b", "end": "b"}
    assert [run.handle(id).attempts for id in "uvwx"] == [1, 2, 1, 2]


def test_without_retries_a_lost_node_fails_the_run(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    run = site.submit(function("x"), function("y"), function("z", "x"), max_retries=0)
    site.take()

    site.lose("a")

    assert site.states(run) == {"x": "failed", "y": "started", "z": "canceled"}
    assert site.obey() == {"y"}
    with pytest.raises(NodeLost) as raised:
        run.result(LIMIT_S)
    assert (raised.value.function_id, raised.value.node) == ("x", "a")


def test_an_agent_that_lost_its_node_cannot_end_what_it_ran(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    run = site.submit(*chain(2))
    agent, started = site.agent_of(site.take()[0])

    site.lose("a")
    with pytest.raises(Stale):
        agent.finish(ok(started.id))

    assert site.states(run) == {"f1": "delayed", "f2": "deferred"}


def test_what_is_stopped_when_its_node_is_lost_is_canceled(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    run = site.submit(*chain(2), function("x"))
    site.take()

    run.cancel()
    site.lose("a")

    assert site.states(run) == {"f1": "canceled", "f2": "canceled", "x": "started"}
    site.obey()
    assert run.status == "canceled"


# Devices.


def test_functions_of_a_run_hold_devices_one_after_the_other(site: Site) -> None:
    site.node("a", cpu=9, gpu=2, device_memory={"gpu": 8000})
    run = site.submit(
        function("x", cost={"gpu": 1}),
        function("y", "x", cost={"gpu": 2}),
        function("z", "y", cost={"gpu_memory": 6000}, node=Collocated("y")),
        function("v", "y", cost={"gpu_memory": 6000}, node=Collocated("y")),
    )

    assert run.handle("x").devices == {"gpu": [0]}
    site.take()
    site.finish("x")
    assert run.handle("y").devices == {"gpu": [0, 1]}
    site.take()
    site.finish("y")
    assert (run.handle("z").devices, run.handle("v").devices) == ({"gpu": [0]}, {"gpu": [1]})
    run_to_the_end(site)
    assert_nothing_held(site.store)


def test_a_group_asks_for_the_memory_of_its_largest_and_the_devices_of_all(site: Site) -> None:
    site.node("a", gpu=1, device_memory={"gpu": 8000})
    site.node("b", gpu=2, device_memory={"gpu": 4000})
    site.node("c", gpu=2, device_memory={"gpu": 8000})

    site.submit(
        function("x", cost={"gpu": 1}), function("y", cost={"gpu": 1}, node=Collocated("x")),
        function("z", "x", "y", cost={"gpu_memory": 6000}, node=Collocated("x")),
    )  # fmt: skip

    assert site.reservations() == {"x": "c", "y": "c"}


# RQ's tools.


def test_a_deferred_function_is_deferred_in_the_eyes_of_rq_and_names_its_dependencies(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("i", "y", type="inline"), function("z", "x", "i"))
    job = run.handle("z").job

    assert job.get_status() == "deferred"
    assert sorted(job.dependency_ids) == sorted(run.handle(id).id for id in "xy")
    lobby = DeferredJobRegistry(site.cluster.namespace, connection=site.cluster.connection)
    assert lobby.get_job_ids() == [job.id]
    site.take()
    site.finish("x", "y")
    assert lobby.get_job_ids() == []
    assert run.handle("z").job.get_status() == "queued"


def test_what_has_ended_is_in_the_registry_of_its_outcome(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y", "x"), function("z"), max_retries=0)
    site.take()
    site.finish("x")
    site.take()
    site.fail("y")
    site.obey()

    names = [f"{site.cluster.namespace}.a", site.cluster.namespace]
    found = {
        kind: [id for name in names for id in kind(name, connection=site.cluster.connection).get_job_ids()]
        for kind in (FinishedJobRegistry, FailedJobRegistry, CanceledJobRegistry, DeferredJobRegistry)
    }
    assert found == {
        FinishedJobRegistry: [run.handle("x").id],
        FailedJobRegistry: [run.handle("y").id],
        CanceledJobRegistry: [run.handle("z").id],
        DeferredJobRegistry: [],
    }
    latest = run.handle("y").job.latest_result()
    assert latest is not None
    assert "no y" in str(latest.exc_string)


def in_each_state(site: Site, **options: Any) -> RunHandle:
    """A run with functions in the states that rq's tools may meet."""
    site.node("a", cpu=2)
    run = site.submit(
        function("started", priority=3), function("queued", priority=2), function("waiting", cost={"cpu": 2}),
        function("delayed", delay=30), function("deferred", "started"), function("after", "deferred", "queued"),
        function("chooses", cost={"cpu": 2}), function("parked", cost={}, node=Collocated("chooses")), **options,
    )  # fmt: skip
    assert site.agents["a"].take(1)
    assert {id: state for id, state in site.states(run).items() if id != state} == {
        "after": "deferred", "chooses": "waiting", "parked": "waiting"
    }  # fmt: skip
    return run


@pytest.mark.parametrize("fail_fast", [True, False], ids=["fail fast", "go on"])
@pytest.mark.parametrize("verb", ["cancel", "delete"])
@pytest.mark.parametrize("id", ["started", "queued", "waiting", "delayed", "deferred", "after", "chooses", "parked"])
def test_what_rq_cancels_or_deletes_never_keeps_a_run_from_its_end(
    site: Site, id: str, verb: str, fail_fast: bool
) -> None:
    run = in_each_state(site, fail_fast=fail_fast, timeout=None)
    job = run.handle(id).job
    if verb == "cancel":
        job.cancel()
    else:
        job.delete()
    site.touched.add(job.id)

    for _ in range(8):
        site.obey()
        site.take()
        for running in list(site.running()):
            site.finish(running)
        site.pass_time(40)

    site.housekeep()
    assert run.status in ("failed", "finished") if verb == "cancel" and id == "started" else run.status == "failed"
    assert run.progress().counts.keys() <= {"finished", "canceled"}
    assert_nothing_held(site.store)


def test_a_failed_function_that_rq_requeues_is_counted_once(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), fail_fast=False, max_retries=0)
    site.take()
    site.fail("x")

    run.handle("x").job.requeue()
    site.touched.add(run.handle("x").id)
    assert site.take() == ["x"]
    site.finish("x", value=1)
    assert (run.status, run.summary().failed) == ("running", 1)
    site.finish("y", value=2)

    assert run.status == "failed"
    assert run.result(LIMIT_S, partial=True).results == {"x": 1, "y": 2}


def test_what_rq_deleted_is_told_as_gone(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(*chain(2))
    run_to_the_end(site)
    run.handle("f1").job.delete()

    assert site.states(run) == {"f1": "gone", "f2": "finished"}
    with pytest.raises(UnknownFunction):
        run.result(LIMIT_S)
    partial = run.result(LIMIT_S, partial=True)
    assert (partial.results, set(partial.errors)) == ({"f2": None}, {"f1"})
