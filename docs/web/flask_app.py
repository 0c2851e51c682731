"""Films are converted wherever there is room: the backend in Flask.

HANDOFF_REDIS_URL=redis://... gunicorn --preload --workers 2 --threads 8 --graceful-timeout 5 flask_app:app
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from flask import Flask, Response, request, url_for

import films
from handoff import Cluster, FunctionProgress, Handle
from handoff.errors import HandoffError, Infeasible, InvalidResources, StoreUnavailable, UnknownFunction

DAY_S = 24 * 3600
FILM = "film-"
"""What the ids of its functions begin with, and the keys of its requests: it tells of no others, and cancels none."""

Answer = tuple[dict[str, Any], int, dict[str, str]]

app = Flask(__name__)
# Before gunicorn forks: it connects when it is first used, and each worker has connections of its own.
cluster = Cluster(timeout=2)


@app.post("/films")
def convert() -> Answer:
    key = request.headers.get("Idempotency-Key", "")
    match request.get_json():
        case {"title": str(title), "frames": int(frames), **more} if (
            title and 0 < frames <= 100_000 and len(key) <= 100
        ):
            cost: Any = {"cpu": 1, "gpu": more.get("gpus", 0)}  # what it may be is checked by `enqueue`
        case _:
            return {"detail": "give a title, frames from 1 to 100000, and a key of at most 100 characters"}, 422, {}
    handle = cluster.enqueue(
        films.convert,
        title,
        frames,
        cost=cost,
        job_id=f"{FILM}{uuid4().hex}",
        on_infeasible="raise",
        unique=f"{FILM}{key}" if key else None,
        unique_ttl=DAY_S if key else None,
    )
    return standing(handle), 202, {"Location": url_for("look", id=handle.id.removeprefix(FILM))}


@app.get("/films/<id>")
def look(id: str) -> dict[str, Any]:
    return standing(cluster.handle(FILM + id))


@app.get("/films/<id>/events")
def follow(id: str) -> Response:
    handle = cluster.handle(FILM + id)  # what is wrong here is told before the stream begins
    return Response(events(handle), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})


@app.delete("/films/<id>")
def cancel(id: str) -> dict[str, bool]:
    return {"canceled": cluster.handle(FILM + id).cancel()}


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


def events(handle: Handle) -> Iterator[str]:
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


# The texts of errors are for the log: they name ids, the address of Redis, and what an operator could do.
@app.errorhandler(UnknownFunction)
def unknown(error: UnknownFunction) -> Answer:
    return {"detail": "there is no such film"}, 404, {}


@app.errorhandler(InvalidResources)
def invalid(error: InvalidResources) -> Answer:
    return {"detail": f"{error.resource}: {error.rule}"}, 422, {}


@app.errorhandler(Infeasible)
def infeasible(error: Infeasible) -> Answer:
    if error.for_now:
        return later(error)
    return {"detail": f"no node could convert it: {error.reason}"}, 409, {}


@app.errorhandler(StoreUnavailable)
def later(error: HandoffError) -> Answer:
    app.logger.error("%s %s: %s", request.method, request.path, error)
    return {"detail": "try again later"}, 503, {"Retry-After": "5"}
