"""What can be done from the pages, by whoever sits before a browser: with a click, and by the keys alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, expect

from dashboard.browser.conftest import LOOKING, WRITING, Desk
from handoff import DAG, Function
from handoff.client.handle import Handle
from handoff.dashboard.actions import ACTIONS
from handoff.errors import UnknownFunction
from handoff.ledger.nodes import read_nodes
from support.status import failed

pytestmark = pytest.mark.slow

MOST_TABS = 300
"""More than any page has to be reached by Tab."""


@dataclass
class Offer:
    """One action as a page offers it."""

    path: str  #: of the page
    link: str  #: which asks for it
    button: str  #: which does it
    said: str  #: when it is done
    is_done: Callable[[], bool]


def waiting(desk: Desk) -> Handle:
    return desk.cluster.enqueue("films:convert", cost={"gpu": 8})


def torn(desk: Desk, code: str) -> Handle:
    return failed(desk.cluster, desk.scene.playing, error="films.Torn", code=f"films:{code}", max_retries=0)


def cancel(desk: Desk) -> Offer:
    handle = waiting(desk)
    return Offer(
        f"/functions/{handle.id}",
        "Cancel",
        "Cancel the function",
        "It is canceled",
        lambda: handle.status == "canceled",
    )


def cancel_run(desk: Desk) -> Offer:
    run = DAG(f"run-{uuid4().hex[:8]}").add(Function("first", "films:first", cost={"gpu": 8}))
    desk.cluster.submit_dag(run)
    return Offer(
        f"/run?{urlencode({'id': run.id})}",
        "Cancel the run",
        "Cancel the run",
        "The run is being stopped",
        lambda: desk.cluster.run(run.id).status == "canceled",
    )


def retry(desk: Desk) -> Offer:
    handle = torn(desk, "retried")
    return Offer(
        f"/functions/{handle.id}",
        "Retry",
        "Retry the function",
        "1 function was started afresh",
        lambda: handle.status != "failed",
    )


def retry_all(desk: Desk) -> Offer:
    code = f"f{uuid4().hex[:8]}"
    both = [torn(desk, code), torn(desk, code)]
    return Offer(
        "/failures",
        f"Retry all that failed with films.Torn in films.{code}",
        "Retry all of them",
        "2 functions were started afresh",
        lambda: all(each.status != "failed" for each in both),
    )


def delete_all(desk: Desk) -> Offer:
    code = f"f{uuid4().hex[:8]}"
    both = [torn(desk, code), torn(desk, code)]
    return Offer(
        "/failures",
        f"Delete all that failed with films.Torn in films.{code}",
        "Delete all of them",
        "2 functions were deleted",
        lambda: all(is_gone(desk, each) for each in both),
    )


def is_gone(desk: Desk, handle: Handle) -> bool:
    try:
        desk.cluster.handle(handle.id)
    except UnknownFunction:
        return True
    return False


def drain(desk: Desk) -> Offer:
    desk.cluster.tracker.register_node("drained", {"slots": 1})
    desk.cluster.undrain("drained")
    return Offer("/nodes", "Drain drained", "Drain the node", "It takes no more", lambda: is_draining(desk, "drained"))


def undrain(desk: Desk) -> Offer:
    desk.cluster.tracker.register_node("drained", {"slots": 1})
    desk.cluster.drain("drained")
    return Offer(
        "/nodes/drained",
        "Undrain",
        "Undrain the node",
        "It takes functions again",
        lambda: not is_draining(desk, "drained"),
    )


def is_draining(desk: Desk, name: str) -> bool:
    return next(node for node in read_nodes(desk.cluster.store) if node.name == name).state == "draining"


def rest(desk: Desk) -> Offer:
    name = f"sweep-{uuid4().hex[:8]}"
    desk.cluster.every(name, 86_400, "films:sweep")
    return Offer(
        "/schedules",
        f"Pause: {name}",
        "Pause the schedule",
        "It rests until it is resumed",
        lambda: is_paused(desk, name),
    )


def go_on(desk: Desk) -> Offer:
    name = f"sweep-{uuid4().hex[:8]}"
    desk.cluster.every(name, 86_400, "films:sweep")
    desk.cluster.pause_schedule(name)
    return Offer(
        "/schedules",
        f"Resume: {name}",
        "Resume the schedule",
        "It goes on at its next moment",
        lambda: not is_paused(desk, name),
    )


def run_now(desk: Desk) -> Offer:
    name = f"sweep-{uuid4().hex[:8]}"
    desk.cluster.every(name, 86_400, "films:sweep", cost={"gpu": 9})
    return Offer(
        "/schedules",
        f"Run now: {name}",
        "Run it now",
        "It was submitted now",
        lambda: next(schedule for schedule in desk.cluster.schedules() if schedule.name == name).runs == 1,
    )


def is_paused(desk: Desk, name: str) -> bool:
    return next(schedule for schedule in desk.cluster.schedules() if schedule.name == name).paused


OFFERS = {
    "cancel": cancel,
    "cancel-run": cancel_run,
    "drain": drain,
    "undrain": undrain,
    "retry": retry,
    "pause-schedule": rest,
    "resume-schedule": go_on,
    "run-schedule": run_now,
    "retry-failed": retry_all,
    "delete-failed": delete_all,
}
"""By the name of the action in its address."""


def test_every_action_is_done_in_a_browser() -> None:
    assert OFFERS.keys() == ACTIONS.keys()


@pytest.mark.parametrize("way", ["click", "keys"])
@pytest.mark.parametrize("make", OFFERS.values(), ids=OFFERS)
def test_an_action_is_asked_for_confirmed_and_done(make: Callable[[Desk], Offer], way: str, desk: Desk) -> None:
    offer = desk.elsewhere(lambda: make(desk))
    desk.open(offer.path)
    push(desk, desk.page.get_by_role("link", name=offer.link, exact=True), way)
    button = desk.page.get_by_role("button", name=offer.button, exact=True)
    expect(button).to_be_visible()
    before = desk.elsewhere(offer.is_done)
    push(desk, button, way)

    expect(desk.page.get_by_role("status")).to_contain_text(offer.said)
    assert not before
    assert desk.elsewhere(offer.is_done)


def push(desk: Desk, what: Locator, way: str) -> None:
    """Click it, or go to it with Tab and press Enter there."""
    if way == "click":
        what.click()
        return
    expect(what).to_be_visible()
    for _ in range(MOST_TABS):
        desk.page.keyboard.press("Tab")
        if what.evaluate("element => element === document.activeElement"):
            break
    expect(what).to_be_focused()
    # Whoever sees cannot miss where he stands.
    assert what.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
    desk.page.keyboard.press("Enter")


def test_who_thinks_again_leaves_it_and_nothing_is_done(desk: Desk) -> None:
    offer = desk.elsewhere(lambda: cancel(desk))
    desk.open(offer.path)
    desk.page.get_by_role("link", name="Cancel", exact=True).click()
    desk.page.get_by_role("link", name="Leave it").click()

    expect(desk.page).to_have_url(f"{desk.address}{WRITING}{offer.path}")
    assert not desk.elsewhere(offer.is_done)


@pytest.mark.parametrize("make", OFFERS.values(), ids=OFFERS)
def test_where_it_was_not_started_to_write_an_action_is_neither_offered_nor_done(
    make: Callable[[Desk], Offer], desk: Desk
) -> None:
    offer = desk.elsewhere(lambda: make(desk))
    desk.open(offer.path)
    asked = desk.page.get_by_role("link", name=offer.link, exact=True).get_attribute("href") or ""
    path, _, query = asked.removeprefix(WRITING).partition("?")
    desk.open(offer.path, LOOKING)
    link = desk.page.get_by_role("link", name=offer.link, exact=True)
    expect(link).to_have_count(0)
    status = desk.page.evaluate(
        "([to, body]) => fetch(to, {method: 'POST', body: new URLSearchParams(body)}).then(answer => answer.status)",
        [LOOKING + path, query],
    )

    assert status == 404
    assert not desk.elsewhere(offer.is_done)
    desk.allow("status of 404")


def test_a_form_of_another_site_does_nothing(desk: Desk) -> None:
    offer = desk.elsewhere(lambda: cancel(desk))
    about = {"to": f"{desk.address}{WRITING}/do/cancel", "about": offer.path.rpartition("/")[2]}
    elsewhere = desk.address.replace("127.0.0.1", "localhost")
    desk.page.goto(f"{elsewhere}/elsewhere?{urlencode(about)}")
    with desk.page.expect_response(lambda answer: "/do/cancel" in answer.url) as answer:
        desk.page.get_by_role("button", name="Win a prize").click()

    assert answer.value.status == 403
    expect(desk.page.get_by_text("It was not asked for by a page of this dashboard")).to_be_visible()
    assert not desk.elsewhere(offer.is_done)
    desk.allow("status of 403")
