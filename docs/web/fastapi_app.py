"""Films are converted wherever there is room: the backend in FastAPI.

HANDOFF_REDIS_URL=redis://... uvicorn --workers 2 --timeout-graceful-shutdown 5 fastapi_app:app
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

import films
from handoff import FunctionProgress
from handoff.aio import Cluster, Handle
from handoff.errors import HandoffError, Infeasible, InvalidResources, StoreUnavailable, UnknownFunction

DAY_S = 24 * 3600
FILM = "film-"
"""What the ids of its functions begin with, and the keys of its requests: it tells of no others, and cancels none."""
logger = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # It connects when it is first used, so that the backend also starts while Redis is away.
    async with Cluster(timeout=2) as cluster:
        app.state.cluster = cluster
        yield


def the_cluster(request: Request) -> Cluster:
    cluster: Cluster = request.app.state.cluster
    return cluster


TheCluster = Annotated[Cluster, Depends(the_cluster)]
Key = Annotated[str | None, Header(min_length=1, max_length=100)]
app = FastAPI(title="Films", lifespan=lifespan)


class Film(BaseModel):
    title: str = Field(min_length=1, max_length=200)
    frames: int = Field(ge=1, le=100_000)
    gpus: int = Field(default=0, ge=0)


@app.post("/films", status_code=202)
async def convert(film: Film, cluster: TheCluster, response: Response, idempotency_key: Key = None) -> dict[str, Any]:
    handle = await cluster.enqueue(
        films.convert,
        film.title,
        film.frames,
        cost={"cpu": 1, "gpu": film.gpus},
        job_id=f"{FILM}{uuid4().hex}",
        on_infeasible="raise",
        unique=f"{FILM}{idempotency_key}" if idempotency_key else None,
        unique_ttl=DAY_S if idempotency_key else None,
    )
    response.headers["Location"] = app.url_path_for("look", id=handle.id.removeprefix(FILM))
    return await standing(handle)


@app.get("/films/{id}")
async def look(id: str, cluster: TheCluster) -> dict[str, Any]:
    return await standing(await cluster.handle(FILM + id))


@app.get("/films/{id}/events")
async def follow(id: str, cluster: TheCluster) -> StreamingResponse:
    handle = await cluster.handle(FILM + id)  # what is wrong here is told before the stream begins
    return StreamingResponse(events(handle), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@app.delete("/films/{id}")
async def cancel(id: str, cluster: TheCluster) -> dict[str, bool]:
    handle = await cluster.handle(FILM + id)
    return {"canceled": await handle.cancel()}


def told(id: str, state: str, progress: FunctionProgress | None) -> dict[str, Any]:
    """Where it stands and how far it is."""
    found: dict[str, Any] = {"id": id.removeprefix(FILM), "state": state}
    if progress is not None:
        found["progress"] = {"fraction": progress.fraction, "message": progress.message}
    return found


async def standing(handle: Handle) -> dict[str, Any]:
    """Where it stands, why in words that tell nothing of others, how far it is, and its result."""
    explanation = await handle.explain()
    found = told(handle.id, explanation.state, await handle.progress())
    found["why"] = explanation.own_text
    if explanation.state == "finished":
        found["result"] = await handle.result(timeout=2)
    return found


async def events(handle: Handle) -> AsyncIterator[str]:
    """How far it is, as that changes; an outage of Redis is told and waited out."""
    while True:
        try:
            async for state in handle.watch(timeout=10):
                yield f"data: {json.dumps(told(handle.id, state.status, state.progress))}\n\n"
            return
        except TimeoutError:
            continue  # what is told once more shows whether anybody is still there
        except UnknownFunction:
            return  # it has expired
        except StoreUnavailable:
            yield f"data: {json.dumps(told(handle.id, 'unavailable', None))}\n\n"
        await asyncio.sleep(0.5)


# The texts of errors are for the log: they name ids, the address of Redis, and what an operator could do.
@app.exception_handler(UnknownFunction)
async def unknown(request: Request, error: UnknownFunction) -> JSONResponse:
    return JSONResponse({"detail": "there is no such film"}, 404)


@app.exception_handler(InvalidResources)
async def invalid(request: Request, error: InvalidResources) -> JSONResponse:
    return JSONResponse({"detail": f"{error.resource}: {error.rule}"}, 422)


@app.exception_handler(Infeasible)
async def infeasible(request: Request, error: Infeasible) -> JSONResponse:
    if error.for_now:
        return await later(request, error)
    return JSONResponse({"detail": f"no node could convert it: {error.reason}"}, 409)


@app.exception_handler(StoreUnavailable)
async def later(request: Request, error: HandoffError) -> JSONResponse:
    logger.error("%s %s: %s", request.method, request.url.path, error)
    return JSONResponse({"detail": "try again later"}, 503, headers={"Retry-After": "5"})
