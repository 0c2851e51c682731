"""Whom Handoff is compared with, and what each needs to be installed."""

from __future__ import annotations

from dataclasses import dataclass

HANDOFF = "Handoff"
FLOOR = "floor program"
BARE = "redis-py loop"
SIMPLE_WORKER, WORKER, POOL = "rq SimpleWorker", "rq Worker", "rq worker-pool -n 8"
QUEUES = ("celery", "dramatiq", "huey", "arq", "saq", "taskiq", "streaq")
DASK_WITH_RESOURCES, RAY = "dask with resources", "ray"
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
    rests: bool = False  #: runs functions that take a while, too
    only_memory: bool = False
    note: str = ""


DASK = Peer("dask", "dask", 0.2, ("distributed>=2025.1",), ("distributed",), has_server=False)

PEERS = (
    Peer(
        HANDOFF,
        "handoff",
        1.0,
        packages=("handoff-rq", "rq", "redis"),
        has_costs=True,
        rests=True,
        note="cost {cpu: 0.1, memory: 10} on one node of {cpu: 2} with its default slots, default configuration",
    ),
    Peer(SIMPLE_WORKER, "rq", 0.2, ("rq>=2", *REDIS), ("rq", "redis"), "SimpleWorker", rests=True),
    Peer(WORKER, "rq", 0.05, ("rq>=2", *REDIS), ("rq", "redis"), "Worker", note="one fork a job"),
    Peer(POOL, "rq", 0.2, ("rq>=2", *REDIS), ("rq", "redis"), "pool", only_memory=True, note="8 workers"),
    Peer("celery", "celery", 0.2, ("celery[redis]>=5.4", *REDIS), ("celery", "redis"), note="prefork 2"),
    Peer("dramatiq", "dramatiq", 0.5, ("dramatiq[redis]>=1.17", *REDIS), ("dramatiq", "redis"), note="2 processes"),
    Peer("huey", "huey", 0.5, ("huey>=2.5", *REDIS), ("huey", "redis"), note="2 processes"),
    Peer("arq", "arq", 0.1, ("arq>=0.26", "redis[hiredis]"), ("arq", "redis"), note="looks every 10 ms, not every 500"),
    Peer(
        "saq",
        "saq",
        0.2,
        ("saq[redis]>=0.22", "typing_extensions", "redis[hiredis]"),
        ("saq", "redis"),
        note="2 processes",
    ),
    Peer("taskiq", "taskiq", 0.2, ("taskiq>=0.11", "taskiq-redis>=1", *REDIS), ("taskiq", "taskiq-redis", "redis")),
    Peer("streaq", "streaq", 0.5, ("streaq>=4", *REDIS), ("streaq", "coredis")),
    DASK,
    Peer(
        DASK_WITH_RESOURCES,
        "dask",
        0.1,
        ("distributed>=2025.1",),
        ("distributed",),
        "resources",
        has_server=False,
        has_costs=True,
    ),
    Peer(RAY, "ray", 0.1, ("ray>=2.40",), ("ray",), has_server=False, has_costs=True, note="a cpu for each task"),
    Peer(BARE, "bare", 1.0, packages=("redis",), note="pop and push, one item at a time, no function"),
    Peer(FLOOR, "", 1.0, note="plain Lua with exact books, no worker, no promise"),
)

NAMES = tuple(peer.name for peer in PEERS)
