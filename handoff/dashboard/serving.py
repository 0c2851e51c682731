"""The dashboard with a web server of its own."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from contextlib import closing

import uvicorn

from handoff.client.cluster import Cluster
from handoff.dashboard.application import app
from handoff.dashboard.safety import LOOPBACK, BasicAuth
from handoff.errors import HandoffError, named

GRACE_S = 1
"""How long pages that are kept current hold the end up."""


class CannotListen(HandoffError):
    """Nothing can listen there."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(address, why)
        self.address, self.why = address, why

    def __str__(self) -> str:
        return f"the dashboard cannot listen at {self.address} ({self.why}): give another --port or --host"


def serve(
    cluster: Cluster,
    *,
    host: str,
    port: int,
    write: bool,
    user: str | None,
    password: str | None,
    tell: Callable[[str], None],
) -> None:
    """Serve it until a signal ends it; `tell` is given its address once it listens."""
    with closing(_listening(host, port)) as listener:
        shown = f"[{host}]" if ":" in host else host
        tell(f"http://{shown}:{listener.getsockname()[1]}")
        site = app(
            cluster,
            write=write,
            authorize=None if user is None or password is None else BasicAuth(user, password),
            hosts=LOOPBACK | {shown.lower()} if is_loopback(host) else None,
        )
        config = uvicorn.Config(
            site, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S, server_header=False
        )
        uvicorn.Server(config).run(sockets=[listener])


def is_loopback(host: str) -> bool:
    """Whether what listens there is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    try:
        # Looked up first: a socket that was made for what is no name of a host would not be closed.
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), port), family=family)
    # What is no name of a host at all is told in other ways.
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise CannotListen(named(f"{host[:60]}:{port}"), why or str(error)) from error
