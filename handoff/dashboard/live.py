"""Pages that are kept current: the server sends what has changed, by server-sent events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from handoff.dashboard.content import Content
from handoff.dashboard.page import Missing
from handoff.view.looks import until_next_beat_s

SILENCE_S = 15.0
"""After so long something is sent that means nothing: proxies close what is silent."""

LONGEST_S = 300.0
"""Then the browser connects again, by itself: a server that is to end waits no longer for it."""


def live(content: Callable[[], Content]) -> Response:
    """Send the content now, and of it whatever has changed."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_changes(content), media_type="text/event-stream", headers=headers)


async def _changes(content: Callable[[], Content]) -> AsyncIterator[str]:
    sent, sent_s, until_s = Content(()), time.monotonic(), time.monotonic() + LONGEST_S
    yield "retry: 1000\n\n"
    while time.monotonic() < until_s:
        try:
            now = await run_in_threadpool(content)
        except Missing:
            # What is left of the page says what it was; a new look at it says that it is gone.
            return
        if now != sent:
            parts = now.parts_since(sent)
            yield event("page", now.html) if parts is None else event("parts", parts)
            sent, sent_s = now, time.monotonic()
        elif time.monotonic() - sent_s > SILENCE_S:
            sent_s = time.monotonic()
            yield ": nothing has changed\n\n"
        await asyncio.sleep(until_next_beat_s(time.monotonic()))


def event(name: str, data: str) -> str:
    """One event; each line of its data is a line of its own."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {name}\n{lines}\n"
