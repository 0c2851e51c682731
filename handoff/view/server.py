"""What the Redis server says of itself: how full it is, whether it could save, how long scripts took it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handoff.ledger.asking import Ledger
from handoff.ledger.store import Call

_SECTIONS = (("INFO",), ("INFO", "commandstats"), ("INFO", "latencystats"))

_SCRIPTS = ("fcall", "fcall_ro", "evalsha", "evalsha_ro", "eval", "eval_ro")
"""The commands that call scripts, the usual first."""

_SAVES = ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status")


@dataclass(frozen=True, slots=True)
class Scripts:
    """Of all scripts that were called on a server since it started, those of other namespaces too."""

    calls: int = 0
    seconds: float = 0.0
    quantiles: Mapping[float, float] = field(default_factory=dict)  #: of the usual command: 0.99 -> seconds


@dataclass(frozen=True, slots=True)
class Server:
    """A Redis server, by what it says; None = it does not."""

    memory_bytes: int | None
    most_memory_bytes: int | None  #: maxmemory; 0 = no limit
    evicted: int | None  #: keys that were deleted for want of memory
    clients: int | None
    saves: bool | None  #: whether what was last written to the disk went well
    scripts: Scripts | None


@Call
async def read_server(ledger: Ledger) -> Server:
    """Ask a server about itself. What it does not tell, or not to this user, is None."""
    return server_of(await ledger.glance(_SECTIONS))


def server_of(replies: Sequence[Any]) -> Server:
    """What the replies to INFO say; errors among them tell nothing."""
    told: dict[str, Any] = {}
    for reply in replies:
        if isinstance(reply, Mapping):
            told |= reply
    saves = [told[name] == "ok" for name in _SAVES if name in told]
    return Server(
        memory_bytes=_integer(told.get("used_memory")),
        most_memory_bytes=_integer(told.get("maxmemory")),
        evicted=_integer(told.get("evicted_keys")),
        clients=_integer(told.get("connected_clients")),
        saves=all(saves) if saves else None,
        scripts=_scripts(told),
    )


def _scripts(told: Mapping[str, Any]) -> Scripts | None:
    called = [name for name in _SCRIPTS if isinstance(told.get(f"cmdstat_{name}"), Mapping)]
    if not called:
        return None
    stats = [told[f"cmdstat_{name}"] for name in called]
    spread = told.get(f"latency_percentiles_usec_{called[0]}")
    return Scripts(
        calls=sum(_integers(each.get("calls") for each in stats)),
        seconds=sum(_integers(each.get("usec") for each in stats)) / 1e6,
        quantiles={
            round(float(name.removeprefix("p")) / 100, 6): float(usec) / 1e6
            for name, usec in (spread.items() if isinstance(spread, Mapping) else ())
        },
    )


def _integers(values: Iterable[Any]) -> list[int]:
    return [number for value in values if (number := _integer(value)) is not None]


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) else None
