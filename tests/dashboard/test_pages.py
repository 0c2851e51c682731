"""Each page, as whoever looks gets it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urlencode

import jinja2
import pytest
from starlette.testclient import TestClient

from dashboard.conftest import SCRIPT, Scene
from handoff.client.cluster import Cluster
from handoff.dashboard import app, sight
from handoff.dashboard.content import Content
from handoff.dashboard.page import Asked, Page
from handoff.dashboard.pages.every import PAGES
from handoff.dashboard.rendering import Rendering
from handoff.ledger.housekeeping import tick
from handoff.ledger.texts.hold import Hold
from handoff.view import looks
from handoff.view.overview import read_stands
from support.agent import FakeAgent
from support.deadlines import end_lease
from support.status import Playing


def paths_of(scene: Scene) -> dict[str, str]:
    """An address of each page."""
    return {page.name: page.path.format(id=scene.running.id, name="a") for page in PAGES} | {
        "run": f"/run?{urlencode({'id': scene.run})}"
    }


class Tags(HTMLParser):
    """The tags of a page that are opened, and those that are open at its end."""

    VOID = frozenset({"meta", "link", "input", "br", "rect", "path", "circle", "!doctype"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open
            assert self.open.pop() == tag


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_every_page_opens_and_shows_nothing_that_somebody_wrote_as_markup(
    page: str, web: TestClient, scene: Scene
) -> None:
    answer = web.get(paths_of(scene)[page])
    found = Tags(answer.text)

    assert answer.status_code == 200
    assert "alert(&#39;h&#39;)" in answer.text or SCRIPT.removeprefix("<") not in answer.text
    assert all("src" in attributes for tag, attributes in found.tags if tag == "script")
    assert not found.open


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_no_page_asks_for_what_its_policy_forbids(page: str, web: TestClient, scene: Scene) -> None:
    answer = web.get(paths_of(scene)[page])

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for tag, attributes in Tags(answer.text).tags:
        assert tag != "style"
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith(("on", "hx-on"))]
        for name in ("src", "href", "action"):
            assert not re.match(r"\w+:|//", attributes.get(name) or "")


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_every_table_has_a_caption_and_every_picture_a_name_or_is_hidden(
    page: str, web: TestClient, scene: Scene
) -> None:
    text = web.get(paths_of(scene)[page]).text
    found = Tags(text).tags

    assert len(re.findall("<h1[ >]", text)) == 1
    assert sum(tag == "table" for tag, _ in found) == sum(tag == "caption" for tag, _ in found)
    for tag, attributes in found:
        if tag == "svg" and attributes.get("role") == "img":
            assert "aria-label" in attributes or "<title>" in text
        elif tag == "svg":
            assert attributes.get("aria-hidden") == "true" or attributes["class"] == "graph"
    assert {"main", "nav"} <= {tag for tag, _ in found}


def test_what_fits_nowhere_stands_in_front_of_what_waits_with_its_sentence(web: TestClient, scene: Scene) -> None:
    text = web.get("/waiting").text

    assert text.index("no live node could hold it, even when idle (gpu 8 wanted, a has 2)") < text.index("is short of")
    assert "would start now on a with gpu 1" in text


def test_a_node_shows_who_holds_what_of_it(web: TestClient, scene: Scene) -> None:
    text = web.get("/nodes/a").text

    assert f'href="/functions/{scene.running.id}"' in text
    assert "gpu no. 0" in text
    assert "2 / 2" in text


def test_what_other_programs_and_claims_have_of_a_node_is_told_where_it_lacks(
    cluster: Cluster, web: TestClient
) -> None:
    agent = FakeAgent(cluster.store, "a", {"memory": 8000})
    agent.external = ({"memory": 3000}, {})
    agent.register()
    cluster.tracker.request("a", {"memory": 1000}, owner="ci")
    waiting = cluster.enqueue("films:convert", cost={"memory": 5000})

    for page in ("/", "/nodes", "/nodes/a", f"/functions/{waiting.id}"):
        text = web.get(page).text
        assert "other programs" in text
        assert "claim of ci" in text


def test_a_node_that_is_held_leads_to_whom_it_is_held_for(
    cluster: Cluster, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.register_node("a", {"cpu": 2})
    (stand,) = read_stands(cluster.store)
    id = "b5c4baa8dbdb29eebf37757ab7fbda7a"
    held = replace(stand, node=replace(stand.node, hold=Hold(1, id, ["cpu"])))
    monkeypatch.setattr(sight, "read_stands", lambda store: [held])

    for path in ("/", "/nodes", "/nodes/a"):
        assert f'held for <a href="/functions/{id}" title="{id}">b5c4baa8…</a>' in web.get(path).text


def test_functions_are_filtered_by_state_and_by_text(web: TestClient, scene: Scene) -> None:
    failed = web.get("/functions?state=failed").text
    by_text = web.get("/functions?text=torn").text
    none = web.get("/functions?text=nothing-like-it").text

    assert scene.failed.id in failed
    assert scene.running.id not in failed
    assert scene.failed.id in by_text
    assert scene.running.id not in by_text
    assert "newest 10,000" in by_text
    assert "No function is like that" in none


def test_the_functions_of_a_shape_are_found_from_the_waiting_page(web: TestClient, scene: Scene) -> None:
    text = web.get("/waiting").text
    links = re.findall(r'href="(/functions\?shape=[^"]*)"', text)
    found = [web.get(link.replace("&amp;", "&")).text for link in links]

    assert any(scene.infeasible.id in each and scene.waiting.id not in each for each in found)


def test_a_function_shows_its_arguments_and_its_error(web: TestClient, scene: Scene) -> None:
    failed, running = (web.get(f"/functions/{each.id}").text for each in (scene.failed, scene.running))

    assert "&#39;alien&#39;" in failed
    assert "a traceback" in failed
    assert "films.Torn" in failed
    assert "attempt 1 started on a" in running


def test_a_function_says_what_it_asks_for(web: TestClient, scene: Scene) -> None:
    text = web.get(f"/functions/{scene.running.id}").text

    assert "<dt>asks for</dt><dd>cpu 2, gpu 1</dd>" in text


def test_who_waits_sees_who_holds_what_he_waits_for(web: TestClient, scene: Scene) -> None:
    text = web.get(f"/functions/{scene.waiting.id}").text

    assert f'href="/functions/{scene.running.id}"' in text
    assert "is short of 2 cpu" in text


def test_a_sentence_names_functions_by_short_ids_that_lead_to_them(cluster: Cluster, web: TestClient) -> None:
    playing = Playing(cluster)
    held = [cluster.enqueue("films:convert", cost={"cpu": 1}, job_id=letter * 32) for letter in "ab"]
    playing.start()
    waiting = cluster.enqueue("films:convert", cost={"cpu": 1})
    pages = [web.get(path).text for path in ("/waiting", f"/functions/{waiting.id}")]

    named = f'has room when <a href="/functions/{held[0].id}" title="{held[0].id}">aaaaaaaa…</a> has ended'
    assert [named in page for page in pages] == [True, True]
    assert f">{waiting.id}<" not in pages[0]
    for each in (*held, waiting):
        each.cancel()


def test_how_long_a_lease_is_left_is_told_once(web: TestClient, scene: Scene) -> None:
    assert re.search(r"<dt>lease</dt><dd>\d+ s</dd>", web.get("/nodes/a").text)


def test_a_node_that_was_lost_names_what_it_took_along_also_what_is_tried_again(
    web: TestClient, cluster: Cluster
) -> None:
    playing = Playing(cluster)
    cluster.register_node("b", {"gpu": 1})
    taken = [cluster.enqueue("films:convert", cost={"cpu": 1}, max_retries=retries) for retries in (0, 1)]
    playing.start()

    end_lease(cluster, "a")
    tick(cluster.store)

    told = web.get("/nodes/a").text.partition("it took along")[2].partition("</p>")[0]
    assert {*re.findall(r'href="/functions/(\w+)"', told)} == {handle.id for handle in taken}
    assert "it took along" not in web.get("/nodes/b").text
    taken[1].cancel()


def test_a_run_is_drawn_with_its_states_as_words_too(web: TestClient, scene: Scene) -> None:
    text = web.get(f"/run?{urlencode({'id': scene.run})}").text

    assert text.count('class="edge"') == 1
    assert "<title>first: waiting</title>" in text
    assert "<title>second: deferred</title>" in text


@pytest.mark.parametrize("path", ["/functions/none", "/nodes/none", "/run?id=none", "/run"])
def test_what_is_not_there_is_said_so(path: str, web: TestClient, scene: Scene) -> None:
    answer = web.get(path)

    assert answer.status_code == 404
    assert "There is no such thing" in answer.text


def test_an_empty_namespace_says_how_to_begin(web: TestClient) -> None:
    text = web.get("/").text

    assert "handoff node" in text
    assert "Nothing waits for room" in text


def test_one_who_only_looks_is_offered_no_action(web: TestClient, operator: TestClient, scene: Scene) -> None:
    for path in paths_of(scene).values():
        assert "/do/" not in web.get(path).text
    assert "/do/drain" in operator.get("/nodes/a").text
    assert web.get("/do/drain?about=a").status_code == 404


def test_whoever_looks_at_the_same_is_shown_what_was_read_once(cluster: Cluster, scene: Scene) -> None:
    site = app(cluster)
    viewers = [TestClient(site) for _ in range(5)]
    calls: list[str] = []
    run = cluster.store.asking.run_noting

    async def counted(script: str, *rest: object, **arguments: object) -> object:
        calls.append(script)
        return await run(script, *rest, **arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster.store.asking, "run_noting", counted)
        patch.setattr(looks, "until_next_beat_s", lambda now_s: 60.0)
        first = viewers[0].get("/").text
        after_one = len(calls)
        assert [viewer.get("/").text for viewer in viewers] == [first] * 5
    assert after_one > 0
    assert len(calls) == after_one


def test_a_page_is_made_once_for_all_that_look_at_it(
    cluster: Cluster, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make = Rendering._content

    def counted(rendering: Rendering, page: Page, asked: Asked) -> Content:
        made.append(asked.path)
        return make(rendering, page, asked)

    monkeypatch.setattr(Rendering, "_content", counted)
    monkeypatch.setattr(looks, "until_next_beat_s", lambda now_s: 60.0)
    site = app(cluster)
    for path in ("/", "/nodes", "/", "/nodes"):
        TestClient(site).get(path)

    assert made == ["/", "/nodes"]


def test_a_paused_page_is_not_kept_current(web: TestClient, scene: Scene) -> None:
    assert "sse-connect" in web.get("/").text
    assert "sse-connect" not in web.get("/?paused=1").text


def test_run_by_itself_it_has_compiled_its_templates_before_anybody_looks(
    cluster: Cluster, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[object] = []
    compile_one = jinja2.Environment.compile

    def counted(self: jinja2.Environment, *args: object, **options: object) -> object:
        compiled.append(args)
        return compile_one(self, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    with TestClient(app(cluster)) as web:
        before = len(compiled)
        for path in paths_of(scene).values():
            assert web.get(path).status_code == 200

    assert len(compiled) == before > 0
