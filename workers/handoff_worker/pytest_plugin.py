"""The pytest plugin: inert until a test asks for its fixture, for pytest loads it wherever Handoff is installed.

It stands on this side because a module of `handoff` would bring all of that into every test run, which takes 0.3 s.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from handoff.testing.agents import ClusterOfAgents
    from handoff.testing.here import ClusterHere
    from handoff.words.resources import Number

MARKER = "handoff"

OPTION = "--handoff-agents"

OF_NODES = ("labels", "device_memory")
"""Settings that are about the nodes of the same marker."""


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
        f"{MARKER}(nodes=..., agents=..., **options): what handoff_cluster is made with, as handoff.testing.cluster "
        "takes it; agents=True: on a real server, with real agents; agents=False: never so",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Of a wait for what cannot come show the line of the test that waits, and not how that is done."""
    waits = sys.modules.get("handoff.testing.waits")
    if call.excinfo is None or waits is None or item.config.getoption("fulltrace"):
        return
    if isinstance(call.excinfo.value, waits.NothingRuns):
        _end_before_ours(call.excinfo.tb)


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
    the default cluster, too. With `--handoff-agents`, or the marker's `agents=True`, it has real agents; with
    `agents=False` never.
    """
    from handoff.errors import HandoffError
    from handoff.testing.here import cluster
    from handoff.testing.settings import check_settings

    options = {"nodes": handoff_nodes, **_marked(request.node)}
    has_agents = options.pop("agents", request.config.getoption(OPTION))
    try:
        check_settings(options)
    except (TypeError, ValueError, HandoffError) as error:
        pytest.fail(f"marker {MARKER}: {error}", pytrace=False)
    if has_agents:
        from handoff.testing.agents import cluster_of_agents

        with cluster_of_agents(**options, refuse=pytest.skip) as real:
            yield real
        return
    with cluster(**options) as made:
        yield made


def _marked(node: pytest.Item) -> dict[str, Any]:
    """What the markers of a test say together: each keyword by the nearest that has it."""
    options: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers(MARKER))):
        if marker.args:
            pytest.fail(f"marker {MARKER}: settings have names: write {MARKER}(nodes={{...}})", pytrace=False)
        if "nodes" in marker.kwargs:
            options = {name: value for name, value in options.items() if name not in OF_NODES}
        options |= marker.kwargs
    return options


def _end_before_ours(traceback: TracebackType | None) -> None:
    """Cut off what is below the first line that calls us."""
    while traceback is not None and traceback.tb_next is not None:
        if _is_ours(traceback.tb_next) and not _is_ours(traceback):
            traceback.tb_next = None
        traceback = traceback.tb_next


def _is_ours(traceback: TracebackType) -> bool:
    return str(traceback.tb_frame.f_globals.get("__name__")).partition(".")[0] in ("handoff", "handoff_worker")
