"""The settings file of a node: its keys, their types, and nothing of what the command line makes of them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from handoff.errors import InvalidNode, InvalidResources
from handoff.words.capabilities import parse_capabilities
from handoff.words.constraints import parse_labels
from handoff.words.resources import SLOTS
from handoff_worker.machine.allowed import ENTRY, is_entry

SHORTEST_LEASE_S, LONGEST_LEASE_S = 0.5, 3600
"""A beat takes a third of it, and must not be late on a busy machine; with no end a node would never be lost."""

LEASE = f"a number of seconds from {SHORTEST_LEASE_S} to {LONGEST_LEASE_S}"

LARGEST_LOG_KB = 1024
"""A child and its agent hold as much of each function that runs."""

LONGEST_LEARN_TTL_S = 10 * 365 * 24 * 3600
"""Ten years: as milliseconds that is far from what no number is exact for."""

FOREVER = "forever"

LONGEST_GRACE_S = 86400

GRACE = f"a number of seconds from 0 to {LONGEST_GRACE_S}, or {FOREVER!r}"


def is_lease(seconds: float) -> bool:
    """Whether a node may be silent for so long."""
    return SHORTEST_LEASE_S <= seconds <= LONGEST_LEASE_S


def seconds_of_grace(value: float | str) -> float | None:
    """What is left to functions when their agent is told to end; None where it is nothing that may be given."""
    if value == FOREVER:
        return inf
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= LONGEST_GRACE_S else None


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What a settings file says; None where it is silent, so that flags, environment and probe can tell."""

    name: str | None = None
    cpu: int | float | None = None  #: cores
    memory: int | float | None = None  #: MB of 2**20 bytes
    gpu: int | tuple[int, ...] | None = None  #: how many, or which by index
    slots: int | None = None  #: how many functions at once
    path: Path | None = None  #: the folder to import from, taken from the file's own folder where it is relative
    url: str | None = field(default=None, repr=False)  #: it may hold a password
    namespace: str | None = None
    lease: int | float | None = None  #: seconds
    grace: float | None = None  #: seconds, infinite = for ever
    functions_per_child: int | None = None  #: after how many a child process is replaced
    log_size: int | None = None  #: kB of what an attempt prints that are kept, 0 = nothing
    allow: tuple[str, ...] | None = None  #: what may be called here: see `machine.allowed`
    preload: tuple[str, ...] | None = None  #: modules, and callables in them, that are loaded before any function runs
    enforce: bool | None = None  #: functions are kept to the memory that they have declared
    enforce_cpu: bool | None = None  #: and to the processors
    learn_ttl: int | None = None  #: seconds that it is kept what functions have used, 0 = nothing is learned
    watch_external: bool | None = None  #: what other programs use of this host is reserved
    resources: Mapping[str, int | float | tuple[int, ...]] = field(default_factory=dict)  #: all others, by name
    device_memory: Mapping[str, int | float | tuple[int | float, ...]] = field(default_factory=dict)  #: MB on each
    labels: Mapping[str, str] = field(default_factory=dict)


