"""Leases and timers that end when a test says so, and not when time has passed: they can then be long."""

from __future__ import annotations

from typing import Any

from handoff.client.cluster import Cluster

LEASE_S = 3600.0
"""Longer than any test: however slow the machine is, no agent loses its node to its lease."""


def end_lease(cluster: Cluster, node: str) -> None:
    """Let the lease of a node be over: its agent is dead or stands still, and does not renew it."""
    _bring_due(cluster, "leases", node)


def end_timer(cluster: Cluster, kind: str) -> None:
    """Let the one timer of a kind be due: whoever does the housekeeping next finds it so."""
    client: Any = cluster.connection
    timers = {timer: key for key in ("timers", "renewed") for timer in client.zrange(cluster.store.keys(key), 0, -1)}
    (timer,) = (timer for timer in timers if timer.partition(b"|")[0] == kind.encode())
    _bring_due(cluster, timers[timer], timer)


def _bring_due(cluster: Cluster, key: str, member: str | bytes) -> None:
    client: Any = cluster.connection
    assert client.zadd(cluster.store.keys(key), {member: 1}, xx=True, ch=True) == 1


def be_longer_ago(cluster: Cluster, seconds: float) -> None:
    """Let what was before an outage be that much longer ago: all leases, and the last script."""
    client: Any = cluster.connection
    leases, clock = cluster.store.keys("leases"), cluster.store.keys("clock")
    ms = round(seconds * 1000)
    with client.pipeline() as together:
        for name in client.zrange(leases, 0, -1):
            together.zincrby(leases, -ms, name)
        together.hincrby(clock, "last", -ms)
        together.execute()


def pass_ttls(cluster: Cluster, seconds: float) -> None:
    """Let all keys that expire do so earlier by this."""
    client: Any = cluster.connection
    for key in client.scan_iter():
        if (ttl_ms := client.pttl(key)) > 0:
            client.pexpire(key, max(1, round(ttl_ms - seconds * 1000)))
