"""What one walk over a file's syntax tree finds: its functions and how complex they are, its classes, its tokens."""

from __future__ import annotations

import ast
import io
import tokenize
import zlib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

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


def code_lines(source: bytes) -> int:
    """Count the lines that bear more than a comment; docstrings count."""
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
