"""The browser of this machine, driven, and the dashboard served to it by a thread of this process."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import uvicorn
from playwright.sync_api import Browser, sync_playwright
from starlette.types import ASGIApp

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class NoBrowser(Exception):
    """There is none to be driven."""

    def __str__(self) -> str:
        return f"no browser is on PATH ({', '.join(BROWSERS)}): install chromium"


def find_browser() -> str:
    """Where it is. Raises `NoBrowser`."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise NoBrowser
    return path


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Start it. Until it is left an event loop runs in this thread: in it no cluster can be asked, but in others."""
    path = find_browser()
    with sync_playwright() as playwright:
        # Root, as whom containers run, may not use Chromium's sandbox.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(site: ASGIApp) -> Iterator[str]:
    """Serve an application in a thread. -> its address"""
    config = uvicorn.Config(site, port=0, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=server.run, args=([listener],), name="dashboard")
    with closing(listener):
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
