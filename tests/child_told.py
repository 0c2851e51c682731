"""Functions that tell something while they run."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import handoff
from handoff_worker.inside.telling import EVERY_S, MOST_PARTS


def wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


def say(*texts: str) -> int:
    for text in texts:
        print(text)
    return len(texts)


def say_without_end(text: str) -> None:
    print(text, end="")


def say_everywhere() -> None:
    print("to stdout")
    print("to stderr", file=sys.stderr)
    logging.getLogger("here").warning("to the log")
    sys.stdout.writelines(["a line\n"])


def say_and_yield() -> Iterator[int]:
    # Of so many some are sent before all of them are there.
    for number in range(2 * MOST_PARTS):
        print("a line")
        yield number


def say_and_wait(path: str) -> str:
    print("begun")
    wait_for(path)
    return "ended"


def say_and_die(path: str) -> None:
    print("begun")
    wait_for(path)
    os.kill(os.getpid(), signal.SIGKILL)


def say_much(lines: int) -> int:
    for number in range(lines):
        print(f"line {number}")
    return lines


def say_at_once(characters: int) -> None:
    print("x" * characters)


def say_what_is_no_text() -> None:
    print("a\udc80b", file=sys.stderr)


def say_in_a_fork() -> str:
    if os.fork() == 0:
        print("in a fork")
        handoff.current().progress(0.5)
        sys.stdout.flush()
        # So long that a thread would have sent it.
        time.sleep(3 * EVERY_S)
        os._exit(0)
    os.wait()
    return "parent"


def say_in_a_thread_that_stays(path: str) -> None:
    def go_on() -> None:
        while not Path(path).exists():
            print("still here")
            time.sleep(0.001)

    threading.Thread(target=go_on, daemon=True).start()


def report(times: int) -> None:
    for number in range(times):
        handoff.current().progress((number + 1) / times, f"step {number + 1}")


def report_and_wait(path: str) -> None:
    report(10)
    wait_for(path)


def report_badly(fraction: object, message: object = None) -> None:
    handoff.current().progress(fraction, message)  # type: ignore[arg-type]


def count(to: int) -> Iterator[int]:
    yield from range(to)
    return "counted"  # type: ignore[return-value]


async def count_later(to: int) -> AsyncIterator[int]:
    for number in range(to):
        yield number


def count_and_wait(to: int, path: str) -> Iterator[int]:
    yield from range(to)
    wait_for(path)


def count_for_ever() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def yield_what_cannot_be_sent() -> Iterator[object]:
    yield 1
    yield object()


def yield_what_is_too_large() -> Iterator[bytes]:
    yield bytes(2**20)


def count_then_fail(to: int) -> Iterator[int]:
    yield from range(to)
    raise ValueError("no more")


def tell_all_and_wait(parts: int, path: str) -> Iterator[int]:
    for number in range(parts):
        print(f"part {number}")
        handoff.current().progress((number + 1) / parts)
        yield number
    wait_for(path)
    print("at the end")
    return "told"  # type: ignore[return-value]
