"""What the demo's functions measure in source."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import msgpack
import pytest

from handoff.demo import analysis
from handoff.demo.structure import read_structure
from support.sources import long_source, one_module, write


class TestComplexity:
    @pytest.mark.parametrize(
        ("body", "complexity"),
        [
            ("pass", 1),
            ("if a: b", 2),
            ("if a: b\nelse: c", 2),
            ("if a: b\nelif c: d\nelse: e", 3),
            ("for a in b: c\nelse: d", 2),
            ("while a: b", 2),
            ("try: a\nexcept B: c\nexcept D: e\nelse: f\nfinally: g", 3),
            ("try: a\nexcept* B: c", 2),
            ("with a as b: c", 1),
            ("assert a", 2),
            ("return a and b and c or d", 4),
            ("return a if b else c", 2),
            ("return [a for b in c if d if e]", 4),
            ("return {a: b for a in c for b in d}", 3),
            ("match a:\n case 1: b\n case 2 | 3: c\n case _: d", 3),
            ("match a:\n case [b] if c: d\n case e: f", 3),
            ("match a:\n case b if c: d", 2),
            ("return lambda: a or b", 2),
        ],
    )
    def test_each_decision_adds_one(self, body: str, complexity: int) -> None:
        indented = "\n".join(f"    {line}" for line in body.splitlines())

        (function,) = read_structure(ast.parse(f"def f():\n{indented}")).functions

        assert function.complexity == complexity

    def test_an_asynchronous_loop_is_a_decision_and_an_asynchronous_with_is_none(self) -> None:
        tree = ast.parse("async def f():\n async with a:\n  async for b in c: d")

        (function,) = read_structure(tree).functions

        assert function.complexity == 2

    def test_an_inner_function_counts_for_itself(self) -> None:
        tree = ast.parse("def outer():\n  if a: b\n  def inner():\n    while c: d\n    while e: f\n  for g in h: i")

        functions = read_structure(tree).functions

        assert [(each.name, each.complexity) for each in functions] == [("outer", 3), ("outer.inner", 3)]

    def test_decisions_outside_functions_count_for_none(self) -> None:
        tree = ast.parse("if a: b\nclass C:\n  if d: e\n  def f(self): pass")

        structure = read_structure(tree)

        assert structure.functions == [("C.f", 4, 1)]
        assert structure.classes == 1

    def test_source_that_is_nested_deeper_than_python_recurses_is_walked(self) -> None:
        tree: ast.expr = ast.Name("a", ast.Load())
        for _ in range(sys.getrecursionlimit() * 2):
            tree = ast.IfExp(test=tree, body=ast.Constant(1), orelse=ast.Constant(2))
        function = ast.FunctionDef("f", ast.arguments([], [], None, [], [], None, []), [ast.Expr(tree)], [], lineno=1)

        (measured,) = read_structure(ast.Module([function], [])).functions

        assert measured.complexity == sys.getrecursionlimit() * 2 + 1


class TestAnalyze:
    def test_lines_functions_and_classes_are_counted(self, tmp_path: Path) -> None:
        text = '''\
            # A comment.
            """A docstring
            # of two lines."""

            class C:  # code with a comment
                def f(self):
                    return (1,

                            2) or 3
            '''

        measured = one_module(tmp_path, text)

        assert measured["lines"] == 9
        assert measured["code_lines"] == 6
        assert (measured["functions"], measured["classes"], measured["complexity"]) == (1, 1, 2)

    def test_the_most_complex_functions_come_first_and_no_more_than_ten(self, tmp_path: Path) -> None:
        files = write(
            tmp_path,
            {
                f"{name}.py": "\n".join(f"def {name}{number}(): return {'a or ' * number}a" for number in range(8))
                for name in "pq"
            },
        )

        found = analysis.analyze(files)["complex"]

        assert [each["name"] for each in found] == ["p7", "q7", "p6", "q6", "p5", "q5", "p4", "q4", "p3", "q3"]
        assert (found[0]["complexity"], found[0]["path"], found[0]["line"]) == (8, files[0], 8)

    @pytest.mark.parametrize(
        ("source", "error"),
        [
            (b"x = 1\nprint 'two'\n", "line 2: Missing parentheses"),
            (b"\xff\n", "'utf-8' codec can't decode"),
            (b"# coding: no-such\n", "unknown encoding: no-such"),
            (b"x = '\0'\n", "null bytes"),
            (b"-" * 100_000 + b"1", "Error"),
            (b"a" + b".b" * 50_000, "Error: "),
        ],
        ids=["python 2", "not utf-8", "unknown encoding", "zero byte", "too many signs", "too deep"],
    )
    def test_a_file_that_does_not_parse_is_named_and_the_others_are_measured(
        self, tmp_path: Path, source: bytes, error: str
    ) -> None:
        (good,) = write(tmp_path, {"good.py": "def f(): pass"})
        bad = tmp_path / "bad.py"
        bad.write_bytes(source)

        found = analysis.analyze([str(bad), good])

        assert [each["path"] for each in found["modules"]] == [good]
        (unparsable,) = found["unparsable"]
        assert unparsable["path"] == str(bad)
        assert error in unparsable["error"]

    def test_a_file_that_is_gone_is_named(self, tmp_path: Path) -> None:
        found = analysis.analyze([str(tmp_path / "gone.py")])

        assert found["modules"] == []
        assert "FileNotFoundError" in found["unparsable"][0]["error"]

    def test_warnings_about_the_source_stay_with_the_source(
        self, tmp_path: Path, recwarn: pytest.WarningsRecorder
    ) -> None:
        one_module(tmp_path, r"x = '\d' is 1")

        assert not recwarn.list

    def test_it_says_which_node_and_devices_it_saw(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HANDOFF_NODE", "gpus")
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")

        wheres = [analysis.analyze([])["where"], analysis.signatures([])["where"]]

        assert [(where["node"], where["cuda_visible_devices"]) for where in wheres] == [("gpus", "1")] * 2

    def test_devices_that_are_hidden_and_devices_that_were_never_named_differ(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        hidden = analysis.analyze([])["where"]["cuda_visible_devices"]
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")

        assert hidden == ""
        assert analysis.analyze([])["where"]["cuda_visible_devices"] is None

    def test_its_result_is_plain_data(self, tmp_path: Path) -> None:
        files = write(tmp_path, {"good.py": long_source(1), "bad.py": "def ("})

        found = analysis.analyze(files)

        assert msgpack.unpackb(msgpack.packb(found, strict_types=True)) == found
