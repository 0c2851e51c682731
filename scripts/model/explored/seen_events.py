"""What the rules for streams of events know of a state: `Replay`, as a value that can be compared and gone on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from handoff.ledger.texts.cost import read_cost
from model.life import Life
from model.replay import Held, Replay

FrozenReplay = tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]
"""Nodes (is up, is drained, epoch, units); reservations (id, node, units, epoch); lives (state, number of its
reservation, attempt, retries, outcome, whether it was just given back, number of the last that it had)."""

Events = tuple[tuple[str, ...], ...]
"""Each as names and values in turn."""

NODES, FUNCTIONS = "abcd", "fghi"


def write_id(id: tuple[int, int]) -> str:
    """A reservation as events name it."""
    return f"{FUNCTIONS[id[0]]}:{id[1]}"


def _read_id(text: str) -> tuple[int, int]:
    return FUNCTIONS.index(text[0]), int(text[2:])


def write_units(units: int) -> str:
    return f"cpu={units * 10000}"


@lru_cache(maxsize=1 << 17)
def go_on(frozen: FrozenReplay, events: Events) -> FrozenReplay:
    """What is known after these events. Raises `Refused`."""
    replay = _thaw(frozen)
    for flat in events:
        replay.one(dict(zip(flat[::2], flat[1::2], strict=True)))
    return _freeze(replay)


def check_end(frozen: FrozenReplay) -> None:
    """Raise `Refused` unless nothing is reserved any more, and every function has ended."""
    _thaw(frozen).end()


def begin(units: Sequence[int], functions: int) -> FrozenReplay:
    """What is known when the nodes were registered, each in the epoch 1."""
    nodes = tuple((True, False, 1, each) for each in units)
    return nodes, (), tuple(("new", 0, 0, 0, "", False, 0) for _ in range(functions))


def renumber(
    frozen: FrozenReplay, placements: Sequence[Mapping[int, int]], epochs: Sequence[Mapping[int, int]]
) -> FrozenReplay:
    """The same with other numbers of placements, by function, and of epochs, by node."""
    nodes, held, lives = frozen
    return (
        tuple((up, drained, epochs[i][epoch], units) for i, (up, drained, epoch, units) in enumerate(nodes)),
        tuple(((id[0], placements[id[0]][id[1]]), node, units, epochs[node][epoch]) for id, node, units, epoch in held),
        tuple((life[0], placements[i][life[1]], *life[2:-1], placements[i][life[-1]]) for i, life in enumerate(lives)),
    )


def _freeze(replay: Replay) -> FrozenReplay:
    nodes = tuple(
        (node.is_up, node.is_draining, node.epoch, node.amounts.units["cpu"] // 10000)
        for _, node in sorted(replay.nodes.items())
    )
    held = tuple(
        (
            _read_id(id), NODES.index(held.event["node"]), read_cost(held.event["cost"])["cpu"] // 10000,
            int(held.event["epoch"]),
        )
        for id, held in sorted(replay.held.items())
    )  # fmt: skip
    last: dict[str, int] = {}
    for id in replay.named:
        last[id[0]] = max(last.get(id[0], 0), int(id[2:]))
    lives = tuple(
        (
            life.state, int(life.reservation[2:] or 0), life.attempt, life.retries, life.outcome, life.just_given_back,
            last.get(name, 0),
        )
        for name, life in sorted(replay.functions.items())
    )  # fmt: skip
    return nodes, held, lives


def _thaw(frozen: FrozenReplay) -> Replay:
    replay = Replay()
    nodes, held, lives = frozen
    for name, (is_up, is_draining, epoch, units) in zip(NODES, nodes, strict=False):
        registered = {"event": "node", "node": name, "change": "registered", "epoch": str(epoch), "devices": ""}
        replay.one({**registered, "units": write_units(units)})
        replay.nodes[name].is_up, replay.nodes[name].is_draining = is_up, is_draining
    for id, at, units, epoch in held:
        text, cost = write_id(id), {"cpu": units * 10000}
        node = replay.nodes[NODES[at]]
        replay.held[text] = Held(
            {"node": NODES[at], "cost": write_units(units), "devices": "", "epoch": str(epoch)}, {}, cost
        )
        node.held.add(text)
        node.amounts.take(cost, "")
    for name, life in zip(FUNCTIONS, lives, strict=False):
        state, reservation, attempt, retries, outcome, just_given_back, last = life
        replay.named.update(f"{name}:{number}" for number in range(1, last + 1))
        of = f"{name}:{reservation}" if reservation else ""
        replay.functions[name] = Life(state, of, attempt, retries, outcome, just_given_back=just_given_back)
    return replay
