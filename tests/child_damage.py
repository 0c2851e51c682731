"""Functions that change their process for those after them, and what shows whether they have."""

from __future__ import annotations

import asyncio
import decimal
import gc
import importlib
import io
import locale
import logging
import os
import resource
import signal
import socket
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NoReturn

from child_tasks import FOREVER_S

ON_PATH = "/somewhere/else"


def ignore(*_: object) -> None:
    """Handle a signal."""


def _narrow_path() -> None:
    sys.path[:] = [ON_PATH]


def _replace_path() -> None:
    sys.path = [ON_PATH]


def _drop_finders() -> None:
    sys.meta_path.clear()


def _add_a_folder() -> None:
    sys.path.insert(0, ON_PATH)


def _change_environment() -> None:
    os.environ.update({"HOME": "/nowhere", "OMP_NUM_THREADS": "77", "HANDOFF_NODE": "another", "NEW": "1"})
    del os.environ["PATH"]


def _replace_environment() -> None:
    os.environ = {"PATH": "/nowhere"}  # type: ignore[assignment]  # noqa: B003


def _clear_environment() -> None:
    os.environ.clear()


def _change_zone() -> None:
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()


def _set_handlers() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, ignore)
    signal.signal(signal.SIGCHLD, ignore)


def _raise_blocked_signal() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    signal.raise_signal(signal.SIGUSR1)


def _start_profile_timer() -> None:
    signal.signal(signal.SIGPROF, ignore)
    signal.setitimer(signal.ITIMER_PROF, 0.0001, 0.0001)


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def _redirect_output() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)


def _replace_output() -> None:
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()


def _set_decimals() -> None:
    decimal.getcontext().prec = 3


def _set_locale() -> None:
    locale.setlocale(locale.LC_ALL, "C" if locale.setlocale(locale.LC_ALL) != "C" else "C.UTF-8")


def _silence_log() -> None:
    logging.disable(logging.CRITICAL)
    logging.root.setLevel(logging.CRITICAL)
    logging.root.addHandler(logging.NullHandler())


def _raise_warnings() -> None:
    warnings.simplefilter("error")


def _set_limits_of_python() -> None:
    sys.setrecursionlimit(100)
    sys.setswitchinterval(1)
    gc.disable()
    gc.set_threshold(7)
    socket.setdefaulttimeout(0.001)


def _trace() -> None:
    sys.setprofile(ignore)


def _use_the_loop() -> None:
    asyncio.run(asyncio.sleep(0))


def _go_nice_and_stay_on_one_processor() -> None:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])


def _shift_arguments() -> None:
    sys.argv.append("more")


DAMAGES = {
    damage.__name__[1:]: damage
    for damage in (
        _narrow_path, _replace_path, _drop_finders, _add_a_folder, _change_environment, _replace_environment,
        _clear_environment, _change_zone, _set_handlers, _raise_blocked_signal, _start_profile_timer, _limit_files,
        _redirect_output, _replace_output, _set_decimals, _set_locale, _silence_log, _raise_warnings,
        _set_limits_of_python, _trace, _use_the_loop, _go_nice_and_stay_on_one_processor, _shift_arguments,
    )
}  # fmt: skip


def damage(name: str) -> None:
    """Leave the process otherwise than it was found: directory and mask too, whatever else."""
    os.chdir("/")
    os.umask(0o777)
    DAMAGES[name]()


def look() -> dict[str, Any]:
    """Say all that those may have changed, and by which process."""
    mask = os.umask(0)
    os.umask(mask)
    try:
        loop = type(asyncio.get_event_loop()).__name__
    except RuntimeError as error:
        loop = str(error)
    return {
        "pid": os.getpid(),
        "path": sys.path,
        "arguments": sys.argv,
        "finders": len(sys.meta_path),
        "environment": dict(os.environ),
        "kind of environment": type(os.environ).__name__,
        "zone": time.tzname[0],
        "directory": os.getcwd(),
        "mask": mask,
        "handlers": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        "timers": [signal.getitimer(which)[0] for which in (signal.ITIMER_REAL, signal.ITIMER_PROF)],
        "limits": [resource.getrlimit(which) for which in range(resource.RLIM_NLIMITS)]
        if hasattr(resource, "RLIM_NLIMITS")
        else [resource.getrlimit(which) for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS)],
        "output": [os.fstat(number).st_rdev for number in (1, 2)],
        "streams": [type(stream).__name__ for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "decimals": decimal.getcontext().prec,
        "locale": locale.setlocale(locale.LC_ALL),
        "log": [logging.root.manager.disable, logging.root.level, len(logging.root.handlers)],
        "warnings": [each[0] for each in warnings.filters],
        "python": [sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled(), list(gc.get_threshold())],
        "time-out": socket.getdefaulttimeout(),
        "profile": sys.getprofile() is None,
        "loop": loop,
        "processors": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [],
    }


def lower_limit_for_good() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def remove_modules() -> None:
    del sys.modules["json"]


def swap_modules() -> None:
    del sys.modules["json"]
    sys.modules["one_more"] = sys.modules["and_another"] = sys


def exchange_modules() -> None:
    """As many as before."""
    del sys.modules["json"]
    sys.modules["another_one"] = sys


def reload_module() -> None:
    importlib.reload(sys.modules["keyword"])
    sys.modules["reloaded_with_it"] = sys


def close_output() -> None:
    sys.stdout.close()


def leak_descriptors() -> str:
    """Open all that may be."""
    while True:
        try:
            os.open(os.devnull, os.O_RDONLY)
        except OSError:
            return "returned"


def import_from(folder: str) -> str:
    """Import what only this function can find."""
    sys.path.insert(0, folder)
    import found_here  # type: ignore[import-not-found]

    return str(found_here.__file__)


def block_import(name: str) -> int:
    """Let nobody import a module here any more."""
    sys.modules[name] = None  # type: ignore[assignment]
    return os.getpid()


def fork_and_return() -> int:
    """Come back twice, in two processes."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    return pid


def pid_of(*_: object) -> int:
    return os.getpid()


def fail_after_writing(path: str) -> NoReturn:
    """Do something, then fail to import."""
    with Path(path).open("a") as file:
        file.write("ran\n")
    import no_such_module  # type: ignore[import-not-found]  # noqa: F401

    time.sleep(FOREVER_S)
    raise AssertionError
