"""What an agent's log looks like, as lines for people or as JSON for programs; also what functions print beside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

FORMS = ("text", "json")

VARIABLE = "HANDOFF_LOG_FORMAT"
"""The form where no option says it; and so it comes to the processes that run functions."""


class Entry(Protocol):
    """One line of a log."""

    @property
    def text(self) -> str: ...

    def facts(self) -> Mapping[str, Any]: ...


class Plain(NamedTuple):
    """One that says nothing beside its text."""

    text: str

    def facts(self) -> dict[str, Any]:
        """What a program reads beside the text."""
        return {}


class Entries:
    """A message of several lines, each of which is told as if it had been logged alone.

    To make, format and write one record costs an agent 8 us, which is felt where it runs thousands a second.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __str__(self) -> str:
        return "\n".join(entry.text for entry in self._entries)


class TextLines(logging.Formatter):
    """Moment, level and message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Write a record: a line for each entry of it."""
        if not isinstance(record.msg, Entries):
            return super().format(record)
        prefix = f"{self.formatTime(record)} {record.levelname} "
        return "\n".join(f"{prefix}{entry.text}" for entry in record.msg)


class JsonLines(logging.Formatter):
    """An object a line: `at`, `level`, `logger`, `message`; of functions also what is said in the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, as above."""
        message: object = record.msg
        entries = message if isinstance(message, Entries) else Entries([Plain(record.getMessage())])
        head = {"at": self.formatTime(record), "level": record.levelname, "logger": record.name}
        if record.exc_info:
            head["traceback"] = self.formatException(record.exc_info)
        return "\n".join(json.dumps({**head, "message": entry.text, **entry.facts()}) for entry in entries)


_UNSHOWN: dict[str, Any] = {"logThreads": False, "logProcesses": False, "logMultiprocessing": False, "_srcfile": None}
"""Switches of `logging` for what no line here shows, and takes a quarter of the time of a record: the file, thread and
process from which it comes. They stand in Python's "Logging HOWTO", under Optimization."""

_AS_FOUND = {name: getattr(logging, name) for name in _UNSHOWN}


def set_up(form: str, level: str) -> None:
    """Have this process log so, to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level, handlers=[handler])
    vars(logging).update(_UNSHOWN)


def take_down() -> None:
    """Have this process log as a program that nobody has told how."""
    logging.basicConfig(level=logging.WARNING, handlers=[], force=True)
    vars(logging).update(_AS_FOUND)


def printed(form: str, stream: str, id: str, line: str) -> str:
    """Write a line that the function `id` has printed; '' = it was none."""
    if form == "text":
        return f"[{id}] {line}\n" if id else f"{line}\n"
    at = logging.Formatter().formatTime(logging.makeLogRecord({}))
    who = {"id": id} if id else {}
    return json.dumps({"at": at, "level": "INFO", "logger": stream, "message": line, **who}) + "\n"
