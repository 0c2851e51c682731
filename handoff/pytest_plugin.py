"""The pytest plugin: inert until a test asks for its fixture, for pytest loads it wherever Handoff is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from handoff.testing.agents import ClusterOfAgents
    from handoff.testing.here import ClusterHere
    from handoff.words.resources import Number

MARKER = "handoff"

OPTION = "--handoff-agents"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("handoff").addoption(
        OPTION,
        action="store_true",
        help="run what uses handoff_cluster on a real Redis server, with an agent process for each node",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(nodes=..., agents=False, **options): what handoff_cluster is made with, as handoff.testing.cluster "
        "takes it; agents=True: on a real server, with real agents",
    )


@pytest.fixture
def handoff_nodes() -> Mapping[str, Mapping[str, Number | Sequence[int]]] | None:
    """The nodes of `handoff_cluster`, for whoever overrides it; None: one of 4 cores and 16,000 MB."""
    return None


@pytest.fixture
def handoff_cluster(
    request: pytest.FixtureRequest, handoff_nodes: Mapping[str, Mapping[str, Number | Sequence[int]]] | None
) -> Iterator[ClusterHere | ClusterOfAgents]:
    """A cluster of the test's own, on fakeredis, whose functions run in the test's process when it says so.

    Its nodes are those of the marker `handoff(nodes=...)`, else of the fixture `handoff_nodes`. Inside the test it is
    the default cluster, too. With `--handoff-agents`, or the marker's `agents=True`, it has real agents.
    """
    from handoff.testing.here import cluster

    marker = request.node.get_closest_marker(MARKER)
    options: dict[str, Any] = {"nodes": handoff_nodes, **(marker.kwargs if marker else {})}
    if options.pop("agents", False) or request.config.getoption(OPTION):
        from handoff.testing.agents import cluster_of_agents

        with cluster_of_agents(**options, refuse=pytest.skip) as real:
            yield real
        return
    with cluster(**options) as made:
        yield made
