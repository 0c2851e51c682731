"""`scripts/fuzz`: as many calls as wanted, each of its own random number, so that any of them can be made again."""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings
from collections import Counter

import redis

from handoff.local.server import RedisServer
from support.fuzz.calls import Place

CLEARED_EVERY = 500
"""Calls after which all is thrown away that they have left."""

TOLD_EVERY = 20_000


def main() -> None:
    """Make the calls, and print each that went wrong; exit code 1 if any did."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="whatever is random comes of it  [0]")
    parser.add_argument("--calls", type=int, default=10_000, help="how many  [10000]")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first: to see one again")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    began_s = time.monotonic()
    counts: Counter[str] = Counter()
    with RedisServer() as server, redis.Redis.from_url(server.url) as connection:
        place = Place(connection)
        for number in range(given.first, given.first + given.calls):
            tried = place.try_one(random.Random(f"{given.seed}/{number}"))
            counts["refused" if tried.is_refused else "taken"] += 1
            if tried.fault:
                counts["wrong"] += 1
                print(f"--seed {given.seed} --first {number} --calls 1: {tried.what}: {tried.fault}", flush=True)
            if number % CLEARED_EVERY == CLEARED_EVERY - 1:
                place.clear()
            if number % TOLD_EVERY == TOLD_EVERY - 1:
                print(f"{number + 1} calls, {time.monotonic() - began_s:.0f} s, {dict(counts)}", file=sys.stderr)
    print(f"seed {given.seed}, {given.calls} calls in {time.monotonic() - began_s:.0f} s: {dict(counts)}")
    sys.exit(bool(counts["wrong"]))


main()
