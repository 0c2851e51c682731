"""How many functions that a submit has acknowledged are gone after a Sentinel failover, for each durability.

A master, a replica and a sentinel on this machine; clients submit without a pause until the master is ended with
kill -9. What the system has taken from it by then still reaches the replica, which it does not where the machine is
lost. So it is also measured while the replica has read nothing for a while, as over a link that is slow.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import psutil

from benchmarks.figures import Figure
from handoff import Cluster, HandoffError, NotDurable
from handoff.words.durability import DURABILITIES, Durability
from support.sentinels import SOON_MS, Watched

CLIENTS = 8

BEFORE_S = 1.5
"""Of submits before anything happens."""

LAGS_S = (0.0, 4.0)
"""For how long the replica has read nothing when the master ends."""

TIMEOUT_S = 10.0
"""Of a call: longer than the replica lags, which is what is measured."""


@dataclass(slots=True)
class Load:
    """Clients that submit until they are told to end, or can no more."""

    url: str
    durability: Durability
    ended: Event = field(default_factory=Event)
    acknowledged: list[str] = field(default_factory=list)
    doubted: int = 0  #: raised NotDurable

    def run(self) -> None:
        """Submit, one after the other."""
        with Cluster(self.url, durability=self.durability, timeout=TIMEOUT_S) as cluster:
            while not self.ended.is_set():
                try:
                    self.acknowledged.append(cluster.enqueue("tasks:work").id)
                except NotDurable:
                    self.doubted += 1
                except HandoffError:
                    return


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Fail over `repeats` times in each way; `size` does not matter, for the load runs by the clock."""
    figures = []
    for lag_s in LAGS_S:
        for durability in DURABILITIES:
            lost, counts, doubted, rates = [], [], 0, []
            for repeat in range(repeats):
                load, gone, rate = _fail_over(durability, lag_s)
                lost.append(float(gone))
                counts.append(len(load.acknowledged))
                rates.append(rate)
                doubted += load.doubted
                tell(f"loss {repeat + 1}/{repeats}: {durability}, lag {lag_s:g} s: {gone} of {counts[-1]} lost")
            figures.append(
                Figure(
                    "loss",
                    f"{durability}, the replica {f'{lag_s:g} s behind' if lag_s else 'reads along'}",
                    lost,
                    "functions",
                    sum(counts) // repeats,
                    f"{sum(lost):,.0f} of {sum(counts):,} acknowledged lost in {repeats} failovers; "
                    f"{sorted(rates)[repeats // 2]:,.0f} submits/s; {doubted} NotDurable",
                )
            )
    return figures


def _fail_over(durability: Durability, lag_s: float) -> tuple[Load, int, float]:
    """-> the load; how many functions that it was told stand are gone; submits per second before"""
    with tempfile.TemporaryDirectory() as folder, Watched(Path(folder)) as watched:
        old, new = watched.master, watched.replica
        for port in (old, new):
            watched.client(port).config_set("appendfsync", "everysec")
        with Cluster(watched.url) as cluster:
            cluster.register_node("a", {"cpu": 1})
        load = Load(watched.url, durability)
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(load.run) for _ in range(CLIENTS)]
            time.sleep(BEFORE_S)
            rate = len(load.acknowledged) / BEFORE_S
            replica = psutil.Process(watched.client(new).info("server")["process_id"])
            if lag_s:
                replica.suspend()
                time.sleep(lag_s)
            # What is acknowledged from here on may be so by the new master.
            load.ended.set()
            known = list(load.acknowledged)
            watched.kill(old)
            replica.resume()
            watched.set_down_after(SOON_MS)
            for client in clients:
                client.result()
        watched.await_master(new)
        found: Any = watched.client(new)
        with Cluster(watched.url) as cluster:
            keys = [cluster.store.keys("rq_job", id) for id in known]
        load.acknowledged = known
        return load, len(known) - sum(found.exists(*keys[i : i + 1000]) for i in range(0, len(keys), 1000)), rate
