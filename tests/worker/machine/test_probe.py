"""How many cores and how much memory a machine has for an agent, whatever limits it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import psutil
import pytest

from handoff_worker.machine.probe import MB, MachineCapabilities, probe, read_physical
from support.machines import BIG, NO_V1_LIMIT, Probed, no_driver, tree


@pytest.fixture
def probed(tmp_path: Path) -> Probed:
    """Probe a large machine without gpus that has just these files."""
    return lambda files: probe(tree(tmp_path, files), physical=BIG, environ={}, run=no_driver)


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
