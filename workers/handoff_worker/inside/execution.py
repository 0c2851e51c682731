"""What runs inside a child: one function after the other, each as rq would run it; knows no ledger and no agent."""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import signal
import socket
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import FrameType
from typing import Any

import rq.job
from redis import Redis
from rq.callbacks import execute_failure_callback, execute_success_callback
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.job import JobStatus
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from handoff.client.current import run_as_current
from handoff.errors import HandoffError
from handoff.ledger.keys import Keys
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.reservation import job_of
from handoff.ledger.texts.run_id import run_job_id
from handoff.serializer import SerializerLike, dumps_result, resolve
from handoff_worker.inside.inputs import Entry, Evaluator, Serialize, Unmade, read_results, taken
from handoff_worker.inside.wire import Channel, encode

LARGEST_RESULT = 64_000_000
"""Bytes of a serialized result."""

LARGEST_FORMS = 192_000_000
"""Bytes of a result and its forms together: one message carries them all to the agent, and one call to Redis."""

LONGEST_TEXT = 100_000
"""Characters of a message or a traceback that are kept; the middle goes."""

SHORT_S = 0.001
"""A function that takes no longer has time to touch some MB at most."""

LONGEST_UNMEASURED = 16
"""Short functions in a row between two looks at the memory of the process, which cost 15 us each."""

_DATES = {name.encode(): name for name in ("created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat")}

_RQ_KEYS = Keys("", RQ_KEY_PREFIX)

_PAGE = resource.getpagesize()


