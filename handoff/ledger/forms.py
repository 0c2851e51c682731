"""In which of its two forms an operation is called: as a Redis Function, or, where the server has none, as a script.

Nobody sets it: the server's answers say. A server that does not know the library (FUNCTION FLUSH, a restart without
persistence, a replica that was elected before it came there) is given it. One that is full, or read-only, and so does
not begin a function is sent the script, of which it refuses what takes memory, or what writes. One that has no
Functions (before 7.0), or whose user may not call them, is sent scripts from then on. Both forms are made of the same
Lua.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import redis

from handoff.ledger.lua import functions, loader
from handoff.ledger.lua.loader import Script

Execute = Callable[..., Any]

_NONE_HERE = re.compile(r"(?:unknown command \W?|permissions to run the ')(?:fcall|function)", re.IGNORECASE)

_REFUSED_WHOLE = (
    "command not allowed when used memory", "You can't write against a read only", "MISCONF", "NOREPLICAS",
)  # fmt: skip
"""What a server says of a function that it does not even begin, for it may write; redis-py takes off some codes."""

_UNKNOWN = "Function not found"

_IS_THERE = "already exists"


class Forms:
    """How operations are called on one server, by what it has answered so far."""

    def __init__(self, rq_prefix: str) -> None:
        self._rq_prefix = rq_prefix
        self._has_functions = True
        self._seen: set[str] = set()  #: functions and scripts that the server has called for us

    def load(self, operation: str) -> Script:
        """An operation as a script, with the order of its arguments."""
        return loader.load(operation, self._rq_prefix)

    def call(self, script: Script, given: list[Any], execute: Execute, plainly: Execute) -> Any:
        """Call an operation, giving it to a server that does not know it. -> its reply

        `plainly`: how a library is sent, where `execute` does more than to call.
        """
        refusal = None
        if self._has_functions:
            try:
                return self._call_function(script, given, execute, plainly)
            except redis.ResponseError as error:
                if _NONE_HERE.search(str(error)):
                    self._has_functions = False
                elif not _is_refused_whole(error):
                    raise
                refusal = error
        try:
            return self._call_script(script, given, execute)
        except redis.exceptions.NoPermissionError:
            # Who may call functions only is told what they are told.
            if refusal is not None and self._has_functions:
                raise refusal from None
            raise

    def command(self, script: Script, given: list[Any]) -> tuple[Any, ...]:
        """The command that calls an operation, whether the server has seen it or not."""
        function = functions.library(self._rq_prefix).function(script.name)
        if self._has_functions and function in self._seen:
            return ("FCALL", function, 1, *given)
        return ("EVAL", script.text, 1, *given)

    def refuse_unseen(self, command: tuple[Any, ...]) -> None:
        """Raise what the server would say of a call, if it has not called the like before."""
        if command[0] == "FCALL" and command[1] not in self._seen:
            raise redis.ResponseError(_UNKNOWN)
        if command[0] == "EVALSHA" and command[1] not in self._seen:
            raise redis.exceptions.NoScriptError

    def locate(self, script: Script, message: str) -> str:
        """Name file and line in an error of Redis."""
        return script.locate(functions.library(self._rq_prefix).locate(message))

    def _call_function(self, script: Script, given: list[Any], execute: Execute, plainly: Execute) -> Any:
        library = functions.library(self._rq_prefix)
        function = library.function(script.name)
        try:
            reply = execute("FCALL", function, 1, *given)
        except redis.ResponseError as error:
            if not str(error).startswith(_UNKNOWN):
                raise
            self._send(library, plainly)
            self._seen.add(function)
            reply = execute("FCALL", function, 1, *given)
        self._seen.add(function)
        return reply

    def _send(self, library: functions.Library, plainly: Execute) -> None:
        try:
            plainly("FUNCTION", "LOAD", library.text)
        except redis.ResponseError as error:
            if _IS_THERE not in str(error):
                raise

    def _call_script(self, script: Script, given: list[Any], execute: Execute) -> Any:
        try:
            reply = execute("EVALSHA", script.sha, 1, *given)
        except redis.exceptions.NoScriptError:
            reply = execute("EVAL", script.text, 1, *given)
        self._seen.add(script.sha)
        return reply


def _is_refused_whole(error: redis.ResponseError) -> bool:
    return str(error).startswith(_REFUSED_WHOLE) and " script: " not in str(error)
