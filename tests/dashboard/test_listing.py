"""The list of functions: its filters, its orders, and how many it covers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from handoff import DAG, Function
from handoff.client.cluster import Cluster
from handoff.dashboard.pages import functions as page
from handoff.view.functions import Listing, Wanted, list_functions
from support.status import Playing

pytestmark = pytest.mark.usefixtures("fresh")


def listed(web: TestClient, query: str) -> list[str]:
    """The ids of what a list shows, in its order."""
    table = web.get(f"/functions?{query}").text.partition("<tbody>")[2]
    return re.findall(r'<span class="faint small" title="([^"]+)">', table)


def test_functions_are_filtered_by_what_they_call_by_node_and_by_run(cluster: Cluster, web: TestClient) -> None:
    cluster.register_node("b", {"gpu": 1})
    playing = Playing(cluster)
    cut = cluster.enqueue("films:cut", job_id="cut", cost={"cpu": 1})
    cluster.enqueue("music:mix", job_id="mix", cost={"gpu": 1}, node="b")
    dag = DAG("weekly").add(Function("first", "films:first", cost={"cpu": 1}))
    cluster.submit_dag(dag)
    of_run = cluster.run(dag.id).handle("first").id
    playing.start()

    assert listed(web, "name=films.cut") == [cut.id]
    assert set(listed(web, "name=films")) == {"cut", of_run}
    assert listed(web, "node=b") == ["mix"]
    assert set(listed(web, "node=a")) == {"cut", of_run}
    assert listed(web, "run=weekly") == [of_run]
    assert listed(web, "run=weekly&node=b") == []
    assert "No run is called &#39;monthly&#39;" in web.get("/functions?run=monthly").text


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", ["b", "c", "a"]),
        ("oldest", ["a", "c", "b"]),
        ("longest", ["c", "a", "b"]),
        ("name", ["b", "a", "c"]),
        ("attempts", ["a", "c", "b"]),
        ("of-no-kind", ["b", "c", "a"]),
    ],
)
def test_a_list_is_in_the_order_that_is_asked_for(
    sort: str, order: list[str], cluster: Cluster, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.enqueue("films:cut", cost={"cpu": 1})
    [row] = list_functions(cluster.store, Wanted(), 10).rows
    by_id = {
        id: replace(row, id=id, name=name, attempts=attempts, duration_s=took_s, at=datetime(2026, 1, day, tzinfo=UTC))
        for id, name, attempts, took_s, day in (
            ("b", "a.a", 1, None, 3),
            ("c", "c.c", 2, 9.0, 2),
            ("a", "b.b", 3, 1.0, 1),
        )
    }
    monkeypatch.setattr(page, "list_functions", lambda *_: Listing([*by_id.values()], False, 3))

    assert listed(web, f"sort={sort}") == order


def test_text_and_order_cover_the_newest_of_a_filter_and_the_page_says_how_many_that_are(
    cluster: Cluster, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_LISTED", 3)
    monkeypatch.setattr(page, "PER_PAGE", 1)
    for number in range(5):
        cluster.enqueue("films:cut", job_id=f"cut-{number}", cost={"cpu": 1})
    told = web.get("/functions?text=cut").text
    covered = [*listed(web, "text=cut"), *listed(web, "text=cut&page=2"), *listed(web, "text=cut&page=3")]
    beyond = {f"cut-{number}" for number in range(5)} - {*covered}

    assert "cover the newest 3 of this filter, of which there are more: 3 functions." in " ".join(told.split())
    assert (len(covered), len(beyond)) == (3, 2)
    assert [listed(web, f"text={id}") for id in beyond] == [[], []]
    assert listed(web, "sort=oldest")[0] in covered
