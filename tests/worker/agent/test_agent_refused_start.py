"""What is said of a start that cannot be."""

from __future__ import annotations

import subprocess
import sys

import pytest

from handoff.local.server import RedisServer, any_port
from support.processes import environment
from support.refused_starts import NOWHERE, refused_here
from support.waiting import LIMIT_S


def run_agent(*arguments: str, url: str = NOWHERE) -> subprocess.CompletedProcess[str]:
    """Run an agent that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "handoff_worker", *arguments],
        env={**environment(), "HANDOFF_REDIS_URL": url},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


def told(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """What is told of the refusal, without what the agent did on its host before: others may have left something."""
    return [line for line in ended.stderr.splitlines() if " INFO " not in line]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cpu", "many"], "'many' is no number"),
        (["--cpu", "-1"], "cpu"),
        (["--cpu", "[" * 3000], "is no number"),
        (["--resource", "fpga"], "'fpga' does not read NAME=AMOUNT"),
        (["--device-memory", "24000"], "'24000' does not read NAME=MB, such as gpu=24000"),
        (["--device-memory", "gpu=24G"], "'24G' is no number"),
        (["--device-memory", "fpga=64"], "no devices called fpga"),
        (["--gpu", "2", "--device-memory", "gpu=[1]"], "one amount for each of [0, 1]"),
        (["--gpu", "1", "--device-memory", "gpu=1", "--resource", "gpu_memory=1"], "'gpu_memory'"),
        (["--label", "zone"], "'zone' does not read NAME=VALUE, such as zone=a"),
        (["--label", "zone="], "give label 'zone'"),
        (["--label", "node=b"], "every node has the label node by itself"),
        (["--slots", "0"], "--slots is a whole number of at least 1"),
        (["--slots", "1.5"], "--slots is a whole number of at least 1"),
        (["--name", "a b"], "'a b'"),
        (["--namespace", "a.b"], "'a.b'"),
        (["--lease", "0.1"], "it is 0.1: give a number of seconds from 0.5 to 3600"),
        (["--lease", "nan"], "'--lease': it is nan"),
        (["--grace", "nan"], "'--grace': it is 'nan': give a number of seconds from 0 to 86400, or 'forever'"),
        (["--grace", "ever"], "it is 'ever'"),
        (["--functions-per-child", "0"], "functions-per-child is 0"),
        (["--log-size", "1025"], "'--log-size': 1025 is not in the range 0<=x<=1024"),
        (["--wait", "-1"], "--wait"),
        (["--wait", "nan"], "--wait is nan"),
        (["--allow", "tasks.*"], "'tasks.*' is not a module, such as myapp.tasks, or one callable"),
        (["--allow", ""], "'' is not a module"),
        (["--allow", "tasks", "--allow-pickle"], "--allow-pickle lets whatever is pickled be called"),
        (["--config", "/nowhere.toml"], "/nowhere.toml"),
        (["--url", "http://here"], "--url"),
        (["--url", "redis://here?colour=red"], "--url: it has the option 'colour'"),
        (["--url", "redis+sentinel://here:26379"], "--url: it names no service"),
        (["--frobnicate"], "--frobnicate"),
        (["surplus"], "surplus"),
    ],
)
def test_a_bad_argument_is_told_in_one_line_with_exit_code_2(arguments: list[str], said: str) -> None:
    ended = refused_here("--no-probe", *arguments)

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert said in ended.stderr
    assert ended.stdout == ""


def test_a_process_that_is_given_a_bad_argument_says_one_line_and_ends_with_exit_code_2() -> None:
    ended = run_agent("--no-probe", "--cpu", "many")

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "'many' is no number" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("flags", [["--gpu", "3"], ["--gpu", "[0]"], ["--resource", "gpu=3"]], ids=str)
def test_gpus_that_are_hidden_from_the_agent_are_told_in_one_line_with_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")

    ended = refused_here("--no-probe", *flags)

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "CUDA_VISIBLE_DEVICES is '2,3', which leaves gpus [2, 3]: give no more" in ended.stderr


def test_a_level_of_the_log_that_is_none_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_LOG_LEVEL", "loud")

    ended = refused_here("--no-probe")

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "HANDOFF_LOG_LEVEL is 'LOUD': choose one of" in ended.stderr


def test_who_is_not_to_wait_is_told_in_one_line_with_exit_code_1_that_redis_is_away() -> None:
    port = any_port()

    ended = run_agent("--no-probe", "--wait", "0", url=f"redis://127.0.0.1:{port}/0")

    assert ended.returncode == 1
    assert len(told(ended)) == 1, ended.stderr
    assert f"Redis at redis://127.0.0.1:{port}/0 is not available" in ended.stderr


def test_a_wrong_password_ends_a_start_at_once(server: RedisServer) -> None:
    ended = run_agent("--no-probe", url=f"redis://:wrong-word@127.0.0.1:{server.port}/0")

    assert ended.returncode == 1
    assert len(told(ended)) == 1, ended.stderr
    assert "it wants another user name or password" in ended.stderr


def test_where_no_control_groups_can_be_had_none_starts_that_is_to_keep_to_processors() -> None:
    # Whatever this host allows: in the group that the agent would have to own stands this process too.
    ended = run_agent("--no-probe", "--enforce-cpu", "--wait", "0")

    assert ended.returncode == 1
    [line] = told(ended)
    assert "only control groups can keep functions to the cpu that they have declared, and there can be none: " in line
    assert "Give the agent a group of its own that hands down cpu (in a unit Delegate=cpu), or start it without" in line
