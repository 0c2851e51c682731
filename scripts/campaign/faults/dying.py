"""Processes that die or stand still: children, nurseries, agents and whole nodes."""

from __future__ import annotations

import random
import signal
import time
from functools import partial

import psutil

from campaign import processes
from campaign.faults.fault import Kind, Struck
from campaign.processes import Agent
from campaign.world import World

IN_FLIGHT_S = 0.3

CHILD_DIED, NODE_LOST, POISONED = "handoff.ChildDied", "NodeLost", "handoff.Poisoned"


def _some_agent(world: World, draw: random.Random) -> Agent | None:
    agents = [agent for agent in world.free_agents() if agent.is_there]
    return draw.choice(agents) if agents else None


def _kill_child(world: World, draw: random.Random) -> Struck | None:
    agent = _some_agent(world, draw)
    children = agent.children() if agent else []
    if agent is None or not children:
        return None
    processes.send(signal.SIGKILL, [draw.choice(children)])
    return Struck(agent.node)


def _stop_child(world: World, draw: random.Random) -> Struck | None:
    """Its agent is to find it and to let it go on."""
    agent = _some_agent(world, draw)
    children = agent.children() if agent else []
    if agent is None or not children:
        return None
    processes.send(signal.SIGSTOP, [draw.choice(children)])
    return Struck(agent.node)


def _kill_nursery(world: World, draw: random.Random) -> Struck | None:
    agent = _some_agent(world, draw)
    nursery = agent.nursery() if agent else None
    if agent is None or nursery is None:
        return None
    processes.send(signal.SIGKILL, [nursery])
    return Struck(agent.node)


def _kill_agent(world: World, draw: random.Random) -> Struck | None:
    """It is started again after up to two leases, under its name."""
    agent = _some_agent(world, draw)
    return _kill(world, draw, agent, agent.family()[:1]) if agent else None


def _kill_node(world: World, draw: random.Random) -> Struck | None:
    """The same with all its processes at once: nobody is left who could end the others."""
    agent = _some_agent(world, draw)
    return _kill(world, draw, agent, agent.family()) if agent else None


def _kill(world: World, draw: random.Random, agent: Agent, victims: list[psutil.Process]) -> Struck:
    world.busy.add(agent.node)
    processes.send(signal.SIGKILL, victims)
    agent.process.wait()
    return Struck(agent.node, draw.uniform(0, 2) * world.lease_s, partial(_again, world, agent.node))


def _again(world: World, node: str) -> None:
    world.start_agent(node)
    world.busy.discard(node)


def _stop_node(world: World, draw: random.Random) -> Struck | None:
    """All its processes stand still beyond its lease: others take over what is its own, and then it comes back."""
    return _freeze(world, draw, draw.uniform(1.2, 2.5))


def _stop_briefly(world: World, draw: random.Random) -> Struck | None:
    return _freeze(world, draw, draw.uniform(0.1, 0.5))


def _freeze(world: World, draw: random.Random, leases: float) -> Struck | None:
    agent = _some_agent(world, draw)
    if agent is None:
        return None
    world.busy.add(agent.node)
    # Children first: what stands still starts nothing.
    family = agent.family()
    processes.send(signal.SIGSTOP, family)

    def go_on() -> None:
        processes.send(signal.SIGCONT, [*family, *agent.family()])
        world.busy.discard(agent.node)

    return Struck(agent.node, leases * world.lease_s, go_on)


def _kill_client(world: World, draw: random.Random) -> Struck | None:
    """In the midst of whatever it does; another one comes in its place.

    Half of them are silenced before, for long enough to ask something: that arrives when they are dead.
    """
    names = sorted(world.clients.keys() - world.busy)
    if not names:
        return None
    name = draw.choice(names)
    world.busy.add(name)
    if draw.random() < 0.5:
        world.relay.silence(name)
        time.sleep(IN_FLIGHT_S)
    world.clients[name].kill()
    world.clients[name].wait()
    world.relay.restore(name)

    def come_back() -> None:
        world.start_client(name)
        world.busy.discard(name)

    return Struck(name, draw.uniform(0, 1), come_back)


KINDS = (
    Kind("kill child", _kill_child, 2, frozenset({CHILD_DIED})),
    Kind("stop child", _stop_child, 1, frozenset({CHILD_DIED})),
    Kind("kill nursery", _kill_nursery, 1, frozenset({CHILD_DIED})),
    Kind("kill agent", _kill_agent, 1, frozenset({NODE_LOST})),
    Kind("kill node", _kill_node, 1, frozenset({NODE_LOST})),
    Kind("stop node", _stop_node, 1, frozenset({NODE_LOST, CHILD_DIED})),
    Kind("stop node briefly", _stop_briefly, 1, frozenset({NODE_LOST, CHILD_DIED})),
    Kind("kill client", _kill_client, 1),
)
