"""What the functions of a graph return when they run one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graph_tasks
from handoff.words.argument import Argument
from handoff.words.function import Function
from support.random_dags.cases import Case
from support.random_dags.drive import Drive


def evaluate(case: Case, nodes: Mapping[str, str]) -> dict[str, Any]:
    """What the functions in `nodes` return when they run there, each after those that it takes."""
    by_id = {each.id: each for each in case.functions}
    values: dict[str, Any] = {}

    def call(each: Function, node: str) -> Any:
        taken = []
        for argument in each.args:
            argument = Argument(argument) if isinstance(argument, str) else argument
            source = by_id[argument.id]
            at = node if source.type == "inline" else nodes[source.id]
            value = call(source, node) if source.type == "inline" else returned(source.id)
            value = _transformed(argument.serialize, value, at)
            taken.append(_transformed(argument.deserialize, value, at, node))
        first = [taken] if each.argument_inclusion == "as_list" else taken
        return graph_tasks.told(*first, *each.extra_args)

    def returned(id: str) -> Any:
        if id not in values:
            values[id] = call(by_id[id], nodes[id])
        return values[id]

    return {id: returned(id) for id in nodes}


def _transformed(transform: Any, value: Any, *nodes: str) -> Any:
    if transform is None:
        return value
    code, *static = transform if isinstance(transform, tuple) else (transform,)
    return code(value, *nodes, *static)


def expected_states(case: Case, drive: Drive) -> dict[str, str]:
    """Of a run that goes on after failures."""
    states: dict[str, str] = {}

    def state(id: str) -> str:
        if id not in states:
            if id in drive.failed:
                states[id] = "failed"
            elif any(state(source) != "finished" for source in case.takes(id)):
                states[id] = "canceled"
            else:
                states[id] = "finished"
        return states[id]

    return {id: state(id) for id in case.regular}
