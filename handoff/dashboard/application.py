"""The dashboard as an ASGI application, to be run by itself or mounted in another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from handoff.client.cluster import Cluster
from handoff.dashboard.actions import Actions, notice_of
from handoff.dashboard.live import live
from handoff.dashboard.page import Asked, Missing, Page
from handoff.dashboard.pages.every import PAGES
from handoff.dashboard.rendering import Rendering
from handoff.dashboard.safety import Authorize, Guard
from handoff.dashboard.sight import Sight
from handoff.errors import HandoffError
from handoff.view.looks import until_next_beat_s
from handoff.words.values import check_flag

_OF_ONE_ANSWER = ("notice", "count", "seen")
"""Parameters that say nothing of which page is asked for."""

STATIC = Path(__file__).parent / "static"


def app(
    cluster: Cluster,
    write: bool = False,
    authorize: Authorize | None = None,
    *,
    hosts: Collection[str] | None = None,
) -> ASGIApp:
    """The dashboard of a cluster: an ASGI application, to be mounted under any path.

    It only looks, unless `write`: then it drains nodes, cancels and retries functions, each asked for once more, and
    leaves an event with who did what. `authorize` is called with the ASGI scope of each request, in a thread unless it
    is async: what it returns is the name of whoever asks, or True; with None or False he is refused. Without it
    everybody may look who can reach the server. `hosts` are the names under which it may be asked for; None: any.

    Pages are kept current by server-sent events, under WSGI (by a2wsgi) by asking every two seconds for what has
    changed. However many look, everything is read once a second at most. Raises `TypeError` and `ValueError`.
    """
    if not isinstance(cluster, Cluster):
        raise TypeError(f"cluster is a {type(cluster).__name__}: give a handoff.Cluster")
    check_flag("write", write)
    sight = Sight(cluster)
    rendering = Rendering(sight)
    actions = Actions(sight, rendering) if write else None
    routes: list[Any] = []
    for page in PAGES:
        routes.append(Route(page.path, _show(page, rendering, write)))
        routes.append(Route(f"/live{page.path}", _keep_current(page, rendering, write)))
    if actions is not None:
        routes += actions.routes()
    routes.append(Mount("/static", StaticFiles(directory=STATIC)))
    return Guard(Starlette(routes=routes, lifespan=_reading(sight, rendering)), authorize=authorize, hosts=hosts)


def _reading(sight: Sight, rendering: Rendering) -> Callable[[Starlette], Any]:
    """Run by itself, it is ready for a first look, and reads what happens also while nobody looks.

    Mounted applications are given no lifespan.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(rendering.load)
        reading = asyncio.create_task(_read_on(sight))
        yield
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading

    return lifespan


async def _read_on(sight: Sight) -> None:
    # The first look takes twice as long as any other: the operations are read then. It is nobody's.
    with suppress(HandoffError):
        await run_in_threadpool(sight.overview)
    while True:
        # Redis may be away, which the pages say.
        with suppress(HandoffError):
            await run_in_threadpool(sight.history)
        await asyncio.sleep(until_next_beat_s(time.monotonic()))


def _show(page: Page, rendering: Rendering, write: bool) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        asked = asked_of(request, page, write)
        try:
            if request.headers.get("hx-request"):
                seen = request.query_params.get("seen", "")
                return _changed(*await run_in_threadpool(rendering.since, page, asked, seen))
            return HTMLResponse(await run_in_threadpool(rendering.whole, page, asked, notice_of(request.query_params)))
        except Missing as missing:
            return HTMLResponse(rendering.alone("missing", page, asked, what=missing.what), 404)

    return show


def _changed(told: str, is_whole: bool) -> Response:
    """The answer to who asks again: nothing, parts that find their places themselves, or all of the page."""
    if not told:
        return Response(status_code=204)
    return HTMLResponse(told, headers={} if is_whole else {"HX-Reswap": "none"})


def _keep_current(page: Page, rendering: Rendering, write: bool) -> Callable[[Request], Awaitable[Response]]:
    async def keep_current(request: Request) -> Response:
        asked = asked_of(request, page, write)
        return live(lambda: rendering.content(page, asked))

    return keep_current


def asked_of(request: Request, page: Page, write: bool) -> Asked:
    """What a request asks for."""
    root = request.scope["handoff.root"]
    in_path = {name: str(value) for name, value in request.path_params.items()}
    path = page.path
    for name, value in in_path.items():
        path = path.replace("{" + name + "}", value)
    query = [(name, value) for name, value in request.query_params.items() if name not in (*_OF_ONE_ANSWER, *in_path)]
    is_wsgi = "wsgi_environ" in request.scope
    live = "paused" if request.query_params.get("paused") else "poll" if is_wsgi else "events"
    return Asked(path, (*in_path.items(), *query), root, write, live)
