"""SIGTERM, made an exception, so that what a block has started is ended with it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn


@contextlib.contextmanager
def raised_at_term(make: Callable[[int], BaseException]) -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, by what `make` makes of its number.

    Not where the program has a handler of its own, nor in another thread, which may set none.
    """

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise make(number)

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
