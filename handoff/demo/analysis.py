"""The functions that the demo runs on nodes, and what they give back; knows nothing of clusters or Redis.

Arguments and results are plain data (dicts, lists, str, int, float, bytes), as the serializer carries them.
Every hash is spelled out: `hash()` differs between processes, and `random` may between versions of Python.
"""

from __future__ import annotations

import ast
import os
import time
import tokenize
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from handoff.demo.fingerprints import pack, unpack, winnow
from handoff.demo.likeness import Pair, alike, min_hash
from handoff.demo.structure import code_lines, read_structure

MOST_COMPLEX = 10
"""How many functions a batch names: enough to know the ten most complex of all batches."""

FEWEST_FINGERPRINTS = 20
"""Modules with fewer are not compared: an empty `__init__` is like every other one."""

NODE_VARIABLE = "HANDOFF_NODE"
DEVICES_VARIABLE = "CUDA_VISIBLE_DEVICES"


class Where(TypedDict):
    """Where a function ran, as it saw it itself. A `None` was not set; an empty text hides every device."""

    node: str | None
    cuda_visible_devices: str | None
    cpu_s: float


class Module(TypedDict):
    """One file that parsed; `complexity` is the sum over its functions, `fingerprints` is as `pack` makes it."""

    path: str
    lines: int
    code_lines: int
    functions: int
    classes: int
    complexity: int
    fingerprints: bytes


class ComplexFunction(TypedDict):
    """One function and its cyclomatic complexity; `name` goes through classes and outer functions, with dots."""

    complexity: int
    name: str
    path: str
    line: int


class Unparsable(TypedDict):
    """One file that could not be read or parsed."""

    path: str
    error: str


class Analysis(TypedDict):
    """What `analyze` says of one batch of files; `complex` holds its most complex functions, worst first."""

    modules: list[Module]
    complex: list[ComplexFunction]
    unparsable: list[Unparsable]
    where: Where


class Signatures(TypedDict):
    """What `signatures` says of one batch: pairs of path and packed signature, and how many modules were too small."""

    signatures: list[tuple[str, bytes]]
    left_out: int
    where: Where


class Comparison(TypedDict):
    """What `compare` says of all signatures."""

    pairs: list[Pair]
    where: Where


def analyze(paths: list[str]) -> Analysis:
    """Measure every file: its lines, functions and classes, their complexity, the fingerprints of its structure.

    A code line bears more than a comment; docstrings count. A file that cannot be read or parsed is named with
    its error and counts for nothing else.
    """
    started_s = time.process_time()
    modules: list[Module] = []
    functions: list[ComplexFunction] = []
    unparsable: list[Unparsable] = []
    for path in paths:
        try:
            module, inside = _module(path)
        # ValueError: zero bytes or an odd encoding, by version. RecursionError, MemoryError: too deep for the parser.
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
            unparsable.append(Unparsable(path=path, error=_reason(error)))
        else:
            modules.append(module)
            functions = most_complex([*functions, *inside])
    return Analysis(modules=modules, complex=functions, unparsable=unparsable, where=_where(started_s))


def _reason(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}" if error.lineno else error.msg
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def most_complex(functions: Sequence[ComplexFunction]) -> list[ComplexFunction]:
    """Keep the `MOST_COMPLEX` functions of greatest complexity, worst first; ties go by path and line."""
    order = sorted(functions, key=lambda each: (-each["complexity"], each["path"], each["line"]))
    return order[:MOST_COMPLEX]


def _module(path: str) -> tuple[Module, list[ComplexFunction]]:
    source = Path(path).read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the source, such as an invalid escape: not ours to report
        tree = ast.parse(source)
    structure = read_structure(tree)
    module = Module(
        path=path,
        lines=len(source.splitlines()),
        code_lines=code_lines(source),
        functions=len(structure.functions),
        classes=structure.classes,
        complexity=sum(function.complexity for function in structure.functions),
        fingerprints=pack(winnow(structure.tokens)),
    )
    functions = [
        ComplexFunction(complexity=function.complexity, name=function.name, path=path, line=function.line)
        for function in structure.functions
    ]
    return module, functions


def only_fingerprints(analysis: Analysis, source: str) -> list[tuple[str, bytes]]:
    """Take from an analysis what `signatures` needs of it: pairs of path and packed fingerprints."""
    return [(module["path"], module["fingerprints"]) for module in analysis["modules"]]


def signatures(batch: list[tuple[str, bytes]]) -> Signatures:
    """Make the MinHash signature of every module of a batch that is not trivially small.

    `batch` holds pairs of path and packed fingerprints.
    """
    started_s = time.process_time()
    large = [(path, unpack(packed)) for path, packed in batch if len(packed) // 4 >= FEWEST_FINGERPRINTS]
    return Signatures(
        signatures=[(path, pack(min_hash(fingerprints))) for path, fingerprints in large],
        left_out=len(batch) - len(large),
        where=_where(started_s),
    )


def only_signatures(signed: Signatures, source: str) -> list[tuple[str, bytes]]:
    """Take from signatures what `compare` needs of them."""
    return signed["signatures"]


def compare(signature_sets: list[list[tuple[str, bytes]]]) -> Comparison:
    """Run `alike` on a node, and say where."""
    started_s = time.process_time()
    return Comparison(pairs=alike(signature_sets), where=_where(started_s))


def _where(started_s: float) -> Where:
    return Where(
        node=os.environ.get(NODE_VARIABLE),
        cuda_visible_devices=os.environ.get(DEVICES_VARIABLE),
        cpu_s=time.process_time() - started_s,
    )
