"""What a scrape is told of a namespace as it stands."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
from collections.abc import Iterator

import pytest

from handoff import doctor
from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from handoff.metrics import families, reading, samples
from handoff.metrics.families import FAMILIES
from handoff.view.history import BOUNDS_S, Spread
from handoff.words.capabilities import parse_capabilities
from handoff.words.variants import After
from support.monitoring import need
from support.passing import pass_ms
from support.scraping import Scraper
from support.status import Playing, idle_agent


def test_what_waits_is_counted_by_what_keeps_it(cluster: Cluster, scraper: Scraper) -> None:
    Playing(cluster)
    for cost in ({"cpu": 2}, {"cpu": 1}, {"cpu": 1}, {"gpu": 64}):
        cluster.enqueue("tasks:f", cost=cost)
    found = scraper.scrape()

    assert found['handoff_waiting_functions{reason="short"}'] == 2
    assert found['handoff_waiting_functions{reason="infeasible"}'] == 1
    assert found['handoff_waiting_amount{resource="cpu"}'] == 2
    assert found['handoff_waiting_amount{resource="gpu"}'] == 64
    assert found["handoff_waiting_shapes"] == 2
    assert found['handoff_functions{state="queued"}'] == 1
    assert found['handoff_functions{state="waiting"}'] == 3


def test_one_that_would_take_any_of_several_costs_is_counted_once(cluster: Cluster, scraper: Scraper) -> None:
    cluster.enqueue("tasks:f", cost=[{"cpu": 8}, {"gpu": 8}])
    found = scraper.scrape()

    assert found['handoff_waiting_functions{reason="infeasible"}'] == 1
    assert found['handoff_waiting_amount{resource="cpu"}'] == 8
    assert 'handoff_waiting_amount{resource="gpu"}' not in found


def test_of_many_shapes_the_reasons_of_some_are_read_and_all_are_counted(
    cluster: Cluster, scraper: Scraper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_EXPLAINED", 1)
    cluster.register_node("a", {"cpu": 4})
    cluster.tracker.request("a", {"cpu": 4})
    for count in (1, 2, 3):
        cluster.enqueue("tasks:f", cost={"cpu": count})
    cluster.enqueue("tasks:f", cost=[After(600, {"cpu": 1})])
    cluster.enqueue("tasks:f", cost={"cpu": 64})
    found = scraper.scrape()

    assert found['handoff_waiting_functions{reason="infeasible"}'] == 1
    assert found['handoff_waiting_functions{reason="short"}'] == 1
    assert found['handoff_waiting_functions{reason="not_read"}'] == 2


def test_how_long_the_oldest_has_waited_is_told_in_seconds(cluster: Cluster, scraper: Scraper) -> None:
    cluster.store.now_ms = 1_700_000_000_000
    before = scraper.scrape()
    cluster.enqueue("tasks:f", cost={"cpu": 1})
    pass_ms(cluster.store, 90_000)

    assert before["handoff_oldest_wait_seconds"] == 0
    assert scraper.scrape()["handoff_oldest_wait_seconds"] == 90


def test_nodes_tell_what_they_have_and_what_is_reserved_of_it(cluster: Cluster, scraper: Scraper) -> None:
    cluster.share({"license": 3})
    cluster.register_node("a", {"cpu": 4, "gpu": 2})
    cluster.register_node("b", {"cpu": 2})
    cluster.enqueue("tasks:f", node="a", cost={"cpu": 1.5, "license": 1})
    found = scraper.scrape()

    assert found['handoff_node_capacity{node="a",resource="gpu"}'] == 2
    assert found['handoff_node_used{node="a",resource="cpu"}'] == 1.5
    assert found['handoff_capacity{resource="cpu"}'] == 6
    assert found['handoff_used{resource="cpu"}'] == 1.5
    assert (found['handoff_shared_capacity{resource="license"}'], found['handoff_shared_used{resource="license"}']) == (
        3,
        1,
    )
    assert found['handoff_node_functions{node="a",state="queued"}'] == 1
    assert found['handoff_nodes{state="up"}'] == 2


def test_a_lost_node_has_nothing_and_is_told_as_that(cluster: Cluster, scraper: Scraper) -> None:
    idle_agent(cluster).register(parse_capabilities({"cpu": 2}), 1)
    before = scraper.scrape()
    seconds, micros = cluster.store.read("TIME")
    cluster.store.now_ms = int(seconds) * 1000 + int(micros) // 1000 + 10
    cluster.enqueue("tasks:f", cost={"cpu": 1})
    found = scraper.scrape()

    assert found['handoff_nodes{state="lost"}'] == 1
    assert found["handoff_lost_nodes_total"] - before["handoff_lost_nodes_total"] == 1
    assert found['handoff_node_up{node="a"}'] == 0
    assert not any(name.startswith(("handoff_capacity{", "handoff_node_capacity{")) for name in found)


def test_a_node_that_takes_nothing_is_not_up_though_what_it_has_is_counted(cluster: Cluster, scraper: Scraper) -> None:
    cluster.register_node("a", {"cpu": 2})
    cluster.drain("a")
    found = scraper.scrape()

    assert (found['handoff_node_up{node="a"}'], found['handoff_nodes{state="draining"}']) == (0, 1)
    assert found['handoff_capacity{resource="cpu"}'] == 2


def test_a_bucket_counts_all_that_took_no_longer() -> None:
    spread = Spread()
    for seconds in (0.001, 0.001, 10_000_000.0):
        spread.add(seconds)

    found = {(sample.part, sample.labels): sample.value for sample in samples._buckets(spread)}

    assert (found["_bucket", ("+Inf",)], found["_count", ()]) == (3, 3)
    assert [found["_bucket", (str(bound),)] for bound in BOUNDS_S][-1] == 2


def test_of_more_nodes_than_are_told_one_by_one_the_sums_are_of_all(
    cluster: Cluster, scraper: Scraper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MOST_NODES", 2)
    for number in range(4):
        cluster.register_node(f"n{number}", {"cpu": 1})
    found = scraper.scrape()

    assert [name for name in found if name.startswith("handoff_node_up")] == [
        'handoff_node_up{node="n0"}',
        'handoff_node_up{node="n1"}',
    ]
    assert found['handoff_capacity{resource="cpu"}'] == 4


def test_what_the_doctor_finds_is_counted_by_what_it_is_about(cluster: Cluster, scraper: Scraper) -> None:
    before = scraper.scrape()
    cluster.store.client.set(f"{cluster.store.keys('nodes')}:stray", 1)
    scraper.examining.last = scraper.examining.examine()
    found = scraper.scrape()
    cluster.store.client.delete(f"{cluster.store.keys('nodes')}:stray")

    assert 'handoff_doctor_findings{kind="keys"}' not in before
    assert found['handoff_doctor_findings{kind="keys"}'] == 1
    assert found['handoff_doctor_findings{kind="amounts"}'] == 0


@pytest.mark.parametrize("connection", ["real"], indirect=True)
def test_all_that_is_listed_is_served_and_nothing_else(cluster: Cluster, scraper: Scraper) -> None:
    playing = Playing(cluster)
    cluster.share({"license": 1})
    scraper.scrape()
    for _ in range(3):
        cluster.enqueue("tasks:f", cost={"cpu": 2})
    playing.end("finished", *playing.start())
    scraper.examining.last = scraper.examining.examine()
    text = scraper.text()
    kinds = [line.split()[2:] for line in text.splitlines() if line.startswith("# TYPE")]

    assert sorted(kinds) == sorted([family.name, family.kind] for family in FAMILIES)
    assert [family.name for family in FAMILIES if not re.search(rf"^{family.name}[{{_ ]", text, re.MULTILINE)] == []


@pytest.mark.parametrize("connection", ["real"], indirect=True)
def test_promtool_has_nothing_to_say_of_names_and_units(cluster: Cluster, scraper: Scraper) -> None:
    playing = Playing(cluster)
    cluster.enqueue("tasks:f", cost={"cpu": 2})
    playing.end("failed", *playing.start())
    scraper.examining.last = scraper.examining.examine()

    checked = subprocess.run(
        [need("promtool"), "check", "metrics"], input=scraper.text(), capture_output=True, text=True, timeout=60
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_redis_that_goes_away_is_told_and_what_was_counted_stays() -> None:
    with RedisServer() as server, Cluster(server.url, timeout=0.2) as cluster:
        scraper = Scraper(cluster.store)
        scraper.scrape()
        cluster.register_node("a", {"cpu": 1})
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        before = scraper.scrape()
        server.kill()
        found = scraper.scrape()

    assert (before["handoff_up"], found["handoff_up"]) == (1, 0)
    assert (before["handoff_decisions_total"], found["handoff_decisions_total"]) == (1, 1)
    assert 'handoff_functions{state="queued"}' not in found


def named_kinds() -> Iterator[str]:
    """What the modules of the doctor call the rules that they check, and what they call what is around the books."""
    for module in pkgutil.iter_modules(doctor.__path__):
        loaded = importlib.import_module(f"{doctor.__name__}.{module.name}")
        yield from (value for name, value in vars(loaded).items() if name in ("RULE", "OTHER_LAYOUT"))
        calls = [
            node for node in ast.walk(ast.parse(inspect.getsource(loaded))) if isinstance(node, ast.Call) and node.args
        ]
        made = [call.args[0] for call in calls if ast.unparse(call.func) in ("Violation", "Finding")]
        yield from (str(first.value) for first in made if isinstance(first, ast.Constant))


def test_whatever_the_doctor_can_tell_of_is_listed_but_for_what_is_harmless() -> None:
    assert {*named_kinds()} == {*families.KINDS, "library"}
