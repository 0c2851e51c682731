"""What all tests share: the kinds of servers, a namespace of one's own, and the check of the books after each test."""

from __future__ import annotations

import gc
import os
import random
import signal
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from handoff.client.cluster import Cluster
from handoff.ledger.store import Store
from handoff.local.program import NoServer
from handoff.local.server import RedisServer
from support.books import check_books
from support.kinds import KINDS, connect, kind_of, runs_on
from support.loops import driven
from support.quick_scripts import compile_scripts_once
from support.tiers import is_slow
from support.users import ONLY_SCRIPTS, add_user

TESTS = Path(__file__).parent

# A busy machine is slow at any example, and finds no fewer faults for that.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For the figure of coverage of scripts/check: quick, and the same each time.
settings.register_profile("few examples", settings.get_profile("any machine"), max_examples=10, derandomize=True)
settings.load_profile("any machine")


compile_scripts_once()

# Tests pretend gpus: they are to do so where gpus are hidden from them too.
os.environ.pop("CUDA_VISIBLE_DEVICES", None)


# Tests that are started in the background of a shell would ignore Ctrl-C, and with them every process that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Let no look for garbage walk over tens of thousands of tests, while they are made or later."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Each process reads files in an order of its own: of a fresh clone each would compile all of them otherwise."""
    report = yield
    if isinstance(collector, pytest.Directory):
        random.Random(os.environ.get("PYTEST_XDIST_WORKER")).shuffle(report.result)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Leave to the slow tier what is of it; what may take long begins first.

    At the end the longest would run alone.
    """
    items.sort(key=lambda item: item.nodeid.partition("::")[0])
    kept = []
    for item in items:
        given = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        kind, path = kind_of(given), path_of(item)
        if is_slow(kind, path):
            item.add_marker(pytest.mark.slow)
        reaches_in = kind == "loop" and "monkeypatch" in getattr(item, "fixturenames", ())
        if not kind or _names_its_server(item) or (runs_on(kind, path, item.name) and not reaches_in):
            kept.append(item)
    items[:] = kept
    yield
    items.sort(key=_limit_s, reverse=True)


def path_of(item: pytest.Item) -> str:
    """Where a test stands below this folder."""
    return item.path.relative_to(TESTS).as_posix()


def _names_its_server(item: pytest.Item) -> bool:
    """Whether it says itself on which kinds it runs."""
    return any(
        "connection" in marker.args[0] or "database" in marker.args[0] for marker in item.iter_markers("parametrize")
    )


def _limit_s(item: pytest.Item) -> float:
    """How long it may take, where it says so itself."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


@pytest.fixture(scope="session")
def server() -> Iterator[RedisServer]:
    """One real Redis server for the whole run."""
    try:
        server = RedisServer().start()
    except NoServer as error:
        if os.environ.get("HANDOFF_REQUIRE_REDIS"):
            raise
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def by_scripts(server: RedisServer) -> str:
    """The address of the real server for a user who may not call functions."""
    return add_user(server, *ONLY_SCRIPTS)


@pytest.fixture(params=KINDS)
def connection(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A connection to a server of each kind, which has nothing yet: the contract holds on all.

    What other tests have left would be walked over by each look at all of the books.
    """
    yield from connect(request, path_of(request.node))


@pytest.fixture
def cluster(request: pytest.FixtureRequest, connection: redis.Redis) -> Iterator[Cluster]:
    """A cluster in a namespace of its own; afterwards its books must balance."""
    if kind_of(request.node.callspec.params) == "loop":
        with driven(connection) as by_loop:
            yield by_loop
            check_books(by_loop.store)
        return
    with Cluster(connection=connection, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        yield cluster
        check_books(cluster.store)


@pytest.fixture
def store(cluster: Cluster) -> Store:
    return cluster.store
