"""New ids are of one form, and never the same."""

from __future__ import annotations

from handoff.words.ids import new_id, new_ids


def test_ids_are_new_and_of_32_digits() -> None:
    ids = [new_id(), new_id(), *new_ids(1000)]

    assert len(set(ids)) == 1002
    assert all(len(id) == 32 and int(id, 16) >= 0 for id in ids)


def test_none_are_none() -> None:
    assert new_ids(0) == []
