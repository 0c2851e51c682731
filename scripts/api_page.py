"""Print docs/api.md, made from the docstrings of what the package exports."""

from __future__ import annotations

import functools
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

import handoff
import handoff.aio
import handoff.rq
import handoff.testing
from handoff.client.calls import ClusterCalls
from handoff.errors import HandoffError

HEAD = """\
# API reference

`scripts/api` writes this page from the docstrings; [README.md](../README.md) tells how all of it is used together. What
is named here holds; whatever else the package contains may change. Times are in seconds, amounts as in a cost.
"""

FIRST = (
    "Cluster", "aio.Cluster", "LocalCluster", "Function", "Handle", "aio.Handle", "Verdict", "Explanation", "Task",
    "current", "Current", "DAG", "Collocated", "Argument", "RunHandle", "aio.RunHandle", "RunResult", "Progress",
    "After", "Not", "ResourceTracker",
)  # fmt: skip
"""In the order in which one meets them; all others follow by name."""

OTHERS = {
    **{f"aio.{name}": getattr(handoff.aio, name) for name in handoff.aio.__all__},
    **{f"rq.{name}": getattr(handoff.rq, name) for name in ("Queue", "Job", "job")},
}
"""What is exported by rooms of their own."""

IN_TESTS = {f"testing.{name}": getattr(handoff.testing, name) for name in handoff.testing.__all__}

NOT_FOR_USERS = "Not part of the public contract."

MADE_BY_CALLS = {
    "Handle",
    "aio.Handle",
    "RunHandle",
    "aio.RunHandle",
    "Current",
    "Explanation",
    "Progress",
    "RunSummary",
    "testing.ClusterHere",
    "testing.Submitted",
    "testing.Told",
}
"""Nobody makes these but the calls that return them."""

FORMS = {
    **{name: getattr(handoff, name.removeprefix("aio."), None) for name in OTHERS},
    "testing.ClusterHere": handoff.Cluster,
}
"""What a class has that is told of this one is not told again."""

WIDTH = 110

SHOWN = (property, functools.cached_property, classmethod, staticmethod)

KINDS = {"H": "Handle", "R": "RunHandle"}
"""Of what both clients have: which handle it is."""


ATTRIBUTE = re.compile(r"^ {4}(?: {4}self\.)?(\w+)(?:: ([^=#\n]+?))?(?: = [^#\n]*)?  #: (.+)$", re.MULTILINE)
"""A field, and what the comment beside it says."""

DESCRIBED = re.compile(r'^ {4}(\w+): ([^=#\n]+)\n {4}"""(.+?)"""$', re.MULTILINE | re.DOTALL)
"""The same, with what the text below it says."""


def main() -> None:
    """Print the page."""
    print(page(), end="")


def page() -> str:
    """The page."""
    named = {name: getattr(handoff, name) for name in handoff.__all__} | OTHERS
    errors = {name: each for name, each in named.items() if inspect.isclass(each) and issubclass(each, HandoffError)}
    rest = {name: each for name, each in named.items() if name not in errors}
    classes = {name: each for name, each in rest.items() if inspect.isclass(each)}
    ordered = [name for name in FIRST if name in rest] + sorted(classes.keys() - set(FIRST))
    parts = [HEAD]
    parts += ["## Classes\n", *(entry(name, rest[name]) for name in ordered)]
    parts += ["## Shortcuts\n", "On the default cluster, but for the last ones.\n"]
    parts += [entry(name, rest[name]) for name in sorted(rest.keys() - set(ordered))]
    parts += ["## In unit tests\n", "[testing.md](testing.md) tells how they are used.\n"]
    parts += [entry(name, IN_TESTS[name]) for name in sorted(IN_TESTS)]
    parts += ["## Errors\n", *(entry(name, errors[name]) for name in sorted(errors))]
    return "\n".join(parts)


