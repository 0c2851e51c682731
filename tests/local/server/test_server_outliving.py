"""A private server never outlives the process that started it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import need_redis_server
from support.waiting import LIMIT_S

STARTER = """
import os, sys, threading
from handoff.local.server import RedisServer
server = RedisServer()
def tell(): print(server.port, server.pid, os.readlink(f"/proc/{server.pid}/cwd"), flush=True)
"""


class Starter:
    """A process that starts a server and then does what the script says; holds a connection to that server."""

    def __init__(self, script: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTER + script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        port, self.pid, folder = self.process.stdout.readline().split()
        self.folder = Path(folder)
        self.connection = socket.create_connection(("127.0.0.1", int(port)), timeout=LIMIT_S)

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def server_is_gone(self) -> bool:
        """Wait for the end of the connection; sooner than the time limit it only comes with the end of the server."""
        try:
            return self.connection.recv(1) == b""
        except ConnectionResetError:
            return True

    def server_answers(self) -> bool:
        self.connection.sendall(b"PING\r\n")
        return self.connection.recv(100).startswith(b"-NOAUTH")

    def close(self) -> None:
        self.connection.close()
        with self.process:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def starters() -> Iterator[list[Starter]]:
    need_redis_server()
    started: list[Starter] = []
    yield started
    for starter in started:
        starter.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
class TestOutliving:
    @pytest.mark.parametrize(
        "script",
        ["server.start(); tell(); sys.stdin.read()", "server.start(); server.pause(); tell(); sys.stdin.read()"],
        ids=["running", "paused"],
    )
    def test_a_server_dies_with_a_starter_that_is_killed(self, starters: list[Starter], script: str) -> None:
        starter = Starter(script)
        starters.append(starter)

        os.kill(starter.process.pid, signal.SIGKILL)

        assert starter.server_is_gone()

    def test_a_server_outlives_the_thread_that_called_start(self, starters: list[Starter]) -> None:
        starter = Starter("t = threading.Thread(target=server.start); t.start(); t.join(); tell(); sys.stdin.read()")
        starters.append(starter)

        assert starter.server_answers()

        os.kill(starter.process.pid, signal.SIGKILL)
        assert starter.server_is_gone()

    def test_a_starter_that_forgets_to_stop_leaves_nothing(self, starters: list[Starter]) -> None:
        starter = Starter("server.start(); tell(); sys.stdin.read()")
        starters.append(starter)

        starter.go_on()

        assert starter.process.wait(LIMIT_S) == 0
        assert starter.server_is_gone()
        assert not starter.folder.exists()

    def test_a_forked_process_does_not_take_the_server_along_when_it_ends(self, starters: list[Starter]) -> None:
        fork = "pid = os.fork()\nif pid == 0: server.stop(); sys.exit()\nos.waitpid(pid, 0); tell(); sys.stdin.read()"
        starter = Starter(f"server.start()\n{fork}")
        starters.append(starter)

        assert starter.folder.exists()
        assert starter.server_answers()
