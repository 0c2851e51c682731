"""What was measured of a release stands in two files of its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import release
from benchmarks.__main__ import main
from benchmarks.figures import Figure, Where


def test_a_release_is_kept_as_a_page_and_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "FOLDER", tmp_path)

    release.keep("1.2.0", Where({"cores": "2"}), [Figure("submit", "ours", (1.0, 3.0), "/s", 10)])

    assert "| submit | ours | 2.00 | /s | 1.00 | 3.00 | 2 x 10 |  |" in (tmp_path / "1.2.0.md").read_text()
    assert json.loads((tmp_path / "1.2.0.json").read_text())["figures"][0]["values"] == [1.0, 3.0]


@pytest.mark.parametrize("name", ["../1.2.0", "", "1/2", ".hidden"])
def test_a_name_that_is_none_of_a_file_there_is_refused_before_anything_is_measured(name: str) -> None:
    done = CliRunner().invoke(main, ["--release", name])

    assert done.exit_code == 2
    assert "is no name of a release" in done.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [(["finished", "--only", "huey"], "--only chooses among peers"), (["--renew"], "--renew sets what --check")],
)
def test_options_that_would_do_nothing_are_refused(given: list[str], told: str) -> None:
    done = CliRunner().invoke(main, given)

    assert done.exit_code == 2
    assert told in done.stderr
