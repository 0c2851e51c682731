"""Where a command listens that is asked by others: by browsers, or by what gathers metrics."""

from __future__ import annotations

import ipaddress
import socket

from handoff.errors import HandoffError, named


class CannotListen(HandoffError):
    """Nothing can listen there."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(address, why)
        self.address, self.why = address, why

    def __str__(self) -> str:
        return f"nothing can listen at {self.address} ({self.why}): give another --port or --host"


def listen(host: str, port: int) -> socket.socket:
    """Listen at an address. Raises `CannotListen`."""
    try:
        # Looked up first: a socket that was made for what is no name of a host would not be closed.
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), port), family=family)
    # What is no name of a host at all is told in other ways.
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise CannotListen(named(f"{host[:60]}:{port}"), why or str(error)) from error


def url_of(listener: socket.socket, host: str) -> str:
    """Where those who ask find it."""
    return f"http://{in_urls(host)}:{listener.getsockname()[1]}"


def in_urls(host: str) -> str:
    """A host as it stands in addresses of pages."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether what listens there is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
