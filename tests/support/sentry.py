"""Stands where Sentry does: takes what programs send it over HTTP, and keeps the events."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.waiting import wait_until

Event = Mapping[str, Any]


class Sentry:
    """Where programs send events: `dsn`."""

    def __init__(self) -> None:
        self.received: list[bytes] = []  #: envelopes
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.dsn = f"http://key@127.0.0.1:{self.server.server_address[1]}/1"

    def events(self) -> list[Event]:
        """All events, in the order in which they came."""
        return [event for envelope in list(self.received) for event in _events_in(envelope)]

    def await_events(self, count: int) -> dict[str, Event]:
        """Wait until there are so many. -> those of a job, by its id: the last of each"""
        wait_until(lambda: len(self.events()) >= count, f"{count} events")
        return {event["extra"]["rq-job"]["job_id"]: event for event in self.events()}


@contextmanager
def a_sentry() -> Iterator[Sentry]:
    sentry = Sentry()
    thread = threading.Thread(target=sentry.server.serve_forever)
    thread.start()
    try:
        yield sentry
    finally:
        sentry.server.shutdown()
        thread.join()
        sentry.server.server_close()


def _events_in(envelope: bytes) -> Iterator[Event]:
    lines = envelope.splitlines()[1:]
    for header, payload in zip(lines[::2], lines[1::2], strict=False):
        if json.loads(header)["type"] == "event":
            yield json.loads(payload)
