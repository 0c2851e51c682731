"""What is counted only grows: from the first look of this process on, whatever becomes of the stream."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from handoff.metrics.counted import Names
from handoff.view import history
from handoff.view.history import OTHERS
from support.passing import pass_ms
from support.scraping import Scraper
from support.status import Playing, failed


def test_what_happened_before_the_first_look_is_not_counted(cluster: Cluster, scraper: Scraper) -> None:
    playing = Playing(cluster)
    failed(cluster, playing)
    first = scraper.scrape()
    failed(cluster, playing)
    found = scraper.scrape()

    for name in ("decisions", "starts", 'attempts_total{outcome="failed"}'):
        full = f"handoff_{name}" if "{" in name else f"handoff_{name}_total"
        assert (first[full], found[full]) == (0, 1)
    assert found["handoff_wait_seconds_count"] == found["handoff_run_seconds_count"] == 1


def test_another_attempt_is_a_start_and_a_retry_and_each_has_its_outcome(cluster: Cluster, scraper: Scraper) -> None:
    cluster.store.now_ms = 1_700_000_000_000
    playing = Playing(cluster)
    scraper.scrape()
    cluster.enqueue("tasks:f", max_retries=1, on_node_loss="retry")
    playing.start()
    other = Playing(cluster, "b")
    playing.agent.leave()
    pass_ms(cluster.store, 60_000)
    other.agent.tick(0)
    other.end("finished", *other.start())
    found = scraper.scrape()

    assert (found["handoff_starts_total"], found["handoff_retries_total"]) == (2, 1)
    assert found['handoff_attempts_total{outcome="lost"}'] == found['handoff_attempts_total{outcome="finished"}'] == 1


def test_attempts_are_counted_by_the_name_of_what_was_called(cluster: Cluster, scraper: Scraper) -> None:
    playing = Playing(cluster)
    scraper.scrape()
    cluster.enqueue("models:train", cost={"cpu": 1})
    playing.end("finished", *playing.start())

    assert scraper.scrape()['handoff_function_attempts_total{function="models.train",outcome="finished"}'] == 1


def test_of_too_many_names_those_that_came_first_are_counted_and_the_others_together() -> None:
    names = Names(2)
    first = names.fold({("a", "finished"): 5, ("b", "failed"): 1, ("c", "finished"): 3})
    then = names.fold({("c", "finished"): 900, ("a", "finished"): 6, ("b", "failed"): 1, ("d", "died"): 1})

    assert first == {("a", "finished"): 5, ("b", "failed"): 1, (OTHERS, "finished"): 3}
    assert then == {("a", "finished"): 6, ("b", "failed"): 1, (OTHERS, "finished"): 900, (OTHERS, "died"): 1}


def test_a_stream_that_is_trimmed_takes_nothing_back_and_is_told(cluster: Cluster, scraper: Scraper) -> None:
    playing = Playing(cluster)
    scraper.scrape()
    failed(cluster, playing)
    before = scraper.scrape()
    failed(cluster, playing)
    cluster.store.client.xtrim(cluster.store.keys("events"), maxlen=0, approximate=False)
    cluster.enqueue("tasks:f", cost={"cpu": 1})
    found = scraper.scrape()

    assert before["handoff_decisions_total"] == 1
    assert found["handoff_decisions_total"] == 2
    assert (before["handoff_event_gaps_total"], found["handoff_event_gaps_total"]) == (0, 1)


def test_a_node_that_is_held_is_counted(cluster: Cluster, scraper: Scraper) -> None:
    Playing(cluster)
    scraper.scrape()
    cluster.limit_overtaking(count=1, seconds=None)
    cluster.tracker.request("a", {"cpu": 1})
    for cpus in (2, 1, 1):
        cluster.enqueue("tasks:f", cost={"cpu": cpus})
    found = scraper.scrape()

    assert (found["handoff_holds_total"], found["handoff_held_nodes"]) == (1, 1)


def test_no_outcome_is_left_out_of_what_is_counted(cluster: Cluster, scraper: Scraper) -> None:
    found = scraper.scrape()

    assert [found[f'handoff_attempts_total{{outcome="{end}"}}'] for end in history.ENDS] == [0] * len(history.ENDS)
