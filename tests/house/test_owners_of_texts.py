"""No Python file but their owners in handoff/ledger/texts takes a text of the ledger apart, or puts one together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

ROOMS = ("handoff/ledger", "handoff/why", "handoff/view", "handoff/client", "handoff/cli", "workers/handoff_worker")

OWNERS = ("handoff/ledger/texts/", "handoff/ledger/lua/")
"""The second reads and writes Lua, which is no text in Redis."""

MARKS = frozenset("@&|;=:,~#^")
"""What stands between the parts of our texts."""

TAKING_APART = frozenset({"split", "rsplit", "partition", "rpartition", "re"})

LOOKING_AT_AN_END = frozenset({"startswith", "endswith", "removeprefix", "removesuffix", "strip", "lstrip", "rstrip"})

TAKE_APART = {
    "handoff/ledger/keys.py": "names of RQ's queues: it owns them",
    "handoff/ledger/address.py": "the address of a server",
    "handoff/ledger/aio/connection.py": "a command of two words",
    "handoff/ledger/aio/streams.py": "the id of an entry of a stream",
    "handoff/ledger/forms.py": "what Redis says of a call that it does not do",
    "handoff/ledger/sentinels.py": "what redis-py says of an error",
    "handoff/ledger/server_version.py": "the version of a server",
    "handoff/ledger/passwords.py": "addresses, wherever they stand, and /proc/self/stat",
    "handoff/ledger/unavailable.py": "what Redis says of an error, in a script too",
    "handoff/ledger/events.py": "the id of an event, as a user gives it",
    "handoff/ledger/logs.py": "lines that a function has printed",
    "handoff/ledger/rqmodel.py": "dotted names of Python",
    "handoff/cli/amounts.py": "NAME=AMOUNT as a user types it",
    "handoff/cli/jobs.py": "dotted names of Python",
    "handoff/cli/listening.py": "a host and its port",
    "handoff/cli/retry.py": "dotted names of Python",
    "handoff/cli/since.py": "--since as a user types it",
    "handoff/view/overview.py": "a cost as a user types it",
    "handoff/view/reasons.py": "the sentence of why/waiting_sentence.py",
    "handoff/view/wording.py": "dotted names of Python",
    "handoff/cli/run.py": "--cost and --where as a user types them",
    "workers/handoff_worker/__main__.py": "blanks of click's errors",
    "workers/handoff_worker/agent/started.py": "a call as people read it",
    "workers/handoff_worker/arguments.py": "NAME=WHAT as a user types it",
    "workers/handoff_worker/inside/executor.py": "/proc/self/statm",
    "workers/handoff_worker/inside/importing.py": "dotted names of Python",
    "workers/handoff_worker/inside/printing.py": "lines that a function prints",
    "workers/handoff_worker/inside/nursery.py": "a search path of Python",
    "workers/handoff_worker/pytest_plugin.py": "dotted names of Python",
    "workers/handoff_worker/inside/preload.py": "MODULE:CALLABLE as a user types it",
    "workers/handoff_worker/machine/allowed.py": "dotted names of Python",
    "workers/handoff_worker/machine/control_groups.py": "files of the kernel",
    "workers/handoff_worker/machine/gpu_use.py": "nvidia-smi's tables",
    "workers/handoff_worker/machine/gpus.py": "nvidia-smi's table",
    "workers/handoff_worker/machine/holder.py": "/proc/<pid>/stat",
    "workers/handoff_worker/machine/mask.py": "CUDA_VISIBLE_DEVICES",
    "workers/handoff_worker/machine/own_groups.py": "files of the kernel",
    "workers/handoff_worker/machine/memory_use.py": "/proc/<pid>/statm and smaps_rollup",
    "workers/handoff_worker/machine/offer.py": "what drivers call a GPU",
    "workers/handoff_worker/machine/processes.py": "/proc/<pid>/task/<pid>/children",
    "workers/handoff_worker/machine/survivors.py": "the mark in the environment of processes, which it makes itself",
    "workers/handoff_worker/machine/titles.py": "/proc/self/stat",
}
"""Who takes another text apart, and which."""

PUT_TOGETHER = {
    "handoff/ledger/keys.py": "keys: it owns them",
    "handoff/ledger/address.py": "the address of a server",
    "handoff/ledger/sentinels.py": "a host and its port",
    "handoff/cli/costs.py": "a cost as a user types it",
    "handoff/cli/listening.py": "a host and its port",
    "handoff/client/noting.py": "what was asked for, as a user types it",
    "handoff/cli/nodes.py": "labels as people read them",
    "handoff/view/overview.py": "a cost as a user types it",
    "workers/handoff_worker/agent/start.py": "what a node offers, as people read it",
    "workers/handoff_worker/children/confine.py": "CUDA_VISIBLE_DEVICES",
}
"""Who puts another text together with such a mark, and which."""


def calls_of(tree: ast.AST) -> Iterator[tuple[str, ast.Call, ast.expr]]:
    """Every call of something's name: `split`, `re`, with what it is called on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            on = node.func.value
            yield "re" if isinstance(on, ast.Name) and on.id == "re" else node.func.attr, node, on


