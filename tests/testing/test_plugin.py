"""The pytest plugin, in test runs of its own."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
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
def test_who_uses_no_fixture_imports_the_plugin_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            ours = [name for name in sys.modules if name.startswith("handoff")]
            assert sorted(ours) == ["handoff_worker", "handoff_worker.pytest_plugin"]
            assert not {"fakeredis", "redis", "rq"} & set(sys.modules)
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


WRONG = """
import pytest

@pytest.mark.handoff({"a": {"cpu": 1}})
def test_positional(handoff_cluster):
    pass

@pytest.mark.handoff(nodez={"a": {"cpu": 1}})
def test_misspelt(handoff_cluster):
    pass
"""


def test_a_wrong_marker_is_told_in_a_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WRONG)

    outcome = pytester.runpytest_inprocess("-p", "no:randomly")

    outcome.assert_outcomes(errors=2)
    outcome.stdout.fnmatch_lines(
        ["marker handoff: settings have names: *", "marker handoff: there is no setting 'nodez': did you mean nodes?"]
    )
    outcome.stdout.no_fnmatch_line("*.py:*: TypeError")


def test_who_waits_in_vain_is_shown_the_line_of_the_test_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import unit_tasks

        def test_waits(handoff_cluster):
            handoff_cluster.enqueue(unit_tasks.add, 1, 2, cost={"gpu": 1}).result()

        def test_asserts(handoff_cluster):
            handoff_cluster.assert_enqueued(unit_tasks.add)
        """
    )

    outcome = pytester.runpytest_inprocess("-p", "no:randomly")

    outcome.assert_outcomes(failed=2)
    outcome.stdout.no_fnmatch_line("*handoff/*.py:*")
    outcome.stdout.fnmatch_lines(["E *NothingRuns: nothing can run now, and unit_tasks.add (*) waits for gpu 1: *"])


def test_who_is_marked_so_stays_in_the_process_whatever_the_command_line_says(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.handoff(agents=False)
        def test_stays(handoff_cluster):
            handoff_cluster.advance(1)
        """
    )

    pytester.runpytest_inprocess("--handoff-agents").assert_outcomes(passed=1)


@pytest.mark.slow
def test_the_same_tests_run_on_real_agents_until_sigterm_ends_them(pytester: pytest.Pytester, server: object) -> None:
    pytester.makepyfile(
        """
        import asyncio
        import os
        import signal
        import time
        from pathlib import Path

        import pytest
        import unit_tasks
        from handoff import FunctionFailed
        from handoff.testing import NothingRuns

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

        def test_waits_in_vain(handoff_cluster):
            handle = handoff_cluster.enqueue(unit_tasks.add, 1, 2, cost={"gpu": 1})
            with pytest.raises(NothingRuns, match="add .* waits for gpu 1"):
                handle.result()

            async def wait():
                await (await handoff_cluster.aio.handle(handle.id)).result()

            with pytest.raises(NothingRuns, match="gpu 1"):
                asyncio.run(wait())
            late = handoff_cluster.enqueue(unit_tasks.add, 1, 2, delay=1)
            assert late.result() == 3
            with pytest.raises(pytest.skip.Exception):
                handoff_cluster.advance(10)

        def test_is_terminated(handoff_cluster):
            agents = handoff_cluster._local.agents.values()
            Path("agents").write_text(" ".join(str(agent.pid) for agent in agents))
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)

        def test_comes_after():
            pass
        """
    )

    outcome = pytester.runpytest_subprocess("--handoff-agents", "-p", "no:randomly")

    outcome.assert_outcomes(passed=3)
    assert outcome.ret == pytest.ExitCode.INTERRUPTED
    assert not any(psutil.pid_exists(int(pid)) for pid in Path(pytester.path, "agents").read_text().split())
