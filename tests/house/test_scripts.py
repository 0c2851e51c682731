"""Every Lua file keeps its header's word: the keys, arguments, replies and includes it names are those it uses.

What a file uses is read from its compiled form, so that no pattern has to guess what is a name and what a string.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import cache
from importlib import import_module, resources
from typing import Any, NamedTuple

import pytest
import redis

from handoff.ledger import lua
from handoff.ledger.keys import SCHEMA
from handoff.ledger.rqmodel import RQ_KEY_PREFIX

OPERATIONS = lua.names()
PARTS = tuple(
    f"lib/{entry.name.removesuffix('.lua')}"
    for entry in sorted(resources.files(lua).joinpath("lib").iterdir(), key=lambda entry: entry.name)
)
FILES = (*OPERATIONS, *PARTS)

GIVEN = frozenset(
    {"ipairs", "math", "next", "pairs", "redis", "string", "table", "tonumber", "tostring", "unpack", "error"}
)
"""What every script may use of Lua and of Redis. Not cjson: {} becomes [], and 10**15 loses its digits."""

LINE_OF_A_LIBRARY = re.compile(r"local function \w+\(|local \w+(, \w+)* = |end$|\}$")
"""How a line without indent may begin in a file that only defines."""

MARGIN = 20
"""How many locals a script is to stay below the 200 that Lua allows: another Redis may count its own."""


class Globals(NamedTuple):
    """Names that a piece of Lua takes from, or puts into, what surrounds it."""

    read: frozenset[str]
    written: frozenset[str]


class Compiled:
    """A reader of what Lua 5.1 makes of a text: `string.dump`'s format on a 64-bit machine."""

    def __init__(self, text: str) -> None:
        runtime = import_module("lupa.lua51").LuaRuntime(encoding=None)
        self._bytes: bytes = runtime.eval(b"function(t) return string.dump(assert(loadstring(t))) end")(text.encode())
        self._at = len(b"\x1bLua") + 8
        self._read: set[str] = set()
        self._written: set[str] = set()
        self._function()

    def globals(self) -> Globals:
        return Globals(frozenset(self._read), frozenset(self._written))

    def _function(self) -> None:
        self._text()
        self._take("<ii4B")
        code = self._take(f"<{self._count()}I")
        constants = [self._constant() for _ in range(self._count())]
        for instruction in code:
            operation, constant = instruction & 0x3F, instruction >> 14
            if operation in (5, 7):  # GETGLOBAL, SETGLOBAL
                (self._read if operation == 5 else self._written).add(str(constants[constant]))
        for _ in range(self._count()):
            self._function()
        self._take(f"<{self._count()}I")
        for _ in range(self._count()):
            self._text()
            self._take("<ii")
        for _ in range(self._count()):
            self._text()

    def _constant(self) -> object:
        (kind,) = self._take("<B")
        if kind == 4:
            return self._text()
        return self._take({0: "<", 1: "<?", 3: "<d"}[kind])

    def _text(self) -> str:
        (length,) = self._take("<Q")
        return b"".join(self._take(f"<{length}s"))[:-1].decode(errors="replace")

    def _count(self) -> int:
        return int(self._take("<i")[0])

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self._bytes, self._at)
        self._at += struct.calcsize(form)
        return values


@cache
def body(file: str) -> str:
    """The file without its comments; none of ours holds `--` in a string."""
    return re.sub(r"--.*", "", lua.source(file))


@cache
def header(file: str) -> lua.Header:
    return lua.parse(file, lua.source(file))


@cache
def taken_from_outside(file: str) -> frozenset[str]:
    """The names that the file by itself uses and does not define: of its includes, or of its header."""
    return Compiled(body(file)).globals().read - GIVEN


@cache
def defined(file: str) -> frozenset[str]:
    """The locals that the file gives to those that include it."""
    functions = re.findall(r"^local function (\w+)", body(file), re.MULTILINE)
    constants = re.findall(r"^local (\w+(?:, \w+)*) = ", body(file), re.MULTILINE)
    return frozenset(functions).union(*(names.split(", ") for names in constants))


def reachable(includes: list[str]) -> Iterator[str]:
    for part in includes:
        yield part
        yield from reachable(header(part).includes)


def names_of(includes: list[str]) -> frozenset[str]:
    return frozenset().union(*(defined(part) for part in reachable(includes)))