def is_of_marks(node: ast.AST) -> bool:
    """Whether it is a text in the code that consists of nothing else."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str | bytes):
        return False
    text = node.value.decode() if isinstance(node.value, bytes) else node.value
    return text != "" and MARKS.issuperset(text)


def takes_apart(tree: ast.AST) -> bool:
    """Whether it splits anything whatever, or looks for one of our marks."""
    for name, call, _ in calls_of(tree):
        if name in TAKING_APART or (name in LOOKING_AT_AN_END and any(map(is_of_marks, call.args))):
            return True
    return any(
        isinstance(node, ast.Compare) and is_of_marks(node.left) and isinstance(node.ops[0], ast.In | ast.NotIn)
        for node in ast.walk(tree)
    )


def puts_together(tree: ast.AST) -> bool:
    """Whether it sets one of our marks between two values, with nothing around."""
    if any(name == "join" and is_of_marks(on) for name, _, on in calls_of(tree)):
        return True
    return any(
        (isinstance(node, ast.JoinedStr) and any(map(is_of_marks, node.values[1:-1])))
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and is_of_marks(node.right))
        for node in ast.walk(tree)
    )


@cache
def files() -> dict[str, ast.AST]:
    """What may know no text of the ledger, by its path."""
    paths = [path for room in ROOMS for path in (PROJECT / room).rglob("*.py")]
    named = {path.relative_to(PROJECT).as_posix(): path for path in paths}
    return {name: ast.parse(path.read_text()) for name, path in named.items() if not name.startswith(OWNERS)}


def test_texts_are_taken_apart_by_their_owners_alone() -> None:
    assert {name for name, tree in files().items() if takes_apart(tree)} == TAKE_APART.keys()


def test_texts_are_put_together_by_their_owners_alone() -> None:
    assert {name for name, tree in files().items() if puts_together(tree)} == PUT_TOGETHER.keys()


@pytest.mark.parametrize(
    "code",
    [
        "a, b = text.split('|')",
        "text.partition(mark)[0]",
        "re.fullmatch('(.*)-([0-9]+)', text)",
        "text.startswith('~')",
        "text.rstrip('|;')",
        "entry.removeprefix(b'@')",
        "'=' in text",
    ],
)
def test_what_takes_a_text_apart_is_seen(code: str) -> None:
    assert takes_apart(ast.parse(code))


@pytest.mark.parametrize("code", ["f'{a}|{b}'", "';'.join(parts)", "a + ':' + b", "f'a{b}={c}{d}'"])
def test_what_puts_a_text_together_is_seen(code: str) -> None:
    assert puts_together(ast.parse(code))


@pytest.mark.parametrize("code", ["f'{name}: {amount}'", "', '.join(names)", "text.startswith('killed')", "x in {'='}"])
def test_a_sentence_is_no_text_of_the_ledger(code: str) -> None:
    assert not takes_apart(ast.parse(code))
    assert not puts_together(ast.parse(code))
