"""Random graphs and how they are to run."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

import graph_tasks
from handoff.words.argument import Argument
from handoff.words.function import Collocated, Function
from support.graphs import function

MOST = 60
"""Functions of one graph."""

NODES: dict[str, dict[str, Any]] = {
    "a": {"cpu": 3, "slots": 4},
    "b": {"cpu": 3.5, "slots": 5, "labels": {"zone": "x"}},
    "c": {"cpu": 4, "gpu": 2, "device_memory": {"gpu": 8000}},
}

ROOM_OF_A_GROUP = {"cpu": 3, "slots": 4}
"""What every node has."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One function of a random graph; what it takes is said by how far back it was made."""

    is_inline: bool
    back: list[int]
    transforms: list[int]
    fails: int
    retries: int | None
    cost: Any
    place: str | None
    group: int | None
    as_list: bool
    is_async: bool
    priority: int
    delay: float | None
    duration: float | None
    extra: list[Any]


SPECS = st.builds(
    Spec,
    is_inline=st.sampled_from([False] * 6 + [True]),
    back=st.lists(st.integers(1, 12), max_size=4),
    transforms=st.lists(st.integers(0, 7), min_size=4, max_size=4),
    fails=st.sampled_from([0] * 30 + [1, 1, 1, 2, 2, 3, 99]),
    retries=st.sampled_from([None] * 8 + [0, 1, 5, 5]),
    cost=st.sampled_from(
        [{"cpu": 1}] * 8
        + [{}, {"cpu": 0.5}, {"cpu": 2}, {"cpu": 3}, {"gpu": 1}, {"gpu": 0.5}, {"gpu_memory": 5000}]
        + [{"cpu": 1, "gpu": 2}, [{"gpu": 1}, {"cpu": 2}]]
    ),
    place=st.sampled_from([None] * 12 + ["a", "b", "c", "zone"]),
    group=st.sampled_from([None] * 5 + [0, 1, 2]),
    as_list=st.sampled_from([False] * 5 + [True]),
    is_async=st.sampled_from([False] * 7 + [True]),
    priority=st.sampled_from([0] * 8 + [1, -1]),
    delay=st.sampled_from([None] * 15 + [0.5, 25]),
    duration=st.sampled_from([None] * 3 + [1, 5.5]),
    extra=st.sampled_from([[], [], [1], ["x", None]]),
)

OPTIONS = st.fixed_dictionaries(
    {
        "fail_fast": st.booleans(),
        "max_retries": st.sampled_from([3, 3, 3, 5, 1]),
        "max_concurrency": st.sampled_from([None, None, 1, 2, 5]),
        "result_ttl": st.sampled_from([0, 500]),
    }
)

TRANSFORMS = [
    (None, None), (None, None), (None, None), (None, None), (graph_tasks.pack, None), ((graph_tasks.pack, 1), None),
    (None, (graph_tasks.unpack, "x")), ((graph_tasks.pack, 1), graph_tasks.unpack),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A graph, how it is to run, and what decides about the way."""

    functions: Sequence[Function]
    options: Mapping[str, Any]
    seed: int

    @property
    def regular(self) -> dict[str, Function]:
        return {each.id: each for each in self.functions if each.type != "inline"}

    def takes(self, id: str) -> set[str]:
        """The regular functions whose results one takes, by inline ones too."""
        by_id = {each.id: each for each in self.functions}
        found, left = set(), [_id_of(argument) for argument in by_id[id].args]
        while left:
            source = by_id[left.pop()]
            if source.type == "inline":
                left += map(_id_of, source.args)
            else:
                found.add(source.id)
        return found

    def retries(self, id: str) -> int:
        own = self.regular[id].max_retries
        return int(self.options["max_retries"] if own is None else own)

    def groups(self) -> list[set[str]]:
        """Those that must share a node."""
        found: dict[str, set[str]] = {}
        for each in self.functions:
            if isinstance(each.node, Collocated):
                joined = found.get(each.id, {each.id}) | found.get(each.node.id, {each.node.id})
                found |= dict.fromkeys(joined, joined)
        return [set(group) for group in {frozenset(group) for group in found.values()}]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 90))
    if count > MOST:
        # Every third is small: only these can reserve all that they need at once.
        count = 1 + (count - MOST) // 3
    specs = draw(st.lists(SPECS, min_size=count, max_size=count))
    seed = draw(st.integers(0, 2**32))
    options: dict[str, Any] = dict(draw(OPTIONS))
    options["failure_ttl"] = options["result_ttl"]
    if count <= 10 and options["max_concurrency"] is None and draw(st.booleans()):
        options["reserve"] = "whole"
    functions = _functions(specs)
    if draw(st.booleans()):
        random.Random(seed).shuffle(functions)
    return Case(functions, options, seed)


def _functions(specs: Sequence[Spec]) -> list[Function]:
    functions: list[Function] = []
    groups: dict[int, list[Function]] = {}
    for i, spec in enumerate(specs):
        args = [
            _argument(functions[i - back].id, number)
            for back, number in zip(spec.back, spec.transforms, strict=False)
            if i >= back
        ]
        options: dict[str, Any] = {
            "code": graph_tasks.tell_later if spec.is_async else graph_tasks.tell,
            "extra_args": spec.extra,
            "kwargs": {"fails": spec.fails} if spec.fails else {},
            "argument_inclusion": "as_list" if spec.as_list else "variadic",
            "duration": spec.duration,
        }
        if spec.is_inline:
            functions.append(function(f"i{i}", *args, type="inline", **options))
            continue
        each = function(
            f"f{i}", *args, **options, **_place(spec), max_retries=spec.retries, priority=spec.priority,
            delay=spec.delay, cost=spec.cost,
        )  # fmt: skip
        members = groups.setdefault(spec.group, []) if spec.group is not None else []
        if spec.group is not None and _may_join(each, members):
            if members:
                each = replace(each, node=Collocated(members[-1].id))
            members.append(each)
        functions.append(each)
    return functions


def _place(spec: Spec) -> dict[str, Any]:
    if spec.place is None or not isinstance(spec.cost, dict) or any("gpu" in name for name in spec.cost):
        return {}
    return {"where": {"zone": "x"}} if spec.place == "zone" else {"node": spec.place}


def _may_join(each: Function, members: Sequence[Function]) -> bool:
    """Groups are such that any node could hold them; the first may be pinned."""
    costs = [other.cost for other in (*members, each)]
    if (
        each.where
        or (members and each.node)
        or not all(isinstance(cost, dict) and cost.keys() <= {"cpu"} for cost in costs)
    ):
        return False
    total = sum(cost.get("cpu", 0) for cost in costs if isinstance(cost, dict))
    return total <= ROOM_OF_A_GROUP["cpu"] and len(costs) <= ROOM_OF_A_GROUP["slots"]


def _argument(id: str, number: int) -> str | Argument:
    serialize, deserialize = TRANSFORMS[number]
    return Argument(id, serialize, deserialize) if serialize or deserialize else id


def _id_of(argument: str | Argument) -> str:
    return argument if isinstance(argument, str) else argument.id
