"""What is measured of each function: its own, and nothing of the one before it."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from handoff_worker.inside.metering import MB, Meter

LARGE = 64 * MB


def measured(meter: Meter, do: object = None) -> int:
    """-> MB at the peak of a function"""
    meter.begin()
    if callable(do):
        do()
    meter.look(psutil.Process().memory_info().rss)
    return meter.memory_mb


def take_much() -> None:
    # Written, for what is only asked for is not there.
    bytearray(b"x") * LARGE


def test_what_a_function_has_had_and_given_back_counts() -> None:
    meter = Meter()
    # The first has what this process had at most before.
    before = min(measured(meter), measured(meter))

    assert measured(meter, take_much) > before + 50


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is only forgotten on Linux")
def test_no_function_is_blamed_for_the_peak_of_one_before_it() -> None:
    meter = Meter()
    with_much = measured(meter, take_much)

    assert measured(meter) < with_much - 50


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is only forgotten on Linux")
def test_what_one_gives_back_that_another_has_kept_counts_no_more() -> None:
    meter, kept = Meter(), []
    with_much = measured(meter, lambda: kept.append(bytearray(b"x") * LARGE))
    measured(meter, kept.clear)

    assert measured(meter) < with_much - 50


def test_of_a_short_one_it_is_told_what_was_there_at_the_last_look() -> None:
    meter = Meter()
    with_much = measured(meter, take_much)

    meter.begin()

    assert meter.memory_mb < with_much - 50


def test_time_of_processors_is_counted_from_the_beginning() -> None:
    meter = Meter()
    meter.begin()
    until_s = time.process_time() + 0.02
    while time.process_time() < until_s:
        pass
    first_s = meter.cpu_s(is_short=True)
    meter.begin()

    assert first_s >= 0.02
    assert meter.cpu_s(is_short=True) < first_s


def test_that_of_a_process_which_it_has_waited_for_counts_once() -> None:
    meter = Meter()
    meter.begin()
    subprocess.run([sys.executable, "-S", "-c", "import time\nwhile time.process_time() < 0.1: pass"], check=True)

    assert meter.cpu_s(is_short=False) >= 0.1
    meter.begin()
    assert meter.cpu_s(is_short=False) < 0.1


def test_the_memory_of_a_process_that_it_has_waited_for_is_beside_its_own() -> None:
    meter = Meter()
    alone = measured(meter)

    assert measured_with_a_process(meter) > alone + 50


def test_who_has_waited_for_no_process_is_blamed_for_none() -> None:
    meter = Meter()
    with_a_process = measured_with_a_process(meter)
    meter.begin()
    meter.cpu_s(is_short=False)
    meter.look(psutil.Process().memory_info().rss)

    assert meter.memory_mb < with_a_process - 50


def measured_with_a_process(meter: Meter) -> int:
    meter.begin()
    subprocess.run([sys.executable, "-S", "-c", f"bytearray(b'x') * {LARGE}"], check=True)
    meter.cpu_s(is_short=False)
    meter.look(psutil.Process().memory_info().rss)
    return meter.memory_mb
