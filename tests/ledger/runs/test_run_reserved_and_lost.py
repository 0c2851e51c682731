"""What a run had reserved for a function before it was ready, and lost with its node, is reserved anew when it is."""

from __future__ import annotations

from handoff.client.run_handle import RunHandle
from support.graphs import Site, function


def reserve(site: Site) -> RunHandle:
    """`x` runs on `a`; for `y`, which takes its result, something is reserved on `b`."""
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    run = site.submit(function("x"), function("y", "x"), reserve="whole")
    site.take()
    assert site.reservations() == {"x": "a", "y": "b"}
    return run


def come_back(site: Site) -> None:
    """The agent of `b` comes back after its lease has run out."""
    agent = site.agents["b"]
    site.lose("b")
    agent.register()
    site.agents["b"] = agent
    site.check()


def test_it_is_reserved_anew_on_the_node_that_has_come_back(site: Site) -> None:
    run = reserve(site)
    come_back(site)
    assert site.reservations() == {"x": "a"}

    site.finish("x")

    assert site.states(run)["y"] == "queued"
    assert site.reservations() == {"y": run.handle("y").node}


def test_it_waits_where_another_has_taken_the_room_meanwhile(site: Site) -> None:
    run = reserve(site)
    come_back(site)
    for _ in range(2):
        site.cluster.enqueue("tasks:work", cost={"cpu": 1}, node="b")
    site.cluster.enqueue("tasks:work", cost={"cpu": 1}, node="a", priority=1)

    site.finish("x")

    assert site.states(run)["y"] == "waiting"
    assert site.reservations() == {}
