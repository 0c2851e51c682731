"""Graphs, and what runs of them are planned as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handoff.graph.plan import Plan, Step, make_plan
from handoff.graph.rules import check_graph
from handoff.words.argument import Argument
from handoff.words.function import Function
from handoff.words.variants import Cost, parse_variants


def function(id: str, *args: str | Argument, **fields: Any) -> Function:
    return Function(id, fields.pop("code", "module:f"), args=args, **fields)


def inline(id: str, *args: str | Argument, **fields: Any) -> Function:
    return function(id, *args, type="inline", **fields)


def plan_of(*functions: Function, default_cost: Cost | None = None) -> Plan:
    return plan_learned({}, *functions, default_cost=default_cost)


def plan_learned(learned: Mapping[str, float], *functions: Function, default_cost: Cost | None = None) -> Plan:
    """Plan with what is known of how long functions take, by their ids."""
    graph = check_graph(functions, parse_variants(default_cost))
    return make_plan("g", graph, [learned.get(each.id) for each in functions])


def by_id(plan: Plan) -> dict[str, Step]:
    return {step.function.id: step for step in plan.steps}


def chain(count: int, **fields: Any) -> list[Function]:
    return [function(f"f{n}", *([f"f{n - 1}"] if n else []), **fields) for n in range(count)]
