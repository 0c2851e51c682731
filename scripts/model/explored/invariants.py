"""What holds in every state and is not shown by events: the books against what is really so of agents and children."""

from __future__ import annotations

from model.explored.seen_events import FUNCTIONS, NODES, write_id
from model.explored.state import State
from model.explored.worlds import World

INVARIANTS = {
    "books": "what a node says that is used is the sum of what is reserved there",
    "no room unused": "nothing waits that fits on an open node",
    "begun once": "no more children begin with a function than it has retries, and one",
    "holds what runs": "what runs on a node, in the epoch that it has, has its reservation",
    "one place": "a function stands on one queue, or runs once, or neither, as its state says",
    "finished": "what is finished has returned in some child",
    "canceled for good": "what was canceled runs for the last time, or has ended so",
    "none lost on a live node": "no attempt counts as lost whose node was not",
    "all end": "from every state on, with no more faults, all functions end and nothing stays reserved",
}
"""By name; a broken one is told by it. `all end` is explore's."""


def broken(s: State, world: World) -> tuple[str, str] | None:
    """The first that does not hold, and why."""
    if s.broken:
        return s.broken, "an agent was taken not to run what it runs, or is to run"
    for at, node in enumerate(s.nodes):
        if node.used != sum(node.held.values()):
            return "books", f"{NODES[at]} says {node.used}, and {sum(node.held.values())} are reserved"
        agent = s.agents[at]
        for id in agent.runs if node.is_up and agent.epoch == node.epoch else ():
            if id not in node.held:
                return "holds what runs", f"{write_id(id)} runs on {NODES[at]}, and nothing is reserved for it"
    for number, job in enumerate(s.functions):
        why = _of_a_function(s, world, number)
        if why is not None:
            return why
        if job.state == "waiting" and not any(node.is_left for node in s.nodes):
            for at, node in enumerate(s.nodes):
                is_open = node.is_up and not node.is_draining
                if is_open and world.nodes[at] - node.used >= world.functions[number].cost:
                    return "no room unused", f"{FUNCTIONS[number]} waits, and fits on {NODES[at]}"
    return None


def _of_a_function(s: State, world: World, number: int) -> tuple[str, str] | None:
    job, name = s.functions[number], FUNCTIONS[number]
    if job.begun > world.functions[number].retries + 1:
        return "begun once", f"children have begun {job.begun} times with {name}"
    if job.state == "finished" and not job.has_returned:
        return "finished", f"{name} has finished, and has returned nowhere"
    if job.is_canceled and job.state not in ("started", "canceled"):
        return "canceled for good", f"{name} was canceled, and is {job.state}"
    queues = sum(node.queue.count(number) for node in s.nodes)
    runs = sum(id == (number, job.placement) for node in s.nodes for id in node.running)
    if queues != (job.state == "queued") or runs != (job.state == "started"):
        return "one place", f"{name} is {job.state}, stands on {queues} queues and runs {runs} times"
    return None
