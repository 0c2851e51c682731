"""The views of the site: what can be asked of films, and which errors become which status."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, StreamingHttpResponse

from filmsite import tasks
from filmsite.models import Film
from handoff import Cluster, FunctionProgress, Handle
from handoff.errors import Infeasible, InvalidResources, StoreUnavailable, UnknownFunction

DAY_S = 24 * 3600
FILM = "film-"
"""What the ids of its functions begin with, and the keys of its requests: it tells of no others, and cancels none."""
logger = logging.getLogger(__name__)

# It connects when it is first used, and each process has connections of its own.
cluster = Cluster(timeout=2)


def films(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        order = json.loads(request.body)
    except ValueError:
        order = None
    key = request.headers.get("Idempotency-Key", "")
    match order:
        case {"title": str(title), "frames": int(frames), **more} if (
            title and 0 < frames <= 100_000 and len(key) <= 100
        ):
            cost: Any = {"cpu": 1, "gpu": more.get("gpus", 0)}  # what it may be is checked by `enqueue`
        case _:
            return JsonResponse(
                {"detail": "give a title, frames from 1 to 100000, and a key of at most 100 characters"}, status=422
            )
    # It is in the database before the function is submitted, which may start at once. In a transaction submit by
    # `transaction.on_commit`.
    film, _ = Film.objects.get_or_create(title=title)
    handle = cluster.enqueue(
        tasks.convert,
        film.pk,
        frames,
        cost=cost,
        job_id=f"{FILM}{uuid4().hex}",
        on_infeasible="raise",
        unique=f"{FILM}{key}" if key else None,
        unique_ttl=DAY_S if key else None,
    )
    return JsonResponse(standing(handle), status=202, headers={"Location": f"/films/{handle.id.removeprefix(FILM)}"})


def film(request: HttpRequest, id: str) -> HttpResponse:
    match request.method:
        case "GET":
            return JsonResponse(standing(cluster.handle(FILM + id)))
        case "DELETE":
            return JsonResponse({"canceled": cluster.handle(FILM + id).cancel()})
        case _:
            return HttpResponseNotAllowed(["GET", "DELETE"])


def events(request: HttpRequest, id: str) -> StreamingHttpResponse:
    handle = cluster.handle(FILM + id)  # what is wrong here is told before the stream begins
    headers = {"Cache-Control": "no-store"}
    return StreamingHttpResponse(follow(handle), content_type="text/event-stream", headers=headers)


def told(id: str, state: str, progress: FunctionProgress | None) -> dict[str, Any]:
    """Where it stands and how far it is."""
    found: dict[str, Any] = {"id": id.removeprefix(FILM), "state": state}
    if progress is not None:
        found["progress"] = {"fraction": progress.fraction, "message": progress.message}
    return found


def standing(handle: Handle) -> dict[str, Any]:
    """Where it stands, why in words that tell nothing of others, how far it is, and its result."""
    explanation = handle.explain()
    found = told(handle.id, explanation.state, handle.progress)
    found["why"] = explanation.own_text
    if explanation.state == "finished":
        found["result"] = handle.result(timeout=2)
    return found


def follow(handle: Handle) -> Iterator[str]:
    """How far it is, as that changes; an outage of Redis is told and waited out."""
    while True:
        try:
            for state in handle.watch(timeout=10):
                yield f"data: {json.dumps(told(handle.id, state.status, state.progress))}\n\n"
            return
        except TimeoutError:
            continue  # what is told once more shows whether anybody is still there
        except UnknownFunction:
            return  # it has expired
        except StoreUnavailable:
            yield f"data: {json.dumps(told(handle.id, 'unavailable', None))}\n\n"
        time.sleep(0.5)


class HandoffErrors:
    """The middleware that answers for views in which Handoff has raised an error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        # The texts of errors are for the log: they name ids, the address of Redis, and what an operator could do.
        match error:
            case UnknownFunction():
                return JsonResponse({"detail": "there is no such film"}, status=404)
            case InvalidResources(resource=resource, rule=rule):
                return JsonResponse({"detail": f"{resource}: {rule}"}, status=422)
            case Infeasible(for_now=False, reason=reason):
                return JsonResponse({"detail": f"no node could convert it: {reason}"}, status=409)
            case Infeasible() | StoreUnavailable():
                logger.error("%s %s: %s", request.method, request.path, error)
                return JsonResponse({"detail": "try again later"}, status=503, headers={"Retry-After": "5"})
        return None
