"""The exit codes of all programs stand in one place in the code, and the page of the commands has the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from handoff import exits

PROJECT = Path(__file__).resolve().parents[2]

PAGE = (PROJECT / "docs" / "commands.md").read_text(encoding="utf-8")

PROGRAMS = sorted(
    [
        *(PROJECT / "handoff" / "cli").glob("*.py"),
        *(PROJECT / "handoff" / "demo").glob("*.py"),
        *(PROJECT / "handoff" / "local").glob("*.py"),
        PROJECT / "workers" / "handoff_worker" / "__main__.py",
    ]
)


def literal_codes(source: str) -> list[str]:
    """Where a program ends with a number, or returns one that its caller ends with."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "sys.exit",
            "SystemExit",
            "os._exit",
            "context.exit",
        ):
            found += node.args
        elif isinstance(node, ast.FunctionDef) and node.name == "main":
            found += [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
    return [ast.unparse(each) for each in found if isinstance(each, ast.Constant | ast.BinOp)]


def test_the_page_has_the_codes_that_the_code_has() -> None:
    section = PAGE.partition("\n## Exit codes\n")[2].partition("\n## ")[0]

    told = [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)]

    assert told == [code for code in vars(exits).values() if isinstance(code, int)]


@pytest.mark.parametrize("path", [pytest.param(each, id=each.relative_to(PROJECT).as_posix()) for each in PROGRAMS])
def test_a_program_ends_with_a_code_that_has_a_name(path: Path) -> None:
    assert literal_codes(path.read_text(encoding="utf-8")) == []


def test_a_number_at_the_end_of_a_program_is_noticed() -> None:
    assert literal_codes("import sys\nsys.exit(1)\nraise SystemExit(128 + n)") == ["1", "128 + n"]
    assert literal_codes("def main() -> int:\n    return 2") == ["2"]
