"""What there is to be disturbed: two servers, agents on nodes, clients, and a door to Redis for each of them."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil
import redis

from campaign import processes
from campaign.processes import Agent
from campaign.relay import Relay
from campaign.servers import Pair, wait_until
from handoff import Cluster

NAMESPACE = "chaos"

MACHINES: dict[str, dict[str, Any]] = {
    "n1": {"cpu": 2, "gpu": 2, "memory": 1000, "zone": "x"},
    "n2": {"cpu": 1, "gpu": 1, "memory": 500, "zone": "y"},
    "n3": {"cpu": 3, "gpu": 0, "memory": 2000, "zone": "y"},
    "guest": {"cpu": 1, "gpu": 1, "memory": 300, "zone": "x"},
}
"""What nodes have. Guests come and go."""

HOME = ("n1", "n2", "n3")
CLIENTS = ("c1", "c2")

TOKENS = {"license": 2}

GRACE_S = 1.0
GPU_MB = 8000


def machine(node: str) -> dict[str, Any]:
    """What the node of that name has."""
    return MACHINES[node.partition("-")[0]]


@dataclass
class World:
    """Everything that runs. `busy` are names that a fault has in its hands until it is undone."""

    folder: Path
    lease_s: float
    rate: float  #: orders a second, of all clients together
    seed: int
    pair: Pair
    relay: Relay
    cluster: Cluster = field(init=False)  #: of the campaign itself, with a door of its own
    agents: dict[str, Agent] = field(default_factory=dict)
    clients: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    outputs: list[Path] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    touched: dict[str, set[str]] = field(default_factory=dict)  #: jobs that rq's tools were used on, and which
    told_to_end: set[int] = field(default_factory=set)  #: agents that may end
    lives: int = 0

    def __post_init__(self) -> None:
        self.pair.when_moved = self.relay.lead_to
        self.cluster = Cluster(self.url("campaign"), namespace=NAMESPACE)

    @classmethod
    def build(cls, folder: Path, *, lease_s: float, rate: float, seed: int) -> Self:
        pair = Pair(folder)
        return cls(folder, lease_s, rate, seed, pair, Relay(pair.master.port))

    def url(self, name: str) -> str:
        """The address of the master by way of somebody's own door."""
        return self.pair.url(self.relay.door(name))

    def direct(self, seconds: float = 10.0) -> redis.Redis:
        """A client of the master itself."""
        client: redis.Redis = self.pair.master.client(seconds)
        return client

    def begin(self) -> None:
        """Start all that is there in calm times, and wait for it."""
        self.cluster.share(TOKENS)
        for node in HOME:
            self.start_agent(node)
        self.await_nodes()
        for name in CLIENTS:
            self.start_client(name)

    def start_agent(self, node: str) -> None:
        has = machine(node)
        self.lives += 1
        output = self.folder / f"{self.lives:03}.{node}.log"
        self.outputs.append(output)
        arguments = [
            "--name", node, "--namespace", NAMESPACE, "--lease", self.lease_s, "--grace", GRACE_S, "--no-probe",
            "--cpu", has["cpu"], "--memory", has["memory"], "--gpu", has["gpu"], "--slots", 6,
            "--label", f"zone={has['zone']}",
        ]  # fmt: skip
        if has["gpu"]:
            arguments += ["--device-memory", f"gpu={GPU_MB}"]
        variables = {"HANDOFF_REDIS_URL": self.url(node), "HANDOFF_LOG_LEVEL": "INFO"}
        process = processes.start("handoff_worker", arguments, output, variables)
        self.agents[node] = Agent(node, process, output)

    def start_client(self, name: str) -> None:
        self.lives += 1
        life = f"{name}x{self.lives}"
        output = self.folder / f"{self.lives:03}.{name}.log"
        arguments = [
            "--name", life, "--seed", self.seed * 1000 + self.lives, "--rate", self.rate / len(CLIENTS),
            "--namespace", NAMESPACE, "--folder", self.folder,
        ]  # fmt: skip
        self.clients[name] = processes.start("campaign.load", arguments, output, {"HANDOFF_REDIS_URL": self.url(name)})

    def free_agents(self) -> list[Agent]:
        """Those that no fault has in its hands, in an order that does not depend on time."""
        return [self.agents[node] for node in sorted(self.agents) if node not in self.busy]

    def tend(self) -> list[str]:
        """Start again what has ended by itself, as a host does. -> what nobody has told to"""
        strange = []
        for agent in self.free_agents():
            if not agent.is_there:
                if agent.process.pid not in self.told_to_end:
                    strange.append(f"{agent.output.name} ended by itself with {agent.process.returncode}")
                if agent.node in HOME:
                    self.start_agent(agent.node)
                else:
                    del self.agents[agent.node]
        for name, client in self.clients.items():
            if name not in self.busy and client.poll() is not None:
                strange.append(f"client {name} ended by itself with {client.returncode}")
                self.start_client(name)
        return strange

    def await_nodes(self) -> None:
        """Wait until every node at home serves."""

        def serve() -> bool:
            self.tend()
            with contextlib.suppress(Exception):
                return self.cluster.discover_nodes().keys() >= {*HOME}
            return False

        wait_until(serve, "all nodes serve")

    def stop_clients(self) -> None:
        """Let nobody submit any more."""
        for client in self.clients.values():
            client.kill()
            client.wait()
        self.clients.clear()

    def close(self) -> None:
        """End all that was started."""
        self.stop_clients()
        families: list[psutil.Process] = []
        for agent in self.agents.values():
            processes.send(signal.SIGSTOP, agent.family()[:1])
            families += agent.family()
        processes.end(families)
        for agent in self.agents.values():
            agent.process.wait()
        self.cluster.close()
        self.relay.close()
        self.pair.stop()

    def now_ms(self) -> int:
        """As the server tells it, which is on this machine."""
        return round(time.time() * 1000)
