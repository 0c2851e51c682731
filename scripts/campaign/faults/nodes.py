"""Nodes that join, leave, are drained, fall quiet and are taken away by hand; what all share changes."""

from __future__ import annotations

import contextlib
import random
import signal

from campaign.faults.dying import NODE_LOST
from campaign.faults.fault import Kind, Struck
from campaign.world import TOKENS, World
from handoff.errors import StoreUnavailable, UnknownNode

MOST_GUESTS = 2


def _join(world: World, draw: random.Random) -> Struck | None:
    guests = [node for node in world.agents if node.startswith("guest")]
    if len(guests) >= MOST_GUESTS:
        return None
    node = f"guest-{world.lives}"
    world.start_agent(node)
    return Struck(node, draw.uniform(2, 4) * world.lease_s, lambda: _end(world, node))


def _leave(world: World, draw: random.Random) -> Struck | None:
    """By TERM, with a second to finish; its host starts it again."""
    agents = [agent for agent in world.free_agents() if agent.is_there]
    if not agents:
        return None
    node = draw.choice(agents).node
    _end(world, node)
    return Struck(node)


def _end(world: World, node: str) -> None:
    if (agent := world.agents.get(node)) is not None and agent.is_there:
        world.told_to_end.add(agent.process.pid)
        agent.process.send_signal(signal.SIGTERM)


def _quiet(world: World, draw: random.Random) -> Struck | None:
    agents = [agent for agent in world.free_agents() if agent.is_there]
    if not agents:
        return None
    agent = draw.choice(agents)
    agent.process.send_signal(signal.SIGTSTP)

    def serve() -> None:
        if agent.is_there:
            agent.process.send_signal(signal.SIGCONT)

    return Struck(agent.node, draw.uniform(0.2, 1) * world.lease_s, serve)


def _drain(world: World, draw: random.Random) -> Struck | None:
    nodes = [agent.node for agent in world.free_agents()]
    if not nodes:
        return None
    node, deadline_s = draw.choice(nodes), draw.choice([None, 0.1, 1.0])
    with contextlib.suppress(StoreUnavailable, UnknownNode):
        world.cluster.drain(node, deadline_s)

    def undrain() -> None:
        with contextlib.suppress(UnknownNode):
            world.cluster.undrain(node)

    return Struck(node, draw.uniform(0.2, 1) * world.lease_s, undrain)


def _deregister(world: World, draw: random.Random) -> Struck | None:
    """By hand, although its agent is there: that is told to end."""
    nodes = [agent for agent in world.free_agents() if agent.is_there]
    if not nodes:
        return None
    agent = draw.choice(nodes)
    world.told_to_end.add(agent.process.pid)
    with contextlib.suppress(StoreUnavailable, UnknownNode):
        world.cluster.deregister_node(agent.node)
    return Struck(agent.node)


def _share(world: World, draw: random.Random) -> Struck | None:
    with contextlib.suppress(StoreUnavailable):
        world.cluster.share({"license": draw.choice([0, 1, 3])})
    return Struck("license", draw.uniform(0.2, 1) * world.lease_s, lambda: world.cluster.share(TOKENS))


KINDS = (
    Kind("node joins", _join, 1, frozenset({NODE_LOST})),
    Kind("node leaves", _leave, 1, frozenset({NODE_LOST})),
    Kind("quiet", _quiet, 0.7),
    Kind("drain", _drain, 1, frozenset({NODE_LOST}), needs_redis=True),
    Kind("deregister", _deregister, 0.5, frozenset({NODE_LOST}), needs_redis=True),
    Kind("share", _share, 0.5, needs_redis=True),
)
