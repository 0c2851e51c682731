"""`python -m benchmarks.finished_workers KIND`: a worker process of another system, until it is killed."""

from __future__ import annotations

import os
import sys

import redis
from rq import SimpleWorker, Worker


def main() -> None:
    """Be a worker of the kind that is named: SimpleWorker, Worker or bare."""
    client = redis.Redis.from_url(os.environ["BENCHMARK_REDIS_URL"])
    match sys.argv[1]:
        case "SimpleWorker":
            SimpleWorker(["default"], connection=client).work(logging_level="WARNING")
        case "Worker":
            Worker(["default"], connection=client).work(logging_level="WARNING")
        case "bare":
            _push_what_is_popped(client)
        case kind:
            raise SystemExit(f"{kind!r} is no kind of worker: give SimpleWorker, Worker or bare")


def _push_what_is_popped(client: redis.Redis) -> None:
    while True:
        found = client.blpop(["work"], timeout=1)
        if found is not None:
            client.rpush("results", found[1])


if __name__ == "__main__":
    main()
