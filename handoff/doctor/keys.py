"""No key without an owner: every key is of a node, of what waits or runs, or expires."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from handoff.doctor.learned import LEARNED, check_learned
from handoff.doctor.picture import Picture
from handoff.doctor.runs import GOING_ON, left_over
from handoff.doctor.violation import Violation
from handoff.ledger.keys import SCHEMA
from handoff.ledger.nodes import SHARED
from handoff.ledger.texts.group_field import run_of_parked

RULE = "keys"

TOLD = ("output", "parts", "progress")
"""What functions tell: of a job that rq deletes it stays, and so has to expire by itself."""

OF_RUNS = ("missing", "active", "groups", "next", "parked", "graph", "end")


@cache
def known() -> dict[str, str]:
    """What own keys begin with, or are: path -> its name in the schema. `scratch` lives within one script."""
    return {key.path: name for name, key in SCHEMA.items() if not key.rq and name != "scratch"}


def split(key: str) -> tuple[str, str] | None:
    """The path of an own key, and the rest; None of one that is in no schema."""
    if key in known() and not key.endswith(":"):
        return key, ""
    path = f"{key.partition(':')[0]}:"
    return (path, key.removeprefix(path)) if path in known() else None


_TYPES = {"HASH": "hash", "LIST": "list", "SET": "set", "STREAM": "stream", "STRING": "string", "ZSET": "zset"}


def check_type(key: str, kind: str) -> Violation | None:
    """A key of the schema is of the type that this says; `none` = it has just gone."""
    parts = split(key)
    if parts is None or kind in ("none", _TYPES[SCHEMA[known()[parts[0]]].type]):
        return None
    return Violation(RULE, ("key", key), f"`{key}` is of another type than it has to be")


def has_to_expire(key: str) -> bool:
    """Whether nobody removes it: what functions tell, and what is learned of them."""
    parts = split(key)
    return parts is not None and known()[parts[0]] in (*TOLD, *LEARNED)


def index_of(plane: str) -> str:
    """The index of which a plane is: `cpu` of `free:cpu:3`."""
    return plane.partition(":")[2].rpartition(":")[0]


def check_key(picture: Picture, key: str) -> Iterator[Violation]:
    """It is one of the schema, and what it is of is there. The look has found the key there."""
    parts = split(key)
    subject = ("key", key)
    if parts is None:
        yield Violation(RULE, subject, f"`{key}` outlived its script, or is not in the schema")
        return
    path, of = parts
    match path.removesuffix(":"):
        case "node" | "held" | "running" | "grouped" as kind:
            is_there = of in picture.get("nodes") or (of == SHARED and kind in ("node", "held"))
            if not is_there and not (kind == "grouped" and left_over(picture, of)):
                yield Violation(RULE, subject, f"`{key}` is of a node that is not there", node=of)
        case "plane" | "live" | "open" | "planes" | "withheld" if not picture.get("nodes"):
            yield Violation(RULE, subject, f"`{key}` is there, and no node is")
        case "plane" if int(of.rpartition(":")[2]) >= int(picture.get("planes").get(index_of(of), "0")):
            yield Violation(RULE, subject, f"`{key}` is of an index that is not there, or has fewer planes")
        case "class" | "alike" if of not in picture.get("classes"):
            yield Violation(RULE, subject, f"`{key}` is of a class that is not there")
        case "label" if of not in picture.get("labels"):
            yield Violation(RULE, subject, f"`{key}` is of a label that no node has")
        case "spot" | "spots" | "term" | "terms" | "spot_planes" if not picture.own.get("spots"):
            yield Violation(RULE, subject, f"`{key}` is of an index of shapes that is not there")
        case "term" if of and of not in picture.get("terms"):
            yield Violation(RULE, subject, f"`{key}` is of a constraint that no shape has")
        case "shape" if of not in picture.get("shapes"):
            yield Violation("lines", ("line", of), f"`{key}` is a line that nobody knows of")
        case kind if kind in TOLD and key in picture.lasting:
            yield Violation(RULE, subject, f"`{key}` does not expire, and what a function tells has to")
        case kind if kind in LEARNED:
            if key in picture.lasting:
                yield Violation(RULE, subject, f"`{key}` does not expire, and what is learned has to")
            if of:
                yield from check_learned(kind, key, picture.get(key))
        case "dependents" if of not in picture.get("awaited") and of not in picture.get("watched"):
            yield Violation(RULE, subject, f"`{key}` is of what nobody looks at: its dependents would wait for ever")
        case kind if kind in OF_RUNS:
            yield from _check_run_key(picture, key, kind, of)
        case "run_of" if not picture.get(f"run:{_text(picture.own.get(key))}"):
            yield Violation(RULE, subject, f"`{key}` names a run that is not there")


def _check_run_key(picture: Picture, key: str, kind: str, of: str) -> Iterator[Violation]:
    run = run_of_parked(of) if kind == "parked" else of
    state = picture.get(f"run:{run}").get("state")
    is_kept = state is not None and (kind in ("graph", "end", "groups", "parked", "next") or state in GOING_ON)
    if not is_kept and not left_over(picture, run):
        yield Violation(
            RULE, ("key", key), f"`{key}` is of a run that {'is not there' if state is None else 'has ended'}"
        )
    elif kind == "parked" and state not in (None, *GOING_ON) and not left_over(picture, run):
        yield Violation(RULE, ("key", key), f"`{key}` is of a run that has ended")


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else ""


def check_worker(picture: Picture, queue: str, node: str) -> Iterator[Violation]:
    """RQ's worker of a node is there as long as an agent has the node."""
    if picture.get(f"node:{node}").get("kind") != "leased":
        yield Violation(RULE, ("worker", node), f"RQ knows a worker {queue}, and no agent has that node", node=node)
