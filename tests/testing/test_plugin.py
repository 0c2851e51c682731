"""The pytest plugin, in test runs of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _finds_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(ROOT / folder) for folder in ("tests", ".", "workers")))


TESTS = """
import pytest
import unit_tasks

def test_default(handoff_cluster):
    assert list(handoff_cluster.discover_nodes()) == ["node"]

@pytest.mark.handoff(nodes={"g": {"gpu": 1}}, default_cost={"gpu": 1})
def test_marked(handoff_cluster):
    assert handoff_cluster.enqueue(unit_tasks.add, 1, 2).node == "g"

class TestOverridden:
    @pytest.fixture
    def handoff_nodes(self):
        return {"mine": {"cpu": 1}}

    def test_nodes(self, handoff_cluster):
        assert list(handoff_cluster.discover_nodes()) == ["mine"]
"""


def test_nodes_come_from_the_marker_or_a_fixture_that_is_overridden(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)

    pytester.runpytest_inprocess("--strict-markers", "-p", "no:randomly").assert_outcomes(passed=3)


@pytest.mark.slow
def test_tests_on_several_processes_do_not_meet(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        import unit_tasks

        @pytest.mark.parametrize("number", range(8))
        def test_alone(handoff_cluster, number):
            assert handoff_cluster.enqueue(unit_tasks.add, number, 1).result() == number + 1
            assert len(handoff_cluster.submitted) == 1
        """
    )

    pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=8)


@pytest.mark.slow
def test_who_uses_no_fixture_imports_neither_fakeredis_nor_the_worker_side(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            loaded = {name.partition(".")[0] for name in sys.modules}
            assert not loaded & {"fakeredis", "handoff_worker"}
            assert "handoff.testing" not in sys.modules
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.slow
def test_the_same_tests_run_on_real_agents(pytester: pytest.Pytester, server: object) -> None:
    pytester.makepyfile(
        """
        import pytest
        import unit_tasks
        from handoff import FunctionFailed, NodeLost

        @pytest.mark.handoff(nodes={"a": {"cpu": 2}})
        def test_runs(handoff_cluster):
            good = handoff_cluster.enqueue(unit_tasks.add, 1, 2, cost={"cpu": 1})
            bad = handoff_cluster.enqueue(unit_tasks.fail, "no")
            assert handoff_cluster.run_all() == 2
            assert (good.status, bad.status) == ("finished", "failed")
            handoff_cluster.assert_enqueued(unit_tasks.add, args=(1, 2), count=1)
            handoff_cluster.assert_clean()
            handoff_cluster.enqueue(unit_tasks.fail, "no")
            with pytest.raises(FunctionFailed):
                handoff_cluster.run_all(raise_first=True)

        @pytest.mark.handoff(nodes={"a": {"cpu": 1}, "b": {"cpu": 1}})
        def test_loses(handoff_cluster):
            handoff_cluster.lose_node("a")
            assert handoff_cluster.enqueue(unit_tasks.add, 1, 2).node == "b"

        def test_plays(handoff_cluster):
            handoff_cluster.advance(10)
        """
    )

    outcome = pytester.runpytest_subprocess("--handoff-agents", "-p", "no:randomly")

    outcome.assert_outcomes(passed=2, skipped=1)
