"""Connections to Redis as bytes, and replies of every kind."""

from __future__ import annotations

import socket

import redis

from handoff.local.server import RedisServer
from support.proxy import FaultyProxy
from support.waiting import LIMIT_S


def direct(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, socket_timeout=LIMIT_S)


def through(proxy: FaultyProxy, server: RedisServer, **options: object) -> redis.Redis:
    """Make a client that sends nothing twice by itself."""
    return redis.Redis.from_url(proxy.url(server.url), socket_timeout=LIMIT_S, **options)


def packed(*words: str | bytes) -> bytes:
    encoded = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


class Wire:
    """A connection that shows the bytes: logged in, in RESP2 or RESP3."""

    def __init__(self, port: int, url: str, protocol: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
        password = url.split(":")[2].split("@")[0]
        self.send(packed("HELLO", str(protocol), "AUTH", "default", password), packed("ECHO", "ready"))
        self.until(b"$5\r\nready\r\n")

    def send(self, *commands: bytes) -> None:
        self.socket.sendall(b"".join(commands))

    def until(self, end: bytes) -> bytes:
        """Receive up to and with these bytes."""
        received = bytearray()
        while not received.endswith(end):
            some = self.socket.recv(1 << 20)
            assert some, f"the connection ended after {bytes(received[-100:])!r}"
            received += some
        return bytes(received)

    def rest(self) -> bytes:
        """Receive all up to the end of the connection."""
        received = bytearray()
        while some := self.socket.recv(1 << 20):
            received += some
        return bytes(received)


def script(body: str) -> bytes:
    """Pack a script that counts its runs and returns what `body` says, of any type of RESP3."""
    return packed("EVAL", f"redis.call('INCR', 'runs') redis.setresp(3) {body}", "0")


REPLIES = {
    "status": script("return redis.status_reply('FINE')"),
    "error": script("return redis.error_reply('NOT so')"),
    "integer": script("return -12"),
    "bulk": script("return 'a\\r\\n$-1\\r\\n'"),
    "empty bulk": script("return ''"),
    "null": script("return false"),
    "8 MB": script("return string.rep('x', 8 * 1024 * 1024)"),
    "array": script("return {1, 'two', {ok = 'three'}}"),
    "empty array": script("return {}"),
    "nested arrays": script("return {{1, {2, {}, {'3'}}}, {{{}}}, 'end'}"),
    "wide array": script("local t = {} for i = 1, 5000 do t[i] = {i, tostring(i)} end return t"),
    "map": script("return {map = {a = {map = {b = {1, 2}}}}}"),
    "set": script("return {set = {a = true, b = true}}"),
    "double": script("return {double = 3.25}"),
    "infinity": script("return {double = -1/0}"),
    "big number": script("return {big_number = '1234567890123456789012345678901234567890'}"),
    "verbatim": script("return {verbatim_string = {format = 'txt', string = 'some\\r\\ntext'}}"),
    "boolean": script("return {true, false}"),
    "mixture": script("return {{map = {k = {set = {a = true}}}}, {double = 1.5}, false, true, {{map = {}}}, 'end'}"),
}
