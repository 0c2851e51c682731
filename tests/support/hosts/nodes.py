"""Agents on hosts, started as the unit of systemd starts them: by a file that says what the node offers."""

from __future__ import annotations

from pathlib import Path

from support.agent_processes import Agents
from support.deadlines import LEASE_S
from support.hosts.network import Network

OFFERS = {
    "a": "cpu = 2\ngpu = 0\n",
    "b": "cpu = 2\ngpu = [0, 1]\n[labels]\nzone = 'far'\n",
    "c": "cpu = 1\ngpu = 0\n[resources]\nlicence = 1\n",
}


def start(agents: Agents, network: Network, folder: Path, *names: str, lease: float = LEASE_S) -> None:
    """Start agents, each on its host, and wait until they have registered."""
    for name in names:
        settings = folder / f"{name}.toml"
        settings.write_text(OFFERS[name])
        agents.start(name, "--config", str(settings), within=network[name].command, lease=lease)
