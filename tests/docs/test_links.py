"""Whatever a page of the documentation leads to is there; where it leads out of the project is not looked at."""

from __future__ import annotations

import re
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


def test_every_picture_is_shown_or_led_to_and_what_is_shown_is_said_in_words_too() -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    led_to = {(page.parent / link).resolve() for page, text in texts.items() for link in links(text)}
    said = [word for text in texts.values() for word in re.findall(r"!\[([^]]*)\]\(\S*images/", text)]

    assert [path.name for path in (ROOT / "docs" / "images").iterdir() if path.resolve() not in led_to] == []
    assert said
    assert [word for word in said if len(word.split()) < 8] == []
