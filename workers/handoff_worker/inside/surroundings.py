"""What a function finds around it in its process and may change there: noted, and put back before the next one runs.

What importing a function's module has changed stays, because a module is imported once; what calling it has changed
does not. What costs more than a function that does nothing is not looked at: other modules' variables, the state of
random numbers, threads. Whoever needs those clean asks for a child of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import locale
import logging
import os
import resource
import signal
import socket
import sys
import time
import warnings

# Without what the wrappers in `locale` and `signal` do beside that, which makes each call up to four times as long.
from _locale import setlocale
from _signal import getsignal, pthread_sigmask  # type: ignore[import-not-found]
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Any

_ENVIRON, _MODULES, _LOADED = os.environ, sys.modules, "resource"

_SIGNALS = sorted(int(number) for number in signal.valid_signals() if number < 32 and number not in (9, 19, 14))
"""All but real-time ones, those that nobody can handle, and SIGALRM, which is the executor's."""

_ALARM, _BLOCK, _DEFAULT = int(signal.SIGALRM), int(signal.SIG_BLOCK), int(signal.SIG_DFL)

_TIMERS: dict[int, int] = {signal.SIGVTALRM: signal.ITIMER_VIRTUAL, signal.SIGPROF: signal.ITIMER_PROF}

_LIMITS: set[int] = {getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}


def _set_collecting(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()


def _set_loop_policy(policy: Any) -> None:
    # Deprecated from 3.14 on, and until 3.16 the only way.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.set_event_loop_policy(policy)


_SETTINGS: list[tuple[Callable[[], Any], Callable[[Any], object]]] = [
    (gc.isenabled, _set_collecting),
    (gc.get_threshold, lambda counts: gc.set_threshold(*counts)),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.getswitchinterval, sys.setswitchinterval),
    (socket.getdefaulttimeout, socket.setdefaulttimeout),
    (partial(setlocale, locale.LC_ALL), partial(setlocale, locale.LC_ALL)),
    (partial(getattr, logging.root.manager, "disable"), logging.disable),
    (partial(getattr, logging.root, "level"), logging.root.setLevel),
    (partial(getattr, asyncio.events, "_event_loop_policy", None), _set_loop_policy),
    (os.geteuid, os.seteuid),
    (partial(os.getpriority, os.PRIO_PROCESS, 0), partial(os.setpriority, os.PRIO_PROCESS, 0)),
]
"""How each is read, and how it is set. What is read at each function costs it a few us together; two or three more such
readings as that of the locale would be felt."""

if hasattr(os, "sched_getaffinity"):
    _SETTINGS.append((partial(os.sched_getaffinity, 0), partial(os.sched_setaffinity, 0)))

_READ = [read for read, _ in _SETTINGS]

_LISTS: list[tuple[Any, str]] = [(sys, "path"), (sys, "argv"), (warnings, "filters"), (logging.root, "handlers")]

_FINDERS: list[tuple[Any, str]] = [(sys, "meta_path"), (sys, "path_hooks")]
"""Here what a module adds while it is imported in a call is needed later on: only what is missing counts."""

_STREAMS = ("stdin", "stdout", "stderr")

_UNFLUSHED = contextlib.suppress(AttributeError, OSError, ValueError)


