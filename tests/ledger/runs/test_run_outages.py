"""An outage is not taken for a client that went away from its run, or from half a graph."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.graph.dag import DAG
from handoff.ledger.runs import ATTENDED_MS
from support.graphs import Site, chain, function
from support.runs import load_half

OUTAGE_MS = 3_600_000


def test_an_attached_run_goes_on_for_as_long_behind_an_outage(site: Site) -> None:
    with Cluster(connection=site.cluster.connection, namespace=site.cluster.namespace) as gone:
        gone.store.now_ms = site.store.now_ms
        id = gone.submit_dag(DAG("r").add(function("f")), attached=True).id
    site.store.now_ms += OUTAGE_MS
    site.housekeep()
    site.pass_time(ATTENDED_MS / 1000 - 1)
    site.housekeep()
    assert site.cluster.run(id).status == "running"

    site.pass_time(1)
    site.housekeep()

    assert site.cluster.run(id).status == "canceled"


def test_a_graph_that_is_half_loaded_can_be_loaded_to_its_end_behind_an_outage(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_half(site, monkeypatch, *chain(9), id="r")

    site.store.now_ms += OUTAGE_MS
    site.housekeep()

    assert site.cluster.run("r").status == "running"
    site.cluster.run("r").cancel()
