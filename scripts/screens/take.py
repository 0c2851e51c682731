"""Takes a picture of each page, as a browser shows it: `scripts/screenshots`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import click
from playwright.sync_api import Browser, Page

from handoff.dashboard import app
from handoff.ledger.store import Store
from handoff.view.functions import Wanted, list_functions
from screens.browser import NoBrowser, find_browser, served, started_browser
from screens.load import example_cluster, fill, trickle

IMAGES = Path(__file__).parents[2] / "docs" / "images"

WIDE, PHONE = (1360, 900), (390, 844)

UPDATE_MS = 2_500
"""Until what a page is kept current by has come once."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One page in one form."""

    name: str
    path: str
    size: tuple[int, int] = WIDE
    is_dark: bool = False


def pictures(store: Store) -> list[Picture]:
    """What there is to be seen, of the example as it stands."""
    unfit, failed, running = (
        list_functions(store, Wanted(states=(state,), name=name), 1).rows[0].id
        for state, name in (("infeasible", None), ("failed", None), ("started", "train"))
    )
    return [
        Picture("overview", "/"),
        Picture("overview-dark", "/", is_dark=True),
        Picture("overview-phone", "/", PHONE),
        Picture("waiting", "/waiting"),
        Picture("functions", "/functions"),
        Picture("function-infeasible", f"/functions/{unfit}"),
        Picture("function-failed", f"/functions/{failed}"),
        Picture("function-running", f"/functions/{running}"),
        Picture("runs", "/runs"),
        Picture("run", "/run?id=recommender-weekly"),
        Picture("schedules", "/schedules"),
        Picture("nodes", "/nodes"),
        Picture("node", "/nodes/gpu-1"),
        Picture("failures", "/failures"),
        Picture("tasks", "/tasks"),
    ]


def take(browser: Browser, address: str, picture: Picture, folder: Path) -> list[str]:
    """Keep one. -> what the browser complained of"""
    complaints: list[str] = []
    width, height = picture.size
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if picture.is_dark else "light"
    ) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{picture.path}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{picture.path}: {error}"))
        answer = page.goto(address + picture.path)
        if answer is None or not answer.ok:
            complaints.append(f"{picture.path}: {answer and answer.status}")
        page.wait_for_timeout(UPDATE_MS)
        if _is_too_wide(page):
            complaints.append(f"{picture.path}: wider than {width} pixels")
        page.screenshot(path=folder / f"{picture.name}.png")
    return complaints


def _is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@click.command()
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), default=IMAGES, help="The folder of pictures."
)
@click.option("--after", default=12.0, help="Seconds that the example runs before.", show_default=True)
def main(into: Path, after: float) -> None:
    """Take a picture of each page of the dashboard. Ends with 1 where the browser complained of one."""
    try:
        find_browser()
    except NoBrowser as error:
        raise click.ClickException(str(error)) from error
    into.mkdir(parents=True, exist_ok=True)
    over = threading.Event()
    complaints: list[str] = []
    with example_cluster() as cluster, served(app(cluster, write=True)) as address:
        fill(cluster)
        coming = threading.Thread(target=trickle, args=(cluster, over.wait), name="trickle")
        coming.start()
        try:
            over.wait(after)
            # Asked before the browser is there, which is driven by an event loop in this thread.
            chosen = pictures(cluster.store)
            with started_browser() as browser:
                for picture in chosen:
                    click.echo(picture.name, err=True)
                    complaints += take(browser, address, picture, into)
        finally:
            over.set()
            coming.join()
    for complaint in complaints:
        click.echo(complaint, err=True)
    raise SystemExit(bool(complaints))


if __name__ == "__main__":
    main()
