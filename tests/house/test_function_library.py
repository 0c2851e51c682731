"""All operations as one library of Redis Functions: what it is made of, and that it keeps nothing from call to call."""

from __future__ import annotations

import gc
import re
from functools import cache
from importlib import import_module
from typing import Any

import pytest
import redis

from handoff.ledger.lua import assembly, files, functions, loader, pieces
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.local.server import RedisServer
from support.each import of_each
from support.lua_files import FILES, GIVEN, LIBRARIES, OPERATIONS, Compiled, body, lines_of, private

LIBRARY = functions.library(RQ_KEY_PREFIX)

CODE = LIBRARY.text.partition("\n")[2]
"""Without its first line, which names it, and is not of Lua."""

MOST_LOCALS, MOST_UPVALUES = 200, 60
"""What Lua 5.1 allows in one function."""

MARGIN = 10

REMEMBERS: dict[str, str] = {}
"""Libraries that remember something from call to call, and what bounds it."""


@cache
def compiled() -> Compiled:
    return Compiled(CODE)


def test_the_library_sets_no_global_and_touches_none_that_is_not_given() -> None:
    assert compiled().globals().written == set()
    assert compiled().globals().read <= GIVEN


def test_while_it_is_loaded_it_asks_for_nothing_but_to_register() -> None:
    # There is no `math`, no `ipairs`, nothing else then.
    assert compiled().read_while_loaded == {"redis"}


def test_the_library_stays_below_the_locals_and_upvalues_that_lua_allows() -> None:
    assert 50 < compiled().locals < MOST_LOCALS - MARGIN
    assert 5 < compiled().upvalues < MOST_UPVALUES - MARGIN


def test_every_line_of_the_library_is_traced_to_its_file() -> None:
    for line, origin in zip(LIBRARY.text.splitlines(), LIBRARY.lines, strict=True):
        file, _, number = origin.partition(".lua:")
        if origin != "library:prelude" and number != "prelude":
            assert lines_of(file)[int(number) - 1] == line
    assert {origin.partition(".lua:")[0] for origin in LIBRARY.lines} == {"library:prelude", *FILES}


def test_a_line_that_a_server_tells_is_told_by_its_file() -> None:
    number = next(at for at, origin in enumerate(LIBRARY.lines, start=1) if re.match(r"submit\.lua:\d", origin))

    told = LIBRARY.locate(f"user_function:{number}: no script: f, on @user_function:{number}.")

    assert told.count(LIBRARY.lines[number - 1]) == 2
    assert LIBRARY.locate("user_function:999999: x") == "user_function:999999: x"


def test_where_lines_come_from_is_found_out_at_the_first_error_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = LIBRARY.lines
    monkeypatch.setattr(functions, "_chunks", None)

    assert LIBRARY.lines is before


@pytest.fixture
def listed(server: RedisServer) -> dict[str, set[str]]:
    """What a server says of the library: its functions, and the flags of each."""
    with redis.Redis.from_url(server.url, decode_responses=True, protocol=3) as client:
        admin: Any = client
        admin.function_load(LIBRARY.text, replace=True)
        (library,) = admin.function_list(LIBRARY.name)
    return {each["name"]: set(each["flags"]) for each in library["functions"]}


def test_a_server_takes_it_and_knows_every_operation_with_its_flags(listed: dict[str, set[str]]) -> None:
    expected = {LIBRARY.function(operation): set(files.header(operation).flags) for operation in OPERATIONS}

    assert listed == expected
    assert {"no-writes", "allow-oom"} == set().union(*expected.values())


def test_whatever_differs_has_another_name() -> None:
    other = functions.library("other:")

    assert other.name != LIBRARY.name
    assert all(name.startswith(functions.PREFIX) for name in (other.name, LIBRARY.name))
    assert functions.library.__wrapped__(RQ_KEY_PREFIX) == LIBRARY


