"""Pages as HTML: templates with what is read, escaped; each made once for all that look at the same."""

from __future__ import annotations

import secrets
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from handoff.dashboard.content import Content, Sent
from handoff.dashboard.drawing.colours import Palette
from handoff.dashboard.drawing.marks import MARKS
from handoff.dashboard.page import Asked, Page, address
from handoff.dashboard.sight import Sight
from handoff.dashboard.words import FILTERS, STATES
from handoff.errors import StoreUnavailable

SECTIONS = (
    ("overview", "/", "Overview"),
    ("waiting", "/waiting", "Waiting"),
    ("functions", "/functions", "Functions"),
    ("runs", "/runs", "Runs"),
    ("schedules", "/schedules", "Schedules"),
    ("nodes", "/nodes", "Nodes"),
    ("failures", "/failures", "Failures"),
    ("tasks", "/tasks", "Task stream"),
)

ICONS = {
    "overview": "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z",
    "waiting": "M4 2h8M4 14h8M5 2c0 4 6 5 6 12M11 2c0 4-6 5-6 12",
    "functions": "M2 4h12M2 8h12M2 12h8",
    "runs": "M4 2v3a3 3 0 0 0 3 3h2a3 3 0 0 1 3 3v3M4 2h.1M12 14h.1M4 5v9",
    "schedules": "M13.5 6.5A6 6 0 1 0 14 8M14 3v3.5h-3.5M8 5v3l2 1.5",
    "nodes": "M2 3h12v4H2zM2 9h12v4H2zM5 5h.1M5 11h.1",
    "failures": "M8 2 14.5 13.5h-13zM8 6.5v3M8 11.6v.1",
    "tasks": "M2 3h6M6 8h8M3 13h5",
}
"""Of the entries of the menu, as paths."""


SEAM = f"<!--{secrets.token_hex(16)}-->"
"""Stands in templates before and behind each part of a page. Nobody can write it who does not know it."""


def make_environment(palette: Palette) -> Environment:
    """Where templates are found, and what they may call."""
    environment = Environment(
        loader=PackageLoader("handoff.dashboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS | {"colour": palette.colour}
    environment.globals |= {"STATES": STATES, "SECTIONS": SECTIONS, "icons": ICONS, "marks": MARKS}
    environment.globals["seam"] = Markup(SEAM)
    return environment


class Rendering:
    """Makes the pages of one application."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._environment = make_environment(sight.palette)
        self._sent = Sent()

    def load(self) -> None:
        """Compile every template, of which some take longer than a page."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def content(self, page: Page, asked: Asked) -> Content:
        """The part of a page that is kept current. Raises `Missing`; says itself that Redis is away."""
        return self._sight.share(("page", page.name, asked), lambda: self._content(page, asked))

    def _content(self, page: Page, asked: Asked) -> Content:
        try:
            found = page.read(self._sight, asked)
        except StoreUnavailable as error:
            return Content((self._fill("away", asked, {"why": str(error)}),))
        return Content.of(self._fill(page.name, asked, found), SEAM)

    def whole(self, page: Page, asked: Asked, notice: str = "") -> str:
        """The page with its frame."""
        content = self.content(page, asked)
        if asked.live == "poll":
            self._sent.note(content)
        return self._frame(page, asked, content, notice)

    def since(self, page: Page, asked: Asked, seen: str) -> tuple[str, bool]:
        """What is to be told to who asks again, and has seen that. -> it; whether that is all of the page

        Of what has not changed it is nothing.
        """
        content = self.content(page, asked)
        parts = self._sent.parts_for(seen, content)
        self._sent.note(content)
        if parts == "":
            return "", False
        told = self._fill("seen", asked, {"digest": content.digest, "is_again": True})
        return (content.html if parts is None else Markup(parts)) + told, parts is None

    def alone(self, name: str, page: Page, asked: Asked, **found: Any) -> str:
        """A page that is not kept current: what is asked before something is done, or said where there is nothing."""
        return self._frame(page, asked, Content((self._fill(name, asked, found),)), "", is_live=False)

    def _frame(self, page: Page, asked: Asked, content: Content, notice: str, *, is_live: bool = True) -> str:
        query = {name: value for name, value in asked.parameters if "{" + name not in page.path}
        above = Markup("")
        if is_live and page.form is not None:
            above = self._fill(f"{page.name}_form", asked, page.form(self._sight, asked))
        return self._fill(
            "frame",
            asked,
            {
                "page": page,
                "section": page.section or page.name,
                "content": content.html,
                "digest": content.digest if asked.live == "poll" else "",
                "is_again": False,
                "above": above,
                "notice": notice,
                "namespace": self._sight.cluster.namespace,
                "is_live": is_live,
                "here": address("", asked.path, **{k: v for k, v in query.items() if k != "paused"}),
                "paused_here": address("", asked.path, **query | {"paused": "1"}),
            },
        )

    def _fill(self, name: str, asked: Asked, found: Any) -> Markup:
        template = self._environment.get_template(f"{name}.html")

        def url(path: str, **query: Any) -> str:
            return address(asked.root, path, **query)

        return Markup(template.render(asked=asked, write=asked.write, url=url, **found))
