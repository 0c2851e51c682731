"""The threads that carry what is large are there before a machine comes to its limit."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from handoff_worker.agent.bulk import Bulk
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.agent.started import Started
from handoff_worker.children.nursery import NoProcess


def refuse(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_what_is_large_is_carried_where_no_thread_can_be_started_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[Any] = []
    bulk = Bulk(cast(NodeLedger, None), watched.append)
    bulk.begin()
    monkeypatch.setattr(threading.Thread, "start", refuse)

    bulk.complete(Started("job:1", {}), lambda: True, lambda started: None, lambda error: None)
    assert bulk

    bulk.close()
    assert len(watched) == 2


def test_an_agent_that_can_start_no_thread_says_so_when_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse)

    with pytest.raises(NoProcess, match="can't start new thread"):
        Bulk(cast(NodeLedger, None), lambda courier: None).begin()
