"""Films are converted wherever there is room: the backend in Flask.

HANDOFF_REDIS_URL=redis://... gunicorn --preload --workers 2 --threads 8 --graceful-timeout 5 flask_app:app
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, request, url_for

import films
from handoff import Cluster, FunctionProgress, Handle
from handoff.errors import HandoffError, Infeasible, InvalidResources, StoreUnavailable, UnknownFunction

STATUSES = {InvalidResources: 422, UnknownFunction: 404, Infeasible: 409}
DAY_S = 24 * 3600

app = Flask(__name__)
# Before gunicorn forks: it connects when it is first used, and each worker has connections of its own.
cluster = Cluster(timeout=2)


@app.post("/films")
def convert() -> tuple[dict[str, Any], int, dict[str, str]]:
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
        on_infeasible="raise",
        unique=key or None,
        unique_ttl=DAY_S if key else None,
    )
    return standing(handle), 202, {"Location": url_for("look", id=handle.id)}


@app.get("/films/<id>")
def look(id: str) -> dict[str, Any]:
    return standing(cluster.handle(id))


@app.get("/films/<id>/events")
def follow(id: str) -> Response:
    handle = cluster.handle(id)  # what is wrong here is told before the stream begins
    return Response(events(handle), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})


@app.delete("/films/<id>")
def cancel(id: str) -> dict[str, bool]:
    return {"canceled": cluster.handle(id).cancel()}


def told(id: str, state: str, progress: FunctionProgress | None) -> dict[str, Any]:
    """Where it stands and how far it is."""
    found: dict[str, Any] = {"id": id, "state": state}
    if progress is not None:
        found["progress"] = {"fraction": progress.fraction, "message": progress.message}
    return found


def standing(handle: Handle) -> dict[str, Any]:
    """All about it: why it stands as it does, in words for people and in detail for programs, and its result."""
    explanation = handle.explain()
    found = told(handle.id, explanation.state, handle.progress)
    found |= {"why": explanation.text, "details": explanation.to_dict()}
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


@app.errorhandler(InvalidResources)
@app.errorhandler(UnknownFunction)
@app.errorhandler(Infeasible)
def refuse(error: HandoffError) -> tuple[dict[str, str], int]:
    return {"detail": str(error)}, STATUSES[type(error)]


@app.errorhandler(StoreUnavailable)
def wait(error: StoreUnavailable) -> tuple[dict[str, str], int, dict[str, str]]:
    # Whoever asks is not told the address of Redis, which the text names.
    app.logger.error("%s %s: %s", request.method, request.path, error)
    return {"detail": "try again later"}, 503, {"Retry-After": "5"}
