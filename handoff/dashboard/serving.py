"""The dashboard with a web server of its own."""

from __future__ import annotations

import gc
import socket

import uvicorn

from handoff.client.cluster import Cluster
from handoff.dashboard.application import app
from handoff.dashboard.safety import LOOPBACK, BasicAuth

GRACE_S = 1
"""How long pages that are kept current hold the end up."""


def serve(
    cluster: Cluster,
    listener: socket.socket,
    *,
    only_here: str | None,
    write: bool,
    user: str | None,
    password: str | None,
) -> None:
    """Serve it until a signal ends it. `only_here`: how pages call a host that is reached from this machine alone."""
    site = app(
        cluster,
        write=write,
        authorize=None if user is None or password is None else BasicAuth(user, password),
        hosts=None if only_here is None else LOOPBACK | {only_here},
    )
    config = uvicorn.Config(
        site, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S, server_header=False
    )
    # What was imported is no garbage: going through it takes 25 ms, at every eighth look at a thousand nodes.
    gc.freeze()
    uvicorn.Server(config).run(sockets=[listener])
