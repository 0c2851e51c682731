"""No error, no repr and no sentence tells a password, also not one that a server or redis-py repeats."""

from __future__ import annotations

import socketserver
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger.connection import Pool
from handoff.ledger.passwords import without_passwords
from handoff_worker.children.task import Task
from handoff_worker.machine.settings import NodeSettings, load

SECRET = "s3cr3t-w0rd"


class Parrot(socketserver.BaseRequestHandler):
    """Knows no command, and repeats each with its arguments, as Redis does."""

    def handle(self) -> None:
        while data := self.request.recv(4096):
            words = [word for word in data.split(b"\r\n") if word and word[:1] not in b"*$"]
            said = b" ".join(b"'%s'" % word for word in words)
            self.request.sendall(b"-ERR unknown command, with args beginning with: %s\r\n" % said)


@pytest.fixture
def parrot() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Parrot) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "address",
    ["redis://:{}@127.0.0.1:{}/0", "redis://somebody:{}@127.0.0.1:{}/0?protocol=3",
     "redis+sentinel://:{}@127.0.0.1:{}/main/0", "redis+sentinel://127.0.0.1:{1}/main/0?sentinel_password={0}"],
)  # fmt: skip
def test_a_server_that_repeats_the_login_is_told_without_it(parrot: int, address: str) -> None:
    is_told = pytest.raises((StoreUnavailable, redis.RedisError))
    with Cluster(address.format(SECRET, parrot)) as cluster, is_told as caught:
        cluster.discover_nodes()

    told = "".join(traceback.format_exception(caught.value))
    assert "unknown command" in told
    assert SECRET not in told


@pytest.mark.parametrize(
    "show",
    [
        lambda: repr(Cluster(f"redis://u:{SECRET}@host:1/0")),
        lambda: repr(Cluster(f"redis://u:{SECRET}@host:1/0").connection),
        lambda: repr(Cluster(f"redis://u:{SECRET}@host:1/0").connection.connection_pool),
        lambda: repr(Cluster(f"redis+sentinel://:{SECRET}@host:1/main/0?sentinel_password={SECRET}").connection),
        lambda: repr(Cluster(connection=redis.Redis(password=SECRET)).connection),
        lambda: repr(Cluster(f"redis://u:{SECRET}@host:1/0").store),
        lambda: repr(Cluster(f"redis://u:{SECRET}@host:1/0").tracker),
        lambda: repr(NodeSettings(url=f"redis://:{SECRET}@host:1/0")),
        lambda: repr(Task("f", {}, "node", "worker", {"url": f"redis://:{SECRET}@host:1/0"})),
    ],
)
def test_what_is_shown_of_an_object_holds_no_password(show: Callable[[], str]) -> None:
    assert SECRET not in show()


def test_clients_have_a_pool_that_shows_no_settings_whatever_redis_py_does() -> None:
    with Cluster(f"redis://u:{SECRET}@host:1/0") as cluster:
        assert type(cluster.connection.connection_pool) is Pool
        assert type(cluster.connection.connection_pool).__repr__ is not redis.ConnectionPool.__repr__


@pytest.mark.parametrize(
    "given",
    [
        {"connection": f"redis://:{SECRET}@host:1/0"},
        {"connection": {"password": SECRET}},
        {"url": f"redis://:{SECRET}@host:1/0".encode()},
        {"url": [f"redis://:{SECRET}@host:1/0"]},
        {"url": f"redis://:{SECRET}/@host:1/0"},
        {"url": f"redis://:{SECRET}@host:port/0"},
        {"url": f"http://:{SECRET}@host:1/0"},
        {"url": f"redis+sentinel://:{SECRET}/@host:1/main"},
        {"url": f"redis://:{SECRET}@host:1/0?db={SECRET}&password={SECRET}"},
        {"url": f"unix://:{SECRET}@/run/redis.sock?db=x"},
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(given: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        Cluster(**given)

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("url", [f'["redis://:{SECRET}@host"]', f'{{ a = "redis://:{SECRET}@host" }}', '""'])
def test_a_settings_file_whose_address_is_none_is_refused_without_it(tmp_path: Path, url: str) -> None:
    (tmp_path / "node.toml").write_text(f"url = {url}\n")

    with pytest.raises(ValueError, match="sets 'url' to what is none: it must be an address") as caught:
        load(tmp_path / "node.toml")

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"no redis://u:{SECRET}@host:1/0 there", "no redis://***@host:1/0 there"),
        (f"'redis://:{SECRET}@{SECRET}@host'", "'redis://***@host'"),
        (
            f"redis+sentinel://a:1/m/0?sentinel_password={SECRET}&b=1",
            "redis+sentinel://a:1/m/0?sentinel_password=***&b=1",
        ),
        ("redis://host:1/0", "redis://host:1/0"),
        ("me@example.com", "me@example.com"),
    ],
)
def test_addresses_are_told_without_their_login(text: str, told: str) -> None:
    assert without_passwords(text) == told
