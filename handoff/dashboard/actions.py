"""What can be done from the pages: each is asked for once more, noted in the stream of events, and then done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from handoff.dashboard.page import Asked, Page, address
from handoff.dashboard.rendering import Rendering
from handoff.dashboard.safety import comes_from_here
from handoff.dashboard.sight import Sight
from handoff.errors import HandoffError, UnknownFunction
from handoff.ledger.events import note_action
from handoff.ledger.functions import discard
from handoff.ledger.retrying import NotRetried, retry
from handoff.view.functions import MOST_LISTED, Wanted, list_functions
from handoff.view.wording import number, plural, short_name

NOTICES = {
    "canceled": "It is canceled, or is being stopped.",
    "stopping": "The run is being stopped.",
    "ended": "It had ended already.",
    "draining": "It takes no more, and what runs there ends.",
    "open": "It takes functions again.",
    "paused": "It rests until it is resumed.",
    "resumed": "It goes on at its next moment.",
    "submitted": "It was submitted now, beside its moments.",
    "deleted": "{functions} deleted.",
    "retried": "{functions} started afresh.",
}
"""What a page says after something was done: by a word, for addresses are written by anybody."""

LARGEST_FORM = 10_000
"""Bytes of what a form sends."""

Given = Mapping[str, str]


@dataclass(frozen=True)
class Action:
    """One thing that can be done."""

    word: str  #: on its button
    section: str
    asks: Callable[[Given], str]  #: what is asked before it is done
    tells: str  #: what follows from it
    does: Callable[[Sight, Given], tuple[str, int]]  #: does it. -> what came of it, of `NOTICES`, and of how many
    back: Callable[[Given], tuple[str, Given]]  #: the page to go to then: its path and its query
    takes: tuple[str, ...] = ("about",)  #: what it has to be given
    is_final: bool = False  #: it cannot be taken back


def _matching(sight: Sight, given: Given) -> list[str]:
    """The functions that failed with that error and have that name."""
    listing = list_functions(sight.store, Wanted(states=("failed",), name=given["name"] or None), MOST_LISTED)
    return [
        row.id
        for row in listing.rows
        if (row.error or "unknown") == given["error"] and row.name == given["name"] and row.run is None
    ]


def _cancel(sight: Sight, given: Given) -> tuple[str, int]:
    return "canceled" if sight.cluster.handle(given["about"]).cancel() else "ended", 1


def _cancel_run(sight: Sight, given: Given) -> tuple[str, int]:
    return "stopping" if sight.cluster.run(given["about"]).cancel() else "ended", 1


def _drain(sight: Sight, given: Given) -> tuple[str, int]:
    sight.cluster.drain(given["about"])
    return "draining", 1


def _undrain(sight: Sight, given: Given) -> tuple[str, int]:
    sight.cluster.undrain(given["about"])
    return "open", 1


def _retry(sight: Sight, given: Given) -> tuple[str, int]:
    sight.cluster.handle(given["about"]).retry()
    return "retried", 1


def _retry_failed(sight: Sight, given: Given) -> tuple[str, int]:
    """The oldest first. What has gone meanwhile, or is not to be retried, is left as it is."""
    count = 0
    for id in reversed(_matching(sight, given)):
        with suppress(NotRetried, UnknownFunction):
            retry(sight.store, id)
            count += 1
    return "retried", count


def _delete_failed(sight: Sight, given: Given) -> tuple[str, int]:
    return "deleted", discard(sight.store, _matching(sight, given))


def _pause_schedule(sight: Sight, given: Given) -> tuple[str, int]:
    sight.cluster.pause_schedule(given["about"])
    return "paused", 1


def _resume_schedule(sight: Sight, given: Given) -> tuple[str, int]:
    sight.cluster.resume_schedule(given["about"])
    return "resumed", 1


def _run_schedule(sight: Sight, given: Given) -> tuple[str, int]:
    sight.cluster.run_schedule(given["about"])
    return "submitted", 1


def _asks_for_all(word: str, given: Given) -> str:
    which = f"that called {short_name(given['name'])} and failed with {given['error']}"
    return f"{word} all functions {which}, at most {number(MOST_LISTED)} at once?"


def _to_function(given: Given) -> tuple[str, Given]:
    return f"/functions/{given['about']}", {}


def _to_node(given: Given) -> tuple[str, Given]:
    return f"/nodes/{given['about']}", {}


def _to_schedules(given: Given) -> tuple[str, Given]:
    return "/schedules", {}


ACTIONS = {
    "cancel": Action(
        "Cancel the function", "functions", lambda given: f"Cancel the function {given['about']}?",
        "What waits never starts; what runs is stopped, and its room given back once its process is dead.",
        _cancel, _to_function, is_final=True,
    ),
    "cancel-run": Action(
        "Cancel the run", "runs", lambda given: f"Cancel the run {given['about']}?",
        "What of it waits never starts, and what runs is stopped. What has finished stays.",
        _cancel_run, lambda given: ("/run", {"id": given["about"]}), is_final=True,
    ),
    "drain": Action(
        "Drain the node", "nodes", lambda given: f"Drain the node {given['about']}?",
        "It takes no more until it is undrained: what is queued there waits again, what runs there may finish.",
        _drain, _to_node,
    ),
    "undrain": Action(
        "Undrain the node", "nodes", lambda given: f"Let the node {given['about']} take functions again?",
        "What waits and fits starts there at once.", _undrain, _to_node,
    ),
    "retry": Action(
        "Retry the function", "functions", lambda given: f"Let the function {given['about']} start afresh?",
        "It keeps its id and all that it asked for. Nothing is kept of what became of it.", _retry, _to_function,
    ),
    "pause-schedule": Action(
        "Pause the schedule", "schedules", lambda given: f"Let {given['about']} rest?",
        "It is not submitted until it is resumed. What runs of it goes on.", _pause_schedule, _to_schedules,
    ),
    "resume-schedule": Action(
        "Resume the schedule", "schedules", lambda given: f"Let {given['about']} go on?",
        "It is submitted at its next moment. Those that passed meanwhile are not caught up.",
        _resume_schedule, _to_schedules,
    ),
    "run-schedule": Action(
        "Run it now", "schedules", lambda given: f"Run {given['about']} now?",
        "It is submitted beside its moments, also while it rests or runs already.", _run_schedule, _to_schedules,
    ),
    "retry-failed": Action(
        "Retry all of them", "failures",
        lambda given: _asks_for_all("Retry", given),
        "Each starts afresh under its id. What belongs to a run stays as it is.",
        _retry_failed, lambda given: ("/failures", {}), ("error", "name"),
    ),
    "delete-failed": Action(
        "Delete all of them", "failures",
        lambda given: _asks_for_all("Delete", given),
        "Nothing is kept of them, also not what they have printed. What belongs to a run stays.",
        _delete_failed, lambda given: ("/failures", {}), ("error", "name"), is_final=True,
    ),
}  # fmt: skip
"""By the name in their addresses."""


class Actions:
    """The actions of one application."""

    def __init__(self, sight: Sight, rendering: Rendering) -> None:
        self._sight, self._rendering = sight, rendering

    def routes(self) -> list[Route]:
        """Where they are asked for, and done."""
        return [Route("/do/{action}", self._ask, methods=["GET"]), Route("/do/{action}", self._do, methods=["POST"])]

    async def _ask(self, request: Request) -> Response:
        action = ACTIONS.get(request.path_params["action"])
        given = dict(request.query_params)
        if action is None or not all(given.get(name) for name in action.takes):
            return self._say(request, action, "missing", 404, what="There is nothing to be done by that name.")
        return self._page(request, action, given)

    def _page(self, request: Request, action: Action, given: Given, error: str = "", status: int = 200) -> Response:
        path, query = action.back(given)
        root = request.scope["handoff.root"]
        fields = {name: given[name] for name in action.takes}
        return self._say(
            request, action, "ask", status, action=action, asks=action.asks(given), fields=fields, error=error,
            back=address(root, path, **query), where=address(root, f"/do/{request.path_params['action']}"),
        )  # fmt: skip

    def _say(self, request: Request, of: Action | None, template: str, status: int, **found: Any) -> Response:
        word, section = (of.word, of.section) if of else ("Nothing", "overview")
        page = Page(section, "/do/{action}", word, lambda sight, asked: {}, section=section)
        asked = Asked(page.path, (), request.scope["handoff.root"], True, "paused")
        return HTMLResponse(self._rendering.alone(template, page, asked, **found), status)

    async def _do(self, request: Request) -> Response:
        """Do what a page of this site asks for."""
        action = ACTIONS.get(request.path_params["action"])
        if not comes_from_here(request.scope):
            what = "It was not asked for by a page of this dashboard, so it was not done."
            return self._say(request, action, "missing", 403, what=what)
        given = await _form_of(request)
        if action is None or not all(given.get(name) for name in action.takes):
            return self._say(request, action, "missing", 404, what="There is nothing to be done by that name.")
        who, about = request.scope["handoff.who"], " ".join(given[name] for name in action.takes)
        try:
            notice, count = await run_in_threadpool(
                self._done, request.path_params["action"], action, given, who, about
            )
        except HandoffError as error:
            return self._page(request, action, given, str(error), 409)
        path, query = action.back(given)
        target = address(request.scope["handoff.root"], path, **query, notice=notice, count=count)
        return RedirectResponse(target, 303)

    def _done(self, name: str, action: Action, given: Given, who: str, about: str) -> tuple[str, int]:
        note_action(self._sight.store, who, name, about)
        try:
            return action.does(self._sight, given)
        finally:
            self._sight.looks.forget()


def notice_of(query: Mapping[str, str]) -> str:
    """What is to be said of what was done just before."""
    count = query.get("count", "")
    many = int(count) if count.isascii() and count.isdecimal() and len(count) < 10 else 0
    told = plural(many, "function was", "functions were")
    return NOTICES.get(query.get("notice", ""), "").format(functions=told)


async def _form_of(request: Request) -> dict[str, str]:
    """What a form has sent; of what is too large nothing."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20))
