"""Agents on hosts, started as the unit of systemd starts them: by its command, with a file of what the node offers."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from support.agent_processes import Agents
from support.deadlines import LEASE_S
from support.hosts.network import Network

UNIT = Path(__file__).parents[3] / "workers" / "handoff-node.service"

OFFERS = {
    "a": "cpu = 2\nmemory = 1000\ngpu = 0\n",
    "b": "cpu = 2\nmemory = 1000\ngpu = [0, 1]\n[labels]\nzone = 'far'\n",
    "c": "cpu = 1\nmemory = 1000\ngpu = 0\n[resources]\nlicence = 1\n",
}


def start(agents: Agents, network: Network, folder: Path, *names: str, lease: float = LEASE_S) -> None:
    """Start agents, each on its host, and wait until they have registered."""
    for name in names:
        settings = folder / f"{name}.toml"
        settings.write_text(f"name = '{name}'\nlease = {lease}\n{OFFERS[name]}")
        agents.start_by(name, [*network[name].command, *command_of_unit(settings)])


def command_of_unit(settings: Path) -> list[str]:
    """What the unit starts, with the program of this environment and settings of the test's own."""
    [started] = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    program, *arguments = shlex.split(started)
    given = [str(settings) if each.endswith(".toml") else each for each in arguments]
    assert str(settings) in given
    return [str(Path(sys.executable).with_name(Path(program).name)), *given]