def entry(name: str, each: Any) -> str:
    """What is said of one class or function."""
    called = "" if name in MADE_BY_CALLS else code(name.rpartition(".")[2], each)
    lines = [f"### `handoff.{name}`\n", called, docstring(each)]
    if inspect.isclass(each):
        if fields := list(attributes(each)):
            lines.append("\n".join(fields) + "\n")
        lines += [member(of, value) for of, value in members(each) if not is_told_elsewhere(name, of, value)]
    return "\n".join(line for line in lines if line)


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties, those of its bases too, each once."""
    seen: set[str] = set()
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] != "handoff":
            continue
        for name, value in vars(base).items():
            is_shown = inspect.isfunction(value) or isinstance(value, SHOWN)
            if not name.startswith("_") and name not in seen and is_shown:
                seen.add(name)
                yield name, value


def is_told_elsewhere(name: str, of: str, value: Any) -> bool:
    """Whether it says nothing, or that it is not for users, or what the class says of which this is another form."""
    same = getattr(FORMS.get(name), of, None)
    said = inspect.getdoc(value)
    return not said or NOT_FOR_USERS in said or (same is not None and inspect.getdoc(same) == said)


def member(name: str, value: Any) -> str:
    """What is said of a method or property."""
    if isinstance(value, property | functools.cached_property):
        read = value.fget if isinstance(value, property) else value.func
        returns = annotation(inspect.signature(read).return_annotation) if read else ""
        return f"#### `.{name}`: `{returns}`\n\n{docstring(value)}"
    inner = value.__func__ if isinstance(value, classmethod | staticmethod) else value
    return f"#### `.{name}()`\n\n{as_called(value, code(name, inner))}\n{docstring(inner)}"


def as_called(value: Any, text: str) -> str:
    """The signature of a call of both clients as the one has it that is told of."""
    if getattr(value, "__module__", "") != ClusterCalls.__module__:
        return text
    return re.sub(r"\b[HR]\b", lambda found: KINDS[found[0]], text).replace("AsyncIterator[", "Iterator[")


def attributes(kind: type) -> Iterator[str]:
    """Fields with what stands behind `#:` beside them, or below."""
    source = inspect.getsource(kind)
    found = [*ATTRIBUTE.finditer(source), *DESCRIBED.finditer(source)]
    for name, of, said in (each.groups() for each in sorted(found, key=re.Match.start)):
        text = " ".join(said.split())
        if not name.startswith("_"):
            yield f"* `.{name}`" + (f": `{of}`" if of else "") + f": {text}"


def code(name: str, each: Any) -> str:
    """How it is called; a protocol is not."""
    if getattr(each, "_is_protocol", False):
        return ""
    try:
        signature = inspect.signature(each)
    except ValueError:
        return ""
    parts, is_keyword_only = [], False
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not is_keyword_only:
            is_keyword_only = True
            if not any(part.startswith("*") for part in parts):
                parts.append("*")
        parts.append(written(parameter))
    if not parts and inspect.isclass(each):
        return ""
    returns = annotation(signature.return_annotation)
    end = f" -> {returns}" if returns and not inspect.isclass(each) else ""
    prefix = "await " if inspect.iscoroutinefunction(each) else ""
    line = f"{prefix}{name}({', '.join(parts)}){end}"
    if len(line) > WIDTH:
        line = f"{prefix}{name}(\n" + textwrap.indent(",\n".join(parts) + ",\n", "    ") + f"){end}"
    return f"```python\n{line}\n```\n"


def written(parameter: inspect.Parameter) -> str:
    """One parameter as it stands in the source."""
    star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    of = annotation(parameter.annotation)
    text = f"{star}{parameter.name}" + (f": {of}" if of else "")
    if parameter.default is parameter.empty:
        return text
    if parameter.default is ANY:
        return f"{text} = ANY"
    default = getattr(parameter.default, "__name__", None) or repr(parameter.default)
    return f"{text} = {default}" if of else f"{text}={default}"


def annotation(of: Any) -> str:
    """A type as the source has it."""
    if of is inspect.Signature.empty:
        return ""
    return of if isinstance(of, str) else getattr(of, "__name__", str(of))


def docstring(each: Any) -> str:
    """What it says of itself."""
    text = inspect.getdoc(each) or ""
    return f"{text}\n" if text else ""


if __name__ == "__main__":
    main()
