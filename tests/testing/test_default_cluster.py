"""Inside a test the default cluster is the test's own."""

from __future__ import annotations

import fakeredis
import pytest

import handoff
import unit_tasks
from handoff.client.default import default_cluster
from handoff.testing import ClusterHere, cluster


def test_shortcuts_use_the_fixtures_cluster(handoff_cluster: ClusterHere) -> None:
    assert handoff.enqueue(unit_tasks.add, 1, 2).result() == 3
    assert default_cluster() is handoff_cluster


def test_what_was_the_default_before_is_so_again_afterwards(handoff_cluster: ClusterHere) -> None:
    with cluster() as inner:
        assert default_cluster() is inner

    assert default_cluster() is handoff_cluster


def test_it_is_so_after_an_error_too(handoff_cluster: ClusterHere) -> None:
    with pytest.raises(KeyError), cluster():
        raise KeyError

    assert default_cluster() is handoff_cluster


def test_a_fakeredis_that_is_given_is_used() -> None:
    given = fakeredis.FakeRedis()

    with cluster(connection=given) as made:
        id = made.enqueue(unit_tasks.add, 1, 2).id
        assert given.exists(f"rq:job:{id}")


def test_two_clusters_share_nothing() -> None:
    with cluster() as one, cluster() as other:
        one.enqueue(unit_tasks.add, 1, 2)

        assert (len(one.submitted), other.submitted) == (1, [])
