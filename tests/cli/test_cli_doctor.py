"""`handoff doctor`: what it prints, and with what it exits."""

from __future__ import annotations

import json
import re
import time

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.layout import LAYOUT
from handoff.ledger.rqmodel import HOST_CLOCK
from handoff.words.function import Function
from support.agent import FakeAgent
from support.command_line import Run

pytestmark = pytest.mark.usefixtures("no_libraries")


def test_a_cluster_of_which_nothing_is_wrong_exits_with_0(cluster: Cluster, run: Run) -> None:
    FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    cluster.submit(Function("f", "tasks:work", cost={"cpu": 1}))
    cluster.submit(Function("g", "tasks:work", cost={"cpu": 1}))

    result = run("doctor")

    assert result.stdout.startswith(f"All is as it has to be in namespace {cluster.namespace}.")
    assert result.exit_code == 0


def test_a_violation_is_one_line_with_node_and_amounts_and_exits_with_1(cluster: Cluster, run: Run) -> None:
    cluster.register_node("a", {"cpu": 4})
    key = cluster.store.keys("node", "a")
    cluster.connection.hset(key, "used:cpu", "15000")

    result, as_json = run("doctor"), run("doctor", "--json")

    cluster.connection.hset(key, "used:cpu", "0")
    line = "amounts: node a: what it says is used is not what its 0 reservations say: cpu 1.5 instead of 0"
    assert line in result.stdout
    assert result.stdout.splitlines()[-1].startswith("2 things in the books are wrong in namespace")
    told = json.loads(as_json.stdout)["violations"][0]
    assert (told["node"], told["amounts"]) == ("a", {"cpu": {"expected": 0, "found": 1.5}})
    assert (result.exit_code, as_json.exit_code) == (1, 1)


def test_rqs_own_worker_on_a_queue_and_a_clock_that_is_wrong_are_told(cluster: Cluster, run: Run) -> None:
    FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    keys, client = cluster.store.keys, cluster.connection
    stranger, own = keys("rq_worker", "stranger"), keys("rq_worker", keys.queue("a"))
    client.hset(stranger, mapping={"queues": f"other,{keys.queue('a')}", "hostname": "h", "pid": 7})
    client.sadd(keys("rq_workers"), stranger)
    client.hset(own, HOST_CLOCK, time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() + 10**6)))

    result = run("doctor", "--json")

    client.srem(keys("rq_workers"), stranger)
    client.delete(stranger)
    told = "; ".join(finding["text"] for finding in json.loads(result.stdout)["findings"])
    assert f"rq's own worker stranger (process 7 on h) takes from {keys.queue('a')}" in told
    [ahead_s] = re.findall(r"the clock of a's host was (\d+) s ahead of that of Redis when its agent registered", told)
    assert 10**5 < int(ahead_s) <= 10**6
    assert result.exit_code == 1


def test_what_rqs_tools_have_left_is_told_where_it_stays(cluster: Cluster, run: Run) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    handle = cluster.submit(Function("f", "tasks:work", cost={"cpu": 1}))
    handle.job.delete()

    result = run("doctor", "--patience", "0")

    assert f"node a, job {handle.id}: it has a reservation on the node" in result.stdout
    agent.beat()
    assert run("doctor").exit_code == 0


def test_data_of_another_layout_is_told_and_not_looked_at(cluster: Cluster, run: Run) -> None:
    cluster.register_node("a", {"cpu": 1})
    clock = cluster.store.keys("clock")
    cluster.connection.hset(clock, "layout", "999")

    result = run("doctor")

    cluster.connection.hset(clock, "layout", str(LAYOUT))
    assert "has data of layout 999" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("1 thing around the books is wrong in namespace")
    assert result.exit_code == 1


def test_with_fix_it_mends_and_exits_with_0_where_nothing_is_left(cluster: Cluster, run: Run) -> None:
    cluster.register_node("a", {"cpu": 4})
    cluster.connection.hset(cluster.store.keys("node", "a"), "used:cpu", "15000")

    result, again = run("doctor", "--fix"), run("doctor")

    assert result.stdout.splitlines()[-1].startswith("2 things in the books (2 mended) were wrong in namespace")
    assert (result.exit_code, again.exit_code) == (0, 0)


def test_what_is_wrong_in_the_books_and_around_them_is_counted_in_one_sentence(cluster: Cluster, run: Run) -> None:
    cluster.register_node("a", {"cpu": 4})
    node, stranger = cluster.store.keys("node", "a"), cluster.store.keys("rq_worker", "stranger")
    cluster.connection.hset(node, "used:cpu", "15000")
    cluster.connection.hset(stranger, "queues", cluster.namespace)
    cluster.connection.sadd(cluster.store.keys("rq_workers"), stranger)

    said = run("doctor").stdout.splitlines()[-1]

    cluster.connection.hset(node, "used:cpu", "0")
    cluster.connection.srem(cluster.store.keys("rq_workers"), stranger)
    cluster.connection.delete(stranger)
    assert said.startswith("2 things in the books and 1 around them are wrong in namespace")
