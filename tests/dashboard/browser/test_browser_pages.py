"""Each page as a browser opens it, and keeps it current."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import uuid4

import pytest
from playwright.sync_api import Response, expect

from dashboard.browser.conftest import LOOKING, POLLING, Desk
from handoff import DAG, Function
from handoff.dashboard.pages.every import PAGES

pytestmark = pytest.mark.slow

MOST_SCRIPT = 100_000
"""Bytes of JavaScript of a page, as they are sent."""


def path_of(desk: Desk, name: str) -> str:
    page = next(page for page in PAGES if page.name == name)
    if name == "run":
        return f"/run?{urlencode({'id': desk.scene.run})}"
    return page.path.format(id=desk.scene.waiting.id, name="a")


@pytest.mark.parametrize("name", [page.name for page in PAGES])
def test_a_page_opens_is_kept_current_and_fits_a_phone_with_few_scripts(name: str, desk: Desk) -> None:
    scripts: list[Response] = []
    desk.page.on("response", lambda answer: scripts.append(answer) if answer.url.endswith(".js") else None)
    with desk.page.expect_response(lambda answer: "/live/" in answer.url) as live:
        desk.open(path_of(desk, name))
    desk.page.set_viewport_size({"width": 360, "height": 740})

    assert live.value.ok
    expect(desk.page.locator("h1")).to_have_count(1)
    assert scripts
    assert sum(len(answer.body()) for answer in scripts) < MOST_SCRIPT
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_links_lead_from_what_waits_to_who_holds_what_it_waits_for(desk: Desk) -> None:
    desk.open("/", LOOKING)
    desk.page.get_by_role("link", name="Waiting", exact=True).click()
    desk.page.get_by_role("row").filter(has_text="is short of 2 cpu").get_by_role("link").last.click()
    desk.page.get_by_role("table", name="Who holds what it waits for").get_by_role("link").first.click()

    expect(desk.page).to_have_url(f"{desk.address}{LOOKING}/functions/{desk.scene.running.id}")
    expect(desk.page.get_by_label("Why it stands there")).to_contain_text("runs on a")


def test_a_page_changes_by_itself_and_whoever_stands_on_a_link_stays_there(desk: Desk) -> None:
    coming = desk.elsewhere(lambda: desk.cluster.enqueue("films:cut", cost={"tape": 1}))
    desk.open(f"/functions/{coming.id}")
    link = desk.page.get_by_role("link", name="Cancel")
    link.focus()
    desk.page.evaluate("window.opened = 'once'")
    desk.elsewhere(lambda: desk.cluster.tracker.register_node("b", {"tape": 1}))

    expect(desk.page.locator("h1 + .state")).to_have_text("queued")
    expect(link).to_be_focused()
    assert desk.page.evaluate("window.opened") == "once"
    desk.elsewhere(coming.cancel)
    expect(desk.page.locator("h1 + .state")).to_have_text("canceled")
    desk.elsewhere(lambda: desk.cluster.deregister_node("b"))


def test_a_run_that_moves_is_followed_while_it_is_watched(desk: Desk) -> None:
    run = DAG(f"run-{uuid4().hex[:8]}").add(Function("first", "films:first", cost={"reel": 1}))
    run.add(Function("second", "films:second", args=("first",)))
    desk.elsewhere(lambda: desk.cluster.submit_dag(run))
    desk.open(f"/run?{urlencode({'id': run.id})}")
    desk.page.evaluate("window.opened = 'once'")
    boxes = desk.page.locator(".graph .v-queued"), desk.page.locator(".graph .v-canceled")
    expect(boxes[0]).to_have_count(0)
    desk.elsewhere(lambda: desk.cluster.tracker.register_node("reels", {"reel": 1}))

    expect(boxes[0]).to_have_count(1)
    desk.elsewhere(lambda: desk.cluster.run(run.id).cancel())
    expect(boxes[1]).to_have_count(2)
    assert desk.page.evaluate("window.opened") == "once"
    desk.elsewhere(lambda: desk.cluster.deregister_node("reels"))


def test_under_wsgi_it_asks_for_what_has_changed_and_whoever_stands_on_a_link_stays_there(desk: Desk) -> None:
    coming = desk.elsewhere(lambda: desk.cluster.enqueue("films:cut", cost={"tape": 1}))
    asked: list[Response] = []
    desk.page.on("response", lambda answer: asked.append(answer) if "seen=" in answer.url else None)
    desk.open("/waiting", POLLING)
    link = desk.page.get_by_role("link", name="Waiting")
    link.focus()
    row = desk.page.get_by_role("row").filter(has_text="tape 1")
    expect(row).to_contain_text("no live node could hold it")
    desk.elsewhere(lambda: desk.cluster.enqueue("films:cut", job_id="second-cut", cost={"tape": 1}))

    expect(row.get_by_role("cell").nth(1)).to_have_text("2")
    with desk.page.expect_response(lambda answer: "seen=" in answer.url):
        desk.elsewhere(lambda: desk.cluster.handle("second-cut").cancel())
    expect(row.get_by_role("cell").nth(1)).to_have_text("1")
    expect(link).to_be_focused()
    assert any(answer.headers.get("hx-reswap") == "none" for answer in asked)
    desk.elsewhere(coming.cancel)


def test_what_is_filtered_for_is_kept_while_the_list_changes(desk: Desk) -> None:
    desk.open("/functions")
    field = desk.page.get_by_label("text")
    field.fill("subtitles")
    field.press("Enter")
    expect(desk.page.get_by_text("No function is like that")).to_be_visible()
    field.fill("half writ")
    late = desk.elsewhere(lambda: desk.cluster.enqueue("films:subtitles", cost={"gpu": 9}))

    expect(desk.page.get_by_role("link", name="films.subtitles")).to_be_visible()
    expect(field).to_have_value("half writ")
    expect(field).to_be_focused()
    desk.elsewhere(late.cancel)


def test_a_page_that_is_paused_is_resumed_by_a_click(desk: Desk) -> None:
    desk.open("/waiting?paused=1")
    with desk.page.expect_response(lambda answer: "/live/" in answer.url):
        desk.page.get_by_role("link", name="Resume").click()
    expect(desk.page.get_by_role("link", name="Pause")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_written_can_be_told_from_what_it_stands_on(scheme: str, desk: Desk) -> None:
    desk.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    low = {}
    for page in PAGES:
        desk.open(path_of(desk, page.name))
        low[page.name] = desk.page.evaluate(CONTRASTS)

    assert low == {page.name: [] for page in PAGES}


CONTRASTS = """() => {
  const channel = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0.9) return colour;
    }
    return [255, 255, 255, 1];
  };
  const low = [];
  for (const element of document.querySelectorAll('main *, .rail *')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.closest('svg')) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return low;
}"""
"""The texts whose colour is too near to the colour behind them, by WCAG's 4.5 to 1."""
