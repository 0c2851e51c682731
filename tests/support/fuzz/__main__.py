"""`scripts/fuzz`: as many calls as wanted, each of its own random number, so that any of them can be made again."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
import warnings
from collections import Counter

import redis

from handoff.local.server import RedisServer
from support.fuzz.calls import Place
from support.fuzz.stored import AgentPlace

CLEARED_EVERY = 500
"""Calls after which all is thrown away that they have left."""

TOLD_EVERY = 20_000


def main() -> None:
    """Make the calls, and print each that went wrong; exit code 1 if any did."""
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz",
        description="Arbitrary values at every public call, or with --stored arbitrary bytes in what an agent reads.",
    )
    parser.add_argument("--seed", type=int, default=0, help="whatever is random comes of it  [0]")
    parser.add_argument("--calls", type=int, default=10_000, help="how many  [10000]")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first: to see one again")
    parser.add_argument(
        "--stored", action="store_true", help="change what is stored, and let an agent and children go on"
    )
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    # What is refused is logged as well.
    logging.lastResort = None
    began_s = time.monotonic()
    counts: Counter[str] = Counter()
    with RedisServer() as server, redis.Redis.from_url(server.url) as connection:
        place, agents = Place(connection), AgentPlace(connection)
        for number in range(given.first, given.first + given.calls):
            chance = random.Random(f"{given.seed}/{number}")
            if given.stored:
                kind, (what, fault) = "changed", agents.try_one(chance)
            else:
                tried = place.try_one(chance)
                kind, what, fault = "refused" if tried.is_refused else "taken", tried.what, tried.fault
                if number % CLEARED_EVERY == CLEARED_EVERY - 1:
                    place.clear()
            counts[kind] += 1
            if fault:
                counts["wrong"] += 1
                how = "--stored " if given.stored else ""
                print(f"{how}--seed {given.seed} --first {number} --calls 1: {what}: {fault}", flush=True)
            if number % TOLD_EVERY == TOLD_EVERY - 1:
                print(f"{number + 1} calls, {time.monotonic() - began_s:.0f} s, {dict(counts)}", file=sys.stderr)
    print(f"seed {given.seed}, {given.calls} calls in {time.monotonic() - began_s:.0f} s: {dict(counts)}")
    sys.exit(bool(counts["wrong"]))


main()
