"""The Lua halves of the text formats by themselves: a Lua without Redis, and values on their way there and back."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from handoff.ledger.lua import assembly, files
from support.lua_files import LIBRARIES

TEXTS = tuple(library for library in LIBRARIES if library.startswith("texts/"))


class LuaTexts:
    """Calls functions of `texts/*.lua`, each in a `Call` of its own, and keeps which were called."""

    def __init__(self) -> None:
        self._lua = import_module("lupa.lua51")
        self._runtime = self._lua.LuaRuntime(unpack_returned_tuples=True)
        self._begin = self._runtime.execute(_program())
        self.called: set[str] = set()

    def __call__(self, name: str, *args: Any) -> Any:
        """Call `Cost.read`, or read `Cursor.START`. -> plain data: a list of what it returns where that is several."""
        self.called.add(name)
        table, _, field = name.partition(".")
        found = self._begin()[table][field]
        if self._lua.lua_type(found) != "function":
            return found
        returned = found(*map(self._to_lua, args))
        return [self._plain(each) for each in returned] if isinstance(returned, tuple) else self._plain(returned)

    def _to_lua(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return self._runtime.table_from([self._to_lua(each) for each in value])
        if isinstance(value, dict):
            return self._runtime.table_from({key: self._to_lua(each) for key, each in value.items()})
        return value

    def _plain(self, value: Any) -> Any:
        """A table as a list where it is one, an empty one too; else as a dict."""
        if self._lua.lua_type(value) != "table":
            return value
        found = {key: self._plain(each) for key, each in value.items()}
        return list(found.values()) if list(found) == list(range(1, len(found) + 1)) else found


def _program() -> str:
    """All texts, each behind those that it includes; run, it gives what begins a call and shows all tables."""
    order: list[str] = []

    def include(library: str) -> None:
        if library not in order:
            for inner in files.header(library).includes:
                include(inner)
            order.append(library)

    for library in TEXTS:
        include(library)
    tables = ", ".join(map(files.table_of, order))
    state = ", ".join(f"{name} = {first}" for file in order for name, first in files.header(file).state.items())
    blocks = (f"{files.table_of(library)} = {{}}\ndo\n{files.source(library)}\nend" for library in order)
    shown = ", ".join(f"{table} = {table}" for table in map(files.table_of, order))
    parsed = assembly.parsed_table(order)
    begin = f"return function()\nCall, Parsed = {{{state}}}, {parsed}\nreturn {{{shown}}}\nend"
    return "\n".join([f"local Call, Parsed, {tables}", *blocks, begin])