def arguments(operation: str) -> frozenset[str]:
    """The locals that the header makes of ARGV."""
    return frozenset(f"{name}_first" if kind == "list" else name for name, kind in header(operation).args)


@pytest.mark.parametrize("file", FILES)
def test_a_file_opens_with_a_sentence_and_its_header_parses(file: str) -> None:
    first = lua.source(file).splitlines()[0]

    assert re.match(r"-- [A-Z].*\w", first)
    assert len(header(file).keys) == len(set(header(file).keys))
    assert len(header(file).includes) == len(set(header(file).includes))


@pytest.mark.parametrize("file", FILES)
def test_a_file_declares_the_keys_that_it_uses_and_no_others(file: str) -> None:
    used = set(re.findall(r"\bK\.(\w+)", body(file)))

    assert used == set(header(file).keys)
    assert used <= SCHEMA.keys()


def test_every_key_of_the_schema_is_used_by_some_script() -> None:
    assert {key for file in FILES for key in header(file).keys} == SCHEMA.keys()


@pytest.mark.parametrize("file", FILES)
def test_no_file_spells_a_key_itself(file: str) -> None:
    assert not re.search(r"'(rq|handoff):", body(file))
    assert "KEYS" not in taken_from_outside(file)
    assert "P" not in taken_from_outside(file)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_argument_of_an_operation_is_used(operation: str) -> None:
    assert arguments(operation) - taken_from_outside(operation) == set()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_the_last_argument_is_a_list(operation: str) -> None:
    kinds = [kind for _, kind in header(operation).args]

    assert "list" not in kinds[:-1]


@pytest.mark.parametrize("file", FILES)
def test_arguments_are_counted_only_from_the_beginning_of_a_list(file: str) -> None:
    lists = [name for name, kind in header(file).args if kind == "list"]
    uses = re.findall(r"(?:#ARGV|ARGV\[[^]]*\]|\(ARGV, \w+\))", body(file))

    assert len(uses) == len(re.findall(r"\bARGV\b", body(file)))
    assert not [use for use in uses if not lists or re.search(r"ARGV\[\d", use)]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_returns_the_tags_that_its_header_lists_and_no_others(operation: str) -> None:
    listed = [re.match(r"\{'(\w+)'", line) for line in header(operation).returns]
    replies = re.findall(r"\b(?:return|reply =) \{(.*)", body(operation))
    tags = {tag for reply in replies for tag in re.findall(r"^'(\w+)'", reply)}
    tags |= {tag for reply in replies for tag in re.findall(r"\b(?:and|or) '(\w+)'\}", reply)}
    tags |= {tag for reply in replies for tag in re.findall(r"\band '(\w+)' or '\w+'\}", reply)}

    assert all(listed)
    assert tags == {match.group(1) for match in listed if match}


@pytest.mark.parametrize("part", PARTS)
def test_a_library_only_defines(part: str) -> None:
    outermost = [line for line in body(part).splitlines() if line and not line.startswith(" ")]

    assert [line for line in outermost if not LINE_OF_A_LIBRARY.match(line)] == []
    assert not [line for line in outermost if "redis." in line]
    assert header(part).args == []
    assert header(part).returns == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_defines_nothing_that_others_include(operation: str) -> None:
    assert not [file for file in FILES if operation in header(file).includes]


@pytest.mark.parametrize("file", FILES)
def test_what_a_file_uses_is_in_its_own_includes(file: str) -> None:
    own = {"K", "ARGV", *arguments(file)}

    assert taken_from_outside(file) - own - names_of(header(file).includes) == set()


@pytest.mark.parametrize("file", FILES)
def test_every_include_is_needed(file: str) -> None:
    includes = header(file).includes

    for part in includes:
        others = [other for other in includes if other != part]
        needed = taken_from_outside(file) & (defined(part) | (names_of([part]) - names_of(others)))
        assert needed, f"{file}.lua uses nothing of {part}"


@pytest.mark.parametrize("part", PARTS)
def test_every_library_is_included_somewhere(part: str) -> None:
    assert [file for file in FILES if part in header(file).includes]


