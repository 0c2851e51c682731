"""The dashboard in a real browser: one server and one browser for all of its tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from a2wsgi import ASGIMiddleware, WSGIMiddleware
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from dashboard.conftest import Scene, play
from handoff.client.cluster import Cluster
from handoff.dashboard import app
from handoff.local.server import RedisServer
from screens.browser import NoBrowser, find_browser, served, started_browser
from support.books import check_books
from support.waiting import LIMIT_S

T = TypeVar("T")

expect.set_options(timeout=LIMIT_S * 1000)

LOOKING, WRITING, POLLING = "/looking", "/writing", "/polling"
"""Where the dashboard is mounted that only looks, the one that acts, and one under WSGI."""


@dataclass
class Desk:
    """Somebody before the browser, and what befalls behind it."""

    page: Page
    address: str
    scene: Scene
    cluster: Cluster
    behind: Callable[[Callable[[], Any]], Any]
    complaints: list[str] = field(default_factory=list)

    def elsewhere(self, call: Callable[[], T]) -> T:
        """Ask the cluster in another thread: in this one runs the event loop of the browser."""
        done: T = self.behind(call)
        return done

    def open(self, path: str, site: str = WRITING) -> None:
        """Open a page; it has come, and so have the files that it asks for."""
        answer = self.page.goto(f"{self.address}{site}{path}")
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def complain(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"{self.page.url}: {message.text}")

    def allow(self, text: str) -> None:
        """The browser has complained of this once, as it should."""
        [complaint] = self.complaints
        assert text in complaint
        self.complaints.clear()


@pytest.fixture(scope="module")
def behind() -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Calls something in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda call: pool.submit(call).result(LIMIT_S)


@pytest.fixture(scope="module")
def cluster_seen(server: RedisServer) -> Iterator[Cluster]:
    # A database of its own: other tests begin with an empty one.
    with Cluster(f"{server.url.rpartition('/')[0]}/7", namespace="seen") as cluster:
        cluster.connection.flushdb()
        yield cluster
        check_books(cluster.store)


@pytest.fixture(scope="module")
def scene_seen(cluster_seen: Cluster) -> Scene:
    return play(cluster_seen)


@pytest.fixture(scope="module")
def address(cluster_seen: Cluster) -> Iterator[str]:
    """Three dashboards, and a page of somebody else whose form asks for what its address says."""
    # Starlette and a2wsgi spell the types of ASGI each in its own way.
    polled: Any = app(cluster_seen)
    by_wsgi: Any = WSGIMiddleware(ASGIMiddleware(polled))
    site = Starlette(
        routes=[
            Mount(LOOKING, app(cluster_seen)),
            Mount(WRITING, app(cluster_seen, write=True)),
            Mount(POLLING, by_wsgi),
            Route("/elsewhere", _form),
        ]
    )
    with served(site) as address:
        yield address


async def _form(request: Request) -> HTMLResponse:
    """A page with no policy, whose form is of whoever made its address."""
    given = request.query_params
    return HTMLResponse(
        '<!doctype html><title>elsewhere</title><link rel="icon" href="data:,">'
        f'<form method="post" action="{given["to"]}">'
        f'<input type="hidden" name="about" value="{given["about"]}"><button>Win a prize</button></form>'
    )


@pytest.fixture(scope="module")
def browser(scene_seen: Scene, address: str) -> Iterator[Browser]:
    """Started when all else stands: from then on this thread cannot ask a cluster."""
    try:
        find_browser()
    except NoBrowser as error:
        pytest.skip(f"no page was looked at: {error}")
    with started_browser() as browser:
        yield browser


@pytest.fixture
def desk(
    browser: Browser,
    address: str,
    scene_seen: Scene,
    cluster_seen: Cluster,
    behind: Callable[[Callable[[], Any]], Any],
) -> Iterator[Desk]:
    """A window of its own; at the end nothing of what it showed made the browser complain."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(LIMIT_S * 1000)
        page = context.new_page()
        desk = Desk(page, address, scene_seen, cluster_seen, behind)
        page.on("console", desk.complain)
        page.on("pageerror", lambda error: desk.complaints.append(f"{page.url}: {error}"))
        yield desk
        assert not desk.complaints
