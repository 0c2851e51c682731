"""The applications of docs/web in unit tests, as its own team would write them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

import fastapi_app
import films
import flask_app
from handoff.testing import ClusterHere

pytestmark = pytest.mark.handoff(nodes={"studio": {"cpu": 1}})


@pytest.fixture
def web(handoff_cluster: ClusterHere) -> Iterator[TestClient]:
    fastapi_app.app.dependency_overrides[fastapi_app.the_cluster] = lambda: handoff_cluster.aio
    with TestClient(fastapi_app.app) as web:
        yield web
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


def test_a_request_that_is_sent_twice_converts_once(web: TestClient, handoff_cluster: ClusterHere) -> None:
    film = {"title": "Alien", "frames": 3}
    first, second = (web.post("/films", json=film, headers={"Idempotency-Key": "order-17"}) for _ in range(2))

    assert first.headers["location"] == second.headers["location"]
    handoff_cluster.assert_enqueued(films.convert, count=1)


def test_the_second_film_waits_for_the_first(web: TestClient, handoff_cluster: ClusterHere) -> None:
    first, second = (web.post("/films", json={"title": title, "frames": 1}) for title in ("Alien", "Brazil"))

    assert (first.json()["state"], second.json()["state"]) == ("queued", "waiting")
    assert "short of 1 cpu" in second.json()["why"]


def test_what_no_node_has_is_a_conflict(web: TestClient, handoff_cluster: ClusterHere) -> None:
    answer = web.post("/films", json={"title": "Alien", "frames": 1, "gpus": 1})

    assert answer.status_code == 409
    assert "gpu 1 wanted" in answer.json()["detail"]
    handoff_cluster.refute_enqueued(films.convert)


@pytest.mark.handoff(nodes={})
def test_while_no_node_is_live_a_film_is_to_be_asked_for_again(web: TestClient, handoff_cluster: ClusterHere) -> None:
    film = {"title": "Alien", "frames": 1}
    answer = web.post("/films", json=film)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    handoff_cluster.add_node("studio", {"cpu": 1})
    assert web.post("/films", json=film).status_code == 202


def test_what_others_have_submitted_can_neither_be_seen_nor_canceled(
    web: TestClient, handoff_cluster: ClusterHere
) -> None:
    other = handoff_cluster.enqueue(films.convert, "Brazil", 1, cost={"cpu": 1}, unique="order-17")
    film = {"title": "Alien", "frames": 1}
    answer = web.post("/films", json=film, headers={"Idempotency-Key": "order-17"})

    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    assert other.id not in web.get(answer.headers["location"]).text
    asked = [web.get(f"/films/{other.id}"), web.get(f"/films/{other.id}/events"), web.delete(f"/films/{other.id}")]
    assert [each.status_code for each in asked] == [404] * 3
    assert other.status == "queued"


def test_a_film_that_fails_says_why(web: TestClient, handoff_cluster: ClusterHere) -> None:
    handoff_cluster.fail_next(films.convert, OSError("no such film"), times=3)
    film = web.post("/films", json={"title": "Alien", "frames": 1}).headers["location"]
    for _ in range(3):
        handoff_cluster.run_all()
        handoff_cluster.advance(60)

    told = web.get(film).json()
    assert told["state"] == "failed"
    assert "no such film" in told["why"]


def test_the_backend_starts_while_redis_is_away_and_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_REDIS_URL", "redis://127.0.0.1:1/0")
    with TestClient(fastapi_app.app) as web:
        answer = web.post("/films", json={"title": "Alien", "frames": 3})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "127.0.0.1" not in answer.text


def test_the_flask_application_takes_the_cluster_of_a_test(
    handoff_cluster: ClusterHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flask_app, "cluster", handoff_cluster)
    web = flask_app.app.test_client()
    film = web.post("/films", json={"title": "Alien", "frames": 3}).headers["location"]
    handoff_cluster.run_all(raise_first=True)

    assert web.get(film).get_json()["result"] == "Alien.mp4"
    assert web.delete(film).get_json() == {"canceled": False}
