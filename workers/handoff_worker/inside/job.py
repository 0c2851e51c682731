"""rq's job as a child has it: one stored hash, of which no more is read than somebody asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import AsyncGeneratorType, GeneratorType
from typing import Any

import rq.job
from redis import Redis
from rq.utils import parse_timeout

from handoff.errors import UnreadableField
from handoff.ledger.stored_job import StoredJob
from handoff.serializer import SerializerLike
from handoff_worker.inside.checked import check_call, check_forms, check_inputs, unzipped
from handoff_worker.inside.failure import Hopeless
from handoff_worker.inside.importing import import_function, is_own
from handoff_worker.machine.allowed import Allowed

_DATES = {name.encode(): name for name in ("created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat")}

_NOT_RQS = frozenset((*_DATES, b"data", b"exc_info"))

_NOTHING = b"\xc1"
"""What no serializer reads: it stands for a call until that is read, or where it cannot be."""

_UNLIMITED = (b"", b"-1")


class Job(rq.job.Job):
    """rq's job, that says what could not be imported and why, and finds methods of nested classes."""

    stored: Mapping[bytes, bytes]  #: its hash, as Redis has it
    #: Of a function of a graph: which results come first in its call, and what others ask to be made of its own.
    inputs: Mapping[str, Any] | None = None
    forms: Sequence[Any] = ()
    allowed: Allowed | None = None  #: what may be called here, None = anything
    fault: UnreadableField | None = None  #: of its call, of which its failure callback is told
    tell_part: Callable[[object], None]  #: takes what it yields
    _connect: Callable[[], Redis]
    _found: Callable[..., Any] | None = None

    @classmethod
    def unread(
        cls,
        id: str,
        connect: Callable[[], Redis],
        serializer: SerializerLike,
        stored: Mapping[bytes, bytes],
        allowed: Allowed | None = None,
    ) -> Job:
        """Make a job of which only the call is read.

        All else is read when it is first asked for, which most functions never do; it takes 25 us, and four times as
        long where other processes have had the caches.
        """
        data, fault = _unpacked("data", stored.get(b"data"))
        job = cls.__new__(cls)
        job.__dict__.update(
            _id=id,
            _connect=connect,
            serializer=serializer,
            stored=stored,
            allowed=allowed,
            fault=fault,
            _is_unread=True,
        )
        job.data = data
        return job

    def __getattr__(self, name: str) -> Any:
        if not self.__dict__.pop("_is_unread", False):
            if isinstance(known_as := getattr(type(self), name, None), property) and known_as.fget is not None:
                # What it asks has raised an AttributeError, such as a module that is imported. Python drops that: anew.
                return known_as.fget(self)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        known = dict(self.__dict__)
        # Not with the serializer: rq asks whether it is one, which takes 20 us.
        self.__init__(self._id, connection=self.connection)  # type: ignore[misc]
        self.serializer = known["serializer"]
        self.restore(self.stored)
        # What has been set meanwhile is newer.
        self.__dict__.update(known)
        return getattr(self, name)

    @cached_property
    def connection(self) -> Redis:  # type: ignore[override]
        """A client that connects when it is first used. Made for whom asks: the first one takes a child 2.5 MB."""
        return self._connect()

    @property
    def func(self) -> Callable[..., Any]:
        # rq asks three times, and to find it takes a tenth of all that is done around a short function.
        if self._found is None:
            name = str(self.func_name)
            self._found = self._method(name) if self.instance else import_function(name, self.allowed)
        return self._found

    def _execute(self) -> Any:
        """As rq does, which takes generators for coroutines; what one of ours returns is the result."""
        try:
            result = self.func(*self.args, **self.kwargs)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                # No frame of the function: it did not begin, for it does not take what it was given.
                raise Hopeless from error
            raise
        if isinstance(result, GeneratorType):
            return self._to_end(result)
        if isinstance(result, AsyncGeneratorType):
            return asyncio.run(self._to_its_end(result))
        return asyncio.run(result) if asyncio.iscoroutine(result) else result

    def _to_end(self, parts: Generator[object, None, object]) -> object:
        while True:
            try:
                part = next(parts)
            except StopIteration as end:
                return end.value
            self.tell_part(part)

    async def _to_its_end(self, parts: AsyncGenerator[object, None]) -> None:
        async for part in parts:
            self.tell_part(part)

    def _method(self, name: str) -> Any:
        """Of an object that came with the call, as rq allows it."""
        found, kind = getattr(self.instance, name), type(self.instance)
        if (allowed := self.allowed) is not None:
            full = f"{kind.__module__}.{kind.__qualname__}.{name}"
            if not allowed.has_name(full) and not (is_own(kind, allowed) and is_own(found, allowed)):
                raise allowed.refusal(full)
        return found

    @property
    def success_callback(self) -> Any:
        return self._callback(b"success_callback_name")

    @property
    def failure_callback(self) -> Any:
        return self._callback(b"failure_callback_name")

    def check_on_failure(self) -> None:
        """Raise `NotAllowed` where its failure callback will not be: the function would end with nobody told."""
        if self.allowed is not None and (name := self.stored.get(b"failure_callback_name")):
            self.allowed.check(_dotted(name))

    def _callback(self, field: bytes) -> Any:
        name = self.stored.get(field)
        return import_function(_dotted(name), self.allowed) if name else None

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Read the hash as rq does, but for the dates: rq's strptime takes 10 us for each of the usual four.

        And but for what is compressed, of which rq makes any number of bytes.
        """
        known = {name: value for name, value in raw_data.items() if name not in _NOT_RQS}
        super().restore({**known, b"data": _NOTHING})
        self.data, _ = _unpacked("data", raw_data.get(b"data"))
        if told := raw_data.get(b"exc_info"):
            self._exc_info = _unpacked("exc_info", told)[0].decode("utf-8", "replace")
        for name, attribute in _DATES.items():
            if date := raw_data.get(name):
                setattr(self, attribute, datetime.fromisoformat(date.decode()))

    # What else stands in the hash: to look there, nothing of rq's has to be read.

    @property
    def limit_s(self) -> float | None:
        """Its limit of time, None without one."""
        stored = self.stored.get(b"timeout")
        if stored is None or stored in _UNLIMITED:
            return None
        # Not `timeout`, for which all else would be read, and a client made.
        limit_s = parse_timeout(stored.decode())
        return limit_s if limit_s and limit_s > 0 else None

    @property
    def has_on_success(self) -> bool:
        """Whether a callback is to be called when it has succeeded."""
        return bool(self.stored.get(b"success_callback_name"))

    @property
    def function_id(self) -> str:
        """What the user calls it."""
        return StoredJob(self.stored).text("function")

    @property
    def run_instance(self) -> str:
        """The run that it is a function of."""
        return StoredJob(self.stored).text("run")

    def read_call(self) -> None:
        """Read the call, and what rq knows nothing of: `inputs` and `forms`.

        Raises `UnreadableField`, and what its serializer raises.
        """
        if self.fault is not None:
            raise self.fault
        call = self.serializer.loads(self.data)
        check_call(call)
        self._func_name, self._instance, self._args, self._kwargs = call
        stored = StoredJob(self.stored)
        if inputs := stored.bytes("inputs"):
            self.inputs = self.serializer.loads(inputs)
            check_inputs(self.inputs)
        if forms := stored.bytes("forms"):
            self.forms = self.serializer.loads(forms)
            check_forms(self.forms)

    def put_first(self, values: Sequence[Any]) -> None:
        """Let the call begin with these arguments; what `save` writes of it stays as it was, for the next attempt."""
        self._args = (*values, *self.args)

    def __eq__(self, other: object) -> bool:
        # rq's own asks for an instance of this class, which what `Job.fetch` gives to a function is not.
        return isinstance(other, rq.job.Job) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


def _unpacked(field: str, data: bytes | None) -> tuple[bytes, UnreadableField | None]:
    """-> what was compressed, or `_NOTHING` and what is wrong with it"""
    try:
        return unzipped(field, data or b""), None
    except UnreadableField as error:
        return _NOTHING, error


def _dotted(name: bytes) -> str:
    """Clients may write a colon where the module ends, as they do for functions."""
    return name.decode().replace(":", ".", 1)
