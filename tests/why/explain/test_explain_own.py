"""What may be told to who asked for a function, and not of others: `own_text`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from support.agent import FakeAgent, failure, ok
from support.explaining import ask, pass_s, why


def test_of_what_waits_neither_nodes_nor_who_holds_what_is_told(cluster: Cluster) -> None:
    FakeAgent(cluster.store, "big-1", {"cpu": 4, "gpu": 1}).register()
    other = ask(cluster, cost={"cpu": 3})
    waits, unfit = ask(cluster, cost={"cpu": 2}), ask(cluster, cost={"cpu": 5}, wait_ttl=60)

    assert other.id in str(why(cluster, waits).to_dict())
    assert [why(cluster, handle).own_text for handle in (waits, unfit)] == [
        "waits for cpu 2: no node that could hold it has room, the nearest is short of 1 cpu",
        "waits for cpu 5: no live node could hold it, even when idle; it fails if it has not started in 60 s",
    ]


@pytest.mark.parametrize(
    ("ends", "told"), [(ok, "finished"), (failure, "failed after 1 attempt with builtins.ValueError: no")]
)
def test_where_it_runs_and_has_run_is_not_told(cluster: Cluster, ends: Callable[[str], Any], told: str) -> None:
    agent = FakeAgent(cluster.store, "big-1", {"cpu": 4}).register()
    handle = ask(cluster)
    texts = [why(cluster, handle).own_text]
    (started,) = agent.take()
    texts.append(why(cluster, handle).own_text)
    agent.finish(ends(started.id))
    texts.append(why(cluster, handle).own_text)

    assert texts == ["has room, and is about to start", "runs", told]


def test_of_a_node_that_is_lost_the_name_is_not_told(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "big-1", {"cpu": 4}, lease_ms=1000).register()
    handle = ask(cluster)
    agent.take()
    pass_s(cluster, 60)
    ask(cluster)

    assert why(cluster, handle).own_text == "failed after 1 attempt, for its node was lost"
