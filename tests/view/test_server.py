"""What a server says of itself, and what of that is understood."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.view.server import Scripts, Server, read_server, server_of

NOTHING = Server(None, None, None, None, None, None)


def test_what_a_server_does_not_tell_is_not_known() -> None:
    assert server_of([redis.ResponseError("NOPERM")] * 3) == NOTHING
    assert server_of([{"used_memory": "much"}, {"cmdstat_fcall": 3}, {}]) == NOTHING


@pytest.mark.parametrize("failed", ["rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status"])
def test_one_write_to_the_disk_that_failed_is_enough(failed: str) -> None:
    told: dict[str, Any] = {"rdb_last_bgsave_status": "ok", "aof_last_write_status": "ok"}

    assert server_of([told]).saves is True
    assert server_of([told | {failed: "err"}]).saves is False


def test_scripts_and_functions_are_counted_together() -> None:
    calls = {
        "cmdstat_evalsha": {"calls": 2, "usec": 500_000},
        "cmdstat_fcall": {"calls": 3, "usec": 1_000_000},
        "cmdstat_get": {"calls": 9, "usec": 9},
    }
    spread = {"latency_percentiles_usec_fcall": {"p50": 100.0, "p99.9": 2000.0}}

    assert server_of([{}, calls, spread]).scripts == Scripts(5, 1.5, {0.5: 0.0001, 0.999: 0.002})


@pytest.mark.parametrize("connection", ["real"], indirect=True)
def test_a_real_server_tells_all_of_it(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 1})
    found = read_server(cluster.store)

    assert None not in (found.memory_bytes, found.most_memory_bytes, found.evicted, found.clients, found.saves)
    assert found.scripts is not None
    assert found.scripts.calls > 0
