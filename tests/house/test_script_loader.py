"""How one script is made of an operation and of its libraries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import pytest
import redis

from handoff.ledger.lua import files, loader, pieces
from handoff.ledger.lua.header import BadHeader
from handoff.ledger.lua.loader import Script
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from support.each import of_each
from support.lua_files import GIVEN, OPERATIONS, Compiled, lines_of

MARGIN = 20
"""How many locals a script is to stay below the 200 that Lua allows: another Redis may count its own."""

GUARD = "-- X.\n--\n-- @first look\n\nfunction Layout.look()\nend\n"
"""With it every operation begins."""

Assemble = Callable[[Mapping[str, str]], str]


@pytest.fixture
def assemble(monkeypatch: pytest.MonkeyPatch) -> Iterator[Assemble]:
    """Make the script of an operation `top` of other files than those of the package."""

    def made(texts: Mapping[str, str]) -> str:
        monkeypatch.setattr(files, "source", {"layout": GUARD, **texts}.__getitem__)
        monkeypatch.setattr(files, "operations", lambda: {"top": "client"})
        monkeypatch.setattr(files, "header", files.header.__wrapped__)
        pieces.kept.cache_clear()
        return Script("top", (), False, RQ_KEY_PREFIX).text

    yield made
    pieces.kept.cache_clear()


@of_each("operation", OPERATIONS)
def test_a_whole_script_touches_no_global_that_is_not_given(operation: str) -> None:
    # A global that is set breaks every later script on fakeredis, and raises on Redis, half-way through the work.
    used = Compiled(loader.load(operation, RQ_KEY_PREFIX).text).globals()

    assert used.written == set()
    assert used.read <= GIVEN | {"KEYS", "ARGV"}


@of_each("operation", OPERATIONS)
def test_a_script_stays_below_the_locals_that_lua_allows(operation: str) -> None:
    script = loader.load(operation, RQ_KEY_PREFIX)
    # What a library keeps to itself ends with its block, and the operation is a function of its own.
    lines: dict[str, list[str]] = {}
    for line, origin in zip(script.text.splitlines(), script.lines, strict=True):
        lines.setdefault("prelude" if origin.endswith(":prelude") else origin.partition(":")[0], []).append(line)
    for part in lines.values():
        visible = re.findall(r"^local (?:function )?(\w+(?:, \w+)*)", "\n".join(part), re.MULTILINE)
        assert sum(len(names.split(", ")) for names in visible) < 200 - MARGIN


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_server_knows_a_script_by_the_name_that_the_loader_gives_it(operation: str, connection: redis.Redis) -> None:
    script = loader.load(operation, RQ_KEY_PREFIX)

    assert connection.script_load(script.text) in (script.sha, script.sha.encode())


@of_each("operation", OPERATIONS)
def test_every_line_of_a_script_is_traced_to_its_file(operation: str) -> None:
    script = loader.load(operation, RQ_KEY_PREFIX)

    for line, origin in zip(script.text.splitlines(), script.lines, strict=True):
        file, _, number = origin.partition(".lua:")
        assert number == "prelude" or lines_of(file)[int(number) - 1] == line


def test_a_script_carries_of_its_libraries_what_it_reaches(assemble: Assemble) -> None:
    text = assemble(
        {
            "top": "-- X.\n--\n-- @include nodes/one\n\nreturn {One.used()}\n",
            "nodes/one": (
                "-- X.\n\nlocal inner = 1\n\nfunction One.used()\n  return inner\nend\n\n"
                "function One.unused()\n  return K.nodes\nend\n"
            ),
        }
    )

    assert "local inner = 1\nfunction One.used()" in text
    assert "unused" not in text
    assert "K = {}" in text


def test_what_is_to_be_done_last_is_done_behind_every_operation(assemble: Assemble) -> None:
    text = assemble(
        {
            "top": "-- X.\n--\n-- @include nodes/one\n\nOne.used()\nreturn {'ok'}\n",
            "nodes/one": "-- X.\n--\n-- @finally save\n\nfunction One.used()\nend\n\nfunction One.save()\nend\n",
        }
    )

    assert text.endswith("local reply = operate()\nOne.save()\nreturn reply")


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (
            {"nodes/one": "-- X.\n\nfunction One.twice()\nend\n\nfunction One.twice()\nend\n"},
            r"^nodes/one\.lua: One\.twice is defined twice",
        ),
        ({"nodes/one": "-- X.\n\nfunction Two.twice()\nend\n"}, r"^nodes/one\.lua defines Two\.twice: .* One"),
        (
            {
                "nodes/one": "-- X.\n--\n-- @include nodes/two\n",
                "nodes/two": "-- X.\n--\n-- @include nodes/one\n",
            },
            r"nodes/one\.lua includes itself: top -> nodes/one -> nodes/two",
        ),
    ],
    ids=["a name twice", "a name in another's table", "a circle"],
)
def test_libraries_that_cannot_be_put_together_are_refused(
    assemble: Assemble, texts: dict[str, str], said: str
) -> None:
    with pytest.raises(BadHeader, match=said):
        assemble({"top": "-- X.\n--\n-- @include nodes/one\n\nreturn {One.twice()}\n", **texts})
