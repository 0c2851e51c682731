"""All peers in turn, again and again, and the figures that come of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection

from benchmarks.figures import Figure, ratio
from benchmarks.peers.bars import bars, commands
from benchmarks.peers.environments import NotInstalled, versions_of
from benchmarks.peers.measures import MEASURES, Measure
from benchmarks.peers.repeat import MANY, Values, repeat
from benchmarks.peers.roster import HANDOFF, NAMES, PEERS, Peer
from benchmarks.peers.session import Broken
from benchmarks.peers.surroundings import ALL, Surroundings

PART = "peers"

FEWEST = 20
"""Functions of one repeat, of the slowest."""

Tell = Callable[[str], None]
Rounds = dict[tuple[str, str], list[Values]]
"""Surroundings and peer -> the values of each repeat."""


def measure(size: int, repeats: int, tell: Tell, only: Collection[str] = NAMES) -> list[Figure]:
    """Measure those that are named, Handoff with `size` functions a repeat."""
    rounds: Rounds = defaultdict(list)
    absent: dict[str, str] = {}
    for number in range(repeats):
        for surroundings in ALL:
            for peer in PEERS:
                if peer.name not in only or peer.name in absent or not surroundings.concerns(peer):
                    continue
                try:
                    values = _with_a_second_try(peer, surroundings, size, tell)
                except (Broken, NotInstalled) as error:
                    absent[peer.name] = str(error)
                    tell(f"{PART}: without {peer.name}: {error}")
                    continue
                rounds[surroundings.name, peer.name].append(values)
                rate = f" {values['finished_per_s']:,.0f}/s" if "finished_per_s" in values else ""
                tell(f"{PART} {number + 1}/{repeats}: {peer.name}, {surroundings.name or 'plain'}{rate}")
    for name in absent:
        for key in [key for key in rounds if key[1] == name]:
            del rounds[key]
    missing = [Figure(f"{PART}, missing", name, (), "", 0, why) for name, why in absent.items()]
    counted = [commands()] if HANDOFF in only else []
    return [*bars(rounds, size), *counted, *_figures(rounds, size), *missing]


def systems(figures: Collection[Figure]) -> dict[str, str]:
    """Those that were measured -> the versions of their packages, and how they were set."""
    missing = {figure.what for figure in figures if not figure.values}
    measured = [peer for peer in PEERS if any(figure.what.endswith(f": {peer.name}") for figure in figures)]
    return {
        peer.name: "; ".join(
            filter(None, [", ".join(f"{name} {each}" for name, each in versions_of(peer).items()), peer.note])
        )
        for peer in measured
        if peer.name not in missing
    }


def _with_a_second_try(peer: Peer, surroundings: Surroundings, size: int, tell: Tell) -> Values:
    """One repeat: some peers lose a task or a notice now and then, and an hour of figures is not to go with it."""
    try:
        return repeat(peer, surroundings, _count(peer, size), min(size, MANY))
    except Broken as error:
        tell(f"{PART}: once more: {error}")
        return repeat(peer, surroundings, _count(peer, size), min(size, MANY))


def _count(peer: Peer, size: int) -> int:
    return max(FEWEST, round(size * peer.share))


def _figures(rounds: Rounds, size: int) -> list[Figure]:
    return [
        _figure(measured, surroundings, peer, rounds, size)
        for surroundings in ALL
        for measured in MEASURES
        for peer in PEERS
        if (surroundings.name, peer.name) in rounds
        and (measured.everywhere or not surroundings.name)
        and all(measured.key in values for values in rounds[surroundings.name, peer.name])
    ]


def _figure(measured: Measure, surroundings: Surroundings, peer: Peer, rounds: Rounds, size: int) -> Figure:
    values = [each[measured.key] for each in rounds[surroundings.name, peer.name]]
    ours = [each.get(measured.key, 0.0) for each in rounds.get((surroundings.name, HANDOFF), [])]
    notes = []
    if peer.name != HANDOFF and len(ours) == len(values) and all(values) and all(ours):
        notes.append(f"{HANDOFF} {ratio(ours, values):.2f} x")
    part = f"{PART}, {surroundings.name}" if surroundings.name else PART
    count = min(size, MANY) if measured.key == "many_per_s" and peer.has_server else _count(peer, size)
    return Figure(part, f"{measured.what}: {peer.name}", values, measured.unit, count, "; ".join(notes))
