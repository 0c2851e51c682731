"""The graphs as Handoff takes them."""

from __future__ import annotations

from benchmarks.graphs.shapes import Graph, step
from handoff import DAG, Function


def as_dag(graph: Graph) -> DAG:
    """Make a DAG of no-ops that cost nothing but a slot; the ids are the numbers."""
    dag = DAG()
    for number, needs in enumerate(graph):
        args = [str(need) for need in needs]
        dag.add(Function(str(number), step, args=args, argument_inclusion="as_list" if len(args) > 1 else "variadic"))
    return dag
