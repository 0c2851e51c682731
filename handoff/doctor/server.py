"""What is wrong around the books: the server, clocks, old versions, and who else takes from our queues."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from handoff.doctor.pages import members_of, plain, some
from handoff.doctor.slices import text
from handoff.errors import OtherLayout
from handoff.ledger import libraries, server_faults
from handoff.ledger.keys import is_queue_of, node_of_queue
from handoff.ledger.layout import LAYOUT
from handoff.ledger.rqmodel import HOST_CLOCK, moment_of
from handoff.ledger.store import Store

MOST_SKEW_S = 5.0
"""Clocks may differ by as much: a registration may have been on its way for a while."""

SUPPORTED = {"redis": (6, None), "rq": (3, 4)}
"""Of libraries the first version that Handoff works with, and the first that it does not know."""

TOGETHER = 64

OTHER_LAYOUT = "layout"
"""What a finding is about after which the books are not looked at: another version has written them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be, and what to do."""

    what: str  #: server, clock, version, worker, layout, library
    text: str
    node: str = ""
    library: str = ""  #: of an older version: `libraries.remove` mends it
    is_harmless: bool = False  #: nothing is lost by it, and all goes on

    def __str__(self) -> str:
        return f"{self.what}: {self.text}"

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "what": self.what,
            "text": self.text,
            "node": self.node or None,
            "library": self.library or None,
            "harmless": self.is_harmless,
        }


def look_around(store: Store) -> Iterator[Finding]:
    """Find what is wrong around the books. Raises `StoreUnavailable`."""
    if (found := text(plain(store, "HGET", store.keys("clock"), "layout") or b"")) not in ("", str(LAYOUT)):
        yield Finding(OTHER_LAYOUT, str(OtherLayout(store.address, store.namespace, found, LAYOUT)))
    facts = server_faults.ask(store)
    if (fault := server_faults.version_fault(store.address, facts)) is not None:
        yield Finding("version", str(fault))
    yield from (Finding("server", fault) for fault in server_faults.setting_faults(store.address, facts))
    yield from _look_at_packages()
    yield from _look_at_functions(store)
    yield from _look_at_clocks(store)
    yield from _look_at_workers(store)


def _look_at_functions(store: Store) -> Iterator[Finding]:
    for name in libraries.others(store):
        of = f"the library {name} on Redis is of another version of Handoff"
        yield Finding("library", f"{of}: remove it with --fix when nobody uses that", library=name, is_harmless=True)
    if right := libraries.lacking_right(store):
        slower = "this user may not call Redis Functions, and is sent scripts, which are slower"
        yield Finding("server", f"{slower}: give it {right}", is_harmless=True)


def _look_at_packages() -> Iterator[Finding]:
    for name in SUPPORTED:
        found = version(name)
        if not is_supported(name, found):
            yield Finding("version", f"{name} is {found} here: install one that handoff-rq asks for")


def is_supported(library: str, found: str) -> bool:
    """Whether a version is one that Handoff works with; of what is none nothing is known."""
    major = found.partition(".")[0]
    oldest, unknown = SUPPORTED[library]
    return not major.isdecimal() or (int(major) >= oldest and (unknown is None or int(major) < unknown))


def _look_at_clocks(store: Store) -> Iterator[Finding]:
    before = time.time()
    seconds, micros = store.read("TIME")
    after = time.time()
    now = int(seconds) + int(micros) / 1e6
    off = before - now if before > now else now - after if now > after else 0.0
    if off > MOST_SKEW_S:
        yield Finding(
            "clock", f"the clock of this host and that of Redis differ by {off:.0f} s: set the one that is wrong"
        )
    ahead = text(plain(store, "HGET", store.keys("clock"), "ahead") or b"0")
    if ahead.isdecimal() and int(ahead) > MOST_SKEW_S * 1000:
        behind = f"the clock of Redis was set back and is {int(ahead) / 1000:.0f} s behind what it had shown"
        yield Finding("clock", f"{behind}: dates (`at`) come so much later, all else goes on")


def _look_at_workers(store: Store) -> Iterator[Finding]:
    worker = store.keys("rq_worker")
    for keys in some(members_of(store, store.keys("rq_workers")), TOGETHER):
        commands = [("HMGET", key, "queues", "birth", HOST_CLOCK, "version", "hostname", "pid") for key in keys]
        for key, values in zip(keys, store.read_each(commands), strict=True):
            queues, *rest = (text(value or b"") for value in values)
            ours = [queue for queue in queues.split(",") if is_queue_of(store.namespace, queue)]
            if ours and text(key) != f"{worker}{ours[0]}":
                yield _plain_worker(text(key).removeprefix(worker), ours, *rest[-2:])
            elif ours:
                yield from _look_at_agent(node_of_queue(ours[0]), *rest[:3])


def _plain_worker(name: str, queues: list[str], host: str, pid: str) -> Finding:
    where = f" (process {pid} on {host})" if host else ""
    return Finding(
        "worker",
        f"rq's own worker {name}{where} takes from {', '.join(queues)}, knowing nothing of reservations: stop it",
    )


def _look_at_agent(node: str, birth: str, clock: str, rq_version: str) -> Iterator[Finding]:
    at, registered = moment_of(clock), moment_of(birth)
    if at is not None and registered is not None:
        off = (at - registered).total_seconds()
        if abs(off) > MOST_SKEW_S:
            differ = (
                f"the clock of {node}'s host was {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} that of Redis"
            )
            yield Finding("clock", f"{differ} when its agent registered: set the one that is wrong", node)
    if not is_supported("rq", rq_version):
        yield Finding("version", f"the agent of {node} has rq {rq_version}: install one that handoff-rq asks for", node)
