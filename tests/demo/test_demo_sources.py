"""Which source the demo finds, and how the work on it is cut."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from handoff.demo.sources import batches, find_sources, standard_library
from support.sources import write


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
