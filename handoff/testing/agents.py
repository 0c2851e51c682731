"""The same on a real server with a real agent for each node: what a cluster in the test's process leaves out."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import redis

from handoff.errors import UnknownNode
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import read_nodes
from handoff.ledger.store import Store, own_client
from handoff.ledger.texts.reservation import job_of
from handoff.local.cluster import LocalCluster
from handoff.local.term import raised_at_term
from handoff.testing.asking import Asking
from handoff.testing.settings import NODES
from handoff.testing.store import StoreOfAgents
from handoff.words.capabilities import DeviceMemory
from handoff.words.code import Code
from handoff.words.resources import SLOTS, Number

LEASE_S = 1.0

WAIT_S = 0.2
"""Longest wait for an event between two looks."""


class OnlyHere(RuntimeError):
    """A cluster within the process of the test can do it, and no other."""


def _raise(what: str) -> NoReturn:
    raise OnlyHere(f"only a cluster in the test's process can do it: {what}")


@contextlib.contextmanager
def cluster_of_agents(
    nodes: Mapping[str, Mapping[str, Number | Sequence[int]]] | None = None,
    *,
    labels: Mapping[str, Mapping[str, str]] | None = None,
    device_memory: Mapping[str, DeviceMemory] | None = None,
    refuse: Callable[[str], NoReturn] = _raise,
    **options: Any,
) -> Iterator[ClusterOfAgents]:
    """A cluster as `handoff.testing.cluster` makes one, of a private Redis server and one agent process per node.

    `refuse` is told what was asked of it that it cannot do, and does not return; by default it raises `OnlyHere`.
    """
    of_agents = {name: options[name] for name in ("namespace", "serializer") if name in options}
    local = LocalCluster(
        NODES if nodes is None else nodes, labels=labels, device_memory=device_memory, lease=LEASE_S, **of_agents
    )
    with raised_at_term(_interrupt), local:
        made = ClusterOfAgents(local, refuse, **options)
        with made, made.reached_by_default():
            yield made


def _interrupt(number: int) -> KeyboardInterrupt:
    """End the run of all tests, as Ctrl-C does: the `SystemExit` of `LocalCluster` is one test's failure to pytest."""
    return KeyboardInterrupt(signal.Signals(number).name)


class ClusterOfAgents(Asking):
    """A `Cluster` on real agents with what tests ask of it, as far as that is to be had.

    Functions start by themselves, several at a time, and with their limits of time.
    """

    def __init__(self, local: LocalCluster, refuse: Callable[[str], NoReturn], **options: Any) -> None:
        super().__init__(local.server.url, **options)
        self._local, self._refuse = local, refuse
        self._last = b"0-0"  #: event that was heard of

    def _open(self, client: redis.Redis, namespace: str, timeout_s: float) -> Store:
        return StoreOfAgents(client, namespace, timeout_s)

    def open(self, namespace: str, timeout_s: float) -> Store:
        """What a cluster asks by that is made in the test without an address."""
        return StoreOfAgents(own_client(self.connection, None, timeout_s), namespace, timeout_s)

    def run_all(self, raise_first: bool = False) -> int:
        """Wait until nothing runs and nothing is about to. -> how many attempts were begun since the last time

        With `raise_first` the first failure for good is raised, as `Handle.result` raises it.
        """
        begun, ended = 0, []
        is_busy = True
        while is_busy:
            # What is queued or runs has a slot, and claims have none.
            is_busy = any(node.used.get(SLOTS) for node in read_nodes(self.store))
            for event in self._hear(WAIT_S if is_busy else None):
                begun += event["event"] == "started"
                ended += [job_of(event["id"])] if event["event"] == "released" else []
        for handle in map(self.handle, ended if raise_first else ()):
            if handle.status == "failed":
                handle.result()
        return begun

    def lose_node(self, name: str) -> None:
        """Kill the agent of a node, with all that it runs, and wait until its lease is over. Raises `UnknownNode`."""
        agent = self._local.agents.get(name)
        if agent is None:
            raise UnknownNode(name)
        agent.kill()
        agent.wait()
        last = self._last
        while any(node.live for node in read_nodes(self.store, name)):
            tick(self.store)
            for id, _ in self.events(last, block_s=WAIT_S):
                last = id

    def run_next(self) -> NoReturn:
        """Not to be had: functions start by themselves."""
        self._refuse("run_next: agents start functions by themselves, several at a time")

    def advance(self, seconds: float) -> NoReturn:
        """Not to be had: agents live by the clock."""
        self._refuse("advance: agents live by the clock")

    def advance_to_next(self) -> NoReturn:
        """Not to be had: agents live by the clock."""
        self._refuse("advance_to_next: agents live by the clock")

    def fail_next(self, fn: Code, error: BaseException | type[BaseException], times: int = 1) -> NoReturn:
        """Not to be had: functions run in other processes."""
        self._refuse("fail_next: functions run in other processes")

    def add_node(self, name: str, capabilities: Mapping[str, Number | Sequence[int]], **given: Any) -> NoReturn:
        """Not to be had: agents are started with the cluster."""
        self._refuse("add_node: agents are started with the cluster")

    def _hear(self, wait_s: float | None) -> Iterator[dict[str, str]]:
        while found := self.events(self._last, block_s=wait_s):
            self._last, wait_s = found[-1][0], None
            yield from (event for _, event in found)
