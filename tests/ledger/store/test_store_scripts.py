"""What fails in a script, or in how it is called, is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.asking import ScriptBug
from handoff.ledger.lua import files, functions, loader, pieces
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.ledger.store import Store
from support.connections import NODE


class TestScriptBug:
    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
        """Replace the last line of a Lua file for the length of a test."""
        source = files.source

        def forget() -> None:
            loader.load.cache_clear()
            functions.library.cache_clear()
            pieces.kept.cache_clear()

        def replace(file: str, line: str) -> None:
            def changed(name: str) -> str:
                text = source(name)
                return "\n".join([*text.splitlines()[:-1], line]) if name == file else text

            monkeypatch.setattr(files, "source", changed)
            forget()

        yield replace
        forget()

    @pytest.mark.parametrize(
        "line",
        ["return {'probed', nil .. 'x'}", "return {'probed', redis.call('NOSUCHCOMMAND')}", "error('this is so')"],
        ids=["of Lua", "of a command", "of our own"],
    )
    def test_a_script_that_fails_is_named_with_file_and_line(
        self, real: Cluster, broken: Callable[[str, str], None], line: str
    ) -> None:
        number = len(files.source("probe").splitlines())
        broken("probe", line)

        with pytest.raises(ScriptBug, match=rf"^probe: .*\bprobe\.lua:{number}\b"):
            real.store.run("probe", name="a", cost="")

    def test_a_failure_inside_a_library_names_the_library(
        self, real: Cluster, broken: Callable[[str, str], None]
    ) -> None:
        number = len(files.source("time/events").splitlines())
        broken("time/events", "  return {} .. '' end")

        with pytest.raises(ScriptBug, match=rf"^register_node: .*\btime/events\.lua:{number}\b"):
            real.register_node("a", NODE)

    def test_a_failure_is_not_asked_again(
        self, store: Store, broken: Callable[[str, str], None], clock: SimpleNamespace
    ) -> None:
        broken("probe", "error('this is so')")

        with pytest.raises(ScriptBug, match="this is so"):
            store.run("probe", name="a", cost="")

        assert clock.pauses == []

    def test_an_answer_that_no_header_lists_is_a_bug_too(
        self, cluster: Cluster, broken: Callable[[str, str], None]
    ) -> None:
        broken("submit", "return {'perhaps'}")

        with pytest.raises(ScriptBug, match="perhaps"):
            cluster.enqueue("tasks:work")

    @pytest.mark.parametrize(
        ("arguments", "rest"),
        [({"name": "a"}, []), ({"name": "a", "cost": "", "more": ""}, []), ({"name": "a", "cost": ""}, ["more"])],
        ids=["too few", "too many", "a list it does not take"],
    )
    def test_arguments_that_the_header_does_not_name_are_a_type_error(
        self, store: Store, arguments: dict[str, str], rest: list[str]
    ) -> None:
        with pytest.raises(TypeError, match="probe takes"):
            store.run("probe", *rest, **arguments)

    def test_every_namespace_and_every_store_shares_one_script(self) -> None:
        assert loader.load("probe", RQ_KEY_PREFIX) is loader.load("probe", RQ_KEY_PREFIX)
