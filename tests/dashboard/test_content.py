"""Of what changes only the parts that have changed are sent."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from dashboard.conftest import Scene
from handoff.dashboard.content import Content

SEAM = "|"


def of(text: str) -> Content:
    return Content.of(text, SEAM)


def test_only_parts_that_are_not_what_they_were_are_told_each_by_its_id() -> None:
    before, after = of("<ul>|<li>1</li>||<li>2</li>|</ul>"), of("<ul>|<li>1</li>||<li>3</li>|</ul>")

    assert after.parts_since(before) == '<li id="p3" hx-swap-oob="morph">3</li>'
    assert after.parts_since(after) == ""
    assert after.html == '<ul><li id="p1">1</li><li id="p3">3</li></ul>'


def test_where_anything_else_has_changed_no_parts_tell_of_it() -> None:
    before = of("<ul>|<li>1</li>|</ul>")

    assert of("<ul>|<li>1</li>||<li>2</li>|</ul>").parts_since(before) is None
    assert of("<ol>|<li>1</li>|</ol>").parts_since(before) is None
    assert before.parts_since(Content(())) is None


def test_every_part_of_a_page_is_one_element_with_an_id_of_its_own(web: TestClient, scene: Scene) -> None:
    for path in ("/", "/waiting", "/functions", "/nodes", "/nodes/a", f"/functions/{scene.running.id}", "/tasks"):
        text = web.get(path).text
        ids = re.findall(r'id="(p\d+)"', text)

        assert ids
        assert len(set(ids)) == len(ids)
        assert all(int(id[1:]) % 2 for id in ids)
        assert not re.search("<!--[0-9a-f]{32}-->", text)
