"""How texts are written on pages."""

from __future__ import annotations

import pytest

from handoff.dashboard.words import with_short_ids

ID = "ff13" * 8


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (f"when {ID} has ended", f'when <span title="{ID}">ff13ff13…</span> has ended'),
        (f"'{ID}', {ID}.", f'&#39;<span title="{ID}">ff13ff13…</span>&#39;, <span title="{ID}">ff13ff13…</span>.'),
        (f"node-{ID} and cafe and <b>", f"node-{ID} and cafe and &lt;b&gt;"),
    ],
)
def test_an_id_in_a_sentence_is_short_and_all_of_it_in_its_title(text: str, written: str) -> None:
    assert with_short_ids(text) == written


def test_an_id_whose_page_is_known_leads_there() -> None:
    links = {ID: "/functions/1?a&b"}

    assert with_short_ids(ID, links) == f'<a href="/functions/1?a&amp;b" title="{ID}">ff13ff13…</a>'
