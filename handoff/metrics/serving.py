"""The web server that Prometheus asks."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import make_wsgi_app

from handoff.ledger.store import Store
from handoff.metrics.collector import NamespaceCollector
from handoff.metrics.counted import Counting
from handoff.metrics.examined import Examining
from handoff.metrics.reading import Reading

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/metrics"


class _Handler(WSGIRequestHandler):
    """Prints nothing at each scrape."""

    timeout = 30  #: seconds for which who asks may be silent

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingMixIn, WSGIServer):
    """Serves on a socket that listens already."""

    daemon_threads = True

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()[:2]
        self.setup_environ()


def registry_of(store: Store, counting: Counting, examining: Examining) -> CollectorRegistry:
    """What is served of one namespace."""
    registry = CollectorRegistry()
    registry.register(NamespaceCollector(store.namespace, Reading(store, counting, examining)))
    return registry


def serve(store: Store, listener: socket.socket, *, examine_every_s: float) -> None:
    """Serve a namespace until an exception ends it, as Ctrl-C does."""
    counting, examining = Counting(store), Examining(store, examine_every_s)
    metrics: WSGIApplication = make_wsgi_app(registry_of(store, counting, examining))

    def site(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == PATH:
            return metrics(environ, start_response)
        # Who only asks whether this process answers costs Redis nothing.
        status = "200 OK" if environ["PATH_INFO"] == "/" else "404 Not Found"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"Metrics are at {PATH}.\n".encode()]

    with _Server(listener) as server:
        server.set_app(site)
        counting.start()
        examining.start()
        try:
            server.serve_forever()
        finally:
            counting.stop()
            examining.stop()
