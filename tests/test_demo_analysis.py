"""What the demo's functions find in source, and how their work is cut; all without a cluster."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.demo import analysis
from handoff.demo.analysis import Module
from handoff.demo.fingerprints import GRAM, HASH_BASE, HASH_MODULUS, WINDOW, pack, unpack, winnow
from handoff.demo.likeness import PERMUTATIONS, Pair, alike, min_hash
from handoff.demo.sources import batches, find_sources, standard_library
from handoff.demo.structure import read_structure


def write(directory: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
    return [str(directory / name) for name in files]


def one_module(tmp_path: Path, text: str) -> Module:
    (module,) = analysis.analyze(write(tmp_path, {"module.py": text}))["modules"]
    return module


def long_source(seed: int, functions: int = 40) -> str:
    """Source whose structure differs from seed to seed."""
    used = [f"each.part_{seed}_{number}(value).of_{seed}_{number % 7}" for number in range(functions)]
    return "\n".join(f"def f{number}(each, value):\n    return {text}" for number, text in enumerate(used))


class TestFindingSources:
    def test_python_files_are_found_at_every_depth_in_order(self, tmp_path: Path) -> None:
        write(tmp_path, {"b.py": "", "a/z.py": "", "a/inner/y.py": "", "notes.txt": "", "a/x.pyc": ""})

        found = find_sources(str(tmp_path))

        assert found == [str(tmp_path / name) for name in ("a/inner/y.py", "a/z.py", "b.py")]

    @pytest.mark.parametrize("foreign", ["site-packages", "dist-packages", "__pycache__", "node_modules", ".venv"])
    def test_what_others_installed_is_left_out(self, tmp_path: Path, foreign: str) -> None:
        write(tmp_path, {"own.py": "", f"lib/{foreign}/other.py": ""})

        assert find_sources(str(tmp_path)) == [str(tmp_path / "own.py")]

    def test_a_package_that_is_asked_for_is_found_though_it_is_installed(self, tmp_path: Path) -> None:
        (inside,) = write(tmp_path, {"site-packages/other/module.py": ""})

        assert find_sources(str(tmp_path / "site-packages" / "other")) == [inside]

    def test_broken_links_and_pipes_are_left_out(self, tmp_path: Path) -> None:
        (whole,) = write(tmp_path, {"whole.py": ""})
        (tmp_path / "broken.py").symlink_to(tmp_path / "gone.py")
        os.mkfifo(tmp_path / "pipe.py")

        assert find_sources(str(tmp_path)) == [whole]

    def test_a_name_that_no_message_can_carry_is_left_out(self, tmp_path: Path) -> None:
        (whole,) = write(tmp_path, {"whole.py": ""})
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff.py")).touch()

        assert find_sources(str(tmp_path)) == [whole]

    def test_a_file_that_does_not_parse_is_found_all_the_same(self, tmp_path: Path) -> None:
        broken = write(tmp_path, {"broken.py": "def ("})

        assert find_sources(str(tmp_path)) == broken

    def test_a_single_file_may_be_given(self, tmp_path: Path) -> None:
        (script,) = write(tmp_path, {"script": "print()"})

        assert find_sources(script) == [script]

    def test_a_limit_keeps_the_first(self, tmp_path: Path) -> None:
        files = write(tmp_path, {"a.py": "", "b.py": "", "c.py": ""})

        assert find_sources(str(tmp_path), limit=2) == files[:2]

    def test_a_path_with_nothing_there_is_refused_by_name(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=r"nothing at '.*gone': give a directory"):
            find_sources(str(tmp_path / "gone"))

    def test_the_standard_library_has_the_modules_of_the_interpreter(self) -> None:
        assert ast.__file__ in find_sources(standard_library())


class TestBatches:
    def test_every_file_is_in_exactly_one_batch(self, tmp_path: Path) -> None:
        files = write(tmp_path, {f"{number}.py": "x" * number for number in range(50)})

        dealt = batches(files, batch_bytes=100)

        assert sorted(file for batch in dealt for file in batch) == sorted(files)

    def test_batches_differ_by_no_more_than_the_largest_file(self, tmp_path: Path) -> None:
        files = write(tmp_path, {f"{number}.py": "x" * (number * number % 97) for number in range(200)})

        dealt = batches(files, batch_bytes=1000)

        sizes = [sum(os.path.getsize(file) for file in batch) for batch in dealt]
        assert len(sizes) == -(-sum(sizes) // 1000)
        assert max(sizes) - min(sizes) <= 96

    def test_a_file_above_the_size_of_a_batch_leaves_no_batch_empty(self, tmp_path: Path) -> None:
        files = write(tmp_path, {"large.py": "x" * 1000, "small.py": "x"})

        assert batches(files, batch_bytes=10) == [[files[0]], [files[1]]]

    def test_no_files_make_no_batches(self) -> None:
        assert batches([]) == []


def module(path: str, fingerprints: range = range(0)) -> Module:
    return Module(
        path=path,
        lines=0,
        code_lines=0,
        functions=0,
        classes=0,
        complexity=0,
        fingerprints=pack(fingerprints),
    )


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


class TestFingerprints:
    @given(
        st.lists(st.integers(0, 5), max_size=60),
        st.lists(st.integers(0, 5), max_size=60),
        st.lists(st.integers(0, 5), min_size=GRAM + WINDOW - 1, max_size=60),
    )
    def test_a_common_run_of_a_gram_and_a_window_shares_a_fingerprint(
        self, before: list[int], after: list[int], run: list[int]
    ) -> None:
        assert set(winnow([*before, *run])) & set(winnow([*run, *after]))

    @given(st.lists(st.integers(0, 2**32 - 1), max_size=200))
    def test_every_window_keeps_its_least_hash_and_nothing_else_is_kept(self, tokens: list[int]) -> None:
        hashes = [polynomial(tokens[at : at + GRAM]) for at in range(len(tokens) - GRAM + 1)]
        windows = [hashes[at : at + WINDOW] for at in range(max(len(hashes) - WINDOW + 1, min(len(hashes), 1)))]

        assert winnow(tokens) == sorted({min(window) for window in windows})

    def test_a_renamed_copy_has_the_fingerprints_of_the_original(self, tmp_path: Path) -> None:
        text = long_source(1)
        renamed = text.replace("each", "other").replace("def f", "def renamed_")

        prints = [one_module(tmp_path, source)["fingerprints"] for source in (text, renamed)]

        assert prints[0] == prints[1]
        assert len(prints[0]) > 100

    def test_using_other_things_of_others_changes_the_fingerprints(self, tmp_path: Path) -> None:
        prints = [set(unpack(one_module(tmp_path, long_source(seed))["fingerprints"])) for seed in (1, 2)]

        assert not prints[0] & prints[1]

    def test_two_processes_agree_on_fingerprints_and_signatures(self, tmp_path: Path) -> None:
        (file,) = write(tmp_path, {"module.py": long_source(1)})
        code = (
            "import sys; from handoff.demo import analysis as a; found = a.analyze(sys.argv[1:]);"
            "print(a.only_signatures(a.signatures(a.only_fingerprints(found, 'a')), 'b'))"
        )

        said = [
            subprocess.run(
                [sys.executable, "-c", code, file],
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            ).stdout
            for seed in ("1", "2")
        ]

        assert said[0] == said[1]
        assert "module.py" in said[0]

    @given(st.lists(st.integers(0, 2**32 - 1)))
    def test_packed_integers_come_back(self, values: list[int]) -> None:
        assert list(unpack(pack(values))) == values


def polynomial(gram: list[int]) -> int:
    value = 0
    for token in gram:
        value = (value * HASH_BASE + token) % HASH_MODULUS
    return value & 0xFFFFFFFF


class TestSignatures:
    @pytest.mark.parametrize("common", [0, 200, 500, 900])
    def test_equal_places_estimate_the_jaccard_similarity(self, common: int) -> None:
        scattered = [number * 2_654_435_761 % 2**32 for number in range(2000 - common)]
        one, other = scattered[:1000], scattered[1000 - common :]

        places = zip(min_hash(one), min_hash(other), strict=True)

        estimate = sum(left == right for left, right in places) / PERMUTATIONS
        assert estimate == pytest.approx(common / (2000 - common), abs=0.14)

    def test_trivially_small_modules_are_left_out_and_counted(self) -> None:
        batch = [("small.py", pack(range(19))), ("large.py", pack(range(20)))]

        signed = analysis.signatures(batch)

        assert [path for path, _ in signed["signatures"]] == ["large.py"]
        assert signed["left_out"] == 1


def signed(sets: dict[str, range]) -> list[tuple[str, bytes]]:
    """Signatures of sets of numbers, which stand for fingerprints."""
    return [
        (name, pack(min_hash([number * 2_654_435_761 % 2**32 for number in numbers]))) for name, numbers in sets.items()
    ]


class TestAlike:
    def test_near_duplicates_of_different_batches_are_found_and_strangers_are_not(self) -> None:
        first = signed({"a": range(0, 1000), "stranger": range(5000, 6000)})
        second = signed({"b": range(100, 1100), "other": range(8000, 9000)})

        (pair,) = alike([first, second])

        assert (pair["left"], pair["right"]) == ("a", "b")
        assert pair["similarity"] == pytest.approx(900 / 1100, abs=0.14)

    def test_the_most_alike_come_first(self) -> None:
        sets = {"a": range(0, 1000), "b": range(50, 1050), "x": range(5000, 6000), "y": range(5300, 6300)}

        pairs = alike([signed(sets)])

        assert [(pair["left"], pair["right"]) for pair in pairs] == [("a", "b"), ("x", "y")]

    def test_copies_are_paired_with_the_first_of_them_only(self) -> None:
        copies = {name: range(1000) for name in "dbca"}

        pairs = alike([signed(copies | {"near": range(10, 1010)})])

        assert [(pair["left"], pair["right"]) for pair in pairs] == [("a", "b"), ("a", "c"), ("a", "d"), ("a", "near")]
        assert [pair["similarity"] for pair in pairs[:3]] == [1.0, 1.0, 1.0]

    def test_nothing_is_alike_among_nothing(self) -> None:
        assert alike([]) == []

    def test_a_copied_module_is_found_from_source_to_pair(self, tmp_path: Path) -> None:
        files = write(tmp_path, {"a.py": long_source(1), "b.py": long_source(2), "copy.py": long_source(1)})

        analyses = [analysis.analyze([file]) for file in files]
        signed = [analysis.signatures(analysis.only_fingerprints(each, "a")) for each in analyses]

        assert alike([analysis.only_signatures(each, "b") for each in signed]) == [
            Pair(similarity=1.0, left=files[0], right=files[2])
        ]
