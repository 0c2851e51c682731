"""The graph that the demo runs: each batch of files is analyzed and signed, and all signatures are compared."""

from __future__ import annotations

from dataclasses import replace

from handoff.demo import analysis
from handoff.demo.sources import Sources
from handoff.graph.dag import DAG
from handoff.words.argument import Argument
from handoff.words.function import Function

ANALYZE = Function("analyze", analysis.analyze, cost={"cpu": 1, "memory": 300})
SIGN = Function("signatures", analysis.signatures, cost={"gpu": 0.5, "cpu": 0.25, "memory": 200}, priority=1)
COMPARE = Function("compare", analysis.compare, cost={"cpu": 1, "memory": 500}, argument_inclusion="as_list")


def build_graph(sources: Sources) -> DAG:
    """Build the graph: each batch is analyzed, of each analysis signatures are made, and all of these are compared.

    Of what a function returns only that travels on which the next one needs.
    """
    dag = DAG("demo")
    signed = []
    for number, batch in enumerate(sources.batches, 1):
        analyze = replace(ANALYZE, id=f"{ANALYZE.id}-{number}", extra_args=(batch,))
        taken = Argument(analyze.id, serialize=analysis.only_fingerprints)
        sign = replace(SIGN, id=f"{SIGN.id}-{number}", args=(taken,))
        dag.add(analyze).add(sign)
        signed.append(Argument(sign.id, serialize=analysis.only_signatures))
    return dag.add(replace(COMPARE, args=tuple(signed)))


def step_of(function: Function) -> str:
    """Which of the three a function of the graph is."""
    return function.id.partition("-")[0]
