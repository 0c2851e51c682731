"""What is left of a run when it has ended, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from child_tasks import wait_until
from handoff.client.run_handle import RunHandle
from handoff.errors import UnknownRun
from handoff.ledger.functions import tick
from handoff.words.function import Collocated
from support.graphs import Site, chain, function
from support.limits import LIMIT_S
from support.runs import run_to_the_end, wide


def keys_of(site: Site, run: RunHandle) -> list[bytes]:
    """All keys of a run, on the whole server, but for the word that is left of it for lost replies."""
    instance = run.handle("f1").id.partition("-")[0]
    patterns = (f"*{instance}*", f"*run_of:{run.id}")
    found = [key for pattern in patterns for key in site.store.client.scan_iter(match=pattern, count=1000)]
    return [key for key in found if b":gone:" not in key]


def test_all_that_a_run_leaves_expires_together(site: Site) -> None:
    site.node("a", cpu=99)
    run = wide(site, 98, *chain(2), function("x", "f2", node=Collocated("f2")), result_ttl=300)
    run_to_the_end(site)
    site.housekeep()

    keys = keys_of(site, run)
    left_ms = [site.store.client.pttl(key) for key in keys]

    # A job and a result of each, dependencies of two; the run, what it looks like, its end, and whose newest it is.
    assert len(keys) == 101 + 101 + 2 + 4
    assert 300_000 - 20_000 < min(left_ms) <= max(left_ms) <= 300_000
    assert max(left_ms) - min(left_ms) < 10_000


def test_what_is_told_later_than_the_rest_when_it_expires_has_less_time_left(site: Site) -> None:
    site.node("a", cpu=200)
    run = wide(site, 150, function("f1"), result_ttl=300)
    assert run.status == "finished"

    site.store.now_ms += 100_000
    for agent in site.agents.values():
        agent.register()
    site.housekeep()

    left_s = [site.store.client.ttl(key) for key in keys_of(site, run)]
    assert min(left_s) > 180
    assert {round(left / 100) for left in left_s} == {2, 3}


def test_nothing_of_a_run_expires_before_it_has_ended(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2), result_ttl=1, failure_ttl=1)
    site.take()
    site.finish("f1")
    site.pass_time(60)

    assert {site.store.client.pttl(key) for key in keys_of(site, run)} == {-1}


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

    ttl = site.store.client.ttl
    assert {ttl(key) for key in keys_of(site, good)} <= {98, 99, 100}
    assert {ttl(key) for key in keys_of(site, bad)} <= {898, 899, 900}
    assert {ttl(key) for key in keys_of(site, kept)} == {-1}


def is_forgotten(site: Site, before: Mapping[str, Any]) -> bool:
    tick(site.store)
    return site.traces() == before


def test_a_run_whose_time_is_over_is_gone_from_all_lists(site: Site) -> None:
    site.store.now_ms = 0
    site.node("a", cpu=1)
    before = site.traces()
    run = site.submit(*chain(3), result_ttl=1)
    run_to_the_end(site)
    assert [summary.id for summary in site.cluster.runs()] == [run.id]
    keys = keys_of(site, run)

    wait_until(lambda: not site.store.client.exists(*keys), "the keys of the run expire")
    wait_until(lambda: is_forgotten(site, before), "what lists the run forgets it")

    assert site.cluster.runs() == []
    with pytest.raises(UnknownRun):
        site.cluster.run(run.id)
