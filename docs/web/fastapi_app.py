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

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

import films
from handoff import FunctionProgress
from handoff.aio import Cluster, Handle
from handoff.errors import HandoffError, Infeasible, InvalidResources, StoreUnavailable, UnknownFunction

STATUSES = {InvalidResources: 422, UnknownFunction: 404, Infeasible: 409}
DAY_S = 24 * 3600
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
        on_infeasible="raise",
        unique=idempotency_key,
        unique_ttl=DAY_S if idempotency_key else None,
    )
    response.headers["Location"] = app.url_path_for("look", id=handle.id)
    return await standing(handle)


@app.get("/films/{id}")
async def look(id: str, cluster: TheCluster) -> dict[str, Any]:
    return await standing(await cluster.handle(id))


@app.get("/films/{id}/events")
async def follow(id: str, cluster: TheCluster) -> StreamingResponse:
    handle = await cluster.handle(id)  # what is wrong here is told before the stream begins
    return StreamingResponse(events(handle), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@app.delete("/films/{id}")
async def cancel(id: str, cluster: TheCluster) -> dict[str, bool]:
    handle = await cluster.handle(id)
    return {"canceled": await handle.cancel()}


def told(id: str, state: str, progress: FunctionProgress | None) -> dict[str, Any]:
    """Where it stands and how far it is."""
    found: dict[str, Any] = {"id": id, "state": state}
    if progress is not None:
        found["progress"] = {"fraction": progress.fraction, "message": progress.message}
    return found


async def standing(handle: Handle) -> dict[str, Any]:
    """All about it: why it stands as it does, in words for people and in detail for programs, and its result."""
    explanation = await handle.explain()
    found = told(handle.id, explanation.state, await handle.progress())
    found |= {"why": explanation.text, "details": explanation.to_dict()}
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


@app.exception_handler(InvalidResources)
@app.exception_handler(UnknownFunction)
@app.exception_handler(Infeasible)
async def refuse(request: Request, error: HandoffError) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, STATUSES[type(error)])


@app.exception_handler(StoreUnavailable)
async def wait(request: Request, error: StoreUnavailable) -> JSONResponse:
    # Whoever asks is not told the address of Redis, which the text names.
    logger.error("%s %s: %s", request.method, request.url.path, error)
    return JSONResponse({"detail": "try again later"}, 503, headers={"Retry-After": "5"})
