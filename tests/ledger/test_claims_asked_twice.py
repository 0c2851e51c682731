"""A claim or a release whose reply was lost is asked for again, and changes nothing twice."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster


@pytest.fixture(autouse=True)
def _node(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 4})


def request(cluster: Cluster, id: str) -> list[object]:
    return cluster.store.run("request", name="a", id=id, cost="cpu=20000", ttl_ms=0, owner="")


def release(cluster: Cluster, id: str, token: str) -> list[object]:
    return cluster.store.run("release", id=id, token=token)


def test_a_request_that_is_asked_again_claims_once(cluster: Cluster) -> None:
    assert request(cluster, "~one") == request(cluster, "~one") == ["reserved", b""]

    assert cluster.tracker.available("a")["cpu"] == 2


def test_a_request_that_is_asked_again_does_not_need_the_room_twice(cluster: Cluster) -> None:
    request(cluster, "~one")
    request(cluster, "~two")

    assert request(cluster, "~one")[0] == "reserved"
    assert request(cluster, "~three")[0] == "short"


def test_a_release_that_is_asked_again_answers_the_same_and_another_does_not(cluster: Cluster) -> None:
    request(cluster, "~one")

    assert [release(cluster, "~one", token) for token in ("mine", "mine", "another")] == [
        ["released"],
        ["released"],
        ["gone"],
    ]
    assert cluster.tracker.available("a")["cpu"] == 4
