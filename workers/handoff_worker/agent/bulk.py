"""What is large between Redis and the agent: results in pieces, and the fields of jobs that no reply brought along."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from handoff_worker.agent.courier import Courier, Insist
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.agent.started import Started
from handoff_worker.children.nursery import NoProcess

PIECE = 2**19
"""Bytes of a result that are sent at a time; each of them is answered, which shows that the link is alive."""


class Bulk:
    """Two couriers, one for each direction."""

    def __init__(self, ledger: NodeLedger, watch: Callable[[Any], None]) -> None:
        """`watch` has a courier drained when it is readable."""
        self._ledger, self._watch = ledger, watch
        self._up: Courier | None = None
        self._down: Courier | None = None

    def begin(self) -> None:
        """Start the couriers while threads can be had: later the machine may be at its limit. Raises `NoProcess`."""
        try:
            self._up = self._up or self._courier()
            self._down = self._down or self._courier()
        except RuntimeError as error:
            raise NoProcess(str(error)) from error

    def __bool__(self) -> bool:
        """Whether anything is on its way that is still wanted."""
        return bool(self._up) or bool(self._down)

    def deliver(
        self,
        result: Result,
        is_wanted: Callable[[], bool],
        then: Callable[[str], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Send value and forms of a result ahead; `then` is told the name of the parcel that they are in."""
        if self._up is None:
            self._up = self._courier()
        self._up.send(lambda insist: _send(self._ledger, result.whole, insist), is_wanted, then, failed)

    def complete(
        self,
        started: Started,
        is_wanted: Callable[[], bool],
        then: Callable[[Started], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Read what was left out of a job that is to be run here."""
        if self._down is None:
            self._down = self._courier()
        self._down.send(lambda insist: _read(self._ledger, started, insist), is_wanted, then, failed)

    def forget(self) -> None:
        """Give up on all that is on its way."""
        for courier in (self._up, self._down):
            if courier is not None:
                courier.forget()

    def close(self) -> None:
        """Give up, and end the threads."""
        for courier in (self._up, self._down):
            if courier is not None:
                courier.close()

    def _courier(self) -> Courier:
        courier = Courier()
        self._watch(courier)
        return courier


def _send(ledger: NodeLedger, text: str, insist: Insist) -> str:
    token, offset = uuid.uuid4().hex, 0
    while offset < len(text):
        offset = insist(partial(ledger.send_piece, token, offset, text[offset : offset + PIECE]))
    return token


def _read(ledger: NodeLedger, started: Started, insist: Insist) -> Started:
    names: Sequence[bytes] = started.left_out
    values: Mapping[bytes, bytes] = insist(lambda: ledger.read_fields(started.job_id, names))
    return started.with_fields(values)
