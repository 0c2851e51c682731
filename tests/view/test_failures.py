"""What has failed, by what it failed with and what it called."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handoff.client.cluster import Cluster
from handoff.view.failures import Failures, read_failures
from handoff.words.times import utc
from support.status import Playing, failed

NOW_MS = 1_800_000_000_000


@pytest.fixture
def playing(cluster: Cluster) -> Playing:
    cluster.store.now_ms = NOW_MS
    return Playing(cluster)


def test_those_of_one_name_and_error_are_one_group_and_the_newest_comes_first(
    cluster: Cluster, playing: Playing
) -> None:
    first = failed(cluster, playing, error="KeyError", message="a")
    cluster.store.now_ms += 2000
    other = failed(cluster, playing, error="KeyError", message="b", code="tasks:g")
    cluster.store.now_ms += 2000
    last = failed(cluster, playing, error="KeyError", message="b")

    found = read_failures(cluster.store)

    assert [(group.error, group.name, group.count, group.ids) for group in found.groups] == [
        ("KeyError", "tasks.f", 2, [last.id, first.id]),
        ("KeyError", "tasks.g", 1, [other.id]),
    ]
    assert found.groups[0].messages == ["b", "a"]
    assert found.groups[0].nodes == ["a"]
    assert found.groups[0].newest_at == utc(NOW_MS + 4000)
    assert found.groups[0].oldest_at == utc(NOW_MS)
    assert not found.more


def test_errors_of_handoff_are_told_in_words(cluster: Cluster, playing: Playing) -> None:
    cluster.enqueue("tasks:f")
    playing.start()
    cluster.deregister_node("a")

    (group,) = read_failures(cluster.store).groups

    assert group.error == "handoff.errors.NodeLost"
    assert "node a was deregistered" in group.messages[0]


def test_only_those_that_are_asked_for_are_grouped(cluster: Cluster, playing: Playing) -> None:
    failed(cluster, playing, code="tasks:f")
    cluster.store.now_ms += 60_000
    failed(cluster, playing, code="tasks:g")

    def names(found: Failures) -> list[str]:
        return [group.name for group in found.groups]

    assert names(read_failures(cluster.store, name="tasks:g")) == ["tasks.g"]
    assert names(read_failures(cluster.store, since=utc(NOW_MS) + timedelta(seconds=30))) == ["tasks.g"]
    assert names(read_failures(cluster.store, node="b")) == []


def test_of_more_than_are_looked_at_it_is_said_that_there_are_more(cluster: Cluster, playing: Playing) -> None:
    for _ in range(3):
        failed(cluster, playing)

    found = read_failures(cluster.store, most=2)

    assert ([group.count for group in found.groups], found.more) == ([2], True)
