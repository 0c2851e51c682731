"""The functions that the demo runs on nodes, and how their work is cut into pieces; knows nothing of clusters or Redis.

Arguments and results are plain data (dicts, lists, str, int, float, bytes), as the serializer carries them.
Every hash is spelled out here: `hash()` differs between processes, and `random` may between versions of Python.
"""

from __future__ import annotations

import ast
import heapq
import io
import os
import struct
import sysconfig
import time
import tokenize
import warnings
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b
from itertools import combinations
from operator import eq
from pathlib import Path
from typing import NamedTuple, TypedDict

BATCH_BYTES = 800_000
"""Source bytes per `analyze`: about a second on a slow core, half of that on a fast one."""

MOST_COMPLEX = 10
"""How many functions a batch names: enough to know the ten most complex of all batches."""

GRAM = 8
"""Tokens per hashed k-gram: no shorter match is found."""

WINDOW = 8
"""K-grams per winnowing window: every match of `GRAM + WINDOW - 1` tokens or more is found."""

FEWEST_FINGERPRINTS = 20
"""Modules with fewer are not compared: an empty `__init__` is like every other one."""

BANDS, ROWS = 40, 3
"""Two modules are compared if a band of 3 hashes is equal: so are 67 % of all pairs of similarity 0.3, 93 % at 0.4."""

PERMUTATIONS = BANDS * ROWS
"""Hashes per signature: an estimated similarity of 0.5 has a standard error of 0.046."""

ALIKE = 0.3
"""The least estimated similarity at which two modules are called alike.

Of random pairs of the standard library's modules 99.9 % are below 0.04."""

FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__"})
"""Directories below PATH that hold what others wrote."""

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


class Pair(TypedDict):
    """Two modules that are alike: `similarity` estimates the Jaccard similarity of their fingerprints."""

    similarity: float
    left: str
    right: str


class Comparison(TypedDict):
    """What `compare` says of all signatures."""

    pairs: list[Pair]
    where: Where


def standard_library() -> str:
    """Name the directory of the running interpreter's standard library."""
    return sysconfig.get_path("stdlib")


def find_sources(path: str, limit: int | None = None) -> list[str]:
    """List the readable Python files at or below `path`, sorted; only the first `limit` of them if given.

    Files that do not parse are listed too: `analyze` counts them. Hidden directories, those of installed packages
    and links to directories are not entered. Raises `FileNotFoundError` if there is nothing at `path`.
    """
    root = Path(path).resolve()
    if not root.exists():
        raise FileNotFoundError(f"there is nothing at {str(root)!r}: give a directory or a file of Python source")
    found = [str(root)] if root.is_file() else sorted(_sources(str(root)))
    return found[:limit]


def _sources(root: str) -> Iterator[str]:
    for directory, inside, names in os.walk(root):
        inside[:] = [name for name in inside if name not in FOREIGN and not name.startswith(".")]
        for name in names:
            file = os.path.join(directory, name)
            # A pipe called x.py would hold its reader for ever; a name that is not text cannot be sent to a node.
            if name.endswith(".py") and os.path.isfile(file) and os.access(file, os.R_OK) and file.isprintable():
                yield file


def batches(files: Sequence[str], batch_bytes: int = BATCH_BYTES) -> list[list[str]]:
    """Deal `files` into batches for `analyze`, about `batch_bytes` each and as equal as whole files allow."""
    return _deal([(os.path.getsize(file), file) for file in files], batch_bytes)


def _deal(weighed: Sequence[tuple[int, str]], target: int) -> list[list[str]]:
    """Longest processing time first (Graham 1969): the heaviest that is left goes to the lightest batch."""
    count = -(-sum(weight for weight, _ in weighed) // target) or 1
    lightest = [(0, index) for index in range(count)]
    dealt: list[list[str]] = [[] for _ in range(count)]
    for weight, name in sorted(weighed, key=lambda item: (-item[0], item[1])):
        total, index = heapq.heappop(lightest)
        dealt[index].append(name)
        heapq.heappush(lightest, (total + weight, index))
    return [sorted(batch) for batch in dealt if batch]


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
        code_lines=_code_lines(source),
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


NOT_CODE = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)