def test_every_definition_of_a_library_is_used() -> None:
    used = frozenset().union(*(taken_from_outside(file) | {header(file).last} for file in FILES))
    inside = {name for part in PARTS for name in defined(part) if len(re.findall(rf"\b{name}\b", body(part))) > 1}

    assert names_of(list(PARTS)) - used - inside == set()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_whole_script_touches_no_global_that_is_not_given(operation: str) -> None:
    # A global that is set breaks every later script on fakeredis, and raises on Redis, half-way through the work.
    used = Compiled(lua.load(operation, RQ_KEY_PREFIX).text).globals()

    assert used.written == set()
    assert used.read <= GIVEN | {"KEYS", "ARGV"}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_two_parts_of_a_script_define_the_same_name(operation: str) -> None:
    parts = dict.fromkeys(reachable(header(operation).includes))
    names = [name for file in (*parts, operation) for name in (*defined(file), *arguments(file))]

    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_script_stays_below_the_locals_that_lua_allows(operation: str) -> None:
    script = lua.load(operation, RQ_KEY_PREFIX)
    # What a library does not show ends with its block, and the operation is a function of its own.
    lines: dict[bool, list[str]] = {True: [], False: []}
    for line, origin in zip(script.text.splitlines(), script.lines, strict=True):
        if origin.endswith(":prelude") or origin.startswith(f"{operation}.lua"):
            lines[origin.endswith(":prelude")].append(line)
    for part in lines.values():
        visible = re.findall(r"^local (?:function )?(\w+(?:, \w+)*)", "\n".join(part), re.MULTILINE)
        assert sum(len(names.split(", ")) for names in visible) < 200 - MARGIN


def test_a_name_that_two_libraries_define_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "both": "-- X.\n--\n-- @include lib/one\n-- @include lib/two\n\nreturn {twice()}\n",
        "lib/one": "-- X.\n\nlocal function twice()\nend\n",
        "lib/two": "-- X.\n\nlocal function twice()\nend\n",
    }
    monkeypatch.setattr(lua, "source", texts.__getitem__)

    with pytest.raises(lua.BadHeader, match=r"^lib/two\.lua: twice is defined in lib/one\.lua already"):
        lua.load.__wrapped__("both", RQ_KEY_PREFIX)


def test_a_script_carries_of_its_libraries_what_it_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "some": "-- X.\n--\n-- @include lib/one\n\nreturn {used()}\n",
        "lib/one": (
            "-- X.\n\nlocal inner = 1\n\nlocal function used()\n  return inner\nend\n\n"
            "local function unused()\n  return K.nodes\nend\n"
        ),
    }
    monkeypatch.setattr(lua, "source", texts.__getitem__)

    text = lua.load.__wrapped__("some", RQ_KEY_PREFIX).text

    assert "unused" not in text
    assert "K = {}" in text
    assert "local used do\nlocal inner = 1\nfunction used()" in text


@pytest.mark.parametrize("file", FILES)
def test_the_clock_is_read_in_one_place_and_once(file: str) -> None:
    assert ("'TIME'" in body(file)) == (file == "lib/clock")
    assert len(re.findall(r"\bclock\(", body(file))) <= 1
    assert ("clock" in taken_from_outside(file)) == ("now_ms" in arguments(file))


@pytest.mark.parametrize("file", FILES)
def test_errors_of_commands_are_never_swallowed(file: str) -> None:
    assert set(re.findall(r"\bredis\.(\w+)", body(file))) <= {"call"}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_server_knows_a_script_by_the_name_that_the_loader_gives_it(operation: str, connection: redis.Redis) -> None:
    script = lua.load(operation, RQ_KEY_PREFIX)

    assert connection.script_load(script.text) in (script.sha, script.sha.encode())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_line_of_a_script_is_traced_to_its_file(operation: str) -> None:
    script = lua.load(operation, RQ_KEY_PREFIX)

    for line, origin in zip(script.text.splitlines(), script.lines, strict=True):
        file, _, number = origin.partition(".lua:")
        # A name that a library shows is declared in front of its block.
        assert number == "prelude" or lua.source(file).splitlines()[int(number) - 1].removeprefix(
            "local "
        ) == line.removeprefix("local ")


@pytest.mark.parametrize(
    "text",
    [
        "-- X.\n--\n-- ARGV     job\n",
        "-- X.\n--\n-- ARGV     job  bytes\n",
        "-- X.\n--\n-- ARGV     job  json  meaning\n",
    ],
)
def test_an_argument_without_a_type_that_the_loader_knows_is_refused(text: str) -> None:
    with pytest.raises(lua.BadHeader, match=r"^x\.lua: an ARGV line reads `name type  meaning`"):
        lua.parse("x", text)
