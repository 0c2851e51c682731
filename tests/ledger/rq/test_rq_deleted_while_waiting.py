"""What rq's tools delete or cancel while it waits is counted no more, wherever in its line it stood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rq.job import Job

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger import housekeeping
from handoff.view.overview import read_overview
from support.ledger import read_ledger
from support.passing import pass_ms

MANY = 150
"""More than two pages."""

ENDS: dict[str, Callable[[Job], Any]] = {"deleted": Job.delete, "canceled": Job.cancel}


@pytest.fixture(autouse=True)
def own_clock(cluster: Cluster) -> None:
    cluster.store.now_ms = 1_800_000_000_000


def tick_for_seconds(cluster: Cluster, seconds: int) -> None:
    for _ in range(2 * seconds):
        pass_ms(cluster.store, 500)
        housekeeping.tick(cluster.store)


def submit(cluster: Cluster, count: int, **options: Any) -> list[Handle]:
    return [cluster.enqueue("module:f", **options) for _ in range(count)]


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_one_behind_the_first_of_its_line_is_counted_no_more(cluster: Cluster, end: Callable[[Job], Any]) -> None:
    first, second, third = submit(cluster, 3, cost={"cpu": 1})

    end(second.job)
    tick_for_seconds(cluster, 1)

    overview = read_overview(cluster.store)
    assert (overview.waiting, [shape.count for shape in overview.shapes]) == (2, [2])
    places = [handle.explain().position for handle in (first, third)]
    assert [(place["in_shape"], place["of_all"]) for place in places if place] == [(1, 2), (2, 2)]


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_many_in_a_long_line_are_counted_no_more(cluster: Cluster, end: Callable[[Job], Any]) -> None:
    handles = submit(cluster, MANY, cost={"cpu": 1})
    for handle in handles[1::2]:
        end(handle.job)

    tick_for_seconds(cluster, 2)

    overview = read_overview(cluster.store)
    assert (overview.waiting, [shape.count for shape in overview.shapes]) == (MANY // 2, [MANY // 2])


def test_one_that_waits_in_several_lines_is_counted_in_none(cluster: Cluster) -> None:
    _, deleted = submit(cluster, 2, cost=[{"cpu": 1}, {"gpu": 1}])

    deleted.job.delete()
    tick_for_seconds(cluster, 2)

    assert [shape.count for shape in read_overview(cluster.store).shapes] == [1, 1]


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_one_that_is_delayed_is_counted_no_more(cluster: Cluster, end: Callable[[Job], Any]) -> None:
    _, ended = submit(cluster, 2, delay=3600)

    end(ended.job)
    tick_for_seconds(cluster, 1)

    assert read_overview(cluster.store).delayed == 1
    assert list(read_ledger(cluster.store).get("delayed")) != [ended.id]