def _code_lines(source: bytes) -> int:
    lines: set[int] = set()
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type not in NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines)


class Measured(NamedTuple):
    """One function of a syntax tree."""

    name: str
    line: int
    complexity: int


class Structure(NamedTuple):
    """What one walk over a syntax tree finds; `tokens` are 32-bit integers in the order of the source."""

    functions: list[Measured]
    classes: int
    tokens: list[int]


DECISIONS = frozenset(
    {ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.Assert, ast.comprehension}
)
"""Syntax that adds one path by being there; `_extra_paths` says what adds more."""

OUTSIDE = 0
"""Who owns a decision that is in no function."""


def read_structure(tree: ast.AST) -> Structure:
    """Walk a syntax tree once, counting the decisions of each function and naming its tokens.

    Cyclomatic complexity is 1 + decisions (T. J. McCabe, A Complexity Measure, IEEE TSE 1976, where each part of a
    compound condition counts). A decision is an `if`, `elif` or ternary, a loop (in comprehensions too), an `if` of
    a comprehension, an `except`, an `assert`, each `and` or `or`, a `case` that can fail to match, and its guard.
    `with`, `else`, `finally` and `try` decide nothing. An inner function counts for itself, a lambda for the
    function around it.

    A token is the kind of a syntax node, or for an attribute its name: what a module calls its own things and which
    constants it holds make no difference, so that a renamed copy is alike; what it uses of others does.
    """
    names, lines, complexity = [""], [0], [1]
    classes = 0
    tokens: list[int] = []
    # A stack of our own: source may nest deeper than Python recurses.
    stack: list[tuple[ast.AST, int, str]] = [(tree, OUTSIDE, "")]
    while stack:
        node, owner, prefix = stack.pop()
        kind = type(node)
        tokens.append(_token("." + node.attr if isinstance(node, ast.Attribute) else kind.__name__))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            owner = len(names)
            names.append(prefix + node.name)
            lines.append(node.lineno)
            complexity.append(1)
            prefix += node.name + "."
        elif isinstance(node, ast.ClassDef):
            classes += 1
            prefix += node.name + "."
        elif kind in DECISIONS:
            complexity[owner] += 1
        complexity[owner] += _extra_paths(node)
        stack.extend((child, owner, prefix) for child in _children_backwards(node))
    functions = [Measured(*each) for each in zip(names[1:], lines[1:], complexity[1:], strict=True)]
    return Structure(functions, classes, tokens)