class Job(rq.job.Job):
    """rq's job, that says what could not be imported and why, and finds methods of nested classes."""

    #: Of a function of a graph: which results come first in its call, and what others ask to be made of its own.
    inputs: Mapping[str, Any] | None = None
    forms: Sequence[Any] = ()

    @classmethod
    def unread(cls, id: str, connection: Redis, serializer: SerializerLike, raw_data: Mapping[bytes, bytes]) -> Job:
        """Make a job of which only the call is read.

        All else is read when it is first asked for, which most functions never do; it takes 25 us, and four times as
        long where other processes have had the caches.
        """
        if b"data" not in raw_data:
            raise NoSuchJobError(f"Unexpected job format: {dict(raw_data)}")
        data = raw_data[b"data"]
        # What rq wrote long ago is not compressed.
        with contextlib.suppress(zlib.error):
            data = zlib.decompress(data)
        job = cls.__new__(cls)
        job.__dict__.update(_id=id, connection=connection, serializer=serializer, _unread=raw_data)
        job.data = data
        return job

    def __getattr__(self, name: str) -> Any:
        raw_data = self.__dict__.pop("_unread", None)
        if raw_data is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        known = dict(self.__dict__)
        # Not with the serializer: rq asks whether it is one, which takes 20 us.
        self.__init__(self._id, connection=self.connection)  # type: ignore[misc]
        self.serializer = known["serializer"]
        self.restore(raw_data)
        # What has been set meanwhile is newer.
        self.__dict__.update(known)
        return getattr(self, name)

    @property
    def func(self) -> Callable[..., Any]:
        if self.instance:
            return getattr(self.instance, str(self.func_name))  # type: ignore[no-any-return]
        return import_function(str(self.func_name))

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Read the hash as rq does, but for the dates: rq's strptime takes 10 us for each of the usual four."""
        super().restore({name: value for name, value in raw_data.items() if name not in _DATES})
        for name, attribute in _DATES.items():
            if date := raw_data.get(name):
                setattr(self, attribute, datetime.fromisoformat(date.decode()))

    def restore_graph(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Read from the hash what rq knows nothing of."""
        stored = StoredJob(raw_data)
        if inputs := stored.bytes("inputs"):
            self.inputs = self.serializer.loads(inputs)
        if forms := stored.bytes("forms"):
            self.forms = self.serializer.loads(forms)

    def put_first(self, values: Sequence[Any]) -> None:
        """Let the call begin with these arguments; what `save` writes of it stays as it was, for the next attempt."""
        self._args = (*values, *self.args)

    def __eq__(self, other: object) -> bool:
        # rq's own asks for an instance of this class, which what `Job.fetch` gives to a function is not.
        return isinstance(other, rq.job.Job) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


class ResultTooLarge(HandoffError):
    """What a function returned passes the limit of one result; it was not kept."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size, self.limit = size, limit

    def __str__(self) -> str:
        return (
            f"the result takes {self.size / 1e6:.1f} MB and {self.limit / 1e6:.1f} MB is the limit: "
            "store the data elsewhere and return a reference to it"
        )


class OriginalUnavailable(Exception):
    """Stands in a failure callback for an exception that could not be built again; its text names the type."""


class _Hopeless(Exception):
    """What no other attempt on this node could change; the cause says what."""


class _Alarm(UnixSignalDeathPenalty):
    """rq's limit of time, that remembers whether it struck: a function may have caught what it raised."""

    struck = False

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        type(self).struck = True
        super().handle_death_penalty(signum, frame)  # type: ignore[no-untyped-call]


def serve(end: socket.socket) -> None:
    """Run what comes in on `end`, one function at a time, until the agent is gone."""
    channel = Channel(end)
    executor = Executor()
    # No name holds a task or its outcome while the child waits for the next: they may be large.
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            for task in channel.receive():
                end.sendall(encode(executor.execute(task)))
                del task


class Executor:
    """Runs functions in this process, and puts back after each what it may have changed."""

    def __init__(self) -> None:
        # The directory itself, for it may lose its name.
        self._home = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._settings: Mapping[str, Any] | None = None
        self._connection: Redis | None = None
        self._originals: dict[str, str | None] = {}  #: of the variables that the last task set
        self._rss = 0
        self._unmeasured = LONGEST_UNMEASURED

    def execute(self, task: Mapping[str, Any]) -> dict[str, object]:
        """Run one task, as `Task.frame` makes it, and return its outcome; whatever user code raises is in it.

        `"spent"` asks the agent to end this process: a limit of time has struck, and nobody knows in the midst of what.
        """
        _Alarm.struck = False
        began_s = time.monotonic()
        self._set_environment({**task["environment"], "HANDOFF_NODE": task["node"]})
        outcome = self._outcome(task)
        self._tidy()
        self._measure(time.monotonic() - began_s)
        return {"id": task["id"], **outcome, "rss": self._rss, "spent": _Alarm.struck}

    def _measure(self, seconds: float) -> None:
        """Look how much memory this process has; after short functions only now and then, for they can take little."""
        self._unmeasured += 1
        if seconds > SHORT_S or self._unmeasured > LONGEST_UNMEASURED:
            self._rss, self._unmeasured = _resident_bytes(), 0

    def _outcome(self, task: Mapping[str, Any]) -> dict[str, object]:
        try:
            job = self._restore(task)
            made = _run(job, task) if task["kind"] == "run" else _tell_of_failure(job, task)
        except _Hopeless as hopeless:
            return _failure(hopeless.__cause__ or hopeless, retryable=False)
        except Unmade as unmade:
            return _failure(unmade.__cause__ or unmade, retryable=unmade.retryable, place=str(unmade))
        # SystemExit and KeyboardInterrupt as well: they end the function, not the child.
        except BaseException as error:
            return _failure(error, retryable=True)
        return {"kind": "finished", "result": made[0], "forms": made[1:]}

    def _restore(self, task: Mapping[str, Any]) -> Job:
        try:
            job_id, connection = job_of(task["id"]), self._connect(task["redis"])
            job = Job.unread(job_id, connection, resolve(task["serializer"]), task["job"])
            # Here and not under the limit of time, whose exception rq would take for one of the arguments.
            _ = job.func_name
            if task["kind"] == "run":
                job.restore_graph(task["job"])
        except DeserializationError as error:
            # rq's has no text of its own.
            raise _Hopeless from error.__cause__
        except Exception as error:
            raise _Hopeless from error
        job.worker_name = task["worker"]
        return job

    def _connect(self, settings: Mapping[str, Any]) -> Redis:
        """Give a client that connects when it is first used, the same one as long as the settings are."""
        if self._connection is None or settings != self._settings:
            self._settings = settings
            self._connection = Redis.from_url(**settings) if "url" in settings else Redis(**settings)
        return self._connection

    def _set_environment(self, variables: Mapping[str, str]) -> None:
        """Set `variables`, and put back what the task before had set otherwise.

        Only now, because tasks in a row mostly set the same, and to compare costs a third of setting and putting back.
        """
        for name, original in self._originals.items():
            if name not in variables and os.environ.get(name) != original:
                _set_variable(name, original)
        known = self._originals
        self._originals = {name: known[name] if name in known else os.environ.get(name) for name in variables}
        for name, value in variables.items():
            if os.environ.get(name) != value:
                os.environ[name] = value

    def _tidy(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        # Each call costs a short function as much as a tenth of all else that is done around it.
        if signal.pthread_sigmask(signal.SIG_BLOCK, ()) or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
            # Ignored for a moment, which drops one that was blocked and would now strike.
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for stream in (sys.stdout, sys.stderr):
            # A child is killed in the end, not asked to exit. The stream may be closed, or its reader gone.
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        os.fchdir(self._home)


def import_function(name: str) -> Callable[..., Any]:
    """Import `package.module.qualname`; raises the ImportError that says why not, where rq raises a ValueError."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module_name = ".".join(parts[:cut])
        try:
            found: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            # The module itself is missing: maybe this is a class of the next shorter one.
            if cut > 1 and error.name and f"{module_name}.".startswith(f"{error.name}."):
                continue
            raise
        for part in parts[cut:]:
            try:
                found = getattr(found, part)
            except AttributeError as error:
                missing = ".".join(parts[cut:])
                raise ImportError(f"cannot import name {missing!r} from {module_name!r}", name=module_name) from error
        return found  # type: ignore[no-any-return]
    raise ImportError(f"{name!r} names no module: a function is stored as 'package.module.name'", name=name)


def _run(job: Job, task: Mapping[str, Any]) -> list[bytes]:
    """-> the result, then its forms"""
    with _limit(job, task["job"].get(b"timeout")):
        _check_importable(job)
        with run_as_current(job.id, task["node"], task["job"]):
            plain = job.inputs is None and not job.forms
            result, formed = (job.perform(), None) if plain else _run_in_graph(job, task)
    # Before the callback, unlike rq: nobody is told of a success that cannot be stored.
    data = _all_serialized(job, result, formed) if formed else [_serialized(job, result)]
    if task["job"].get(b"success_callback_name"):
        job._status = JobStatus.FINISHED
        execute_success_callback(job, _Alarm, result)
    return data


def _run_in_graph(job: Job, task: Mapping[str, Any]) -> tuple[object, list[tuple[Serialize, object]]]:
    """-> the result, and what was made of it for those that take it"""
    evaluator = Evaluator(task["node"], job.serializer.loads, import_function)
    with _as_current_of_rq(job):
        serializers = evaluator.serializers(StoredJob(task["job"]).text("function"), job.forms)
        if job.inputs is not None:
            job.put_first(evaluator.arguments(job.inputs, _entries(job, job.inputs, task)))
        result = job.perform()
        return result, [(serialize, evaluator.form(serialize, result)) for serialize in serializers]


def _entries(job: Job, inputs: Mapping[str, Any], task: Mapping[str, Any]) -> Mapping[int, Entry]:
    """Give the results that are taken: those that came with the task, and what has to be read."""
    entries = dict(task.get("inputs", ()))
    instance = StoredJob(task["job"]).text("run")
    missing = [number for number in taken(inputs) if number not in entries]
    keys = {number: _RQ_KEYS("rq_results", run_job_id(instance, number)) for number in missing}
    return entries | read_results(job.connection, keys) if keys else entries


@contextlib.contextmanager
def _as_current_of_rq(job: Job) -> Iterator[None]:
    """Let inline functions and transforms have rq's `get_current_job`, which `perform` gives to the function alone."""
    token = rq.job._current_job.set(job)
    try:
        yield
    finally:
        rq.job._current_job.reset(token)


def _limit(job: Job, timeout: bytes | None) -> contextlib.AbstractContextManager[None]:
    if timeout in (None, b"", b"-1") or job.timeout is None or job.timeout <= 0:
        return contextlib.nullcontext()
    return _Alarm(job.timeout, JobTimeoutException)  # type: ignore[no-untyped-call]


def _check_importable(job: Job) -> None:
    try:
        _ = job.func
    except (ImportError, AttributeError, SyntaxError) as error:
        raise _Hopeless from error


def _serialized(job: Job, result: object) -> bytes:
    try:
        data = dumps_result(job.serializer, result)
    except Exception as error:
        raise _Hopeless from error
    if len(data) > LARGEST_RESULT:
        raise _Hopeless from ResultTooLarge(len(data), LARGEST_RESULT)
    return data


def _all_serialized(job: Job, result: object, formed: Sequence[tuple[Serialize, object]]) -> list[bytes]:
    """-> the result, then its forms; the first of them stands for a result that cannot be stored itself"""
    forms = []
    for serialize, form in formed:
        try:
            forms.append(_serialized(job, form))
        except _Hopeless as hopeless:
            raise Unmade(f"made {serialize.place}", retryable=False) from hopeless.__cause__
    try:
        data = _serialized(job, result)
    except _Hopeless:
        data = forms[0]
    size = len(data) + sum(map(len, forms))
    if size > LARGEST_FORMS:
        raise _Hopeless from ResultTooLarge(size, LARGEST_FORMS)
    return [data, *forms]


def _tell_of_failure(job: Job, task: Mapping[str, Any]) -> list[bytes]:
    error = _rebuilt(task["exception_type"], task["message"])
    if task["traceback"]:
        error.add_note(task["traceback"])
    job._status = JobStatus.FAILED
    execute_failure_callback(job, _Alarm, type(error), error, None)
    return [b""]


def _rebuilt(exception_type: str, message: str) -> BaseException:
    # Whatever goes wrong here is a reason for the stand-in: user code may do anything when it is imported or built.
    with contextlib.suppress(Exception):
        kind = import_function(exception_type if "." in exception_type else f"builtins.{exception_type}")
        if isinstance(kind, type) and issubclass(kind, BaseException):
            return kind(message)
    return OriginalUnavailable(f"{exception_type}: {message}")


def _failure(error: BaseException, *, retryable: bool, place: str = "") -> dict[str, object]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        message = str(error)
    except Exception as failed:
        message = f"(its text could not be made: {type(failed).__qualname__})"
    text = "".join(traceback.format_exception(error))
    if place:
        message = f"{message} ({place})" if message else place
        text = f"{text}({place})\n"
    return {
        "kind": "failed",
        "exception_type": name,
        "message": _plain(message),
        "traceback": _plain(text),
        "retryable": retryable,
    }


def _plain(text: str) -> str:
    """Cut the middle out of what is too long, and write out the lone surrogates that UTF-8 does not carry."""
    if len(text) > LONGEST_TEXT:
        half = LONGEST_TEXT // 2
        text = f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _resident_bytes() -> int:
    try:
        # Not `open`, which takes four times as long.
        statm = os.open("/proc/self/statm", os.O_RDONLY)
    except FileNotFoundError:
        # Elsewhere only the peak is to be had, in bytes on macOS: a child may be ended too early there.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        return int(os.read(statm, 128).split()[1]) * _PAGE
    finally:
        os.close(statm)
