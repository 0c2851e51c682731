"""Lines of those that wait for the same: in order of rank, and known by their heads and by what they need."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection

from handoff.words.resources import UNIT
from support.invariants.shapes import parse_shape
from support.ledger import Ledger, below, bits, number_at

_VARIANT = re.compile(r"(?:(\d+):)?([^:@]+(?:@.*)?)")


def check_lines(ledger: Ledger, touched: Collection[str]) -> None:
    """Lines are in order of rank, known by their heads and by what they need, and RQ sees who stands in them."""
    heads: dict[str, dict[str, float]] = defaultdict(dict)
    needs: dict[str, dict[str, float]] = defaultdict(dict)
    for text, line in ledger.lines.items():
        shape = parse_shape(text)
        ranks = ledger.get(f"shape:{text}")
        heads[f"heads:{shape.scope}"][text] = ranks[line[0]]
        for name, units in shape.cost.items():
            needs[f"need:{name}{shape.scope}"][text] = units
        for id in line:
            assert id in touched or ledger.get("waiting")[id] == ranks[id], (id, text, ranks)
        assert ledger.get("noted")[text].startswith(f"{line[0]}|"), (text, line)
    for key in ("shapes", "noted", "fronts"):
        assert ledger.get(key).keys() == ledger.lines.keys(), key
    # Those that no open node could hold stand behind all others.
    fronts = {text: rank % 2**52 for text, rank in ledger.get("fronts").items()}
    assert fronts == {text: rank for ranks in heads.values() for text, rank in ranks.items()}
    assert {key: value for key, value in ledger.own.items() if key.startswith("heads:")} == heads
    assert {key: value for key, value in ledger.own.items() if key.startswith("need:")} == needs
    for id, rank in ledger.get("waiting").items():
        if id not in touched:
            assert float(ledger.jobs[id]["h_rank"]) == rank, (id, rank, ledger.jobs[id])
            assert {shape for shape, line in ledger.lines.items() if id in line} == joined_lines(ledger, id), id
    deferred = {id for id, job in ledger.jobs.items() if job["status"] == "deferred" and "h_demand" in job}
    in_sight = ledger.rq.get(f"deferred:{ledger.namespace}", {}).keys()
    assert deferred - set(touched) == in_sight - set(touched)


def joined_lines(ledger: Ledger, id: str) -> set[str]:
    """The lines in which a job is to stand: by variants that need no waiting, or have been waited for."""
    timers, since_ms = ledger.get("timers"), int(ledger.jobs[id]["h_since"])
    joined = set()
    for number, text in enumerate(ledger.jobs[id]["h_demand"].split("&"), 1):
        after, shape = _VARIANT.fullmatch(text).groups("0")  # type: ignore[union-attr]
        timer = timers.get(f"after|{number}|{id}")
        if after == "0" or timer is None:
            joined.add(shape)
        else:
            assert timer == since_ms + int(after), (id, text, timer)
    return joined


def check_index_of_shapes(ledger: Ledger) -> None:
    """Where there is an index of shapes it says of each what it needs and how far in front its head is."""
    positions = {text: int(position) for text, position in ledger.get("shapes").items()}
    if "spots" not in ledger.own:
        kinds = {key.partition(":")[0] for key in ledger.own}
        assert not kinds & {"spot_planes", "spot", "spots", "terms", "term"}, kinds
        assert set(positions.values()) <= {-1}
        return
    assert bits(ledger, "spots") == {0, *positions.values()}
    assert len(set(positions.values())) == len(positions)
    scopes: dict[str, set[int]] = defaultdict(set)
    terms: dict[str, set[int]] = defaultdict(set)
    planes = {name: int(count) for name, count in ledger.get("spot_planes").items()}
    for text, position in positions.items():
        shape = parse_shape(text)
        scopes[shape.scope].add(position)
        for term in shape.terms:
            if term != f"node={shape.pin}":
                terms[term].add(position)
        rank = ledger.get(f"heads:{shape.scope}")[text]
        assert number_at(ledger, "spot:*rank", 52, position) == 2**52 - rank, text
        # What only a sum can meet, for it is more than one device and no whole number, has a column of its own.
        needs = {f"{name}#sum" if units > UNIT and units % UNIT else name: units for name, units in shape.cost.items()}
        assert needs.keys() <= planes.keys(), text
        for name, count in planes.items():
            assert number_at(ledger, f"spot:{name}", count, position) == needs.get(name, 0), (text, name)
    assert {scope: bits(ledger, f"spots:{scope}") for scope in scopes} == scopes
    assert ledger.get("terms") == {term: str(len(shapes)) for term, shapes in terms.items()}
    assert {term: bits(ledger, f"term:{term}") for term, _ in below(ledger.own, "term")} == terms