def load(path: Path) -> NodeSettings:
    """Read a settings file; the only errors are OSError and ValueError, which names file, key and what is allowed."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    # TOMLDecodeError and UnicodeDecodeError are both of the first.
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not TOML ({error}): write one `key = value` on a line") from error
    for key, value in document.items():
        if key not in _ALLOWED:
            raise ValueError(f"{path} has an unknown key {key!r}: the keys are {', '.join(_ALLOWED)}")
        fits, allowed = _ALLOWED[key]
        if not fits(value):
            # An address may hold a password.
            if key == "url":
                raise ValueError(f"{path} sets 'url' to what is none: it must be {allowed}")
            raise ValueError(f"{path} sets {key!r} to {value!r}: it must be {allowed}")
    resources = _resources(path, document.get("resources", {}))
    memory = _device_memory(path, document.get("device_memory", {}))
    settings = {key: _frozen(value) for key, value in document.items()}
    if "grace" in settings:
        settings["grace"] = seconds_of_grace(settings["grace"])
    settings |= {"resources": resources, "device_memory": memory}
    if "path" in settings:
        settings["path"] = path.parent / settings["path"]
    amounts = {key: settings[key] for key in ("cpu", "memory", "gpu") if key in settings} | resources
    try:
        # The memory of devices that the file does not name can be judged only once the machine was looked at.
        parse_capabilities(amounts, {name: value for name, value in memory.items() if name in amounts})
        parse_labels(document.get("name", "here"), document.get("labels", {}))
    except (InvalidResources, InvalidNode) as error:
        raise ValueError(f"{path}: {error}") from error
    return NodeSettings(**settings)


def _resources(path: Path, table: Mapping[str, Any]) -> dict[str, int | float | tuple[int, ...]]:
    for name, value in table.items():
        if name in ("cpu", "memory", "gpu", SLOTS):
            raise ValueError(f"{path} sets {name!r} in [resources]: write it above, outside of any table")
        if not _is_number(value) and not _is_indices(value):
            raise ValueError(
                f"{path} sets resource {name!r} to {value!r}: it must be a number or a list of device indices"
            )
    return {name: _frozen(value) for name, value in table.items()}


def _device_memory(path: Path, table: Mapping[str, Any]) -> dict[str, int | float | tuple[int | float, ...]]:
    for name, value in table.items():
        if not _is_number(value) and not (isinstance(value, list) and all(map(_is_number, value))):
            raise ValueError(
                f"{path} sets the memory of {name!r} to {value!r}: it must be a number of MB, "
                "or a list of numbers, one for each device"
            )
    return {name: _frozen(value) for name, value in table.items()}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_whole(value) or isinstance(value, float)


def _is_indices(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_whole, value))


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


_ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_text, "a text, such as 'gpu-1'"),
    "cpu": (_is_number, "a number of cores, such as 8 or 1.5"),
    "memory": (_is_number, "a number of MB, such as 16000"),
    "gpu": (
        lambda value: _is_whole(value) or _is_indices(value),
        "a count, such as 2, or a list of indices, such as [0, 3]",
    ),
    "slots": (lambda value: _is_whole(value) and value > 0, "a whole number of functions, 1 or more"),
    "path": (_is_text, "a folder, such as '/srv/app'"),
    "url": (_is_text, "an address, such as 'redis://localhost:6379/0'"),
    "namespace": (_is_text, "a text, such as 'handoff'"),
    "lease": (lambda value: _is_number(value) and is_lease(value), f"{LEASE}, such as 15"),
    "grace": (
        lambda value: (_is_number(value) or value == FOREVER) and seconds_of_grace(value) is not None,
        f"{GRACE}, such as 30",
    ),
    "functions_per_child": (lambda value: _is_whole(value) and value > 0, "a whole number of functions, 1 or more"),
    "log_size": (
        lambda value: _is_whole(value) and 0 <= value <= LARGEST_LOG_KB,
        f"a whole number of kB, from 0 to {LARGEST_LOG_KB}",
    ),
    "allow": (
        lambda value: isinstance(value, list) and len(value) > 0 and all(map(is_entry, value)),
        f"a list, each {ENTRY}",
    ),
    "preload": (
        lambda value: isinstance(value, list) and all(map(is_entry, value)),
        f"a list, each {ENTRY}",
    ),
    "enforce": (lambda value: isinstance(value, bool), "true or false"),
    "enforce_cpu": (lambda value: isinstance(value, bool), "true or false"),
    "learn_ttl": (
        lambda value: _is_whole(value) and 0 <= value <= LONGEST_LEARN_TTL_S,
        f"a whole number of seconds, from 0 to {LONGEST_LEARN_TTL_S}",
    ),
    "watch_external": (lambda value: isinstance(value, bool), "true or false"),
    "resources": (_is_table, "a table, such as [resources] and below it fpga = 1"),
    "device_memory": (_is_table, "a table, such as [device_memory] and below it gpu = 24000"),
    "labels": (_is_table, "a table, such as [labels] and below it zone = 'a'"),
}
