"""Defects in what unit tests run on."""

from __future__ import annotations

from mutants.mutant import Mutant

HERE, STORE, AGENTS = "handoff/testing/here.py", "handoff/testing/store.py", "handoff/testing/agents.py"
NODE = "workers/handoff_worker/here.py"

MUTANTS = (
    Mutant(
        "here-order",
        "what starts together runs in the order of its ids",
        NODE,
        "sorted(answer.started, key=_rank)",
        "answer.started",
        (
            "tests/testing/test_running.py::test_what_starts_first_runs_first_and_larger_priorities_go_before",
            "tests/testing/test_running.py::test_run_next_runs_one_and_gives_its_handle",
        ),
    ),
    Mutant(
        "here-canceled",
        "a function runs that was canceled after it had started",
        HERE,
        "elif not first.is_wanted():",
        "elif False:",
        ("tests/testing/test_running.py::test_one_that_is_canceled_before_its_turn_does_not_run",),
    ),
    Mutant(
        "here-environment",
        "a variable that a function has set stays",
        NODE,
        "        os.environ.clear()\n",
        "",
        ("tests/testing/test_running.py::test_a_function_finds_its_node_and_devices_and_leaves_no_variable_behind",),
    ),
    Mutant(
        "here-expiry",
        "keys outlive the time that passes",
        HERE,
        "            self._expire(step_s)\n",
        "",
        ("tests/testing/test_time.py::test_results_expire_with_the_time_that_passes",),
    ),
    Mutant(
        "here-beats",
        "nodes are lost to the time that passes",
        HERE,
        "                node.beat()\n",
        "                continue\n",
        ("tests/testing/test_time.py::test_nodes_live_on_however_much_time_passes",),
    ),
    Mutant(
        "here-loses-what-runs",
        "what would run on a node that vanishes has not started",
        HERE,
        "        self._take()\n        node = self._nodes.pop(name, None)",
        "        node = self._nodes.pop(name, None)",
        ("tests/testing/test_nodes_here.py::test_what_runs_on_a_node_that_is_lost_is_lost_with_it",),
    ),
    Mutant(
        "here-looks-once-more",
        "who waits for what has ended without a result is told that nothing runs",
        STORE,
        "elif at_once not in self._vain:",
        "elif False:",
        ("tests/testing/test_running.py::test_who_asks_for_the_result_of_what_was_deleted_is_told_so",),
    ),
    Mutant(
        "here-stale",
        "what comes of a function on a node that it has had lost ends the test",
        NODE,
        "contextlib.suppress(Stale)",
        "contextlib.suppress()",
        ("tests/testing/test_running.py::test_what_comes_of_a_function_that_has_its_node_lost_is_refused",),
    ),
    Mutant(
        "here-goes-past",
        "a cluster without an address goes past the server of a unit test",
        "handoff/client/settings.py",
        "return _stand_in if url is None and connection is None else None",
        "return None",
        (
            "tests/testing/test_default_cluster.py"
            "::test_clusters_that_are_made_without_an_address_reach_the_test_and_have_functions_run",
        ),
    ),
    Mutant(
        "agents-term",
        "SIGTERM ends one test on agents and not all of them",
        AGENTS,
        "with raised_at_term(_interrupt), local:",
        "with local:",
        ("tests/testing/test_plugin.py::test_the_same_tests_run_on_real_agents_until_sigterm_ends_them",),
    ),
    Mutant(
        "agents-slots",
        "run_all believes that all has ended while something is queued",
        AGENTS,
        "any(node.used.get(SLOTS) for node in read_nodes(self.store))",
        "False",
        ("tests/testing/test_plugin.py::test_the_same_tests_run_on_real_agents_until_sigterm_ends_them",),
    ),
)
