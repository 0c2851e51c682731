"""Which source the demo's functions find alike."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.demo import analysis
from handoff.demo.fingerprints import GRAM, HASH_BASE, HASH_MODULUS, WINDOW, pack, unpack, winnow
from handoff.demo.likeness import PERMUTATIONS, Pair, alike, min_hash
from support.sources import long_source, one_module, write
from support.waiting import LIMIT_S


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
                timeout=LIMIT_S,
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