class Surroundings:
    """What the functions of one process find."""

    def __init__(self) -> None:
        """Note all as it is now."""
        # The directory itself, for it may lose its name.
        self._home = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._ends: list[tuple[int, int]] = []  #: what stands behind 1 and 2, each where it is open
        for number in (1, 2):
            with contextlib.suppress(OSError):
                self._ends.append((os.dup(number), number))
        self._limits = _read_limits()
        self._given: Mapping[str, str] = {}
        self._originals: dict[str, str | None] = {}  #: of the variables that the last task set
        self._names, self._count, self._last = set(sys.modules), len(sys.modules), next(reversed(sys.modules))
        self.note()

    def set_environment(self, variables: Mapping[str, str]) -> None:
        """Set `variables`, and put back what the task before had set otherwise; mostly tasks in a row set the same."""
        if variables == self._given:
            return
        for name, original in self._originals.items():
            if name not in variables:
                _set_variable(name, original)
        known = self._originals
        self._originals = {name: known[name] if name in known else os.environ.get(name) for name in variables}
        os.environ.update(variables)
        self._given = dict(variables)
        self._variables = dict(_variables())

    def note_import(self) -> None:
        """What has been imported since the last function may have changed something: that stays."""
        if self._has_imported():
            path = self._lists[0][1]
            # Without these nothing else could be imported.
            if any(folder not in sys.path for folder in path):
                sys.path[:] = path
            self.note()
            self._variables |= {os.fsencode(name): os.fsencode(value) for name, value in self._given.items()}
            if _LOADED in sys.modules:
                self._limits = _read_limits()

    def put_back(self) -> bool:
        """Put back what has changed. -> False where that cannot be: nobody should run here any more"""
        try:
            self._put_signals_back()
            self._put_streams_back()
            os.fchdir(self._home)
            os.umask(self._umask)
            if os.environ is not _ENVIRON or _variables() != self._variables:
                self._put_environment_back()
            return self._put_modules_back() and self._put_settings_back()
        # Whatever a function has done to this process: what it returned is to be delivered.
        except Exception:
            with contextlib.suppress(Exception):
                logging.getLogger(__name__).warning("a child cannot be put right and is ended", exc_info=True)
            return False

    def note(self) -> None:
        """Note all that can change while a process goes on as another one, or imports."""
        self._variables = dict(_variables())
        self._handlers = list(map(getsignal, _SIGNALS))
        self._streams = [getattr(sys, name) for name in _STREAMS]
        self._settings = [read() for read in _READ]
        self._lists = [(getattr(owner, name), list(getattr(owner, name))) for owner, name in _LISTS]
        self._finders = [(getattr(owner, name), list(getattr(owner, name))) for owner, name in _FINDERS]
        self._add_modules()

    def _has_imported(self) -> bool:
        return len(sys.modules) != self._count or next(reversed(sys.modules)) != self._last

    def _add_modules(self) -> bool:
        """Note the modules that have been imported since. -> False where others are missing

        They stand in the order of their imports: as many new ones as there are more now, and before them the one that
        was the last, so none is missing. To compare or copy all names writes to the memory of each, which is then
        shared with no other child: 1.4 MB.
        """
        added = len(sys.modules) - self._count
        *names, last = islice(reversed(sys.modules), max(added, 0) + 1)
        is_whole = True
        if added >= 0 and last == self._last:
            self._names.update(names)
        else:
            is_whole = self._names <= sys.modules.keys()
            self._names = set(sys.modules)
        self._count, self._last = len(sys.modules), next(reversed(sys.modules))
        return is_whole

    def _put_signals_back(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.set_wakeup_fd(-1)
        if pthread_sigmask(_BLOCK, ()) or getsignal(_ALARM) != _DEFAULT:
            # Ignored for a moment, which drops those that were blocked and would now strike.
            for number in {signal.SIGALRM, *signal.sigpending()}:
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        found = list(map(getsignal, _SIGNALS))
        if found != self._handlers:
            for number, handler, kept in zip(_SIGNALS, found, self._handlers, strict=True):
                if handler is not kept:
                    if number in _TIMERS:
                        signal.setitimer(_TIMERS[number], 0)
                    signal.signal(number, kept)

    def _put_streams_back(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            # A child is killed in the end, not asked to exit. The stream may be closed, or its reader gone.
            with _UNFLUSHED:
                stream.flush()
        for end, number in self._ends:
            os.dup2(end, number)
        for name, kept in zip(_STREAMS, self._streams, strict=True):
            if getattr(sys, name) is not kept:
                setattr(sys, name, kept)
            if getattr(kept, "closed", False):
                raise ValueError(f"sys.{name} is closed")

    def _put_environment_back(self) -> None:
        os.environ = _ENVIRON  # noqa: B003
        found = dict(os.environb)
        for name in found.keys() - self._variables.keys():
            del os.environb[name]
        for name, value in self._variables.items():
            if found.get(name) != value:
                os.environb[name] = value
        if found.get(b"TZ") != self._variables.get(b"TZ"):
            time.tzset()

    def _put_modules_back(self) -> bool:
        """-> False where modules are missing, or may have been found where the next function would not find them"""
        if sys.modules is not _MODULES:
            return False
        has_imported = self._has_imported()
        if has_imported and not self._add_modules():
            return False
        for (owner, name), (kept, items) in zip(_FINDERS, self._finders, strict=True):
            found = getattr(owner, name)
            if found != items and not (found is kept and all(each in found for each in items)):
                kept[:] = items
                setattr(owner, name, kept)
        path, folders = self._lists[0]
        return not has_imported or (sys.path is path and path == folders)

    def _put_settings_back(self) -> bool:
        for (owner, name), (kept, items) in zip(_LISTS, self._lists, strict=True):
            if getattr(owner, name) != items:
                if owner is warnings:
                    # It also forgets what was decided by the others.
                    warnings.resetwarnings()
                kept[:] = items
                setattr(owner, name, kept)
        found = [read() for read in _READ]
        if found != self._settings:
            for (_, write), value, kept in zip(_SETTINGS, found, self._settings, strict=True):
                if value != kept:
                    write(kept)
        if _LOADED in sys.modules:
            for which, kept in self._limits.items():
                if resource.getrlimit(which) != kept:
                    resource.setrlimit(which, kept)
        return os.getpgrp() == os.getpid()


def forget_limits() -> None:
    """Let the module of limits look as if nobody had imported it: where it is found again, somebody may change them.

    To read all of them takes as long as a short function.
    """
    sys.modules.pop(_LOADED, None)


def _read_limits() -> dict[int, tuple[int, int]]:
    return {which: resource.getrlimit(which) for which in _LIMITS}


def _variables() -> Mapping[bytes, bytes]:
    """All variables of the environment: what stands behind the mapping, which takes twenty times as long to compare."""
    return getattr(os.environ, "_data", None) or dict(os.environb)


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
