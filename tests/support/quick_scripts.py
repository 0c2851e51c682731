"""fakeredis as quick at scripts as tests need it: it compiles a text at every call, and tidies up after every call.

A script of 160 kB takes 5 ms to compile, and the full collection behind it 2 ms and more, mostly of what was compiled.
The library of functions takes 7 ms, for each server of a test. A real server compiles once as well; what it does is
the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fakeredis.commands_mixins import scripting_mixin
from fakeredis.commands_mixins._lua_functions import FunctionLibrary, FunctionsEngine

_TIDY_UP = "collectgarbage()"
"""What fakeredis runs after each script; Lua does it by itself, little by little."""


_DUMP = """
    local text = ...
    local made = loadstring(text, '@user_function')
    return made and string.dump(made) or text
"""


def compile_scripts_once() -> None:
    """Have all fake servers of this process share what is compiled."""
    mixin: Any = scripting_mixin
    lua = mixin.LUA_MODULE
    if issubclass(lua.LuaRuntime, _Marked):
        return
    mixin.FunctionsEngine = _engine_of(lua.LuaRuntime)
    lua.LuaRuntime = _kept_by(lua.LuaRuntime)


class _Marked:
    """So that it is done once."""


def _kept_by(kind: Any) -> Any:
    @cache
    def compiled(text: bytes) -> bytes:
        """The text as Lua's own code, which any runtime loads in a tenth of the time."""
        runtime = kind(encoding=None)
        dumped: bytes = runtime.eval("string.dump")(runtime.compile(text))
        return dumped

    class Runtime(kind, _Marked):  # type: ignore[misc]
        def __init__(self, **settings: Any) -> None:
            self._functions: dict[bytes, Any] = {}

        def execute(self, text: bytes | str, *arguments: Any) -> Any:
            if isinstance(text, str):
                return None if text == _TIDY_UP else super().execute(text, *arguments)
            if text not in self._functions:
                self._functions[text] = self.compile(compiled(text))
            return self._functions[text](*arguments)

    return Runtime


def _engine_of(kind: Any) -> type[FunctionsEngine]:
    @cache
    def compiled(text: bytes) -> bytes:
        """A library as Lua's own code, called as the engine calls it; as it is, where it cannot be compiled."""
        dumped: bytes = kind(encoding=None).execute(_DUMP, text)
        return dumped

    class Engine(FunctionsEngine):
        def _create_library(self, name: bytes, code: bytes, body: bytes) -> FunctionLibrary:
            return super()._create_library(name, code, compiled(body))

    return Engine
