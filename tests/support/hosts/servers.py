"""Redis on a host: others reach it by its address, and the test by a socket, whatever becomes of the wires."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import redis

from handoff.local.program import find_server
from handoff.local.server import RedisServer
from support.hosts.network import Host
from support.private_servers import folder_of, program

README = Path(__file__).parents[3] / "workers" / "README.md"

SOCKET = "redis.sock"

NAMESPACE = "handoff"
"""The one for which workers/README.md gives the rights."""


def rights() -> list[str]:
    """Those that operators are told to give to clients and agents."""
    told = re.search(r"ACL SETUSER handoff on >secret (.*)", README.read_text(encoding="utf-8"))
    assert told
    return told[1].split()


def server_on(host: Host, folder: Path) -> RedisServer:
    """Prepare a server that runs there and keeps what it acknowledged."""
    command = shlex.join([*host.command, *find_server()])
    given = shlex.join(["--bind", host.address, "--unixsocket", SOCKET])
    return RedisServer(appendonly=True, command=[str(program(folder / "server", f'exec {command} "$1" {given}'))])


def socket_of(server: RedisServer) -> Path:
    return folder_of(server) / SOCKET


def url_at(server: RedisServer) -> str:
    """The address by which the test reaches it."""
    return f"unix://:{urlsplit(server.url).password}@{socket_of(server)}?db=0"


def url_from_others(server: RedisServer, host: Host) -> str:
    """The address for clients on other hosts, who log in with no more rights than they need."""
    with redis.Redis.from_url(url_at(server)) as admin:
        admin.execute_command("ACL", "SETUSER", "handoff", "on", ">secret", *rights())
    return f"redis://handoff:secret@{host.address}:{server.port}/0"
