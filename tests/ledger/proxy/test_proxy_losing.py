"""The proxy loses exactly what it was told to lose."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest
import redis

from handoff.local.server import RedisServer
from support.proxy import FaultyProxy
from support.waiting import LIMIT_S
from support.wire import REPLIES, Wire, direct, packed, through


class TestLosingAReply:
    def test_the_command_is_applied_once_and_the_client_loses_its_connection(
        self, proxy: FaultyProxy, server: RedisServer
    ) -> None:
        client = through(proxy, server)
        fault = proxy.drop_reply(1, match="INCRBY")

        with pytest.raises(redis.ConnectionError):
            client.incr("number")

        assert fault.happened.is_set()
        assert direct(server).get("number") == b"1"

    def test_only_that_reply_is_lost(self, proxy: FaultyProxy, server: RedisServer) -> None:
        client = through(proxy, server)
        sha = client.script_load("return redis.call('INCR', KEYS[1])")
        proxy.drop_reply(2, match="EVALSHA")

        answers = []
        for _ in range(4):
            try:
                answers.append(client.evalsha(sha, 1, "number"))
            except redis.ConnectionError:
                answers.append("lost")

        assert answers == [1, "lost", 3, 4]
        assert proxy.matched == 4

    def test_a_transaction_is_applied_though_its_reply_is_lost(self, proxy: FaultyProxy, server: RedisServer) -> None:
        pipeline = through(proxy, server).pipeline(transaction=True)
        pipeline.incr("a")
        pipeline.incr("b")
        proxy.drop_reply(1, match="EXEC")

        with pytest.raises(redis.ConnectionError):
            pipeline.execute()

        assert direct(server).mget("a", "b") == [b"1", b"1"]

    def test_a_blocking_command_loses_its_reply_when_it_comes(self, proxy: FaultyProxy, server: RedisServer) -> None:
        client = through(proxy, server)
        fault = proxy.drop_reply(1, match="BLPOP")
        direct(server).rpush("list", "first")
        with pytest.raises(redis.ConnectionError):
            client.blpop(["list"], timeout=LIMIT_S)

        assert fault.happened.is_set()
        assert direct(server).llen("list") == 0

    def test_the_command_is_chosen_by_what_it_says(self, proxy: FaultyProxy, server: RedisServer) -> None:
        client = through(proxy, server)
        proxy.drop_reply(2, match=lambda command: command.args[:1] == (b"b",))

        client.set("b", 1)
        client.set("a", 2)
        with pytest.raises(redis.ConnectionError):
            client.get("b")

    def test_commands_are_counted_over_all_connections(self, proxy: FaultyProxy, server: RedisServer) -> None:
        fault = proxy.drop_reply(5, match="INCRBY")
        lost: list[redis.ConnectionError] = []

        def count() -> None:
            client = through(proxy, server)
            for _ in range(5):
                try:
                    client.incr("number")
                except redis.ConnectionError as error:
                    lost.append(error)

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)

        assert len(lost) == 1
        assert fault.matched == 20
        assert direct(server).get("number") == b"20"

    def test_faults_count_from_when_they_are_ordered_and_each_strikes_once(
        self, proxy: FaultyProxy, server: RedisServer
    ) -> None:
        client = through(proxy, server)
        client.incr("number")
        lost = proxy.drop_reply(1, match="INCRBY")
        refused = proxy.refuse(2, match="INCRBY")

        for fault in (lost, refused):
            with pytest.raises(redis.ConnectionError):
                client.incr("number")
            assert fault.happened.is_set()

        assert client.incr("number") == 3


class TestRefusing:
    def test_the_command_never_reaches_the_server(self, proxy: FaultyProxy, server: RedisServer) -> None:
        client = through(proxy, server)
        fault = proxy.refuse(1, match="INCRBY")

        with pytest.raises(redis.ConnectionError):
            client.incr("number")

        assert fault.happened.is_set()
        assert direct(server).get("number") is None
        assert client.incr("number") == 1

    def test_what_was_sent_before_is_answered_and_what_was_sent_behind_is_not_applied(
        self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire]
    ) -> None:
        proxied = wire(proxy.port, 2)
        proxy.refuse(3, match="INCR")
        big = packed("SET", "behind", b"x" * (8 << 20))

        proxied.send(packed("INCR", "n"), REPLIES["8 MB"], packed("INCR", "n"), packed("INCR", "n"), big)

        assert re.fullmatch(rb":1\r\n\$8388608\r\nx{8388608}\r\n:2\r\n", proxied.rest())
        assert direct(server).mget("n", "behind") == [b"2", None]

    def test_a_subscription_can_be_refused(
        self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire]
    ) -> None:
        subscriber = wire(proxy.port, 3)
        proxy.refuse(1, match="SUBSCRIBE")

        subscriber.send(packed("SUBSCRIBE", "news"))

        assert subscriber.rest() == b""
        assert direct(server).pubsub_numsub("news") == [(b"news", 0)]


class TestPushes:
    @pytest.mark.parametrize("protocol", [2, 3])
    @pytest.mark.parametrize("lost", ["PING", "UNSUBSCRIBE-then-ECHO"])
    def test_pushes_are_passed_and_not_taken_for_replies(
        self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire], protocol: int, lost: str
    ) -> None:
        proxied = wire(proxy.port, protocol)
        proxied.send(packed("SUBSCRIBE", "a", "b"), packed("PSUBSCRIBE", "c*"))
        proxied.until(b":3\r\n")
        fault = proxy.drop_reply(1, match=lambda command: command.name in {"PING", "ECHO"})

        direct(server).publish("a", "first")
        direct(server).publish("cd", "second")
        proxied.until(b"second\r\n")
        if lost == "PING":
            proxied.send(packed("PING"))
        else:
            proxied.send(packed("UNSUBSCRIBE"), packed("PUNSUBSCRIBE"), packed("ECHO", "never seen"))

        received = proxied.rest()
        assert fault.happened.is_set()
        assert received.count(b"unsubscribe") == (0 if lost == "PING" else 3)
        assert b"PONG" not in received.upper()
        assert b"never seen" not in received

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_a_subscription_is_not_counted_among_replies_to_lose(
        self, proxy: FaultyProxy, wire: Callable[..., Wire], protocol: int
    ) -> None:
        subscriber = wire(proxy.port, protocol)
        proxy.drop_reply(1)

        subscriber.send(packed("SUBSCRIBE", "news"))

        subscriber.until(b"$4\r\nnews\r\n:1\r\n")
        assert proxy.matched == 0

    def test_monitor_passes(self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire]) -> None:
        watcher = wire(proxy.port, 2)
        watcher.send(packed("MONITOR"))
        watcher.until(b"+OK\r\n")

        through(proxy, server).set("seen", "by the monitor")

        assert b'"SET" "seen"' in watcher.until(b'"by the monitor"\r\n')
