"""A run goes on where nodes are lost, as far as its retries allow."""

from __future__ import annotations

import pytest

from handoff.errors import NodeLost
from support.agent import Stale, ok
from support.graphs import Site, chain, function
from support.runs import run_to_the_end
from support.waiting import LIMIT_S


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
