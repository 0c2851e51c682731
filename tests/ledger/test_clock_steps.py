"""The server's clock may be set back or forth: what waits for time to pass waits as long as it was to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger import housekeeping
from handoff.ledger.housekeeping import takes_turn
from handoff.ledger.turns import EVERY_MS
from support.agent import FakeAgent, Stale, failure
from support.ledger import read_ledger
from support.passing import pass_ms

START_MS = 1_800_000_000_000

LEASE_MS = 15_000

HOUR_MS = 3_600_000

STEPS_MS = [-1, -HOUR_MS, 20_000]


@pytest.fixture(autouse=True)
def own_clock(cluster: Cluster) -> None:
    cluster.store.now_ms = START_MS


def agent(cluster: Cluster, name: str) -> FakeAgent:
    return FakeAgent(cluster.store, name, {"cpu": 1}, lease_ms=LEASE_MS).register()


def tick(cluster: Cluster) -> None:
    housekeeping.tick(cluster.store)


def set_clock(cluster: Cluster, step_ms: int) -> None:
    """Just behind a script; the next one finds it so."""
    tick(cluster)
    cluster.store.now_ms += step_ms


def run_for(cluster: Cluster, ms: int) -> None:
    """A second between two ticks."""
    for _ in range(ms // 1000):
        cluster.store.now_ms += 1000
        tick(cluster)


@pytest.mark.parametrize("step_ms", [step for step in STEPS_MS if step < 0])
def test_a_delay_is_as_long_when_the_clock_is_set_back(cluster: Cluster, step_ms: int) -> None:
    agent(cluster, "a")
    handle = cluster.enqueue("module:f", delay=3)
    set_clock(cluster, step_ms)

    run_for(cluster, 2_000)
    assert handle.status == "delayed"
    # Up to the first of them time stands still.
    run_for(cluster, 2_000)

    assert handle.status == "queued"


@pytest.mark.parametrize("step_ms", [step for step in STEPS_MS if step < 0])
def test_a_retry_comes_as_soon_when_the_clock_is_set_back(cluster: Cluster, step_ms: int) -> None:
    node = agent(cluster, "a")
    handle = cluster.enqueue("module:f", max_retries=1)
    (started,) = node.take()
    assert node.finish(failure(started.id)) == ["retrying"]
    set_clock(cluster, step_ms)

    run_for(cluster, 2_000)

    assert handle.status == "queued"


@pytest.mark.parametrize("step_ms", [step for step in STEPS_MS if step < 0])
def test_a_limit_of_waiting_is_as_long_when_the_clock_is_set_back(cluster: Cluster, step_ms: int) -> None:
    handle = cluster.enqueue("module:f", cost={"cpu": 9}, wait_ttl=3)
    set_clock(cluster, step_ms)

    run_for(cluster, 4_000)

    assert handle.status == "failed"


@pytest.mark.parametrize("step_ms", STEPS_MS)
def test_a_dead_node_is_noticed_one_lease_later_whatever_the_clock_does(cluster: Cluster, step_ms: int) -> None:
    dead = agent(cluster, "a")
    set_clock(cluster, step_ms)

    run_for(cluster, LEASE_MS - 1_000)
    assert dead.epoch == read_ledger(cluster.store).nodes["a"]["epoch"]
    run_for(cluster, 2_000)

    with pytest.raises(Stale):
        dead.beat()


@pytest.mark.parametrize("step_ms", STEPS_MS)
def test_no_healthy_node_is_lost_whatever_the_clock_does(cluster: Cluster, step_ms: int) -> None:
    healthy = agent(cluster, "a")
    for _ in range(3):
        set_clock(cluster, step_ms)
        run_for(cluster, 4_000)
        healthy.beat()
        set_clock(cluster, -step_ms)
        run_for(cluster, 4_000)
        healthy.beat()


@pytest.mark.parametrize("step_ms", [step for step in STEPS_MS if step < 0])
def test_a_claim_ends_when_it_was_to_though_the_clock_is_set_back(cluster: Cluster, step_ms: int) -> None:
    cluster.register_node("static", {"cpu": 1})
    cluster.tracker.request("static", {"cpu": 1}, ttl=3)
    set_clock(cluster, step_ms)

    run_for(cluster, 4_000)

    assert cluster.resources_available("static", {"cpu": 1})


def test_a_delay_of_hours_is_not_over_when_the_clock_is_set_right_again(cluster: Cluster) -> None:
    agent(cluster, "a")
    set_clock(cluster, -HOUR_MS)
    run_for(cluster, 1_000)
    handle = cluster.enqueue("module:f", delay=1800)

    set_clock(cluster, HOUR_MS)
    run_for(cluster, 1_000)

    assert handle.status == "delayed"


@pytest.mark.parametrize("steps_ms", [(-HOUR_MS,), (-HOUR_MS, HOUR_MS)], ids=["back", "and right again"])
def test_a_date_is_by_the_clock_as_it_is_set(cluster: Cluster, steps_ms: tuple[int, ...]) -> None:
    cluster.register_node("a", {"cpu": 1})
    date_ms = START_MS + 600_000
    handle = cluster.enqueue("module:f", at=datetime.fromtimestamp(date_ms / 1000, UTC))
    for step_ms in steps_ms:
        set_clock(cluster, step_ms)
        run_for(cluster, 1_000)

    pass_ms(cluster.store, date_ms - 1_000 - cluster.store.now_ms)
    tick(cluster)
    assert handle.status == "delayed"
    run_for(cluster, 62_000)

    assert handle.status == "queued"


def test_a_date_that_is_given_when_the_clock_was_set_back_is_by_it(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 1})
    set_clock(cluster, -HOUR_MS)
    run_for(cluster, 1_000)

    date_ms = cluster.store.now_ms + 600_000
    handle = cluster.enqueue("module:f", at=datetime.fromtimestamp(date_ms / 1000, UTC))

    assert handle.status == "delayed"


def test_what_rq_reads_is_by_the_clock_as_it_is_set(cluster: Cluster) -> None:
    node = agent(cluster, "a")
    set_clock(cluster, -HOUR_MS)
    run_for(cluster, 1_000)
    handle = cluster.enqueue("module:f")
    node.take()

    started_at = datetime.fromisoformat(read_ledger(cluster.store).jobs[handle.id]["started_at"])

    assert started_at.timestamp() * 1000 == cluster.store.now_ms


def test_housekeeping_goes_on_where_the_clock_of_a_live_server_is_set_back(cluster: Cluster) -> None:
    cluster.store.now_ms = 0
    # What a tick left that ran before the clock was set, an hour ahead.
    cluster.connection.set(cluster.store.keys("tick"), "0", px=HOUR_MS)

    assert takes_turn(cluster.store)
    assert 0 < cluster.connection.pttl(cluster.store.keys("tick")) <= EVERY_MS
