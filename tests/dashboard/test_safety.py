"""Who may look at all."""

from __future__ import annotations

import asyncio
import base64

import pytest
from starlette.testclient import TestClient
from starlette.types import Scope

from handoff.client.cluster import Cluster
from handoff.dashboard import app
from handoff.dashboard.safety import LOOPBACK, BasicAuth


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_a_browser_is_asked_for_user_and_password(cluster: Cluster) -> None:
    web = TestClient(app(cluster, authorize=BasicAuth("ada", "pass:word")))

    assert web.get("/").status_code == 401
    assert web.get("/").headers["www-authenticate"].startswith("Basic ")
    assert web.get("/", headers=basic("ada:pass:word")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        basic("ada:wrong"),
        basic("eve:pass:word"),
        basic("ada"),
        basic(""),
        {"Authorization": "Basic !"},
        {"Authorization": "Basic /w=="},
        {"Authorization": "Bearer x"},
    ],
)
def test_no_other_word_opens_it(cluster: Cluster, headers: dict[str, str]) -> None:
    web = TestClient(app(cluster, authorize=BasicAuth("ada", "pass:word")))

    assert web.get("/", headers=headers).status_code == 401


@pytest.mark.parametrize("path", ["/", "/nodes", "/live/", "/static/style.css", "/do/drain?about=a", "/none"])
def test_nothing_is_open_to_who_is_refused(cluster: Cluster, path: str) -> None:
    web = TestClient(app(cluster, write=True, authorize=lambda scope: None))

    assert web.get(path).status_code == 403
    assert web.post(path).status_code == 403


def test_who_is_let_in_may_be_told_by_what_awaits(cluster: Cluster) -> None:
    async def authorize(scope: Scope) -> bool:
        await asyncio.sleep(0)
        return bool(scope["path"] == "/nodes")

    web = TestClient(app(cluster, authorize=authorize))

    assert web.get("/nodes").status_code == 200
    assert web.get("/").status_code == 403


def test_on_loopback_it_is_known_by_names_of_this_machine_alone(cluster: Cluster) -> None:
    site = app(cluster, hosts=LOOPBACK)

    assert TestClient(site, base_url="http://localhost:8290").get("/").status_code == 200
    assert TestClient(site, base_url="http://127.0.0.1:8290").get("/").status_code == 200
    assert TestClient(site, base_url="http://evil.example:8290").get("/").status_code == 421


def test_a_name_under_which_it_is_known_may_be_written_in_capitals(cluster: Cluster) -> None:
    site = app(cluster, hosts=["Ops.Example"])

    assert TestClient(site, base_url="http://ops.example").get("/").status_code == 200


def test_answers_are_kept_by_nobody_and_framed_by_nobody(cluster: Cluster) -> None:
    headers = TestClient(app(cluster)).get("/").headers

    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