@pytest.fixture(scope="module")
def writing(server: RedisServer) -> set[str]:
    """Commands that write."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return {name.upper() for name, about in client.command().items() if "write" in about["flags"]}


def commands_of(operation: str) -> set[str]:
    """All commands that it may come to; where one is chosen, whatever is written in capitals."""
    text = "\n".join(line for piece in assembly.assemble(operation, pieces.kept()).pieces for line in piece.lines)
    named = set(re.findall(r"redis\.p?call\((?:'([A-Z]+)')?", text))
    return named if "" not in named else set(re.findall(r"\b([A-Z]+)\b", text))


@of_each("operation", OPERATIONS)
def test_an_operation_says_that_it_does_not_write_where_it_reaches_no_command_that_does(
    operation: str, writing: set[str]
) -> None:
    assert {"HSET", "BITOP", "XADD", "DEL"} <= writing
    assert ("no-writes" in files.header(operation).flags) == (not commands_of(operation) & writing)


@of_each("file", FILES)
def test_flags_are_of_operations_and_such_as_servers_know(file: str) -> None:
    flags = files.header(file).flags

    assert set(flags) <= ({"no-writes", "allow-oom"} if file in OPERATIONS else set())
    assert len(flags) <= 1, "what does not write needs no leave to write when memory is full"


@of_each("library", LIBRARIES)
def test_what_a_library_holds_outside_of_the_call_does_not_change(library: str) -> None:
    # In a script that was made anew at each call; here a call that died half-way would leave it to the next.
    held = [*private(library), files.table_of(library)]
    changed = [
        name
        for name in held
        if re.search(rf"^ .*?(?<![\w.]){name}(?:\[[^\]]+\])+ = ", body(library), re.MULTILINE)
        or re.search(rf"^ .*?(?<![\w.]){name}(?:\.\w+)+ = ", body(library), re.MULTILINE)
        or re.search(rf"table\.(?:insert|remove|sort)\({name}\b", body(library))
    ]

    assert changed == [] or library in REMEMBERS


class TestNamespaces:
    """The library, run as a server runs it, with commands that do nothing."""

    @pytest.fixture
    def call(self) -> Any:
        lua = import_module("lupa.lua51").LuaRuntime()
        functions_of = lua.eval("{}")
        redis_of = lua.table_from({"register_function": lua.eval("function(f) end")})
        registering = lua.eval(
            "function(redis, found) redis.register_function = function(f) found[#found + 1] = f end end"
        )
        registering(redis_of, functions_of)
        lua.globals().redis = redis_of
        lua.execute(CODE)
        redis_of.call = lua.eval("function() error('as far as the first command') end")
        self.lua = lua
        callback = functions_of[1].callback
        return lambda prefix: lua.globals().pcall(callback, lua.table_from([prefix]), lua.table_from(["lobby", "1"]))

    def test_no_more_are_remembered_than_said(self, call: Any) -> None:
        for number in range(3 * functions.MOST_NAMESPACES + 1):
            call(f"handoff:{number}:")

        found = """function(f)
          local function of(f, name)
            for i = 1, 60 do
              local at, value = debug.getupvalue(f, i)
              if at == name then return value end
            end
          end
          local count = 0
          for _ in pairs(of(of(f, 'begin'), 'known')) do count = count + 1 end
          return count
        end"""
        assert 0 < self.lua.eval(found)(self.callback(call)) <= functions.MOST_NAMESPACES

    @staticmethod
    def callback(call: Any) -> Any:
        return call.__closure__[0].cell_contents


def test_what_the_library_is_made_of_is_not_kept_nor_made_for_who_calls_it() -> None:
    pieces.kept.cache_clear()
    functions.library.__wrapped__(RQ_KEY_PREFIX)

    assert loader.load.__wrapped__("submit", RQ_KEY_PREFIX).args
    assert not [each for each in gc.get_objects() if isinstance(each, pieces.Piece)]
