"""Whatever a page of the documentation leads to is there; where it leads out of the project is not looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.pages import PAGES, ROOT, anchors, links

LINKS = [(page, link) for page in PAGES for link in links(page.read_text(encoding="utf-8")) if "://" not in link]


def named(case: tuple[Path, str]) -> str:
    return f"{case[0].relative_to(ROOT)} -> {case[1]}"


@pytest.mark.parametrize("case", LINKS, ids=named)
def test_a_link_leads_to_what_is_there(case: tuple[Path, str]) -> None:
    page, link = case
    path, _, anchor = link.partition("#")
    there = (page.parent / path).resolve() if path else page

    assert there.exists()
    assert not anchor or anchor in anchors(there.read_text(encoding="utf-8"))


def test_each_page_of_docs_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    reached, ahead = {index}, [index]
    while ahead:
        page = ahead.pop()
        for link in links(page.read_text(encoding="utf-8")):
            there = (page.parent / link.partition("#")[0]).resolve()
            if "://" not in link and there.suffix == ".md" and there not in reached:
                reached.add(there)
                ahead.append(there)

    assert [page for page in PAGES if page not in reached] == []
