"""A private server starts, keeps its secret, survives what tests do to it, and ends."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import psutil
import pytest
import redis

from handoff.local import server as embedded
from handoff.local.process import ServerNotStarted, ServerProcess
from handoff.local.server import RedisServer
from support.private_servers import SAYS_READY, client, folder_of, program
from support.processes import await_end
from support.waiting import LIMIT_S, wait_until


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
        monkeypatch.setattr("handoff.local.process.STOP_S", LIMIT_S)
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
        await_end([child])

    def test_a_paused_server_answers_once_it_is_resumed(self, server: RedisServer) -> None:
        patient, impatient = client(server), redis.Redis.from_url(server.url, socket_timeout=0.2)
        assert patient.ping()

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

    def test_a_server_that_stays_silent_is_given_up_and_killed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        silent = program(tmp_path / "redis-server", "echo $$ > $0.pid; echo thinking; exec /bin/sleep 600")
        await_ready = ServerProcess.await_ready

        def think_first(process: ServerProcess, seconds: float) -> None:
            wait_until(lambda: "thinking" in process._said, "the program has begun")
            await_ready(process, seconds)

        monkeypatch.setattr(ServerProcess, "await_ready", think_first)
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