def _extra_paths(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return len(node.ifs)
    if isinstance(node, ast.match_case):
        always = isinstance(node.pattern, ast.MatchAs) and node.pattern.pattern is None
        return (not always) + (node.guard is not None)
    return 0


def _children_backwards(node: ast.AST) -> Iterator[ast.AST]:
    """Last child first, for a stack; without the contexts (load, store, delete), a third of all nodes."""
    for name in _fields_backwards(node._fields):
        value = getattr(node, name, None)
        if isinstance(value, list):
            for each in reversed(value):
                if isinstance(each, ast.AST):
                    yield each
        elif isinstance(value, ast.AST):
            yield value


@cache
def _fields_backwards(fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in reversed(fields) if name != "ctx")


@cache
def _token(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


HASH_BASE, HASH_MODULUS = 1_000_003, 2**61 - 1


def winnow(tokens: Sequence[int]) -> list[int]:
    """Choose fingerprints of a token sequence: distinct 32-bit integers, ascending.

    Of every window of `WINDOW` hashed k-grams the least is kept, the last of equals, so that equal runs of
    `GRAM + WINDOW - 1` tokens share one wherever they stand (Schleimer, Wilkerson and Aiken, Winnowing: Local
    Algorithms for Document Fingerprinting, SIGMOD 2003). Sequences with no full window give at most one.
    """
    hashes = _gram_hashes(tokens)
    if len(hashes) < WINDOW:
        return [min(hashes)] if hashes else []
    chosen: set[int] = set()
    least, least_at = 0, -1
    for end, value in enumerate(hashes[WINDOW - 1 :], WINDOW):
        if least_at < end - WINDOW:
            window = hashes[end - WINDOW : end]
            least = min(window)
            least_at = end - 1 - window[::-1].index(least)
        elif value <= least:
            least, least_at = value, end - 1
        else:
            continue
        chosen.add(least)
    return sorted(chosen)


def _gram_hashes(tokens: Sequence[int]) -> list[int]:
    """The rolling hash of every k-gram (Karp and Rabin 1987), its lowest 32 bits."""
    leaving = pow(HASH_BASE, GRAM, HASH_MODULUS)
    rolled = 0
    hashes = []
    for at, token in enumerate(tokens):
        rolled = rolled * HASH_BASE + token
        if at >= GRAM:
            rolled -= tokens[at - GRAM] * leaving
        rolled %= HASH_MODULUS
        if at >= GRAM - 1:
            hashes.append(rolled & 0xFFFFFFFF)
    return hashes


def pack(values: Sequence[int]) -> bytes:
    """Put 32-bit integers into bytes, little-endian: a quarter of what a list of them takes on the wire."""
    return struct.pack(f"<{len(values)}I", *values)


def unpack(packed: bytes) -> tuple[int, ...]:
    """Undo `pack`."""
    return struct.unpack(f"<{len(packed) // 4}I", packed)


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


HASH_PRIME = 4_294_967_291
"""The largest prime below 2**32, so that a hash fits into 4 bytes."""


def min_hash(fingerprints: Sequence[int]) -> list[int]:
    """Summarize a set by the least value under each of `PERMUTATIONS` hashes.

    The share of equal places of two signatures estimates the Jaccard similarity of their sets (Broder, On the
    Resemblance and Containment of Documents, 1997). Hashes are `a * x + b` modulo a prime, the same on every node.
    """
    return [min([(a * x + b) % HASH_PRIME for x in fingerprints]) for a, b in _coefficients()]


@cache
def _coefficients() -> list[tuple[int, int]]:
    drawn = [blake2b(str(number).encode(), digest_size=16).digest() for number in range(PERMUTATIONS)]
    return [
        (1 + int.from_bytes(bits[:8], "little") % (HASH_PRIME - 1), int.from_bytes(bits[8:], "little") % HASH_PRIME)
        for bits in drawn
    ]


def alike(signature_sets: list[list[tuple[str, bytes]]]) -> list[Pair]:
    """Find the pairs of modules with an estimated similarity of at least `ALIKE`, most alike first.

    Only modules that share a band of their signatures are compared (locality-sensitive hashing: Indyk and Motwani
    1998; `BANDS` says what it misses). Of modules with one and the same signature all are paired with the first,
    and only the first with others: a thousand copies make a thousand pairs, not half a million.
    """
    same: defaultdict[bytes, list[str]] = defaultdict(list)
    for path, signature in sorted(pair for pairs in signature_sets for pair in pairs):
        same[signature].append(path)
    found = [Pair(similarity=1.0, left=first, right=copy) for first, *copies in same.values() for copy in copies]
    unpacked = {signature: unpack(signature) for signature in same}
    for one, other in _meeting(list(same)):
        similarity = sum(map(eq, unpacked[one], unpacked[other])) / PERMUTATIONS
        if similarity >= ALIKE:
            left, right = sorted((same[one][0], same[other][0]))
            found.append(Pair(similarity=similarity, left=left, right=right))
    return sorted(found, key=lambda pair: (-pair["similarity"], pair["left"], pair["right"]))


def compare(signature_sets: list[list[tuple[str, bytes]]]) -> Comparison:
    """Run `alike` on a node, and say where."""
    started_s = time.process_time()
    return Comparison(pairs=alike(signature_sets), where=_where(started_s))


def _meeting(signatures: Sequence[bytes]) -> set[tuple[bytes, bytes]]:
    """The pairs that are equal in at least one band."""
    width = 4 * ROWS
    met: set[tuple[bytes, bytes]] = set()
    for start in range(0, BANDS * width, width):
        buckets: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for signature in signatures:
            buckets[signature[start : start + width]].append(signature)
        for bucket in buckets.values():
            met.update(combinations(bucket, 2))
    return met


def _where(started_s: float) -> Where:
    return Where(
        node=os.environ.get(NODE_VARIABLE),
        cuda_visible_devices=os.environ.get(DEVICES_VARIABLE),
        cpu_s=time.process_time() - started_s,
    )
