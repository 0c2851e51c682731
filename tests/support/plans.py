"""Graphs, and what runs of them are planned as."""

from __future__ import annotations

from typing import Any

from handoff.graph.dag import DAG
from handoff.graph.plan import Plan, Step, make_plan
from handoff.words.argument import Argument
from handoff.words.function import Function
from handoff.words.variants import Cost, parse_variants


def function(id: str, *args: str | Argument, **fields: Any) -> Function:
    return Function(id, fields.pop("code", "module:f"), args=args, **fields)


def inline(id: str, *args: str | Argument, **fields: Any) -> Function:
    return function(id, *args, type="inline", **fields)


def plan_of(*functions: Function, default_cost: Cost | None = None) -> Plan:
    dag = DAG("g")
    for each in functions:
        dag.add(each)
    return make_plan(dag, parse_variants(default_cost))


def by_id(plan: Plan) -> dict[str, Step]:
    return {step.function.id: step for step in plan.steps}


def chain(count: int, **fields: Any) -> list[Function]:
    return [function(f"f{n}", *([f"f{n - 1}"] if n else []), **fields) for n in range(count)]
