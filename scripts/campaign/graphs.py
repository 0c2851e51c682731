"""Graphs of functions whose results anybody can tell without running them."""

from __future__ import annotations

from typing import Any

from campaign import functions
from campaign.journal import Order
from handoff import DAG, Collocated, Function

WHOLE = "whole"
"""A graph that is refused where there is no room for all of it."""

AT_A_TIME = 2

FORMS = ("chain", "fan", "together", "few at a time", WHOLE)

OPTIONS: dict[str, dict[str, Any]] = {"few at a time": {"max_concurrency": AT_A_TIME}, WHOLE: {"reserve": "whole"}}
"""With which a graph of that form is submitted."""

STEPS = 6


def takes(form: str) -> dict[str, list[str]]:
    """Function -> those whose results it takes."""
    ids = [f"s{number}" for number in range(STEPS)]
    if form == "chain":
        return {id: ids[at - 1 : at] if at else [] for at, id in enumerate(ids)}
    first, *middle, last = ids
    return {first: [], **{id: [first] for id in middle}, last: middle}


def results(order: Order) -> dict[str, int]:
    """What each function of it returns."""
    found: dict[str, int] = {}
    for at, (id, sources) in enumerate(takes(order.code).items()):
        found[id] = functions.add(*(found[source] for source in sources), plus=order.number + at, seconds=0)
    return found


def graph(order: Order) -> DAG:
    """The graph itself."""
    dag = DAG(order.id)
    for at, (id, sources) in enumerate(takes(order.code).items()):
        node = Collocated("s0") if order.code == "together" and at else None
        cost = {"cpu": 0.25} if order.code == "together" else {"cpu": 0.5}
        kwargs = {"plus": order.number + at, "seconds": order.seconds}
        dag.add(Function(id, functions.add, args=sources, kwargs=kwargs, cost=cost, node=node))
    return dag
