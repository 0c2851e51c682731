"""What a function's page has of what it tells, and a node's of what was used there."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from dashboard.conftest import SCRIPT
from handoff.client.cluster import Cluster
from handoff.dashboard.drawing.areas import area
from handoff.dashboard.pages import function as page
from handoff.ledger.result_entry import encode_value
from handoff.serializer import Serializer
from handoff_worker.agent.delivery import Result
from support.status import Playing

pytestmark = pytest.mark.usefixtures("fresh")


def test_a_function_shows_how_far_it_is_what_it_has_printed_and_its_result(cluster: Cluster, web: TestClient) -> None:
    playing = Playing(cluster)
    handle = cluster.enqueue("films:convert", cost={"cpu": 1})
    (id,) = playing.start()
    playing.agent.tell((id, "progress", "0.42", f"reel 3 {SCRIPT}"))
    playing.agent.tell((id, "output", "12", b"reel 1\nreel "))
    before = web.get(f"/functions/{handle.id}").text
    playing.agent.tell((id, "output", "13", b"2"))
    during = web.get(f"/functions/{handle.id}").text
    playing.agent.exchange(2, 0, [Result(id, "finished", encode_value(Serializer.dumps({"reels": 3, "of": SCRIPT})))])
    after = web.get(f"/functions/{handle.id}").text

    assert '<progress max="100" value="42"' in before
    assert "42 %, reel 3 &lt;script&gt;" in before
    assert log_of(before) == "reel 1\nreel "
    assert log_of(during) == "reel 1\nreel 2"
    assert 'aria-label="Result"' not in during
    assert "{&#39;reels&#39;: 3" in after.partition('aria-label="Result">')[2].partition("</pre>")[0]
    assert not [text for text in (before, during, after) if SCRIPT in text]


def test_of_what_was_printed_the_last_is_shown_and_that_it_is(
    cluster: Cluster, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "LONGEST_LOG", 4)
    playing = Playing(cluster)
    handle = cluster.enqueue("films:convert", cost={"cpu": 1})
    (id,) = playing.start()
    playing.agent.tell((id, "output", "6", b"abcdef"))
    text = web.get(f"/functions/{handle.id}").text

    assert log_of(text) == "cdef"
    assert "the last of it" in text


def log_of(text: str) -> str:
    return text.partition('aria-label="Log">')[2].partition("</pre>")[0]


def test_how_full_a_node_was_is_drawn_from_moment_to_moment() -> None:
    drawn = str(area([(0, 1.0), (50, 2.0), (75, 0.0)], 0, 100, 2, "<cpu>"))
    [path] = re.findall(r'class="ok" d="M0 64(.*?)z"', drawn)
    points = [tuple(map(float, point.split())) for point in path.removeprefix("L").split("L")]

    assert points == [
        (0, 64), (0, 33), (180, 33), (180, 2), (270, 2), (270, 64), (360, 64), (360, 64)
    ]  # fmt: skip
    assert 'aria-label="&lt;cpu&gt;: 0 of 2 in use now"' in drawn


def test_a_node_shows_how_much_of_each_resource_is_in_use_and_was(cluster: Cluster, web: TestClient) -> None:
    playing = Playing(cluster)
    cluster.enqueue("films:convert", cost={"cpu": 2, "gpu": 1})
    ids = playing.start()
    during = web.get("/nodes/a").text
    playing.end("finished", *ids)
    after = web.get("/nodes/a").text

    for name, used in (("cpu", 2), ("gpu", 1)):
        assert f'aria-label="{name}: {used} of 2 in use now"' in during
        assert f'aria-label="{name}: 0 of 2 in use now"' in after
