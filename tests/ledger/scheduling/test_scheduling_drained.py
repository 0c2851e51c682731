"""Drained nodes: pictures of a small cluster, see `support.picture`."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import UnknownNode
from support.agent import FakeAgent
from support.picture import START_MS, Board, Case, cases

DRAINED = """
a drained node takes no more, what runs there ends, and its queue waits again
    node a: cpu 3
    x: cpu 1
    sleep a
    y: cpu 1                            -> a [x y' .]
    drain a                             -> a drained [x . .]  never y
    z: cpu 1                            -> a drained [x . .]  never y z
    finish x                            -> a drained [. . .]  never y z

opened again it takes what waits, best first
    node a: cpu 2
    drain a
    x: cpu 2
    y: cpu 1; priority 1                -> a drained [. .]  never y x
    undrain a                           -> a [y .]  waits x
    drain a                             -> a drained [y .]  never x
    undrain a                           -> a [y .]  waits x
    finish y                            -> a [x x]

its queue goes where there is room, best first
    node a: cpu 2
    node b: cpu 1
    p: cpu 1; on b
    sleep a
    x: cpu 1
    y: cpu 1; priority 1                -> a [x' y']  b [p]
    drain a                             -> a drained [. .]  b [p]  waits y x
    finish p                            -> a drained [. .]  b [y]  waits x

its queue goes on at once where there is room already
    node a b: cpu 1
    sleep a
    x: cpu 1                            -> a [x']  b [.]
    drain a                             -> a drained [.]  b [x]

what is pinned to it waits until it is opened
    node a b: cpu 1
    drain b
    x: cpu 1; on b                      -> a [.]  b drained [.]  never x
    undrain b                           -> a [.]  b [x]

it takes no claims, and keeps those that it has
    node a: cpu 2
    claim c on a: cpu 1
    drain a
    claim d on a: cpu 1                 -> a drained [c .]  refused d
    release c                           -> a drained [. .]  refused d

it stays drained when it is registered again, until it is opened
    node a: cpu 1
    drain a
    node a: cpu 2                       -> a drained [. .]
    x: cpu 1                            -> a drained [. .]  never x
    lose a                              -> never x
    node a: cpu 3                       -> a drained [. . .]  never x
    undrain a                           -> a [x . .]

a static node stays drained when it is registered again, and when an agent takes it over
    static a: cpu 1
    drain a
    static a: cpu 2                     -> a drained [. .]
    node a: cpu 3                       -> a drained [. . .]
    x: cpu 1                            -> a drained [. . .]  never x

what still runs at the deadline is stopped
    node a: cpu 1
    x: cpu 1
    drain a within 60s                  -> a drained [x]
    +59.999s                            -> a drained [x]
    +1ms                                -> a drained [x!]
    obey a                              -> a drained [.]  failed x(NodeLost)

what was stopped is retried elsewhere, as if its node were lost
    node a b: cpu 1
    x: cpu 1; retries 1
    drain a within 60s                  -> a drained [x]  b [.]
    +60s                                -> a drained [x!]  b [.]
    obey a                              -> a drained [.]  b [.]  delayed x
    +1s                                 -> a drained [.]  b [x]
    drain b within 60s
    +60s
    obey b                              -> a drained [.]  b drained [.]  failed x(NodeLost)

what returns before it is stopped has finished
    node a: cpu 2
    x y: cpu 1
    drain a within 60s
    +59s
    finish x                            -> a drained [y .]
    +1s                                 -> a drained [y! .]
    finish y                            -> a drained [. .]

without a deadline what runs takes its time
    node a: cpu 1
    x: cpu 1
    drain a
    +1000s                              -> a drained [x]

a node that is opened in time stops nothing
    node a: cpu 1
    x: cpu 1
    drain a within 60s
    undrain a                           -> a [x]
    +60s                                -> a [x]

drained again, the later deadline counts
    node a: cpu 1
    x: cpu 1
    drain a within 10s
    drain a within 60s
    +10s                                -> a drained [x]
    +50s                                -> a drained [x!]

drained again without one, no deadline counts
    node a: cpu 1
    x: cpu 1
    drain a within 10s
    drain a
    +10s                                -> a drained [x]
"""


@pytest.mark.parametrize("case", cases(DRAINED))
def test_drain(board: Board, case: Case) -> None:
    board.play(case)


def test_what_a_drain_hands_back_has_used_no_attempt_and_what_it_stops_has(board: Board) -> None:
    board.do("node a: cpu 2", "x: cpu 1; retries 1", "sleep a", "y: cpu 1")

    board.do("drain a within 1s", "+1s", "obey a", "undrain a", "+1s", "wake a")

    assert board.draw() == "a [y x]"
    assert (board.handles["x"].attempts, board.handles["y"].attempts) == (2, 1)


def test_nobody_can_drain_or_open_a_node_that_is_not_there(board: Board) -> None:
    board.do("node a: cpu 1", "leave a")

    for do in (board.cluster.drain, board.cluster.undrain):
        with pytest.raises(UnknownNode):
            do("a")


def leave_drained(cluster: Cluster) -> FakeAgent:
    """A drained node whose agent has said goodbye, as for the maintenance of its host."""
    cluster.store.now_ms = START_MS
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    cluster.drain("a")
    assert agent.goodbye()
    return agent


def test_a_node_that_left_while_it_was_drained_comes_back_drained(cluster: Cluster) -> None:
    leave_drained(cluster).register()

    assert cluster.enqueue("tasks:work", cost={"cpu": 1}).status == "waiting"
    cluster.undrain("a")
    assert cluster.enqueue("tasks:work").status == "queued"


def test_a_node_that_is_undrained_while_it_is_away_comes_back_open(cluster: Cluster) -> None:
    agent = leave_drained(cluster)

    cluster.undrain("a")
    agent.register()

    assert cluster.enqueue("tasks:work").status == "queued"
    with pytest.raises(UnknownNode):
        cluster.undrain("b")


def test_a_node_that_was_deregistered_by_hand_comes_back_open(cluster: Cluster) -> None:
    cluster.store.now_ms = START_MS
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    cluster.drain("a")

    cluster.deregister_node("a")
    agent.register()

    assert cluster.enqueue("tasks:work").status == "queued"


@pytest.mark.parametrize("name", [None, ["a"], 1, ""])
def test_what_no_node_can_be_named_is_an_unknown_node(cluster: Cluster, name: Any) -> None:
    for change in (cluster.drain, cluster.undrain, cluster.deregister_node):
        with pytest.raises(UnknownNode):
            change(name)
