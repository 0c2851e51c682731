"""The layout of the data as it is found, and how an older one is brought up to date."""

from __future__ import annotations

from handoff.errors import OtherLayout, StoreUnavailable
from handoff.ledger import layout
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.store import Call


@Call
async def layout_fault(ledger: Ledger) -> OtherLayout | None:
    """Say which layout the data has, where it is not that of this version. One plain read."""
    found, noted = await ledger.read("HMGET", ledger.keys("clock"), "layout", "last")
    if found is None and noted is None:
        return None
    told = str(layout.UNMARKED) if found is None else found.decode(errors="replace")
    if told == str(layout.LAYOUT):
        return None
    return OtherLayout(ledger.address, ledger.namespace, told, layout.LAYOUT)


@Call
async def upgrade(ledger: Ledger) -> None:
    """Bring the data to the layout of this version, asked once. What has that already stays as it is.

    Raises `OtherLayout` where it is of a newer one, and `StoreUnavailable` while agents of an older version live.
    """
    match await ledger.attempt("upgrade"):
        case ["upgraded"]:
            return
        case ["served", list(nodes)]:
            names = ", ".join(name.decode() for name in nodes)
            raise StoreUnavailable(
                ledger.address,
                f"agents of an older version run, such as on {names}, and lose what they run if it is upgraded now",
                "stop those agents: then it is upgraded by itself",
                what=f"has namespace {ledger.namespace} in an older layout",
            )
        case reply:
            raise unlisted("upgrade", reply)
