"""Which GPUs a machine has for an agent."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from handoff_worker.machine.gpus import Gpu, Runner, run_command
from handoff_worker.machine.probe import probe
from support.machines import BIG, TWO_GPUS, answers, fails, no_driver
from support.waiting import LIMIT_S


def gpus(root: Path, run: Runner, **environ: str) -> tuple[int, ...]:
    return tuple(gpu.index for gpu in probe(root, physical=BIG, environ=environ, run=run).gpus)


@pytest.mark.parametrize(
    ("answer", "indices"),
    [
        (TWO_GPUS, (0, 1)),
        ("3, GPU-c\n0, GPU-d\n", (0, 3)),
        ("0\n", (0,)),
        ("", ()),
        ("No devices were found\n", ()),
        ("0, GPU-a\n[Unknown Error], GPU-b\n", (0,)),
    ],
    ids=["two", "unsorted with a gap", "no uuid", "nothing", "no devices", "one broken line"],
)
def test_every_gpu_that_the_driver_lists_counts(tmp_path: Path, answer: str, indices: tuple[int, ...]) -> None:
    assert gpus(tmp_path, answers(answer)) == indices


def test_of_every_gpu_its_memory_and_its_model_are_known(tmp_path: Path) -> None:
    answer = "1, GPU-b, 81559, NVIDIA H100 80GB HBM3\n0, GPU-a, 15360, Tesla T4\n"

    found = probe(tmp_path, physical=BIG, environ={}, run=answers(answer)).gpus

    assert found == (Gpu(0, "GPU-a", 15360, "Tesla T4"), Gpu(1, "GPU-b", 81559, "NVIDIA H100 80GB HBM3"))


@pytest.mark.parametrize("memory", ["[N/A]", "[Not Supported]", "0", "-1", "24576 MiB", "9" * 20, ""])
def test_a_gpu_whose_memory_makes_no_sense_counts_without_it(tmp_path: Path, memory: str) -> None:
    found = probe(tmp_path, physical=BIG, environ={}, run=answers(f"0, GPU-a, {memory}, Tesla T4\n")).gpus

    assert found == (Gpu(0, "GPU-a", None, "Tesla T4"),)


def test_the_model_of_a_gpu_may_hold_a_comma(tmp_path: Path) -> None:
    (gpu,) = probe(tmp_path, physical=BIG, environ={}, run=answers("0, GPU-a, 15360, Tesla T4, revised\n")).gpus

    assert gpu.model == "Tesla T4, revised"


@pytest.mark.parametrize(
    "error",
    [
        PermissionError("nvidia-smi"),
        subprocess.CalledProcessError(9, "nvidia-smi"),
        subprocess.TimeoutExpired("nvidia-smi", 5.0),
    ],
)
def test_a_driver_that_does_not_answer_means_no_gpus_and_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    with caplog.at_level(logging.WARNING):
        found = gpus(tmp_path, fails(error))

    assert found == ()
    assert "assuming no gpus" in caplog.text


def test_a_machine_without_nvidia_tools_is_no_reason_to_warn(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = gpus(tmp_path, no_driver)

    assert found == ()
    assert not caplog.messages


@pytest.mark.parametrize(
    ("visible", "indices"),
    [
        ("1", (1,)),
        ("1, 0", (1, 0)),
        ("1,1", (1,)),
        ("", ()),
        ("-1", ()),
        ("1,-1,0", (1,)),
        ("0,7,1", (0,)),
        ("GPU-bbbb", (0,)),
        ("GPU-bbbb-2,GPU-aaaa-1,GPU-bbbb", (0, 1)),
        ("GPU-bbbb-2,GPU-cccc,GPU-aaaa-1", (0,)),
        ("GPU-", ()),
        ("MIG-aaaa,MIG-bbbb", (0, 1)),
        ("NoDevFiles", ()),
    ],
)
def test_an_agent_that_is_restricted_by_cuda_offers_only_those_gpus(
    tmp_path: Path, visible: str, indices: tuple[int, ...]
) -> None:
    assert gpus(tmp_path, answers(TWO_GPUS), CUDA_VISIBLE_DEVICES=visible) == indices


def test_under_a_mask_of_names_the_first_of_them_is_device_0_with_what_the_driver_says_of_it(tmp_path: Path) -> None:
    answer = "0, GPU-a, 15360, Tesla T4\n1, GPU-b, 24576, NVIDIA A10\n"

    found = probe(tmp_path, physical=BIG, environ={"CUDA_VISIBLE_DEVICES": "GPU-b,MIG-c"}, run=answers(answer)).gpus

    assert found == (Gpu(0, "GPU-b", 24576, "NVIDIA A10"), Gpu(1, "MIG-c"))


def test_an_entry_that_names_no_gpu_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        gpus(tmp_path, answers(TWO_GPUS), CUDA_VISIBLE_DEVICES="0,7")

    assert "'7' in CUDA_VISIBLE_DEVICES=0,7 names no single gpu of this machine: assuming gpus [0] only" in caplog.text


@pytest.mark.parametrize(
    ("visible", "indices"),
    [("none", ()), ("2,3", (0, 1)), ("all", (0, 1)), ("void", (0, 1)), ("GPU-cccc", (0, 1))],
)
def test_what_the_container_runtime_was_told_counts_only_as_none(
    tmp_path: Path, visible: str, indices: tuple[int, ...]
) -> None:
    assert gpus(tmp_path, answers(TWO_GPUS), NVIDIA_VISIBLE_DEVICES=visible) == indices


def test_the_driver_is_asked_by_its_own_tool_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '0, GPU-a, 15360, Tesla T4'\necho \"2, GPU-b, 24576, $*\"\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    asked = "--query-gpu=index,uuid,memory.total,name --format=csv,noheader,nounits"
    found = probe(tmp_path, physical=BIG, environ={}).gpus
    assert found == (Gpu(0, "GPU-a", 15360, "Tesla T4"), Gpu(2, "GPU-b", 24576, asked))


def test_a_command_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def remember(*args: object, **kwargs: object) -> subprocess.Popen[str]:
        started.append(popen(*args, **kwargs))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remember)

    try:
        with pytest.raises(subprocess.TimeoutExpired):
            run_command([sys.executable, "-c", "import threading; threading.Event().wait()"], 0.1)

        assert started[0].returncode == -signal.SIGKILL
    finally:
        for process in started:
            process.kill()
            process.wait(LIMIT_S)


def test_a_command_that_fails_is_an_error() -> None:
    with pytest.raises(subprocess.CalledProcessError, match="exit status 9"):
        run_command([sys.executable, "-c", "import sys; sys.exit(9)"], LIMIT_S)
