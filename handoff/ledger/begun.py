"""An operation that was sent and whose reply is read later: who sent it has other things to do until it comes."""

from __future__ import annotations

import contextvars
import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from handoff.ledger.connection import SILENCE_S, Sent, silence


class Begun:
    """One attempt at an operation, which is to be asked for its answer, or given up."""

    def __init__(self, attempt: Coroutine[Sent | None, float, list[Any]]) -> None:
        """Run an attempt that asks with `ask_later` until it has sent its first command. Raises what it raises."""
        self._attempt = attempt
        # How long it waits is not for others who ask meanwhile.
        self._context = contextvars.copy_context()
        self._sent = self._context.run(attempt.send, None)  # type: ignore[arg-type]
        self.until_s = time.monotonic() + SILENCE_S  #: who hears nothing until then has waited long enough

    @property
    def socket(self) -> Any:
        """What is readable when the answer comes; None where there is nothing to do but to ask for it."""
        return self._sent.socket if self._sent is not None else None

    def answer(self, silence_s: float = SILENCE_S) -> list[Any]:
        """Give what the attempt gives, or raise what it raises. The first reply is awaited for so long."""
        try:
            self._context.run(self._attempt.send, silence_s)
            # It was not the last: the server has to be given what is to be called.
            while True:
                self._context.run(self._attempt.send, SILENCE_S)
        except StopIteration as end:
            answer: list[Any] = end.value
            return answer

    def give_up(self) -> None:
        """Do without the answer: the operation may have been carried out, or will be."""
        self._context.run(self._attempt.close)


async def ask_later(send: Callable[..., Sent] | None, ask: Callable[..., Any], *command: Any) -> Any:
    """Send a command, and read its reply when `Begun` says so; where nothing can be sent by itself, ask then."""
    sent = None if send is None else send(*command)
    try:
        silence_s = await _on_its_way(sent)
    except GeneratorExit:
        if sent is not None:
            sent.give_up()
        raise
    with silence(silence_s):
        return ask(*command) if sent is None else sent.read()


@types.coroutine
def _on_its_way(sent: Sent | None) -> Generator[Sent | None, float, float]:
    return (yield sent)
