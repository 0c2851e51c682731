"""Defects in the figures that are served to Prometheus."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "counted-from-the-stream",
        "what the stream has already is counted once more by each new process",
        "handoff/metrics/counted.py",
        "                self._first = self._history.totals()\n",
        "                self._first = History(self._history._store).totals()\n",
        ("tests/metrics/test_counted.py::test_what_happened_before_the_first_look_is_not_counted[fake]",),
    ),
    Mutant(
        "counted-names-move",
        "a name that is counted with the others is counted by itself later, so that a counter falls",
        "handoff/metrics/counted.py",
        "len(self._kept) < self._most and count:",
        "len(self._kept) < self._most + len(by_name) - 3 and count:",
        (
            "tests/metrics/test_counted.py::test_of_too_many_names_those_that_came_first_are_counted_and_the_others_together",
        ),
    ),
    Mutant(
        "counted-twice-for-variants",
        "one that would take any of several costs is counted as often as it waits",
        "handoff/metrics/reading.py",
        "        counted = [shape for shape in overview.shapes if not shape.second_choice]\n",
        "        counted = overview.shapes\n",
        ("tests/metrics/test_figures.py::test_one_that_would_take_any_of_several_costs_is_counted_once[fake]",),
    ),
    Mutant(
        "cause-held",
        "one that a hold keeps back counts as about to start",
        "handoff/view/causes.py",
        '    if not any(kind["room"] > kind["withheld"] for kind in able):\n',
        '    if not any(kind["room"] for kind in able):\n',
        ("tests/view/test_causes.py::test_what_keeps_it_from_starting_is_one_word[fake-held]",),
    ),
    Mutant(
        "capacity-of-lost",
        "what lost nodes had is still counted as there",
        "handoff/metrics/samples.py",
        "for stand in stands if stand.node.live}\n",
        "for stand in stands}\n",
        ("tests/metrics/test_figures.py::test_a_lost_node_has_nothing_and_is_told_as_that[fake]",),
    ),
    Mutant(
        "up-draining",
        "a node that takes nothing is told to be up",
        "handoff/metrics/samples.py",
        'return node.state == "up"',
        "return node.live",
        ("tests/metrics/test_figures.py::test_a_node_that_takes_nothing_is_not_up_though_what_it_has_is_counted",),
    ),
    Mutant(
        "buckets-apart",
        "a bucket leaves out what took less than the one before",
        "handoff/metrics/samples.py",
        "list(accumulate(spread.counts))",
        "list(spread.counts)",
        ("tests/metrics/test_figures.py::test_a_bucket_counts_all_that_took_no_longer",),
    ),
    Mutant(
        "zero-absent",
        "what may be and is not comes and goes instead of being 0",
        "handoff/metrics/samples.py",
        "dict.fromkeys([*family.values.get(label, ()), *values])",
        "dict.fromkeys(values)",
        ("tests/metrics/test_figures.py::test_what_the_doctor_finds_is_counted_by_what_it_is_about",),
    ),
    Mutant(
        "amount-of-one",
        "of a shape the amount that one of its functions waits for is told for all",
        "handoff/metrics/samples.py",
        "(name, shape.count * of)",
        "(name, of)",
        ("tests/metrics/test_figures.py::test_what_waits_is_counted_by_what_keeps_it",),
    ),
    Mutant(
        "sums-of-some",
        "what all nodes have is told of those alone that are told one by one",
        "handoff/metrics/samples.py",
        "for stand in stands if stand.node.live}",
        "for stand in stands[:MOST_NODES] if stand.node.live}",
        ("tests/metrics/test_figures.py::test_of_more_nodes_than_are_told_one_by_one_the_sums_are_of_all",),
    ),
    Mutant(
        "away-scrape-fails",
        "a scrape fails while Redis is away",
        "handoff/metrics/collector.py",
        "            return None\n        self._told",
        "            raise\n        self._told",
        ("tests/metrics/test_figures.py::test_a_redis_that_goes_away_is_told_and_what_was_counted_stays",),
    ),
    Mutant(
        "away-read-late",
        "what could not be read is looked at again only after four times as long as that took",
        "handoff/view/looks.py",
        "                took_s = 0.0 if look.error is not None else ended_s - begun_s\n",
        "                took_s = ended_s - begun_s\n",
        ("tests/view/test_looks.py::test_what_could_not_be_read_is_read_again_soon_however_long_that_took",),
    ),
)
