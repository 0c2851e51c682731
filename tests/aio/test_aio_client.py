"""The asyncio client is the other one, awaited: the same calls, and what is particular to event loops."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import subprocess
import sys
import threading
import warnings

import fakeredis
import pytest

import handoff
import handoff.aio
from handoff.client.cluster import Cluster
from handoff.errors import DuplicateFunction, StoreUnavailable
from handoff.graph.dag import DAG
from handoff.ledger import asking, loop_warning
from handoff.ledger.forms import Forms
from handoff.local.server import RedisServer
from handoff.words.function import Function
from support.connections import NODE
from support.link import Link
from support.waiting import LIMIT_S

PAIRS = [
    (handoff.Cluster, handoff.aio.Cluster),
    (handoff.Handle, handoff.aio.Handle),
    (handoff.RunHandle, handoff.aio.RunHandle),
]

OF_THREADS = {"beside", "job", "store", "calls"}
"""What only the other client has: rq's job, which knows no asyncio, and what is not for users."""


@pytest.mark.parametrize(("by_thread", "by_loop"), PAIRS, ids=lambda pair: pair.__name__)
def test_it_has_each_call_of_the_other_one_with_the_same_arguments(by_thread: type, by_loop: type) -> None:
    def calls(of: type) -> dict[str, object]:
        named = {name: getattr(of, name) for name in dir(of) if not name.startswith("_") and name not in OF_THREADS}
        return {
            name: [each.replace(annotation="") for each in inspect.signature(call).parameters.values()]
            for name, call in named.items()
            if inspect.isfunction(call)
        }

    theirs, ours = calls(by_thread), calls(by_loop)
    of_handles = {name for name in dir(by_thread) if isinstance(getattr(by_thread, name), property)}

    assert {name: ours.get(name) for name in theirs} == theirs
    assert of_handles - OF_THREADS <= set(dir(by_loop))


def test_whoever_does_not_ask_for_it_does_not_import_it() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, handoff; print([name for name in sys.modules if 'handoff' in name])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert ".aio" not in told


def test_who_imports_it_imports_nothing_of_the_worker_side() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, handoff.aio; print([name for name in sys.modules if 'handoff' in name])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "handoff.aio" in told
    assert "handoff_worker" not in told


def test_one_cluster_serves_one_event_loop_after_the_other(server: RedisServer, beside: Cluster) -> None:
    cluster = handoff.aio.Cluster(server.url, namespace=beside.namespace)

    async def main() -> str:
        handle = await cluster.enqueue("tasks:work", node="static")
        try:
            return await handle.status()
        finally:
            await cluster.close()

    assert [asyncio.run(main()) for _ in range(2)] == ["queued", "queued"]


def test_it_takes_the_settings_of_a_connection_of_either_kind(server: RedisServer, beside: Cluster) -> None:
    async def main() -> None:
        made = fakeredis.FakeAsyncRedis()
        for given in (beside.connection, made):
            async with handoff.aio.Cluster(connection=given) as cluster:
                await cluster.register_node("a", NODE)
                assert await cluster.discover_nodes() == {"a": NODE}

    with pytest.raises(TypeError, match=r"give a redis\.asyncio\.Redis or a redis\.Redis, or a url"):
        handoff.aio.Cluster(connection="redis://x")  # type: ignore[arg-type]
    asyncio.run(main())
    assert handoff.aio.Cluster(connection=beside.connection).url == beside.url


def test_a_server_that_is_not_there_is_told_within_the_timeout_in_the_same_words() -> None:
    async def main() -> str:
        async with handoff.aio.Cluster("redis://127.0.0.1:1/0", timeout=0.2) as cluster:
            with pytest.raises(StoreUnavailable) as told:
                await cluster.enqueue("tasks:work")
            return str(told.value)

    with (
        handoff.Cluster("redis://127.0.0.1:1/0", timeout=0.2) as cluster,
        pytest.raises(StoreUnavailable) as told,
    ):
        cluster.enqueue("tasks:work")

    assert asyncio.run(main()) == str(told.value)


def test_a_call_on_a_connection_that_has_died_silently_is_answered_on_a_fresh_one(
    server: RedisServer, beside: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "REUSED_S", 0.2)

    async def main() -> None:
        with Link(server.port) as link:
            async with handoff.aio.Cluster(link.url(server.url), namespace=beside.namespace) as cluster:
                handle = await cluster.enqueue("tasks:work", node="static")
                before = link.connections
                link.silence()

                assert await handle.status() == "queued"
                assert link.connections == before + 1

    asyncio.run(main())


def test_what_is_called_is_made_off_the_event_loop(
    server: RedisServer, beside: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_in: list[int] = []
    make = Forms.make

    def note(forms: Forms) -> None:
        made_in.append(threading.get_ident())
        make(forms)

    monkeypatch.setattr(Forms, "make", note)

    async def main() -> None:
        async with handoff.aio.Cluster(server.url, namespace=beside.namespace) as cluster:
            await cluster.discover_nodes()
            await cluster.enqueue("tasks:work")
        assert len(made_in) == 1
        assert made_in[0] != threading.get_ident()

    asyncio.run(main())


def test_a_submit_that_is_canceled_is_asked_again_by_its_id(server: RedisServer, beside: Cluster) -> None:
    async def main() -> None:
        async with handoff.aio.Cluster(server.url, namespace=beside.namespace) as cluster:
            await cluster.discover_nodes()
            for step in range(8):
                first = asyncio.create_task(cluster.enqueue("tasks:work", job_id=f"job{step}"))
                for _ in range(step):
                    await asyncio.sleep(0)
                first.cancel()
                await asyncio.wait({first})
                with contextlib.suppress(DuplicateFunction):
                    await cluster.enqueue("tasks:work", job_id=f"job{step}")

                assert await (await cluster.handle(f"job{step}")).status() in ("queued", "waiting")

    asyncio.run(main())


def test_an_attached_run_is_attended_until_it_has_ended(server: RedisServer, beside: Cluster) -> None:
    async def main() -> None:
        async with handoff.aio.Cluster(server.url, namespace=beside.namespace) as cluster:
            dag = DAG("attached").add(Function("f", "tasks:work", node="static"))
            run = await cluster.submit_dag(dag, attached=True)
            [attending] = [task for task in asyncio.all_tasks() if task.get_name().startswith("handoff-attend")]
            assert await (await run.handle("f")).status() == "queued"

            assert await run.cancel()
            assert await run.wait(LIMIT_S) == "canceled"
            await asyncio.wait({attending}, timeout=LIMIT_S)
            assert attending.done()

    asyncio.run(main())


def test_a_cluster_of_the_other_kind_warns_once_in_an_event_loop(
    server: RedisServer, beside: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_warning, "_told", set())

    async def main() -> None:
        beside.discover_nodes()
        beside.enqueue("tasks:work")

    beside.discover_nodes()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(main())

    assert [(each.category, each.filename) for each in told] == [(RuntimeWarning, __file__)]
    assert "use handoff.aio.Cluster" in str(told[0].message)
