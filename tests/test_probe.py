"""What probing a machine must find, in made-up file trees and with made-up answers of the driver."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from handoff_worker.machine.gpus import Gpu, Runner, run_command
from handoff_worker.machine.probe import MB, MachineCapabilities, Physical, probe, read_physical

BIG = Physical(cores=64, memory_bytes=256_000 * MB)
TWO_GPUS = "0, GPU-aaaa-1, 24576, NVIDIA A10\n1, GPU-bbbb-2, 24576, NVIDIA A10\n"
NO_V1_LIMIT = "9223372036854771712"

Probed = Callable[[Mapping[str, str]], MachineCapabilities]


def no_driver(command: Sequence[str], timeout_s: float) -> str:
    raise FileNotFoundError(command[0])


def answers(text: str) -> Runner:
    return lambda command, timeout_s: text


def fails(error: Exception) -> Runner:
    def run(command: Sequence[str], timeout_s: float) -> str:
        raise error

    return run


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


@pytest.fixture
def probed(tmp_path: Path) -> Probed:
    """Probe a large machine without gpus that has just these files."""
    return lambda files: probe(tree(tmp_path, files), physical=BIG, environ={}, run=no_driver)


def gpus(root: Path, run: Runner, **environ: str) -> tuple[int, ...]:
    return tuple(gpu.index for gpu in probe(root, physical=BIG, environ=environ, run=run).gpus)


def test_a_machine_without_control_groups_has_all_that_it_physically_has(probed: Probed) -> None:
    assert probed({}) == MachineCapabilities(cpu=64.0, memory_mb=256_000, gpus=())


@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [("150000 100000", 1.5), ("25000 50000", 0.5), ("max 100000", 64.0), ("9900000 100000", 64.0)],
    ids=["a core and a half", "another period", "no limit", "more than there is"],
)
def test_a_cpu_quota_gives_cores(probed: Probed, cpu_max: str, cores: float) -> None:
    assert probed({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": cpu_max}).cpu == cores


@pytest.mark.parametrize(
    ("memory_max", "memory_mb"),
    [(str(512 * MB), 512), (str(512 * MB - 1), 511), ("max", 256_000), (str(999_000 * MB), 256_000)],
    ids=["512 MB", "a byte less rounds down", "no limit", "more than there is"],
)
def test_a_memory_limit_gives_whole_mb(probed: Probed, memory_max: str, memory_mb: int) -> None:
    assert probed({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": memory_max}).memory_mb == memory_mb


def test_the_smallest_limit_on_the_way_to_the_root_governs(probed: Probed) -> None:
    found = probed(
        {
            "proc/self/cgroup": "0::/system.slice/node.service/agent",
            "sys/fs/cgroup/system.slice/cpu.max": "300000 100000",
            "sys/fs/cgroup/system.slice/memory.max": str(900 * MB),
            "sys/fs/cgroup/system.slice/node.service/cpu.max": "200000 100000",
            "sys/fs/cgroup/system.slice/node.service/memory.max": "max",
            "sys/fs/cgroup/system.slice/node.service/agent/cpu.max": "400000 100000",
            "sys/fs/cgroup/system.slice/node.service/agent/memory.max": str(1000 * MB),
        }
    )

    assert (found.cpu, found.memory_mb) == (2.0, 900)


def test_a_neighbours_limit_does_not_count(probed: Probed) -> None:
    found = probed({"proc/self/cgroup": "0::/mine", "sys/fs/cgroup/other/cpu.max": "100000 100000"})

    assert found.cpu == 64.0


def test_a_path_of_the_host_that_is_not_there_in_the_container_leads_to_the_containers_root(probed: Probed) -> None:
    found = probed(
        {
            "proc/self/cgroup": "4:memory:/docker/4f2a\n3:cpu,cpuacct:/docker/4f2a",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": str(256 * MB),
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        }
    )

    assert (found.cpu, found.memory_mb) == (0.5, 256)


def test_a_group_outside_of_the_namespace_does_not_lead_out_of_the_hierarchy(probed: Probed) -> None:
    found = probed(
        {
            "proc/self/cgroup": "0::/../../../elsewhere",
            "sys/fs/cgroup/cgroup.controllers": "cpu memory",
            "elsewhere/cpu.max": "100000 100000",
        }
    )

    assert found.cpu == 64.0


def test_version_1_limits_count_at_every_level(probed: Probed) -> None:
    found = probed(
        {
            "proc/self/cgroup": "9:memory:/pods/one\n2:cpu,cpuacct:/pods/one",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": NO_V1_LIMIT,
            "sys/fs/cgroup/memory/pods/memory.limit_in_bytes": str(2000 * MB),
            "sys/fs/cgroup/memory/pods/one/memory.limit_in_bytes": str(3000 * MB),
            "sys/fs/cgroup/cpu/pods/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/pods/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/cpu/pods/one/cpu.cfs_quota_us": "250000",
            "sys/fs/cgroup/cpu/pods/one/cpu.cfs_period_us": "100000",
        }
    )

    assert (found.cpu, found.memory_mb) == (2.5, 2000)


def test_on_a_machine_with_both_versions_both_limit(probed: Probed) -> None:
    found = probed(
        {
            "proc/self/cgroup": "4:memory:/a\n0::/b",
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": str(300 * MB),
            "sys/fs/cgroup/unified/b/cpu.max": "100000 100000",
        }
    )

    assert (found.cpu, found.memory_mb) == (1.0, 300)


def test_limits_at_the_root_count_even_if_the_process_does_not_know_its_group(probed: Probed) -> None:
    found = probed({"sys/fs/cgroup/cpu.max": "100000 100000", "sys/fs/cgroup/memory.max": str(100 * MB)})

    assert (found.cpu, found.memory_mb) == (1.0, 100)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sys/fs/cgroup/cpu.max", "150000"),
        ("sys/fs/cgroup/cpu.max", "150000 0"),
        ("sys/fs/cgroup/cpu.max", "-150000 -100000"),
        ("sys/fs/cgroup/cpu.max", "lots of it"),
        ("sys/fs/cgroup/cpu.max", ""),
        ("sys/fs/cgroup/memory.max", "512M"),
        ("sys/fs/cgroup/memory.max", "9" * 5000),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "\x00\x01"),
        ("proc/self/cgroup", "no colons here"),
        ("proc/self/cgroup", "0::/a\x00b"),
    ],
)
def test_a_file_that_makes_no_sense_limits_nothing_and_says_so(
    probed: Probed, caplog: pytest.LogCaptureFixture, name: str, text: str
) -> None:
    with caplog.at_level(logging.WARNING):
        found = probed({name: text})

    assert found == MachineCapabilities(cpu=64.0, memory_mb=256_000, gpus=())
    assert caplog.messages
    assert all("assuming that it sets no limit" in message for message in caplog.messages)


def test_bytes_that_are_no_text_do_not_stop_the_agent(probed: Probed, tmp_path: Path) -> None:
    tree(tmp_path, {"sys/fs/cgroup/cpu.max": "100000 100000", "proc/self/cgroup": ""})
    (tmp_path / "proc/self/cgroup").write_bytes(b"0::/\xff\xfe\n")

    assert probed({}).cpu == 1.0


def test_a_file_that_cannot_be_read_limits_nothing_and_says_so(
    probed: Probed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sys/fs/cgroup/cpu.max").mkdir(parents=True)

    with caplog.at_level(logging.WARNING):
        found = probed({})

    assert found.cpu == 64.0
    assert "cpu.max cannot be read" in caplog.text


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no affinity")
def test_cores_outside_of_the_affinity_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 2, 3})

    assert read_physical().cores == 3


def test_a_system_without_affinity_and_core_count_has_one_core(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda: None)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)

    with caplog.at_level(logging.WARNING):
        cores = read_physical().cores

    assert cores == 1
    assert "assuming 1" in caplog.text


def test_this_machine_has_something_and_no_more_than_it_physically_has() -> None:
    found, physical = probe(run=no_driver), read_physical()

    assert 0 < found.cpu <= physical.cores
    assert 0 < found.memory_mb <= physical.memory_bytes // MB


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
        ("1, 0", (0, 1)),
        ("", ()),
        ("-1", ()),
        ("1,-1,0", (1,)),
        ("0,7,1", (0,)),
        ("GPU-bbbb", (1,)),
        ("GPU-aaaa-1,GPU-bbbb-2", (0, 1)),
        ("GPU-", ()),
        ("MIG-aaaa", ()),
        ("NoDevFiles", ()),
    ],
)
def test_an_agent_that_is_restricted_by_cuda_offers_only_those_gpus(
    tmp_path: Path, visible: str, indices: tuple[int, ...]
) -> None:
    assert gpus(tmp_path, answers(TWO_GPUS), CUDA_VISIBLE_DEVICES=visible) == indices


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
            process.wait(10.0)


def test_a_command_that_fails_is_an_error() -> None:
    with pytest.raises(subprocess.CalledProcessError, match="exit status 9"):
        run_command([sys.executable, "-c", "import sys; sys.exit(9)"], 30.0)
