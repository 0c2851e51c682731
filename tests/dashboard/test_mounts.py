"""The dashboard within the applications of others: every link leads below where it is mounted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from a2wsgi import ASGIMiddleware
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from dashboard.conftest import Scene
from handoff.client.cluster import Cluster
from handoff.dashboard import app

Ask = Callable[..., tuple[int, str]]
"""Sends a request for a path, with what a form has and from where, if given. -> status, text"""


def in_fastapi(cluster: Cluster) -> Ask:
    site = FastAPI()
    site.mount("/ops", app(cluster, write=True))
    return by_asgi(site)


def by_asgi(site: Any) -> Ask:
    web = TestClient(site, follow_redirects=False)

    def ask(path: str, form: Mapping[str, str] | None = None, site: str = "same-origin") -> tuple[int, str]:
        headers = {"Sec-Fetch-Site": site}
        answer = web.get(path, headers=headers) if form is None else web.post(path, data=form, headers=headers)
        return answer.status_code, answer.text

    return ask


def in_flask(cluster: Cluster) -> Ask:
    return by_wsgi(cluster, Flask("site").wsgi_app)


def in_django(cluster: Cluster) -> Ask:
    configure_django()
    from django.core.asgi import get_asgi_application

    site = Starlette(routes=[Mount("/ops", app(cluster, write=True)), Mount("/", get_asgi_application())])
    return by_asgi(site)


def in_django_by_wsgi(cluster: Cluster) -> Ask:
    configure_django()
    from django.core.wsgi import get_wsgi_application

    return by_wsgi(cluster, get_wsgi_application())


def configure_django() -> None:
    """Let Django be what a project's settings make of it: a site without a page of its own."""
    # Not before: its settings refuse to be looked at until then, also by those who look at all that there is.
    from django.conf import settings

    if not settings.configured:
        settings.configure(SECRET_KEY="for tests", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)


urlpatterns: list[Any] = []
"""Django's, of that site."""


def client_by_wsgi(cluster: Cluster, site: Any) -> Client:
    # Starlette and a2wsgi spell the types of ASGI each in its own way.
    dashboard: Any = app(cluster, write=True)
    mounts: Any = {"/ops": ASGIMiddleware(dashboard)}
    return Client(DispatcherMiddleware(site, mounts))


def by_wsgi(cluster: Cluster, site: Any) -> Ask:
    web = client_by_wsgi(cluster, site)

    def ask(path: str, form: Mapping[str, str] | None = None, site: str = "same-origin") -> tuple[int, str]:
        headers = {"Sec-Fetch-Site": site}
        answer = web.get(path, headers=headers) if form is None else web.post(path, data=form, headers=headers)
        return answer.status_code, answer.get_data(as_text=True)

    return ask


@pytest.fixture(params=[in_fastapi, in_flask, in_django, in_django_by_wsgi])
def ask(request: pytest.FixtureRequest, cluster: Cluster) -> Ask:
    made: Ask = request.param(cluster)
    return made


def test_every_link_of_a_page_leads_below_where_it_is_mounted_and_opens(ask: Ask, scene: Scene) -> None:
    status, page = ask("/ops/")
    links = set(re.findall(r'(?:href|src|action)="([^"#?]*)', page)) - {""}

    assert status == 200
    assert f"/ops/functions/{scene.waiting.id}" in links
    assert {link for link in links if not link.startswith("/ops/")} == set()
    assert {link: ask(link)[0] for link in links} == dict.fromkeys(links, 200)


def test_an_action_is_done_there_for_a_page_of_the_site_and_for_no_other(ask: Ask, scene: Scene) -> None:
    form = {"about": scene.waiting.id}

    refused, _ = ask("/ops/do/cancel", form, "cross-site")
    was = scene.waiting.status
    done, _ = ask("/ops/do/cancel", form)

    assert (refused, was) == (403, "waiting")
    assert (done, scene.waiting.status) == (303, "canceled")


def test_the_rest_of_the_site_stays_its_own(ask: Ask, scene: Scene) -> None:
    assert ask("/elsewhere")[0] == 404


def test_pages_are_kept_current_by_events_or_asked_for_again_under_wsgi(cluster: Cluster, scene: Scene) -> None:
    _, by_events = in_fastapi(cluster)("/ops/waiting")
    _, by_asking = in_flask(cluster)("/ops/waiting")

    assert "sse-connect" in by_events
    assert "sse-connect" not in by_asking
    assert 'hx-trigger="every 2s' in by_asking


@pytest.mark.usefixtures("fresh")
def test_who_asks_again_under_wsgi_is_told_only_what_has_changed(cluster: Cluster) -> None:
    for name, days in (("sweep", 10), ("count", 11)):
        cluster.every(name, days * 86_400, f"films:{name}")
    web = client_by_wsgi(cluster, Flask("site").wsgi_app)
    page = web.get("/ops/schedules").get_data(as_text=True)
    same = ask_again(web, page)
    cluster.pause_schedule("sweep")
    changed = ask_again(web, page)
    text = changed.get_data(as_text=True)

    assert (same.status_code, same.data) == (204, b"")
    assert changed.headers["HX-Reswap"] == "none"
    assert re.findall(r'<tr id="p\d+" hx-swap-oob="morph">.*?>(sweep|count)<', text, re.DOTALL) == ["count", "sweep"]
    assert "<h1>" not in text
    assert ask_again(web, text).status_code == 204


@pytest.mark.usefixtures("fresh")
def test_who_has_seen_what_nobody_knows_any_more_is_told_all_of_it(cluster: Cluster) -> None:
    web = client_by_wsgi(cluster, Flask("site").wsgi_app)
    unknown = ask_again(web, '<input name="seen" value="0">')
    text = unknown.get_data(as_text=True)

    assert "HX-Reswap" not in unknown.headers
    assert "<h1>Schedules</h1>" in text
    assert ask_again(web, text).status_code == 204


def ask_again(web: Client, page: str) -> TestResponse:
    """As a page does that is kept current by polling."""
    [seen] = re.findall(r'name="seen" value="(\w+)"', page)
    return web.get(f"/ops/schedules?seen={seen}", headers={"HX-Request": "true"})
