"""While a command waits for a function: why that does not start, and what becomes of it at Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from handoff.cli.options import Asked
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import HandoffError, UnknownFunction
from handoff.ledger.states import ENDED
from handoff.why.explanation import Explanation

LOOK_S = 2.0
"""Between two looks: each is a script of less than a millisecond."""


@contextmanager
def reasons_told(asked: Asked, handle: Handle, *, told: Explanation | None) -> Iterator[None]:
    """Meanwhile say on stderr why it waits, by `told` as it is known, and that it has started then."""
    ended = threading.Event()
    thread = threading.Thread(target=_tell, args=(asked, handle, told, ended), name="why it waits", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _tell(asked: Asked, handle: Handle, told: Explanation | None, ended: threading.Event) -> None:
    known = gist(told) if told else None
    while not ended.wait(LOOK_S):
        try:
            found = handle.explain()
        except HandoffError:
            # Who waits for the result tells what is wrong.
            continue
        # What runs without having waited needs no word.
        is_news = gist(found) != known and (known is not None or found.state != "started")
        if is_news and not ended.is_set():
            asked.tell(f"function {handle.id}: {found.text}", id=handle.id, state=found.state, reason=found.text)
            known = gist(found)


def gist(found: Explanation) -> object:
    """What is the same as long as the reason is, whatever time has passed and however much is short by now."""
    if found.state in ("queued", "started", "delayed"):
        return found.state, found.text if found.state == "queued" else ""
    kinds = [
        (bool(kind["never"]), bool(kind["open"]), bool(kind["room"]), sorted(kind["missing"]), kind["closed"])
        for kind in found.short
    ]
    left = len(found.dependencies["open"]) if found.dependencies else 0
    return found.state, kinds, sorted(hold["node"] for hold in found.holds), left


@contextmanager
def interrupt_told(asked: Asked, cluster: Cluster, id: str) -> Iterator[None]:
    """Where Ctrl-C ends the waiting, say what becomes of the function."""
    try:
        yield
    except KeyboardInterrupt:
        try:
            status = cluster.handle(id).status
        except UnknownFunction:
            asked.tell(f"\nfunction {id} was not submitted, or nothing is kept of it", id=id, status=None)
        except HandoffError as error:
            asked.tell(f"\nfunction {id} goes on, if it was submitted ({error})", id=id, status=None)
        else:
            asked.tell(f"\nfunction {id} {_goes_on(id, status)}", id=id, status=status)
        raise


def _goes_on(id: str, status: str) -> str:
    see = f"`handoff status {id}` shows it"
    if status in ENDED:
        return f"is {status} by now: {see}"
    how = "runs, and goes on" if status == "started" else f"is {status}, and starts when it can"
    return f"{how}: {see}, `handoff cancel {id}` ends it"
