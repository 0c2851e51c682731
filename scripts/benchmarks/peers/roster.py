"""Whom Handoff is compared with, and what each needs to be installed."""

from __future__ import annotations

from dataclasses import dataclass

HANDOFF = "Handoff"
FLOOR = "floor program"
BARE = "redis-py loop"
SIMPLE_WORKER, WORKER = "rq SimpleWorker", "rq Worker"
REDIS = ("redis[hiredis]>=6",)


@dataclass(frozen=True, slots=True)
class Peer:
    """One system, or one way of one."""

    name: str
    adapter: str  #: module of `benchmarks.adapters`; '' for what is measured without workers
    share: float  #: of the number of functions asked for: slow ones take fewer
    needs: tuple[str, ...] = ()  #: what pip installs; nothing: the project's own environment is used
    packages: tuple[str, ...] = ()  #: whose versions are told
    way: str = ""
    has_server: bool = True  #: keeps everything in a Redis server
    has_costs: bool = False  #: knows what functions cost
    note: str = ""


PEERS = (
    Peer(HANDOFF, "handoff", 1.0, has_costs=True, note="one node of 2 cores, default slots"),
    Peer(SIMPLE_WORKER, "rq", 0.2, ("rq>=2", *REDIS), ("rq", "redis"), "SimpleWorker"),
    Peer(WORKER, "rq", 0.05, ("rq>=2", *REDIS), ("rq", "redis"), "Worker", note="one fork a job"),
    Peer(BARE, "bare", 1.0, note="pop and push, one item at a time, no function"),
    Peer(FLOOR, "", 1.0, note="plain Lua with exact books, no worker, no promise"),
)

NAMES = tuple(peer.name for peer in PEERS)
