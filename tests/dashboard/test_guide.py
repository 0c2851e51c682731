"""The sites of the guide serve the dashboard, each in its way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from werkzeug.test import Client

from dashboard.test_mounts import configure_django
from handoff.testing import ClusterHere, cluster
from support.pages import ROOT, blocks

PAGE = (ROOT / "docs" / "dashboard.md").read_text(encoding="utf-8")


@pytest.fixture
def here() -> Iterator[ClusterHere]:
    with cluster() as made:
        yield made


def made_by(file: str) -> dict[str, Any]:
    """What a file of the guide defines."""
    configure_django()
    found: dict[str, Any] = {}
    [block] = [block for block in blocks(PAGE) if block.file == file]
    exec(compile(block.text, file, "exec"), found)
    return found


@pytest.mark.usefixtures("here")
class TestGuide:
    def test_fastapi_asks_who_it_is(self) -> None:
        web = TestClient(made_by("site_with_fastapi.py")["site"])

        assert web.get("/ops/").status_code == 403
        assert "Overview" in web.get("/ops/", headers={"Cookie": "session=of-an-operator"}).text

    def test_django_serves_it_under_asgi(self) -> None:
        web = TestClient(made_by("asgi.py")["application"])

        assert (web.get("/ops/").status_code, web.get("/elsewhere").status_code) == (200, 404)

    def test_flask_serves_it_under_wsgi(self) -> None:
        assert Client(made_by("site_with_flask.py")["site"].wsgi_app).get("/ops/").status_code == 200
