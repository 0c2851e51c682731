"""Seventeen processes on one real server at once, for half a minute; in the end every unit is accounted for.

Clients submit and cancel, others cancel what just starts or ends, claim with and without a ttl and ask why something
waits; agents take, finish, fail, fall silent and come back; and some change capacities, labels and what is shared,
drain nodes, take them away and make the server forget its scripts. What happened is read from the stream of events
meanwhile, and played again. The doctor looks at everything again and again, and finds nothing.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.nodes import Node, read_nodes
from handoff.local.server import RedisServer
from support import need_redis_server
from support.books import assert_nothing_held, check_books
from support.hammer.parts import NAMESPACE, PARTS, TOKENS, cancel, run
from support.hammer.replay import Hammered
from support.ledger import read_ledger
from support.waiting import wait_until

SECONDS = 30.0
LONGEST_S = 300.0
"""A machine that is busy with other things takes longer until as much has happened."""

FEWEST_EVENTS = 5_000
OUTCOMES = {"finished", "failed", "stopped", "lost", "canceled", "expired", "released", "undone", "handed back"}
KINDS = {"delayed", "held", "infeasible", "shared", "unheld", "waiting"}


class Follower:
    """Reads the stream from its beginning, at least as fast as the server forgets it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._last = b"0-0"
        self.events: list[dict[str, str]] = []

    def read(self) -> int:
        """-> how many events were new"""
        found = self._cluster.events(self._last, block_s=0.05)
        stream = self._cluster.store.keys("events")
        client: Any = self._cluster.connection
        first = client.xrange(stream, count=1)
        if self._last != b"0-0":
            assert _order(first[0][0]) <= _order(self._last), "the stream was cut before it was read"
        self.events += (event for _, event in found)
        self._last = found[-1][0] if found else self._last
        return len(found)

    def has_seen_enough(self) -> bool:
        """Whether as much has happened by now as is to happen at least."""
        kinds = {event["event"] for event in self.events}
        outcomes = {event.get("outcome") for event in self.events}
        return len(self.events) > FEWEST_EVENTS and kinds >= KINDS and outcomes >= OUTCOMES


def _order(id: bytes) -> tuple[int, ...]:
    return tuple(map(int, id.split(b"-")))


def empty(cluster: Cluster) -> None:
    """End all that is left: nodes, tokens, and the functions that wait."""
    wait_until(lambda: not any(map(_has_agent, read_nodes(cluster.store))), "the end of all leases")
    tick_until_quiet(cluster)
    check_books(cluster.store)
    for node in read_nodes(cluster.store):
        cluster.deregister_node(node.name)
    tick_until_quiet(cluster)
    check_books(cluster.store)
    for id, job in read_ledger(cluster.store).jobs.items():
        if job["status"] == "deferred":
            cancel(cluster, id)
    cluster.share(dict.fromkeys(TOKENS, 0))
    tick_until_quiet(cluster)


def _has_agent(node: Node) -> bool:
    return node.live and node.kind == "leased"


def tick_until_quiet(cluster: Cluster) -> None:
    while cluster.store.run("tick", room=0, token="quiet") == ["busy"] or _is_left(cluster):
        continue


def _is_left(cluster: Cluster) -> bool:
    keys = cluster.store.keys
    return bool(cluster.connection.exists(keys("abandoned"), keys("dirty")))


def check_outcomes(cluster: Cluster, replay: Hammered) -> None:
    """Every function that was submitted ended once, in one way, and whoever was told to have canceled it did."""
    connection: Any = cluster.connection
    ledger = read_ledger(cluster.store)
    assert ledger.jobs.keys() == {id.decode() for id in connection.smembers("submitted")}
    for id, job in ledger.jobs.items():
        ends = replay.ends[id]
        # One entry for each end.
        assert ledger.rq[f"results:{id}"] == 1, (id, job, ends)
        assert job["status"] in ("finished", "failed", "canceled"), (id, job, ends)
        assert (job["status"] == "finished") <= (ends[-1:] == ["finished"]), (id, job, ends)
        # The result of what was canceled while it ran is dropped.
        assert ends.count("finished") <= (job["status"] != "failed"), (id, job, ends)
    assert replay.outcomes() == {id: job["status"] for id, job in ledger.jobs.items()}
    decided = {id.decode(): int(count) for id, count in connection.hgetall("decided").items()}
    assert decided == {id: 1 for id, job in ledger.jobs.items() if job["status"] == "canceled"}
    attempts = {id: int(job["h_attempts"]) for id, job in ledger.jobs.items() if "h_attempts" in job}
    assert attempts == dict(replay.starts)


def check_that_it_was_a_hammer(cluster: Cluster, replay: Hammered) -> None:
    jobs = read_ledger(cluster.store).jobs
    assert replay.given_back.keys() >= OUTCOMES
    assert replay.kinds.keys() >= KINDS
    errors = {job.get("h_error", "").rpartition(".")[2] for job in jobs.values()}
    assert {"Infeasible", "ValueError", "WaitExpired"} <= errors
    assert {"0", "1"} <= {job.get("h_variant", "") for job in jobs.values()}
    assert any(job["status"] == "canceled" and replay.ends[id][-1:] == ["finished"] for id, job in jobs.items())
    assert sum(replay.kinds.values()) > FEWEST_EVENTS


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_after_half_a_minute_of_seventeen_processes_every_unit_is_accounted_for() -> None:
    need_redis_server()
    spawn = multiprocessing.get_context("spawn")
    with RedisServer() as server, Cluster(server.url, namespace=NAMESPACE) as cluster:
        cluster.share(dict.fromkeys(TOKENS, 3))
        cluster.limit_overtaking(count=20, seconds=1)
        is_over = spawn.Event()
        processes: list[BaseProcess] = [
            spawn.Process(target=run, args=(role, server.url, seed, is_over, *names), daemon=True)
            for seed, (role, *names) in enumerate(PARTS)
        ]
        follower = Follower(cluster)
        try:
            for process in processes:
                process.start()
            begun_s = time.monotonic()
            while any(process.is_alive() for process in processes):
                follower.read()
                passed_s = time.monotonic() - begun_s
                if passed_s > LONGEST_S or (passed_s > SECONDS and follower.has_seen_enough()):
                    is_over.set()
        finally:
            for process in processes:
                process.kill()
                process.join()
        assert [process.exitcode for process in processes] == [0] * len(PARTS)
        while follower.read():
            continue
        assert cluster.connection.smembers("violations") == set()
        assert int(cluster.connection.get("examinations") or 0) > 1

        empty(cluster)

        check_books(cluster.store)
        assert_nothing_held(cluster.store)
        assert not any(read_ledger(cluster.store).shared.used.values())
        while follower.read():
            continue
        replay = Hammered({id: int(job["h_rank"]) for id, job in read_ledger(cluster.store).jobs.items()})
        replay.play(follower.events)
        replay.end()
        check_outcomes(cluster, replay)
        check_that_it_was_a_hammer(cluster, replay)
