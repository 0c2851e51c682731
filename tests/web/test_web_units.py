"""The FastAPI application of docs/web in unit tests, as its own team would write them."""

from __future__ import annotations

from collections.abc import Iterator

import fakeredis
import pytest
from fastapi.testclient import TestClient

import fastapi_app
import films
import handoff.aio
from handoff.testing import ClusterHere

pytestmark = pytest.mark.handoff(nodes={"studio": {"cpu": 1}})


@pytest.fixture
def web(handoff_cluster: ClusterHere) -> Iterator[TestClient]:
    server = handoff_cluster.connection.connection_pool.connection_kwargs["server"]
    cluster = handoff.aio.Cluster(connection=fakeredis.FakeAsyncRedis(server=server))
    fastapi_app.app.dependency_overrides[fastapi_app.the_cluster] = lambda: cluster
    yield TestClient(fastapi_app.app)
    fastapi_app.app.dependency_overrides.clear()


def test_a_film_is_enqueued_with_its_cost(web: TestClient, handoff_cluster: ClusterHere) -> None:
    answer = web.post("/films", json={"title": "Alien", "frames": 3})

    assert answer.status_code == 202
    handoff_cluster.assert_enqueued(films.convert, args=("Alien", 3), cost={"cpu": 1}, count=1)


def test_a_film_is_ready_when_it_has_been_converted(web: TestClient, handoff_cluster: ClusterHere) -> None:
    film = web.post("/films", json={"title": "Alien", "frames": 3}).headers["location"]
    handoff_cluster.run_all(raise_first=True)

    assert web.get(film).json()["result"] == "Alien.mp4"
    handoff_cluster.assert_clean()


def test_the_second_film_waits_for_the_first(web: TestClient, handoff_cluster: ClusterHere) -> None:
    first, second = (web.post("/films", json={"title": title, "frames": 1}) for title in ("Alien", "Brazil"))

    assert (first.json()["state"], second.json()["state"]) == ("queued", "waiting")
    assert "short of 1 cpu" in second.json()["why"]


def test_what_no_node_has_is_a_conflict(web: TestClient, handoff_cluster: ClusterHere) -> None:
    answer = web.post("/films", json={"title": "Alien", "frames": 1, "gpus": 1})

    assert answer.status_code == 409
    assert "gpu 1 wanted" in answer.json()["detail"]
    handoff_cluster.refute_enqueued(films.convert)


def test_a_film_that_fails_says_why(web: TestClient, handoff_cluster: ClusterHere) -> None:
    handoff_cluster.fail_next(films.convert, OSError("no such film"), times=3)
    film = web.post("/films", json={"title": "Alien", "frames": 1}).headers["location"]
    for _ in range(3):
        handoff_cluster.run_all()
        handoff_cluster.advance(60)

    told = web.get(film).json()
    assert told["state"] == "failed"
    assert "no such film" in told["why"]
