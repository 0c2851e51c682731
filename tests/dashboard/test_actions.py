"""What can be done from the pages, and who may do it."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from dashboard.conftest import Scene
from handoff.client.cluster import Cluster
from handoff.dashboard import app
from handoff.errors import UnknownFunction
from handoff.view import looks


def audits(cluster: Cluster) -> list[tuple[str, str, str]]:
    return [(event["who"], event["what"], event["about"]) for _, event in cluster.events() if event["event"] == "audit"]


def test_a_function_is_canceled_after_it_was_asked_once_more(
    cluster: Cluster, operator: TestClient, scene: Scene
) -> None:
    asked = operator.get(f"/do/cancel?about={scene.waiting.id}")
    before = scene.waiting.status
    done = operator.post("/do/cancel", data={"about": scene.waiting.id})

    assert "Cancel the function" in asked.text
    assert before == "waiting"
    assert done.status_code == 303
    assert scene.waiting.status == "canceled"
    assert "It is canceled" in operator.get(done.headers["location"]).text
    assert audits(cluster) == [("somebody", "cancel", scene.waiting.id)]


def test_a_node_is_drained_and_opened_again(cluster: Cluster, operator: TestClient, scene: Scene) -> None:
    operator.post("/do/drain", data={"about": "a"})
    drained = operator.get("/nodes/a").text
    operator.post("/do/undrain", data={"about": "a"})

    assert "draining" in drained
    assert "/do/undrain" in drained
    assert "draining" not in re.findall(r'class="state s-(\w+)"', operator.get("/nodes/a").text)
    assert [what for _, what, _ in audits(cluster)] == ["drain", "undrain"]


def test_a_run_is_canceled(cluster: Cluster, operator: TestClient, scene: Scene) -> None:
    operator.post("/do/cancel-run", data={"about": scene.run})

    assert cluster.run(scene.run).status == "canceled"


def test_what_failed_alike_is_deleted_and_nothing_else(cluster: Cluster, operator: TestClient, scene: Scene) -> None:
    done = operator.post("/do/delete-failed", data={"error": "films.Torn", "name": "films.fail"})

    assert "1 function was deleted" in operator.get(done.headers["location"]).text
    with pytest.raises(UnknownFunction):
        cluster.handle(scene.failed.id)
    assert scene.running.status == "started"


def test_a_function_that_failed_is_retried(cluster: Cluster, operator: TestClient, scene: Scene) -> None:
    offered = operator.get(f"/functions/{scene.failed.id}").text
    done = operator.post("/do/retry", data={"about": scene.failed.id})

    assert "/do/retry" in offered
    assert "1 function was started afresh" in operator.get(done.headers["location"]).text
    assert scene.failed.status != "failed"


def test_all_that_failed_alike_is_retried(cluster: Cluster, operator: TestClient, scene: Scene) -> None:
    done = operator.post("/do/retry-failed", data={"error": "films.Torn", "name": "films.fail"})

    assert "1 function was started afresh" in operator.get(done.headers["location"]).text
    assert scene.failed.status != "failed"


@pytest.mark.parametrize("name", ["retry-failed", "delete-failed"])
def test_whoever_asks_for_all_that_failed_alike_is_told_how_many_that_is_at_most(
    name: str, operator: TestClient, scene: Scene
) -> None:
    assert "at most 10,000 at once?" in operator.get(f"/do/{name}?error=films.Torn&name=films.fail").text


def test_what_failed_otherwise_stays(cluster: Cluster, operator: TestClient, scene: Scene) -> None:
    operator.post("/do/delete-failed", data={"error": "films.Other", "name": "films.fail"})

    assert scene.failed.status == "failed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_what_no_page_of_this_site_asks_for_is_not_done(
    cluster: Cluster, scene: Scene, headers: dict[str, str]
) -> None:
    web = TestClient(app(cluster, write=True), follow_redirects=False)
    answer = web.post("/do/cancel", data={"about": scene.waiting.id}, headers=headers)

    assert answer.status_code == 403
    assert scene.waiting.status == "waiting"
    assert not audits(cluster)


def test_an_older_browser_says_by_its_origin_that_it_is_of_this_site(cluster: Cluster, scene: Scene) -> None:
    web = TestClient(app(cluster, write=True), follow_redirects=False)
    answer = web.post("/do/cancel", data={"about": scene.waiting.id}, headers={"Origin": "http://testserver"})

    assert answer.status_code == 303


def test_looking_at_the_address_of_an_action_does_nothing(cluster: Cluster, operator: TestClient, scene: Scene) -> None:
    operator.get(f"/do/cancel?about={scene.waiting.id}")

    assert scene.waiting.status == "waiting"
    assert not audits(cluster)


def test_a_dashboard_that_only_looks_does_nothing(web: TestClient, scene: Scene) -> None:
    answer = web.post("/do/cancel", data={"about": scene.waiting.id}, headers={"Sec-Fetch-Site": "same-origin"})

    assert answer.status_code == 404
    assert scene.waiting.status == "waiting"


def test_what_cannot_be_done_is_said_with_the_question_and_was_noted_before(
    cluster: Cluster, operator: TestClient, scene: Scene
) -> None:
    answer = operator.post("/do/drain", data={"about": "none"})

    assert answer.status_code == 409
    assert "none" in answer.text
    assert 'role="alert"' in answer.text
    assert audits(cluster) == [("somebody", "drain", "none")]


def test_what_was_done_is_seen_by_whoever_looks_next(
    operator: TestClient, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "until_next_beat_s", lambda now_s: 60.0)
    before = operator.get("/nodes/a").text
    operator.post("/do/drain", data={"about": "a"})

    assert "/do/drain" in before
    assert "/do/undrain" in operator.get("/nodes/a").text


def test_of_a_form_that_is_too_large_nothing_is_read(operator: TestClient, scene: Scene) -> None:
    answer = operator.post("/do/cancel", data={"about": scene.waiting.id, "more": "x" * 10_000})

    assert answer.status_code == 404
    assert scene.waiting.status == "waiting"


@pytest.mark.parametrize("path", ["/do/explode?about=a", "/do/drain", "/do/delete-failed?error=E"])
def test_an_action_that_there_is_not_or_that_lacks_something_is_not_asked_for(
    path: str, operator: TestClient, scene: Scene
) -> None:
    assert operator.get(path).status_code == 404
    assert operator.post(path.partition("?")[0], data={}).status_code == 404


def test_an_address_says_nothing_of_its_own(operator: TestClient, scene: Scene) -> None:
    assert "Pay+here" not in operator.get("/?notice=Pay+here").text
    assert 'class="notice"' not in operator.get("/?notice=Pay+here").text


def test_who_is_known_by_name_stands_in_the_event(cluster: Cluster, scene: Scene) -> None:
    site = app(cluster, write=True, authorize=lambda scope: "ada")
    web = TestClient(site, headers={"Sec-Fetch-Site": "same-origin"}, follow_redirects=False)
    web.post("/do/drain", data={"about": "a"})

    assert audits(cluster) == [("ada", "drain", "a")]
    assert '<span class="strong">ada</span> drain a' in web.get("/").text
