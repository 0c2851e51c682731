"""The Lua files as they stand in the package: what they declare, and in which order they build on others."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from handoff.ledger.lua.header import BadHeader, Header, parse


def _libraries() -> Iterable[Traversable]:
    """The folders that hold libraries: their own rooms, and the texts, whose other halves are in Python."""
    folder = resources.files("handoff.ledger")
    yield from (room for room in folder.joinpath("lua/libraries").iterdir() if room.is_dir())
    yield folder.joinpath("texts")


@cache
def _files() -> dict[str, Traversable]:
    """Every Lua file by its name: `submit` of an operation, `nodes/node` of a library."""
    folder = resources.files("handoff.ledger").joinpath("lua")
    found: dict[str, Traversable] = {}
    for room in folder.joinpath("operations").iterdir():
        found |= {name: entry for entry in room.iterdir() if (name := _stem(entry))}
    found |= {name: entry for entry in folder.joinpath("libraries").iterdir() if (name := _stem(entry))}
    for room in _libraries():
        found |= {f"{room.name}/{name}": entry for entry in room.iterdir() if (name := _stem(entry))}
    return found


def _stem(entry: Traversable) -> str:
    return entry.name.removesuffix(".lua") if entry.name.endswith(".lua") else ""


@cache
def operations() -> dict[str, str]:
    """Every operation, and the room it stands in: who calls it."""
    rooms = resources.files("handoff.ledger").joinpath("lua/operations").iterdir()
    return {name: room.name for room in rooms for entry in room.iterdir() if (name := _stem(entry))}


def libraries() -> tuple[str, ...]:
    """All libraries by name."""
    return tuple(sorted(_files().keys() - operations().keys()))


def source(name: str) -> str:
    """The text of a file (`submit`, `nodes/node`) as it stands in the package."""
    return _files()[name].read_text(encoding="utf-8")


@cache
def header(name: str) -> Header:
    """What a file declares."""
    return parse(name, source(name))


@cache
def table_of(library: str) -> str:
    """The name of a library's table: `ShapeIndex` of `waiting/shape_index`."""
    return "".join(word.capitalize() for word in library.rpartition("/")[2].split("_"))


def in_order(*names: str) -> list[str]:
    """The files and all that they include, directly or not: each behind those that it includes."""
    order: dict[str, None] = {}

    def include(file: str, way: tuple[str, ...]) -> None:
        if file in way:
            raise BadHeader(f"{file}.lua includes itself: {' -> '.join((*way, file))}")
        for inner in header(file).includes:
            if inner not in order:
                include(inner, (*way, file))
        order[file] = None

    for name in names:
        if name not in order:
            include(name, ())
    return list(order)
