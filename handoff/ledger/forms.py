"""In which of its two forms an operation is called: as a Redis Function, or, where the server has none, as a script.

Nobody sets it: the server's answers say. A server that does not know the library (FUNCTION FLUSH, a restart without
persistence, a replica that was elected before it came there) is given it. One that is full, or read-only, and so does
not begin a function is sent the script, of which it refuses what takes memory, or what writes: so it does in both
forms what it does in one. One that has no Functions (before 7.0), or whose user may not call them or not bring them, is
sent scripts from then on. Both forms are made of the same Lua.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import redis

from handoff.ledger.lua import functions, loader
from handoff.ledger.lua.functions import Library
from handoff.ledger.lua.loader import Script

Command = tuple[Any, ...]

Execute = Callable[..., Awaitable[Any]]

_NONE_HERE = re.compile(r"(?:unknown command \W?|permissions to run the ')(?:fcall|function)", re.IGNORECASE)

_UNKNOWN = "Function not found"

_NOT_BEGUN = (
    "command not allowed when used memory", "You can't write against a read only", "MISCONF", "NOREPLICAS", _UNKNOWN,
)  # fmt: skip
"""What a server says of a function that it does not even begin, for it may write, or is gone once more; redis-py takes
off some codes."""

_IS_THERE = "already exists"


class Forms:
    """How operations are called on one server, by what it has answered so far."""

    def __init__(self, rq_prefix: str) -> None:
        self._rq_prefix = rq_prefix
        self._has_functions = True
        self.is_ready = False  #: whether what is called is made, see `make`
        self._seen: set[str] = set()  #: the library, or scripts, that the server has called something of for us

    @property
    def used(self) -> Literal["functions", "scripts"]:
        """Which of the two the server takes, by what it has answered so far."""
        return "functions" if self._has_functions else "scripts"

    def make(self) -> None:
        """Make what is called, once in a process: it takes 0.06 s, and nobody has to ask for it."""
        functions.library(self._rq_prefix)
        self.is_ready = True

    def load(self, operation: str) -> Script:
        """An operation as a script, with the order of its arguments."""
        return loader.load(operation, self._rq_prefix)

    async def call(self, script: Script, given: list[Any], execute: Execute, plainly: Execute) -> Any:
        """Call an operation, giving it to a server that does not know it. -> its reply

        `plainly`: how a library is sent, where `execute` does more than to call.
        """
        refusal = None
        if self._has_functions:
            command = ("FCALL", self._library.function(script.name), 1, *given)
            try:
                reply = await execute(*command)
                self._seen.add(self._library.name)
                return reply
            except redis.ResponseError as error:
                refusal = error
            if str(refusal).startswith(_UNKNOWN):
                try:
                    return await self._bring(command, execute, plainly)
                except redis.ResponseError as error:
                    refusal = error
            self._has_functions = not _NONE_HERE.search(str(refusal))
            if self._has_functions and not _is_not_begun(refusal):
                raise refusal
        try:
            return await self._call_script(script, given, execute)
        except redis.exceptions.NoPermissionError:
            # Who may call functions only is told what they are told.
            if refusal is not None and self._has_functions:
                raise refusal from None
            raise

    def beside(self, other: Command, script: Script, given: list[Any]) -> Command:
        """The command that calls an operation in the form of another one, with which it is sent."""
        if other[0] == "FCALL":
            return ("FCALL", self._library.function(script.name), 1, *given)
        return ("EVAL", script.text, 1, *given)

    def refuse_unseen(self, command: Command) -> None:
        """Raise what the server would say of a call, if it has not called the like before."""
        if command[0] == "FCALL" and self._library.name not in self._seen:
            raise redis.ResponseError(_UNKNOWN)
        if command[0] == "EVALSHA" and command[1] not in self._seen:
            raise redis.exceptions.NoScriptError

    def locate(self, script: Script, message: str) -> str:
        """Name file and line in an error of Redis."""
        return script.locate(self._library.locate(message))

    @property
    def _library(self) -> Library:
        return functions.library(self._rq_prefix)

    async def _bring(self, command: Command, execute: Execute, plainly: Execute) -> Any:
        try:
            await plainly("FUNCTION", "LOAD", self._library.text)
        except redis.ResponseError as error:
            # Of many clients at once one is the first.
            if _IS_THERE not in str(error):
                raise
        self._seen.add(self._library.name)
        return await execute(*command)

    async def _call_script(self, script: Script, given: list[Any], execute: Execute) -> Any:
        try:
            reply = await execute("EVALSHA", script.sha, 1, *given)
        except redis.exceptions.NoScriptError:
            reply = await execute("EVAL", script.text, 1, *given)
        self._seen.add(script.sha)
        return reply


def _is_not_begun(error: redis.ResponseError) -> bool:
    return str(error).startswith(_NOT_BEGUN) and " script: " not in str(error)
