"""Submitting a graph: its plan by what is learned, and that in slices for the load script, none of which takes long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handoff.errors import DuplicateRun, ResourcesUnavailable, StoreUnavailable
from handoff.graph.dag import DAG
from handoff.graph.plan import Plan, make_plan
from handoff.graph.rules import check_graph
from handoff.ledger import runs
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.functions import Run
from handoff.ledger.graph_entries import EntryWriter
from handoff.ledger.learned import read_durations
from handoff.ledger.phrases import infeasible
from handoff.ledger.run_options import RunOptions
from handoff.ledger.slices import cut
from handoff.ledger.store import Call
from handoff.ledger.texts.cost import read_pairs
from handoff.ledger.texts.shortfall import read_shortfall
from handoff.serializer import SerializerLike
from handoff.words.function import Strategy
from handoff.words.ids import new_id
from handoff.words.resources import UNIT, amounts
from handoff.words.variants import Variant


@Call
async def plan_run(ledger: Ledger, dag: DAG, default_cost: Sequence[Variant]) -> Plan:
    """Check a graph, and plan a run of it by what is learned of how long its functions take.

    `default_cost` is the cost of functions that name none. Raises what `DAG.validate` raises.
    """
    graph = check_graph(dag.functions, default_cost)
    return make_plan(dag.id, graph, await read_durations(ledger, graph.functions))


@Call
async def launch(
    ledger: Ledger,
    plan: Plan,
    *,
    options: RunOptions,
    serializer: SerializerLike,
    strategy: Strategy,
    preferred: Mapping[str, str],
    run_last: Run | None = None,
) -> str:
    """Load a graph and let it run. -> the name of this run of it

    `preferred` are nodes to be tried first, by the functions' ids; `run_last` runs the script of the last slice. Raises
    `DuplicateRun`, `TooLarge`, `NotSerializable`; `InvalidFunction` where one does not go with the options;
    `Infeasible` where a function is not to wait; with reserve="whole" `ResourcesUnavailable`. Then nothing of it is
    left.
    """
    options.check_functions(step.function for step in plan.steps)
    run = new_id()
    writer = EntryWriter(run, options, serializer, strategy, preferred)
    # All of it is made before any is sent: what cannot be serialized is found before anything is written.
    slices = list(cut(writer.entries(plan)))
    for part, entries in enumerate(slices, 1):
        # What its last slice has written comes behind all others.
        run_script = run_last if run_last and part == len(slices) else ledger.run
        reply = await run_script(
            "load",
            *entries,
            run=run,
            dag=plan.id,
            part=part,
            is_last=int(part == len(slices)),
            whole=int(options.reserve == "whole"),
            units=(options.max_concurrency or 0) * UNIT,
            lease_ms=runs.ATTENDED_MS if options.attached else 0,
        )
        match reply:
            case ["loaded"] | ["running"]:
                continue
            case ["duplicate", bytes(state)]:
                raise DuplicateRun(plan.id, state.decode())
            case ["refused", bytes(number), bytes(shortfall)]:
                step = plan.steps[int(number) - 1]
                raise infeasible(step.function.id, read_shortfall(shortfall.decode()), step.pin)
            case ["short", _, bytes(pin), list(short)]:
                raise ResourcesUnavailable(pin.decode() or None, amounts(read_pairs(short)))
            case ["dropped"]:
                reason = (
                    "the graph was canceled while it was loaded, or more than a minute passed between two parts of it"
                )
                raise StoreUnavailable(ledger.address, reason, "submit it again", what="has not all of it")
            case _:
                raise unlisted("load", reply)
    return run
