"""The way of one function, as its page tells it."""

from __future__ import annotations

import html
import re

import pytest
from starlette.testclient import TestClient

from handoff import DAG, Function
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from support.deadlines import end_lease
from support.status import Playing

pytestmark = pytest.mark.usefixtures("fresh")


def way_of(web: TestClient, handle: Handle) -> list[str]:
    """What its timeline says, entry by entry."""
    text = web.get(f"/functions/{handle.id}").text.partition('<ol class="timeline">')[2].partition("</ol>")[0]
    entries = re.findall(r'<li><span class="pin.*?</svg></span>(.*?)<div class="at">', text, re.S)
    return [html.unescape(re.sub(r"<.*?>", "", entry)).strip() for entry in entries]


def test_who_has_waited_and_run_is_told_what_for_and_that_no_node_had_room(cluster: Cluster, web: TestClient) -> None:
    playing = Playing(cluster)
    first = cluster.enqueue("films:convert", cost={"cpu": 2})
    waited = cluster.enqueue("films:convert", cost={"cpu": 2, "gpu": 1})
    playing.end("finished", *playing.start())
    playing.end("finished", *playing.start())

    assert way_of(web, waited) == [
        "began to wait for cpu 2, gpu 1: no node had room for it",
        f"was placed on a, in the room that was given back by {first.id[:8]}…",
        "attempt 1 started on a",
        "finished on a",
    ]


def test_who_waited_for_a_node_that_took_nothing_is_told_why_that_was_after_it_has_run(
    cluster: Cluster, web: TestClient
) -> None:
    playing = Playing(cluster)
    cluster.drain("a")
    waited = cluster.enqueue("films:convert", cost={"cpu": 1}, node="a")
    anywhere = cluster.enqueue("films:convert", cost={"cpu": 1})
    cluster.undrain("a")
    playing.end("finished", *playing.start())
    later = cluster.enqueue("films:convert", cost={"cpu": 2})
    late = cluster.enqueue("films:convert", cost={"cpu": 2})

    assert way_of(web, waited)[0] == "began to wait for cpu 1 on a: a was draining"
    assert way_of(web, anywhere)[0] == "began to wait for cpu 1: no node had room for it; a was draining"
    assert way_of(web, late)[0] == "began to wait for cpu 2: no node had room for it"
    for each in (later, late):
        each.cancel()


def test_who_is_handed_back_waits_again_and_is_told_that_the_node_was_being_emptied(
    cluster: Cluster, web: TestClient
) -> None:
    Playing(cluster)
    handle = cluster.enqueue("films:convert", cost={"cpu": 1})
    cluster.drain("a")

    assert way_of(web, handle)[:3] == [
        "was placed on a",
        "was handed back by a, which takes no more",
        "waited again for cpu 1: no node had room for it; a was draining",
    ]
    handle.cancel()


def test_who_was_lost_with_a_node_is_told_that_it_is_tried_again(cluster: Cluster, web: TestClient) -> None:
    playing = Playing(cluster)
    handle = cluster.enqueue("films:convert", cost={"cpu": 1}, max_retries=1)
    playing.start()
    end_lease(cluster, "a")
    tick(cluster.store)
    lost, again = way_of(web, handle)[2:4]

    assert lost == "was lost with a"
    assert re.fullmatch(r"is tried again, not before \d\d:\d\d:\d\d", again)
    handle.cancel()


def test_of_many_nodes_that_took_nothing_the_last_are_named(cluster: Cluster, web: TestClient) -> None:
    for name in "abcde":
        cluster.register_node(name, {"cpu": 1})
        cluster.drain(name)
    handle = cluster.enqueue("films:convert", cost={"cpu": 1})

    assert way_of(web, handle)[0] == (
        "began to wait for cpu 1: no node had room for it; "
        "c was draining; d was draining; e was draining; 2 further nodes took nothing"
    )
    handle.cancel()


def test_who_depended_on_others_is_told_on_whom_after_it_has_run(cluster: Cluster, web: TestClient) -> None:
    playing = Playing(cluster)
    dag = DAG("weekly").add(Function("first", "films:first")).add(Function("other", "films:first"))
    dag.add(Function("second", "films:second", args=("first", "other")))
    cluster.submit_dag(dag)
    handles = {name: cluster.run(dag.id).handle(name) for name in ("first", "other", "second")}
    playing.end("finished", *playing.start())
    playing.end("finished", *playing.start())
    way = way_of(web, handles["second"])

    first, other = (f"{name} ({handles[name].id[:8]}…)" for name in ("first", "other"))
    assert way[0] == f"submitted, deferred until {first} and {other} had ended"
    assert "finished on a" in way
    assert f'href="/functions/{handles["first"].id}"' in web.get(f"/functions/{handles['second'].id}").text


def test_who_depends_on_others_outside_of_runs_is_told_on_the_first_of_them_also_while_it_is_deferred(
    cluster: Cluster, web: TestClient
) -> None:
    playing = Playing(cluster)
    others = [cluster.enqueue("films:first", job_id=f"part-{number}") for number in range(7)]
    last = cluster.enqueue("films:join", depends_on=others, cost={"cpu": 1})
    before = way_of(web, last)
    playing.end("finished", *playing.start())
    playing.end("finished", *playing.start())
    submitted = "submitted, deferred until part-0, part-1, part-2, part-3, part-4 and 2 more had ended"

    assert before[0] == submitted
    assert before[1].startswith("is deferred until 'part-0'")
    way = way_of(web, last)
    assert (way[0], way[-1], len(way)) == (submitted, "finished on a", 4)
