"""What is told while a command waits for a function, and where Ctrl-C ends the waiting."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.cli import awaiting
from handoff.cli.awaiting import interrupt_told, reasons_told
from handoff.cli.options import Asked
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from support.agent import FakeAgent
from support.waiting import wait_until


class Listener(Asked):
    """Hears what would stand on stderr."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def tell(self, text: str, **facts: Any) -> None:
        self.heard.append(text.strip())


class Watched(Handle):
    """Counts the looks."""

    looks = 0

    def explain(self) -> Any:
        found = super().explain()
        self.looks += 1
        return found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaiting, "LOOK_S", 0.01)


def watched(handle: Handle) -> Watched:
    handle.__class__ = Watched
    assert isinstance(handle, Watched)
    return handle


def looked_at_again(handle: Watched) -> None:
    before = handle.looks
    wait_until(lambda: handle.looks > before + 1, "a look that began by now is over")


def test_a_reason_is_told_when_it_has_changed_and_not_when_only_time_has_passed(cluster: Cluster) -> None:
    agent, asked = FakeAgent(cluster.store, "a", {"cpu": 2, "gpu": 1}).register(), Listener()
    claims = [cluster.tracker.request("a", {"cpu": 1}) for _ in range(2)]
    handle = watched(cluster.enqueue("tasks:f", cost={"cpu": 2}))

    with reasons_told(asked, handle, told=handle.explain()):
        looked_at_again(handle)
        # Less is short, of the same.
        cluster.tracker.release(claims[0])
        looked_at_again(handle)
        assert asked.heard == []
        cluster.drain("a")
        looked_at_again(handle)
        cluster.undrain("a")
        cluster.tracker.release(claims[1])
        agent.take()
        looked_at_again(handle)

    told = [text.removeprefix(f"function {handle.id}: ").split(":")[0] for text in asked.heard]
    assert (told[0], told[-1]) == ("waits for cpu 2", "runs on a")


def test_of_what_runs_at_once_nothing_is_told(cluster: Cluster) -> None:
    agent, asked = FakeAgent(cluster.store, "a", {"cpu": 2}).register(), Listener()
    handle = watched(cluster.enqueue("tasks:f", cost={"cpu": 2}))
    agent.take()

    with reasons_told(asked, handle, told=None):
        looked_at_again(handle)

    assert asked.heard == []


def test_of_what_is_placed_where_nobody_starts_it_that_is_told_once(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 2})
    asked, handle = Listener(), watched(cluster.enqueue("tasks:f", cost={"cpu": 2}))

    with reasons_told(asked, handle, told=None):
        looked_at_again(handle)

    assert asked.heard == [
        f"function {handle.id}: placed on a, and not yet started: no agent runs node a, it was registered by hand"
    ]


@pytest.mark.parametrize(
    ("canceled", "expected"),
    [
        (False, "function it is waiting, and starts when it can: `handoff status it` shows it, `handoff cancel it`"),
        (True, "function it is canceled by now: `handoff status it` shows it"),
    ],
)
def test_ctrl_c_tells_what_becomes_of_the_function(cluster: Cluster, canceled: bool, expected: str) -> None:
    asked, handle = Listener(), cluster.enqueue("tasks:f", job_id="it")
    if canceled:
        handle.cancel()

    with pytest.raises(KeyboardInterrupt), interrupt_told(asked, cluster, handle.id):
        raise KeyboardInterrupt

    assert asked.heard[0].startswith(expected)


def test_ctrl_c_before_it_was_submitted_tells_that(cluster: Cluster) -> None:
    asked = Listener()

    with pytest.raises(KeyboardInterrupt), interrupt_told(asked, cluster, "it"):
        raise KeyboardInterrupt

    assert asked.heard == ["function it was not submitted, or nothing is kept of it"]
