"""What is left of a run when it has ended, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.run_handle import RunHandle
from handoff.errors import UnknownRun
from handoff.words.function import Collocated
from support.expiry import FOR_EVER, Expiry
from support.graphs import Site, chain, function
from support.passing import pass_ms
from support.runs import run_to_the_end, wide
from support.waiting import LIMIT_S


def keys_of(site: Site, run: RunHandle) -> list[bytes]:
    """All keys of a run, on the whole server, but for the word that is left of it for lost replies."""
    instance = run.handle("f1").id.partition("-")[0]
    patterns = (f"*{instance}*", f"*run_of:{run.id}")
    found = [key for pattern in patterns for key in site.store.client.scan_iter(match=pattern, count=1000)]
    return [key for key in found if b":gone:" not in key]


def test_all_that_a_run_leaves_expires_together(site: Site) -> None:
    site.node("a", cpu=99)
    expiry = Expiry(site.store.client)
    run = wide(site, 98, *chain(2), function("x", "f2", node=Collocated("f2")), result_ttl=300)
    run_to_the_end(site)
    site.housekeep()

    keys = keys_of(site, run)

    # A job and a result of each, dependencies of two; the run, what it looks like, its end, and whose newest it is.
    assert len(keys) == 101 + 101 + 2 + 4
    expiry.check(300, keys)


def test_what_is_told_later_than_the_rest_when_it_expires_has_less_time_left(site: Site) -> None:
    site.node("a", cpu=200)
    expiry = Expiry(site.store.client)
    run = wide(site, 150, function("f1"), result_ttl=300)
    assert run.status == "finished"

    pass_ms(site.store, 100_000)
    for agent in site.agents.values():
        agent.register()
    site.housekeep()

    assert set(expiry.kept_for(keys_of(site, run), [300, 200]).values()) == {300, 200}


def test_nothing_of_a_run_expires_before_it_has_ended(site: Site) -> None:
    site.node("a", cpu=1)
    expiry = Expiry(site.store.client)
    run = site.submit(*chain(2), result_ttl=1, failure_ttl=1)
    site.take()
    site.finish("f1")
    site.pass_time(60)

    expiry.check(FOR_EVER, keys_of(site, run))


@pytest.mark.parametrize("ending", ["finished", "failed", "canceled", "skipped"])
def test_of_a_run_that_is_not_kept_nothing_is_left_at_all(site: Site, ending: str) -> None:
    site.node("a", cpu=99)
    before = site.traces()
    options: dict[str, Any] = {"failed": {}, "skipped": {"fail_fast": False}}.get(ending, {})
    run = site.submit(
        *chain(2), *(function(f"w{i}", "f2") for i in range(60)), function("x"),
        function("y", "x", node=Collocated("x")), function("z", delay=20, wait_ttl=9), result_ttl=0,
        failure_ttl=0, max_retries=0, max_concurrency=70, timeout=9999, **options,
    )  # fmt: skip
    site.take()

    if ending in ("failed", "skipped"):
        site.fail("f1")
    elif ending == "canceled":
        run.cancel()
    site.obey()
    for _ in range(4):
        site.finish(*site.running())
        site.pass_time(10)
        site.take()
    site.housekeep()

    site.assert_traces(before)
    with pytest.raises(UnknownRun):
        _ = run.status
    with pytest.raises(UnknownRun):
        run.result(LIMIT_S)


def test_a_run_is_kept_by_how_it_ended(site: Site) -> None:
    site.node("a", cpu=1)
    expiry = Expiry(site.store.client)
    good = site.submit(*chain(2), result_ttl=100, failure_ttl=900)
    run_to_the_end(site)
    bad = site.submit(*chain(2), result_ttl=100, failure_ttl=900, max_retries=0)
    site.take()
    site.finish("f1")
    site.take()
    site.fail("f2")
    kept = site.submit(*chain(2), result_ttl=-1)
    run_to_the_end(site)
    site.housekeep()

    expiry.check(100, keys_of(site, good))
    expiry.check(900, keys_of(site, bad))
    expiry.check(FOR_EVER, keys_of(site, kept))


def test_a_run_whose_time_is_over_is_gone_from_all_lists(site: Site) -> None:
    site.node("a", cpu=1)
    before = site.traces()
    expiry = Expiry(site.store.client)
    run = site.submit(*chain(3), result_ttl=600)
    run_to_the_end(site)
    assert [summary.id for summary in site.cluster.runs()] == [run.id]
    keys = keys_of(site, run)
    expiry.check(600, keys)

    # The server's part, without the wait.
    site.store.client.delete(*keys)
    site.pass_time(601)
    site.housekeep()

    site.assert_traces(before)
    assert site.cluster.runs() == []
    with pytest.raises(UnknownRun):
        site.cluster.run(run.id)
