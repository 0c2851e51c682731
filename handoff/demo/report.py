"""The demo's report: what was found, what ran where, how far each node was filled; made of results and events only."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from handoff.demo.analysis import Analysis, ComplexFunction, Signatures, Unparsable, most_complex
from handoff.demo.likeness import Pair
from handoff.demo.peaks import Peaks
from handoff.words.resources import Amount


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all files that parsed."""

    files: int
    lines: int
    code_lines: int
    functions: int
    classes: int
    complexity: int


@dataclass(frozen=True, slots=True)
class Family:
    """Modules that hang together by being alike, two at a time; `left` and `right` are the two most alike."""

    similarity: float
    left: str
    right: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """One function that ended: where it ran, and what its child saw of the devices (None: the variable was not set)."""

    function: str
    step: str
    node: str
    gpu: bool
    cuda_visible_devices: str | None
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """All that the demo says at its end; paths are relative to `root`."""

    root: str
    elapsed_s: float
    totals: Totals
    complex: list[ComplexFunction]
    families: list[Family]
    not_compared: int
    unparsable: list[Unparsable]
    ran: list[Ran]
    peaks: Peaks
    held: dict[str, dict[str, Amount]]


def summarize(
    root: str,
    analyses: Sequence[Analysis],
    signed: Sequence[Signatures],
    pairs: Sequence[Pair],
    *,
    ran: Sequence[Ran],
    peaks: Peaks,
    held: Mapping[str, Mapping[str, Amount]],
    elapsed_s: float,
) -> Report:
    """Put the results of all functions together.

    `held` is what the ledger still holds at the end, by node and resource; nodes and resources at zero may be given.
    """
    modules = [module for analysis in analyses for module in analysis["modules"]]
    functions = [function for analysis in analyses for function in analysis["complex"]]
    unparsable = [each for analysis in analyses for each in analysis["unparsable"]]
    still = {node: {name: left for name, left in amounts.items() if left} for node, amounts in held.items()}
    return Report(
        root=root,
        elapsed_s=elapsed_s,
        totals=Totals(
            files=len(modules),
            lines=sum(module["lines"] for module in modules),
            code_lines=sum(module["code_lines"] for module in modules),
            functions=sum(module["functions"] for module in modules),
            classes=sum(module["classes"] for module in modules),
            complexity=sum(module["complexity"] for module in modules),
        ),
        complex=[{**each, "path": _below(root, each["path"])} for each in most_complex(functions)],
        families=families([{**p, "left": _below(root, p["left"]), "right": _below(root, p["right"])} for p in pairs]),
        not_compared=sum(each["left_out"] for each in signed),
        unparsable=sorted(
            ({**each, "path": _below(root, each["path"])} for each in unparsable), key=lambda each: each["path"]
        ),
        ran=list(ran),
        peaks=peaks,
        held={node: amounts for node, amounts in still.items() if amounts},
    )


def _below(root: str, path: str) -> str:
    return os.path.basename(path) if path == root else path.removeprefix(root.rstrip(os.sep) + os.sep)


def families(pairs: Iterable[Pair]) -> list[Family]:
    """Join pairs that share a module; most alike first, the larger family first among equals."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while (above := leader.setdefault(name, name)) != name:
            leader[name] = name = leader[above]
        return name

    best_first = sorted(pairs, key=lambda pair: (-pair["similarity"], pair["left"], pair["right"]))
    for pair in best_first:
        leader[find(pair["right"])] = find(pair["left"])
    members: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(leader):
        members[find(name)].append(name)
    best: dict[str, Pair] = {}
    for pair in best_first:
        best.setdefault(find(pair["left"]), pair)
    found = [Family(pair["similarity"], pair["left"], pair["right"], tuple(members[of])) for of, pair in best.items()]
    return sorted(found, key=lambda family: (-family.similarity, -len(family.members), family.left))


def to_json(report: Report) -> dict[str, Any]:
    """Turn the report into what `json` writes; amounts of `peaks` get their names."""
    return asdict(report) | {
        "peaks": {
            node: {name: {"peak": peak, "capacity": capacity} for name, (peak, capacity) in resources.items()}
            for node, resources in report.peaks.items()
        }
    }
