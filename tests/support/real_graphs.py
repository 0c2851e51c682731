"""Graphs for real nodes, and what became of them."""

from __future__ import annotations

import graph_steps
from handoff import DAG, Function
from support.gate import Gate


def graph(*functions: Function) -> DAG:
    dag = DAG()
    for function in functions:
        dag.add(function)
    return dag


def at_gate(id: str, gate: Gate, *args: str, **options: object) -> Function:
    """A function that stops at the gate; its result is what it took, and its node."""
    return Function(id, graph_steps.pass_gate, args=args, kwargs={"folder": gate.folder}, **options)  # type: ignore[arg-type]
