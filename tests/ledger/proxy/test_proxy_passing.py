"""All else passes the proxy, and it leaves nothing behind."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

import pytest
import redis

from handoff.local.server import RedisServer
from support import need_redis_server
from support.proxy import Command, FaultyProxy
from support.waiting import LIMIT_S
from support.wire import Wire, packed, through


class TestSeeing:
    def test_commands_are_recorded_without_what_clients_say_by_themselves(
        self, proxy: FaultyProxy, server: RedisServer
    ) -> None:
        client = through(proxy, server, db=3, client_name="me")

        client.set("key", b"\xff\x00")
        client.get("key")

        assert proxy.commands == [Command("SET", (b"key", b"\xff\x00")), Command("GET", (b"key",))]

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_the_handshake_is_never_lost(self, proxy: FaultyProxy, server: RedisServer, protocol: int) -> None:
        proxy.drop_reply(1)
        client = through(proxy, server, db=3, client_name="me", protocol=protocol)

        with pytest.raises(redis.ConnectionError):
            client.incr("number")

        assert [command.name for command in proxy.commands] == ["INCRBY"]
        assert client.get("number") == b"1"

    def test_big_values_pass_both_ways(self, proxy: FaultyProxy, server: RedisServer) -> None:
        client, value = through(proxy, server), bytes(range(256)) * (1 << 15)

        client.set("big", value)

        assert client.get("big") == value

    def test_a_pipeline_keeps_its_order(self, proxy: FaultyProxy, server: RedisServer) -> None:
        pipeline = through(proxy, server).pipeline(transaction=False)
        for number in range(2000):
            pipeline.echo(str(number))

        assert pipeline.execute() == [b"%d" % number for number in range(2000)]
        assert len(proxy.commands) == 2000

    @pytest.mark.parametrize(
        ("upstream", "path"),
        [
            ("redis://:secret@127.0.0.1:1/2", "redis://:secret@127.0.0.1:{}/2"),
            ("redis://me:p%40ss@localhost:1/0?protocol=3", "redis://me:p%40ss@127.0.0.1:{}/0?protocol=3"),
            ("redis://localhost:6379/0", "redis://127.0.0.1:{}/0"),
        ],
    )
    def test_the_address_changes_and_the_rest_of_the_url_stays(
        self, proxy: FaultyProxy, upstream: str, path: str
    ) -> None:
        assert proxy.url(upstream) == path.format(proxy.port)


class TestEnding:
    def test_close_ends_connections_port_and_thread(self, server: RedisServer) -> None:
        proxy = FaultyProxy("127.0.0.1", server.port)
        idle = through(proxy, server)
        assert idle.ping()

        proxy.close()
        proxy.close()

        with pytest.raises(redis.ConnectionError):
            idle.ping()
        assert "faulty-proxy" not in {thread.name for thread in threading.enumerate()}

    def test_close_ends_a_command_that_waits_for_its_reply(
        self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire]
    ) -> None:
        waiting = wire(proxy.port, 2)
        waiting.send(packed("ECHO", "now it waits"), packed("BLPOP", "nothing", "0"))
        waiting.until(b"now it waits\r\n")

        proxy.close()

        with contextlib.suppress(ConnectionResetError):
            assert waiting.rest() == b""

    def test_close_does_not_wait_for_a_server_that_reads_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            proxy = FaultyProxy("127.0.0.1", deaf.getsockname()[1])
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=LIMIT_S) as client:
                client.sendall(packed("SET", "key", b"x" * (32 << 20)))

            proxy.close()

        assert [command.name for command in proxy.commands] in ([], ["SET"])

    def test_a_server_that_is_down_looks_down(self, server: RedisServer) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with FaultyProxy("127.0.0.1", port) as proxy, pytest.raises(redis.ConnectionError):
            through(proxy, server).ping()

    def test_a_server_that_is_killed_takes_its_connections_along_and_is_found_again(self) -> None:
        need_redis_server()
        with RedisServer() as own, FaultyProxy("127.0.0.1", own.port) as proxy:
            client = through(proxy, own)
            assert client.ping()

            own.kill()
            with pytest.raises(redis.ConnectionError):
                client.ping()
            own.restart()

            assert client.ping()

    def test_a_mistake_of_the_test_comes_out_of_close(self, server: RedisServer) -> None:
        proxy = FaultyProxy("127.0.0.1", server.port)
        proxy.drop_reply(1, match=lambda command: command.args[5] == b"no such argument")
        with pytest.raises(redis.ConnectionError):
            through(proxy, server).ping()

        with pytest.raises(ExceptionGroup) as caught:
            proxy.close()

        assert caught.group_contains(IndexError)

    def test_what_is_no_command_comes_out_of_close(self, server: RedisServer) -> None:
        proxy = FaultyProxy("127.0.0.1", server.port)
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=LIMIT_S) as client:
            client.sendall(b"PING\r\n")
            assert client.recv(1) == b""

        with pytest.raises(ExceptionGroup) as caught:
            proxy.close()

        assert caught.group_contains(ValueError, match="send arrays of bulk strings")
