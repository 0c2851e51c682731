"""Of one graph there is one run at a time."""

from __future__ import annotations

import pytest

from handoff.errors import DuplicateRun
from support.graphs import Site, chain
from support.passing import pass_ms
from support.runs import load_half, run_to_the_end, wide
from support.waiting import LIMIT_S


@pytest.mark.parametrize("state", ["running", "stopping", "loading"])
def test_a_graph_whose_run_has_not_ended_is_not_run_again(
    site: Site, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.node("a", cpu=1)
    if state == "loading":
        load_half(site, monkeypatch, *chain(9), id="r")
    else:
        run = site.submit(*chain(2), id="r")
        site.take()
        if state == "stopping":
            run.cancel()
    before = site.traces()

    with pytest.raises(DuplicateRun) as raised:
        site.submit(*chain(3), id="r")

    assert raised.value.id == "r"
    site.assert_traces(before)


def test_a_graph_whose_run_has_ended_can_be_run_again(site: Site) -> None:
    site.node("a", cpu=1)
    old = site.submit(*chain(2), id="r")
    run_to_the_end(site)
    pass_ms(site.store, 1)

    new = site.submit(*chain(3), id="r")
    site.take()

    assert (old.status, new.status, site.cluster.run("r").status) == ("finished", "running", "running")
    assert old.result(LIMIT_S).results.keys() == {"f1", "f2"}
    assert [(summary.id, summary.total) for summary in site.cluster.runs()] == [("r", 3), ("r", 2)]
    site.finish("f1", value="new")
    run_to_the_end(site)
    assert site.cluster.run("r").result(LIMIT_S).results == {"f1": "new", "f2": None, "f3": None}
    assert old.result(LIMIT_S).results["f1"] is None


def test_the_end_of_an_old_run_takes_nothing_from_a_new_one_of_the_same_graph(site: Site) -> None:
    site.node("a", cpu=99)
    wide(site, 99, id="r", result_ttl=0)

    new = site.submit(*chain(2), id="r")
    site.housekeep()

    assert site.cluster.run("r").status == "running"
    assert run_to_the_end(site) == ["f1", "f2"]
    assert new.status == "finished"
