"""What is asked again, for its reply was lost, changes nothing of a run."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.ledger import runs, slices
from handoff.words.function import Collocated
from support.agent import ok
from support.graphs import Site, chain, function
from support.ledger import read_ledger
from support.runs import run_to_the_end


def test_a_finish_asked_again_changes_nothing(site: Site) -> None:
    agent = site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("z", "x", "y"), function("v", "x"))
    site.take()
    results = [ok(site.agent_of(id)[1].id, id) for id in ("x", "y")]
    outcomes = agent.finish(*results, room=5)
    after = site.ledger()

    agent.op -= 1
    again = agent.finish(*results, room=5)

    assert again == outcomes
    assert set(site.running()) == {"z", "v"}
    assert site.ledger() == after
    assert run.status == "running"


def test_every_slice_of_a_graph_asked_again_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 2)
    site.node("a", cpu=2)
    original, asked = site.store.run, []

    def twice(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        reply = original(script, *rest, **arguments)
        if script == "load":
            asked.append(reply)
            before = read_ledger(site.store)
            assert original(script, *rest, **arguments) == reply
            assert read_ledger(site.store) == before
        return reply

    monkeypatch.setattr(site.store, "run", twice)
    run = site.submit(function("c"), function("d", node=Collocated("c")), *chain(6), max_concurrency=2)

    assert len(asked) > 3
    assert sorted(run_to_the_end(site)) == ["c", "d", "f1", "f2", "f3", "f4", "f5", "f6"]
    assert run.status == "finished"


def test_a_cancel_asked_again_with_its_token_says_again_that_it_decided(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2))
    instance = runs.look_run(site.store, run.id).instance
    arguments = {"run": instance, "token": "t"}

    assert site.store.run("cancel_run", **arguments) == ["canceled"]
    after = site.ledger()

    assert site.store.run("cancel_run", **arguments) == ["canceled"]
    assert site.store.run("cancel_run", **{**arguments, "token": "u"}) == ["ended"]
    assert site.ledger() == after
