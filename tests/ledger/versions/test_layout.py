"""The layout of the data: who knows another one is refused by each script, before it reads or writes anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import OtherLayout, StoreUnavailable
from handoff.graph.dag import DAG
from handoff.ledger import layout
from handoff.ledger.lua import files, loader
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.ledger.upgrading import layout_fault, upgrade
from handoff.words.function import Function
from support.agent import FakeAgent
from support.passing import pass_ms
from support.submits import submit
from support.versions import NEWER, version_with
from support.yard import snapshot

START_MS = 1_900_000_000_000

OURS = str(layout.LAYOUT).encode()

PUBLIC: dict[str, Callable[[Cluster], object]] = {
    "enqueue": lambda cluster: cluster.enqueue("tasks:work"),
    "submit_dag": lambda cluster: cluster.submit_dag(DAG("d").add(Function("f", "tasks:work"))),
    "handle": lambda cluster: cluster.handle("x"),
    "discover_nodes": lambda cluster: cluster.discover_nodes(),
    "register_node": lambda cluster: cluster.register_node("b", {"cpu": 1}),
    "request": lambda cluster: cluster.tracker.request("a", {"cpu": 1}),
    "share": lambda cluster: cluster.share({"license": 1}),
    "limit_overtaking": lambda cluster: cluster.limit_overtaking(1, 1),
}

FIRST: dict[str, Callable[[Cluster], object]] = {
    "a function": lambda cluster: cluster.enqueue("tasks:work").cancel(),
    "a node": lambda cluster: cluster.register_node("b", {"cpu": 1}),
    "an agent": lambda cluster: FakeAgent(cluster.store, "b", {"cpu": 1}).register(),
    "what is shared": lambda cluster: cluster.share({"license": 1}),
    "a limit": lambda cluster: cluster.limit_overtaking(1, 1),
    "a graph": lambda cluster: cluster.submit_dag(DAG("d").add(Function("f", "tasks:work"))).cancel(),
}


def clock(cluster: Cluster) -> tuple[Any, str]:
    return cluster.connection, cluster.store.keys("clock")


def layout_of(cluster: Cluster) -> bytes | None:
    client, key = clock(cluster)
    found: bytes | None = client.hget(key, "layout")
    return found


def set_layout(cluster: Cluster, text: str) -> None:
    client, key = clock(cluster)
    client.hset(key, "layout", text)


def waits(cluster: Cluster) -> str:
    return f"waits-{cluster.namespace}"


@pytest.fixture
def used(cluster: Cluster) -> Cluster:
    cluster.register_node("a", {"cpu": 1})
    submit(cluster, "x")
    cluster.enqueue("tasks:work", cost={"cpu": 2}, job_id=waits(cluster))
    return cluster


@pytest.mark.parametrize("what", FIRST)
def test_whatever_is_written_first_says_which_layout_it_has(cluster: Cluster, what: str) -> None:
    cluster.discover_nodes()
    assert layout_of(cluster) is None

    FIRST[what](cluster)

    assert layout_of(cluster) == OURS


@pytest.mark.parametrize("script", sorted(files.operations()))
def test_no_script_does_anything_with_data_of_a_newer_layout(used: Cluster, script: str) -> None:
    set_layout(used, str(NEWER))
    kinds = dict(files.header(script).args)
    given = {name: 1 if kinds[name] == "int" else "x" for name in loader.load(script, RQ_KEY_PREFIX).args}
    before = snapshot(used.store)

    with pytest.raises(OtherLayout) as told:
        used.store.run(script, **given)

    assert snapshot(used.store) == before
    assert (told.value.found, told.value.known, told.value.is_older) == (str(NEWER), layout.LAYOUT, False)
    set_layout(used, str(layout.LAYOUT))


@pytest.mark.parametrize(
    ("call", "found"),
    [*((call, str(NEWER)) for call in PUBLIC), *(("enqueue", text) for text in ("0" * 5000, "1.0", "", "-1", "a\nb"))],
)
def test_public_calls_say_in_one_line_that_this_version_is_too_old(used: Cluster, call: str, found: str) -> None:
    set_layout(used, found)
    before = snapshot(used.store)

    with pytest.raises(OtherLayout, match=f"this version knows layout {layout.LAYOUT}: install the version") as told:
        PUBLIC[call](used)

    assert snapshot(used.store) == before
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 500
    set_layout(used, str(layout.LAYOUT))


def test_who_waits_for_a_result_is_told_when_the_layout_changes_meanwhile(used: Cluster) -> None:
    handle = used.handle(waits(used))
    set_layout(used, str(NEWER))

    with pytest.raises(OtherLayout):
        handle.result(timeout=60)

    set_layout(used, str(layout.LAYOUT))


class TestOlderData:
    """What a version of a newer layout does with what this one has written."""

    def test_data_without_a_layout_is_of_the_first_and_is_told_so_by_the_next_that_writes(self, used: Cluster) -> None:
        client, key = clock(used)
        client.hdel(key, "layout")
        assert layout_fault(used.store) is None

        submit(used, "y")

        assert layout_of(used) == str(layout.UNMARKED).encode() == OURS

    @pytest.mark.parametrize("marked", [True, False])
    def test_a_newer_client_refuses_it_and_changes_nothing(self, used: Cluster, marked: bool) -> None:
        client, key = clock(used)
        if not marked:
            client.hdel(key, "layout")
        before = snapshot(used.store)

        with version_with(NEWER), pytest.raises(OtherLayout, match=f"is older than the {NEWER} of this") as told:
            used.enqueue("tasks:work")

        assert told.value.is_older
        assert snapshot(used.store) == before

    def test_a_node_that_a_newer_version_registers_brings_it_up_to_date_and_shuts_the_older_out(
        self, used: Cluster
    ) -> None:
        with version_with(NEWER):
            used.register_node("b", {"cpu": 2})
            assert used.handle(waits(used)).node == "b"

        with pytest.raises(OtherLayout):
            used.enqueue("tasks:work")
        set_layout(used, str(layout.LAYOUT))

    def test_it_is_not_brought_up_to_date_while_an_older_agent_lives(self, used: Cluster) -> None:
        used.store.now_ms = START_MS
        agent = FakeAgent(used.store, "old", {"cpu": 1}).register()
        before = layout_of(used)

        with version_with(NEWER), pytest.raises(StoreUnavailable, match=r"such as on old, .*: stop those agents"):
            used.register_node("b", {"cpu": 1})
        agent.beat()
        assert layout_of(used) == before

        pass_ms(used.store, agent.lease_ms + 1)
        with version_with(NEWER):
            used.register_node("b", {"cpu": 1})
            used.deregister_node("old")
        assert layout_of(used) == str(NEWER).encode()
        set_layout(used, str(layout.LAYOUT))

    def test_leases_of_older_agents_that_are_gone_run_out_while_newer_ones_wait(self, used: Cluster) -> None:
        used.store.now_ms = START_MS
        agent = FakeAgent(used.store, "old", {"cpu": 1}).register()

        with version_with(NEWER):
            for _ in range(10):
                # No script but these, at pauses that are outages to everybody.
                used.store.now_ms += agent.lease_ms // 2
                try:
                    upgrade(used.store)
                except StoreUnavailable:
                    continue
                break
            used.deregister_node("old")

        assert layout_of(used) == str(NEWER).encode()
        set_layout(used, str(layout.LAYOUT))

    def test_asked_again_an_upgrade_changes_nothing_more(self, used: Cluster) -> None:
        with version_with(NEWER):
            upgrade(used.store)
            before = snapshot(used.store)
            upgrade(used.store)

        assert snapshot(used.store) == before
        with pytest.raises(OtherLayout):
            upgrade(used.store)
        set_layout(used, str(layout.LAYOUT))


def test_the_fault_of_a_layout_is_read_without_a_script(used: Cluster, connection: redis.Redis) -> None:
    with Cluster(connection=connection, namespace="nobody-was-here") as empty:
        assert layout_fault(empty.store) is None
    assert layout_fault(used.store) is None

    set_layout(used, str(NEWER))
    fault = layout_fault(used.store)
    set_layout(used, str(layout.LAYOUT))

    assert fault is not None
    assert not fault.is_older
    with version_with(NEWER):
        fault = layout_fault(used.store)
    assert fault is not None
    assert fault.is_older
