"""A cluster of one's own for tests, demos and first tries: a private Redis and one agent process per node.

Starts processes and ends them; knows nothing of what they do.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from handoff.client.cluster import Cluster
from handoff.errors import HandoffError, InvalidNode, shown
from handoff.exits import TERMINATED
from handoff.local.term import raised_at_term
from handoff.serializer import PickleSerializer, resolve
from handoff.words.address import DEFAULT_NAMESPACE
from handoff.words.capabilities import DeviceMemory, parse_capabilities
from handoff.words.constraints import parse_labels
from handoff.words.function import Strategy, check_strategy
from handoff.words.names import check_namespace, check_node_name
from handoff.words.resources import Number, amount
from handoff.words.values import check_flag, is_real
from handoff.words.variants import Cost, parse_variants

if TYPE_CHECKING:
    from handoff.local.server import RedisServer

READY_S = 60.0
"""How long an agent may take to register; it takes about half a second here."""

STOP_S = 2.0
"""How long an agent may take to end its children before it is killed."""


SHORTEST_LEASE_S, LONGEST_LEASE_S = 0.5, 3600

LARGEST_LOG_KB = 1024
"""What an agent takes."""


_ENTRY = re.compile(r"[^\W\d][\w.]*(:[^\W\d][\w.]*)?")


class AgentNotStarted(HandoffError):
    """An agent of a local cluster ended, or stayed silent, before it registered."""

    def __init__(self, node: str, why: str) -> None:
        super().__init__(node, why)
        self.node, self.why = node, why

    def __str__(self) -> str:
        return f"the agent of node {self.node!r} did not start ({self.why}): its output above says more"


class LocalCluster:
    """A private Redis server and one agent per node; the name after `as` is bound to a `Cluster`.

        with LocalCluster(nodes={"a": {"cpu": 2}, "b": {"cpu": 4, "gpu": 2}}) as cluster:
            cluster.enqueue(tasks.add, 1, 2, cost={"gpu": 0.5}).result()

    Capabilities are taken as they are given, whatever this machine has; `labels` and `device_memory` are by node, each
    as `Cluster.register_node` takes them. The caller's `sys.path` is handed to the agents. Everything is on loopback,
    free ports and a private folder, and gone after the block is left, also by an exception, Ctrl-C or SIGTERM. No nodes
    is fine. `lease` is in seconds. `preload` is that of `handoff node`: modules and `module:callable`s.
    So is `log_size`: the kB that are kept of what each attempt prints, 0 = nothing.
    With `enforce` functions are kept to the memory that they have declared, with `enforce_cpu` to the processors.
    """

    def __init__(
        self,
        nodes: Mapping[str, Mapping[str, Number | Sequence[int]]] | None = None,
        *,
        labels: Mapping[str, Mapping[str, str]] | None = None,
        device_memory: Mapping[str, DeviceMemory] | None = None,
        namespace: str = DEFAULT_NAMESPACE,
        default_cost: Cost | None = None,
        serializer: str | None = None,
        strategy: Strategy = "first_available",
        lease: float = 6.0,
        preload: Sequence[str] = (),
        log_size: int = 64,
        enforce: bool = False,
        enforce_cpu: bool = False,
    ) -> None:
        self._nodes, self._labels = _by_node("nodes", nodes), _by_node("labels", labels)
        self._device_memory = _by_node("device_memory", device_memory)
        for name in (*self._labels, *self._device_memory):
            if name not in self._nodes:
                raise InvalidNode(name, "labels and device_memory are for nodes that are given: add it to nodes")
        for name, capabilities in self._nodes.items():
            check_node_name(name)
            parse_capabilities(capabilities, self._device_memory.get(name))
            parse_labels(name, self._labels.get(name))
        self._namespace = check_namespace(namespace)
        parse_variants(default_cost)
        check_strategy(strategy)
        resolve(serializer)
        if not is_real(lease) or not SHORTEST_LEASE_S <= lease <= LONGEST_LEASE_S:
            raise ValueError(f"lease is {shown(lease)}: give {SHORTEST_LEASE_S} to {LONGEST_LEASE_S} seconds")
        self._options: dict[str, Any] = {"default_cost": default_cost, "serializer": serializer, "strategy": strategy}
        self._lease_s, self._preload = lease, _check_preload(preload)
        if type(log_size) is not int or not 0 <= log_size <= LARGEST_LOG_KB:
            raise ValueError(f"log_size is {shown(log_size)}: give a whole number of kB, from 0 to {LARGEST_LOG_KB}")
        self._log_size = log_size
        check_flag("enforce", enforce)
        check_flag("enforce_cpu", enforce_cpu)
        self._enforce, self._enforce_cpu = enforce, enforce_cpu
        self._pickle = resolve(serializer) is PickleSerializer
        self._stack = contextlib.ExitStack()
        self._agents: dict[str, subprocess.Popen[bytes]] = {}
        self._server: RedisServer | None = None

    def __enter__(self) -> Cluster:
        from handoff.local.server import RedisServer

        with contextlib.ExitStack() as stack:
            stack.enter_context(raised_at_term(_exit))
            server = self._server = stack.enter_context(RedisServer())
            cluster = stack.enter_context(Cluster(server.url, namespace=self._namespace, **self._options))
            # Agents end at once when the tether is cut: below, or because this process ends, however it ends.
            watched, tether = os.pipe()
            stack.callback(self._await_end)
            stack.callback(os.close, tether)
            # Agents register as fast as each can; so that the nodes stand in the order given, they come as static ones
            # first, which their agents take over.
            for name, capabilities in self._nodes.items():
                labels, memory = self._labels.get(name), self._device_memory.get(name)
                cluster.register_node(name, capabilities, labels=labels, device_memory=memory)
            try:
                for name in self._nodes:
                    self._agents[name] = self._start_agent(name, server.url, watched)
            finally:
                os.close(watched)
            self._await_agents(cluster)
            self._stack = stack.pop_all()
        return cluster

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"LocalCluster has no {name!r}: the cluster is what stands after `as` in "
            "`with LocalCluster(...) as cluster:`"
        )

    @property
    def server(self) -> RedisServer:
        """The private Redis server."""
        if self._server is None:
            raise RuntimeError("the cluster is not started: use it in a with statement")
        return self._server

    @property
    def agents(self) -> Mapping[str, subprocess.Popen[bytes]]:
        """The agent process of every node, for tests that stop or kill one."""
        return self._agents

    def _start_agent(self, name: str, url: str, watched: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "handoff_worker", "--name", name, "--namespace", self._namespace]
        command += ["--lease", str(self._lease_s), "--tether", str(watched), "--no-probe"]
        command += ["--log-size", str(self._log_size)]
        parsed = parse_capabilities(self._nodes[name], self._device_memory.get(name))
        for resource, units in parsed.sums().items():
            command += ["--resource", f"{resource}={amount(units)}"]
        for resource, indices in parsed.devices.items():
            # Of a number the agent makes the indices, within what its environment hides.
            is_list = isinstance(self._nodes[name][resource], (list, tuple))
            command += ["--resource", f"{resource}={list(indices) if is_list else len(indices)}"]
        for resource, sizes in parsed.memory.items():
            command += ["--device-memory", f"{resource}={[amount(size) for size in sizes]}"]
        for label, value in parse_labels(name, self._labels.get(name)).items():
            command += ["--label", f"{label}={value}"]
        command += [part for entry in self._preload for part in ("--preload", entry)]
        if self._pickle:
            command.append("--allow-pickle")
        if self._enforce:
            command.append("--enforce")
        if self._enforce_cpu:
            command.append("--enforce-cpu")
        environment = {
            **os.environ,
            # The URL holds the server's password, which does not belong on a command line that everybody can read.
            "HANDOFF_REDIS_URL": url,
            "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path),
            "HANDOFF_LOG_LEVEL": os.environ.get("HANDOFF_LOG_LEVEL", "WARNING"),
        }
        # A session of its own: Ctrl-C on the terminal reaches this process alone, which then ends the agents.
        return subprocess.Popen(
            command, env=environment, pass_fds=[watched], stdin=subprocess.DEVNULL, start_new_session=True
        )

    def _await_agents(self, cluster: Cluster) -> None:
        """Follow the event stream until every node has registered."""
        missing = set(self._nodes)
        last = b"0-0"
        deadline_s = time.monotonic() + READY_S
        while missing:
            for name, agent in self._agents.items():
                if agent.poll() is not None:
                    raise AgentNotStarted(name, f"it exited with status {agent.returncode}")
            if time.monotonic() > deadline_s:
                raise AgentNotStarted(min(missing), f"it did not register within {READY_S:.0f} s")
            for id, event in cluster.events(last, block_s=0.2):
                last = id
                if event.get("change") == "registered" and event["kind"] == "leased":
                    missing.discard(event["node"])

    def _await_end(self) -> None:
        deadline_s = time.monotonic() + STOP_S
        for agent in self._agents.values():
            try:
                agent.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                agent.kill()
                agent.wait()


def _exit(number: int) -> SystemExit:
    return SystemExit(TERMINATED)


def _check_preload(entries: Sequence[str]) -> list[str]:
    """Check that it is a list of texts; what these name is for the agents to find."""
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, str) for entry in entries):
        raise TypeError(f"preload is {shown(entries)}: give a list of texts, such as ['django:setup']")
    for entry in entries:
        if not _ENTRY.fullmatch(entry):
            raise ValueError(f"preload has {shown(entry)}: give a module, or module:callable, such as django:setup")
    return list(entries)


def _by_node(name: str, given: Any) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f"{name} is {shown(given)}: give a mapping by node, or None")
    return dict(given or {})
