"""Hosts to try things on: one with Redis, and three unlike nodes, whose wires the commands on stdin bend.

Ends with its input, and with it all that it has started.
"""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path

from handoff import Cluster
from support.agent_processes import Agents
from support.hosts.network import Network, why_not
from support.hosts.nodes import OFFERS, start
from support.hosts.servers import NAMESPACE, server_on, url_at, url_from_others

COMMANDS = """\
  cut NAME            nothing passes any more
  heal NAME           all passes as at first
  late NAME MS        each packet takes so long
  lose NAME PERCENT   of the packets so many are lost
  slow NAME KB        no more than so many kB a second pass"""


def main() -> int:
    if reason := why_not():
        print(f"scripts/hosts: {reason}", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="handoff-hosts-") as folder,
        Network("redis", *OFFERS) as network,
        server_on(network["redis"], Path(folder)) as server,
        Cluster(url_at(server), namespace=NAMESPACE) as cluster,
        Agents(cluster, url_from_others(server, network["redis"]), Path(folder)) as agents,
    ):
        start(agents, network, Path(folder), *OFFERS, lease=15)
        print(f"export HANDOFF_REDIS_URL={shlex.quote(url_at(server))}")
        print(f"nodes {', '.join(OFFERS)} write their logs into {folder}; commands:\n{COMMANDS}", flush=True)
        for line in sys.stdin:
            print(obey(network, line.split()), flush=True)
    return 0


def obey(network: Network, words: list[str]) -> str:
    """Bend a wire. -> what is so now"""
    try:
        wire = network[words[1]].wire
        match words:
            case ["cut", _]:
                wire.is_cut = True
            case ["heal", _]:
                wire.is_cut, wire.late_s, wire.lost, wire.bytes_per_s = False, 0.0, 0.0, 0.0
            case ["late", _, ms]:
                wire.late_s = float(ms) / 1000
            case ["lose", _, percent]:
                wire.lost = float(percent) / 100
            case ["slow", _, kilobytes]:
                wire.bytes_per_s = float(kilobytes) * 1000
            case _:
                return COMMANDS
    except (IndexError, KeyError, ValueError):
        return COMMANDS
    return f"{words[1]}: {wire}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
