"""How much of a real GPU cluster first fit fills: the protocol of `support.atc23` through the tracker on Redis."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from handoff.books.reservation import ResourceTracker
from handoff.books.simple import SimpleResourceTracker
from handoff.client.cluster import Cluster
from handoff.errors import ResourcesUnavailable
from handoff.local.server import RedisServer
from handoff.words.function import Function
from support.atc23 import Decision, Devices, DoesNotFit, Node, Protocol, Request, find_trace, how_to_get_it

SEED = 42

MOST_UNALLOCATED = 0.056
"""First fit with the tightest device for shares leaves 5.3 % of this seed; the published policies leave 4.6 to 12.5."""

NODES_COMPARED = 150
"""Few enough that they fill up, and that the tracker in plain Python, which copies all books, takes a second or two."""

REQUESTS_COMPARED = 1_500


@pytest.fixture(scope="module")
def trace() -> Path:
    found = find_trace()
    if found is None:
        pytest.skip(how_to_get_it())
    return found


@pytest.fixture
def cluster(server: RedisServer) -> Iterator[Cluster]:
    with Cluster(server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        yield cluster


def register(tracker: ResourceTracker, nodes: Iterable[Node]) -> None:
    for node in nodes:
        tracker.register_node(node.name, node.capabilities())


def decide(tracker: ResourceTracker, request: Request) -> Decision:
    """Ask a tracker for one request."""
    try:
        claimed = tracker.allocate_and_claim([Function("f", "os:getpid", cost=request.cost())])
    except ResourcesUnavailable:
        return None
    return claimed["f"].node, claimed["f"].devices.get("gpu", [])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_at_most_5_6_percent_of_the_gpus_stay_unallocated_and_every_placement_fits_real_devices(
    cluster: Cluster, trace: Path
) -> None:
    protocol = Protocol(trace, SEED)
    register(cluster.tracker, protocol.nodes)

    unallocated = protocol.run(lambda request: decide(cluster.tracker, request))

    assert unallocated.offered > 10_000
    assert 0 < unallocated.at_130 <= MOST_UNALLOCATED


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_decision_is_first_fit_on_the_real_devices(cluster: Cluster, trace: Path) -> None:
    protocol = Protocol(trace, SEED)
    register(cluster.tracker, protocol.nodes)
    real = Devices(protocol.nodes)
    expected: list[Decision] = []
    decided: list[Decision] = []

    def compare(request: Request) -> Decision:
        expected.append(real.first_fit(request))
        decided.append(decide(cluster.tracker, request))
        if expected[-1] is not None:
            real.take(request, *expected[-1])
        return decided[-1]

    protocol.run(compare)

    assert decided == expected


@pytest.mark.slow
def test_the_tracker_in_plain_python_decides_the_same(cluster: Cluster, trace: Path) -> None:
    protocol = Protocol(trace, SEED)
    nodes = protocol.nodes[:NODES_COMPARED]
    plain = SimpleResourceTracker()
    register(cluster.tracker, nodes)
    register(plain, nodes)
    requests = list(islice(protocol.requests(), REQUESTS_COMPARED))

    by_scripts = [decide(cluster.tracker, request) for request in requests]
    by_python = [decide(plain, request) for request in requests]

    assert 100 < by_scripts.count(None) < REQUESTS_COMPARED - 100
    assert by_python == by_scripts


def test_a_placement_that_real_devices_cannot_take_is_noticed() -> None:
    devices = Devices([Node("a", cpu_milli=8_000, memory_mib=1_000, gpus=2)])
    devices.take(Request(cpu_milli=1_000, memory_mib=10, gpus=1, gpu_milli=600), "a", [1])

    with pytest.raises(DoesNotFit, match="leaves a with"):
        devices.take(Request(cpu_milli=1_000, memory_mib=10, gpus=1, gpu_milli=500), "a", [1])
    with pytest.raises(DoesNotFit, match="was given devices"):
        devices.take(Request(cpu_milli=1_000, memory_mib=10, gpus=2, gpu_milli=1_000), "a", [0, 0])
