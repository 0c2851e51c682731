"""The fixture's asyncio client: the same cluster, awaited, whose functions run off the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

import handoff.testing
from handoff.errors import FunctionFailed
from handoff.testing import ClusterHere, NothingRuns
from handoff.words.function import Function
from support.waiting import LIMIT_S


def where(*_: object) -> int:
    """In which thread it runs."""
    return threading.get_ident()


def fail() -> None:
    raise ValueError("no")


def test_what_it_submits_is_there_for_the_test_and_the_other_way_round(handoff_cluster: ClusterHere) -> None:
    async def main() -> None:
        here = handoff_cluster.aio
        ours, theirs = await here.enqueue(where, 1), handoff_cluster.enqueue(where, 2)
        assert (await ours.status(), await (await here.handle(theirs.id)).status()) == ("queued", "queued")
        handoff_cluster.assert_enqueued(where, count=2)

        assert await here.run_all() == 2
        assert await ours.status() == theirs.status == "finished"
        await here.close()

    asyncio.run(main())
    handoff_cluster.assert_clean()


def test_functions_run_off_the_event_loop_and_who_waits_has_them_run(handoff_cluster: ClusterHere) -> None:
    async def main() -> None:
        async with handoff_cluster.aio as here:
            handles = await here.submit_many([Function(f"f{n}", where) for n in range(20)])
            threads = await asyncio.gather(*(handle.result(timeout=LIMIT_S) for handle in handles))
            assert threading.get_ident() not in threads

            await here.enqueue(where)
            ran = await here.run_next()
            assert ran is not None
            assert await ran.status() == "finished"
            assert await here.run_next() is None

    asyncio.run(main())


def test_what_cannot_run_is_told_to_who_waits_and_runs_when_time_has_passed(handoff_cluster: ClusterHere) -> None:
    async def main() -> None:
        async with handoff_cluster.aio as here:
            handle = await here.enqueue(where, delay=60)
            with pytest.raises(NothingRuns):
                await handle.result(timeout=LIMIT_S)
            handoff_cluster.advance(60)

            assert await handle.result(timeout=LIMIT_S) > 0

    asyncio.run(main())


def test_the_first_failure_is_raised_where_that_is_asked_for(handoff_cluster: ClusterHere) -> None:
    async def main() -> None:
        async with handoff_cluster.aio as here:
            handle = await here.enqueue(fail)
            with pytest.raises(ValueError, match="no"):
                await here.run_all(raise_first=True)
            with pytest.raises(FunctionFailed):
                await handle.result()

    asyncio.run(main())


def test_it_takes_the_options_of_the_cluster() -> None:
    async def main() -> str:
        async with cluster.aio as here:
            handle = await here.enqueue(where)
            assert handle.verdict is not None
            return handle.verdict.state

    with handoff.testing.cluster(default_cost={"cpu": 5}, namespace="other") as cluster:
        assert asyncio.run(main()) == "infeasible"
