"""What users and operators are told in figures is what the code goes by."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from handoff.ledger import asking, connection, runs, sentinels
from handoff.ledger.jobs import LARGEST_ARGUMENTS
from handoff.ledger.rqmodel import DEFAULT_FAILURE_TTL, DEFAULT_RESULT_TTL
from handoff.ledger.run_options import RunOptions
from handoff_worker.__main__ import main
from handoff_worker.agent import ending, memory, recess
from handoff_worker.children import watch
from handoff_worker.inside.results import LARGEST_FORMS, LARGEST_RESULT
from handoff_worker.machine import open_files

ROOT = Path(__file__).resolve().parents[2]
MB = 2**20


def in_lua(file: str, names: str) -> list[float]:
    """The numbers that a library gives these names."""
    text = (ROOT / "handoff/ledger/lua/libraries" / f"{file}.lua").read_text(encoding="utf-8")
    found = re.search(rf"local {names} = ([0-9, ]+)\n", text)
    assert found, names
    return [float(number) for number in found[1].split(",")]


def default_of(option: str) -> float:
    """What an agent goes by where this is not given, as its help says."""
    said = CliRunner().invoke(main, ["--help"]).stdout
    found = re.search(rf"{option} .*?default:\s*([0-9.]+)", said, re.DOTALL)
    assert found, said
    return float(found[1])


@pytest.mark.parametrize(
    ("page", "told", "is_so"),
    [
        (
            "README.md",
            "once it was overtaken 100 times or has waited a minute",
            in_lua("waiting/limits", "DEFAULT_COUNT, DEFAULT_MS") == [100, 60_000],
        ),
        ("README.md", "cancels the run when this program has been gone for 15 s", runs.ATTENDED_MS == 15_000),
        ("README.md", "a function is tried four times (`max_retries=3`)", RunOptions().max_retries == 3),
        (
            "README.md",
            "some 1, 2 and 4 seconds apart, and never more than some 60",
            in_lua("jobs/failing", "FIRST_BACKOFF_MS, LONGEST_BACKOFF_MS") == [1000, 60_000],
        ),
        ("README.md", "`result_ttl` seconds (500)", DEFAULT_RESULT_TTL == 500),
        ("README.md", "`failure_ttl` (a year)", DEFAULT_FAILURE_TTL == 365 * 24 * 3600),
        ("README.md", "arguments are limited to 8 MB, its result to 64 MB", LARGEST_ARGUMENTS == 8 * MB),
        ("README.md", "its result to 64 MB (each of 2**20 bytes, as they are serialized)", LARGEST_RESULT == 64 * MB),
        ("README.md", "192 MB together with what `serialize` makes of it", LARGEST_FORMS == 192 * MB),
        ("README.md", "calls fail with `StoreUnavailable` within some 5 s", asking.GIVE_UP_AFTER_S <= 4),
        ("README.md", "calls fail with `StoreUnavailable` within some 5 s", connection.SILENCE_S == 5),
        ("README.md", "TERM, which gives functions 30 s to finish", default_of("--grace") == 30),
        ("README.md", "without one for up to a minute", asking.LONGEST_OUTAGE_S == 60),
        ("workers/README.md", "fail after some 4 s in which no master is known", 3 < asking.GIVE_UP_AFTER_S < 5),
        ("workers/README.md", "asks a sentinel five times a second", sentinels.LOOK_S == 1 / 5),
        ("workers/README.md", "for one lease (15 s; `--lease`", default_of("--lease") == 15),
        ("workers/README.md", "six open files per slot and 32 more", open_files.FILES_PER_SLOT == 6),
        ("workers/README.md", "six open files per slot and 32 more", open_files.RESERVED == 32),
        ("workers/README.md", "is told to go on within 5 s", watch.LOOK_S == 5),
        ("workers/README.md", "is ended after some 30 s", watch.LOOK_S * watch.PATIENCE == 30),
        ("workers/README.md", "takes nothing for 5 seconds and then", recess.PAUSE_S == 5),
        ("workers/README.md", "what has ended on them in the last ten minutes", memory.REMEMBERED_S == 600),
        ("workers/README.md", "of the last 20,000 functions at most", memory.MOST_REMEMBERED == 20_000),
        ("workers/README.md", "(`--grace`, or `grace` in `node.toml`; 30 by default)", default_of("--grace") == 30),
        ("workers/README.md", "the agent tries for 10 s more", ending.DELIVERY_S == 10),
        (
            "workers/README.md",
            "`--functions-per-child` (1000 by default)",
            default_of("--functions-per-child") == 1000,
        ),
        (
            "workers/README.md",
            "longer than a third of the shortest lease, is added to every lease",
            "/ 3)" in (ROOT / "handoff/ledger/lua/libraries/time/clock.lua").read_text(encoding="utf-8"),
        ),
        ("workers/README.md", "calls that get no answer for 5 s are given up", connection.SILENCE_S == 5),
        # They are kept in base64, which takes four thirds.
        ("workers/README.md", "up to 0.75 MB each, and the newest 3 to 6 MB", memory.MOST_TOLD_BYTES == MB),
        ("workers/README.md", "up to 0.75 MB each, and the newest 3 to 6 MB", memory.MOST_BYTES == 8 * MB),
    ],
)
def test_a_figure_on_a_page_is_that_of_the_code(page: str, told: str, is_so: bool) -> None:
    assert told in " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert is_so


QUOTES = {
    "Those that have no retries left fail then": "agent/ending.py",
    "has failed and is tried again, all else goes on": "agent/stumbles.py",
}


@pytest.mark.parametrize("quote", QUOTES)
def test_what_a_log_is_said_to_say_it_says(quote: str) -> None:
    assert f"`{quote}`" in (ROOT / "workers/README.md").read_text(encoding="utf-8")
    assert quote in (ROOT / "workers/handoff_worker" / QUOTES[quote]).read_text(encoding="utf-8")


def test_functions_of_a_service_write_where_they_are_said_to() -> None:
    unit = (ROOT / "workers/handoff-node.service").read_text(encoding="utf-8").splitlines()
    told = (ROOT / "workers/README.md").read_text(encoding="utf-8")

    assert "below `/var/lib/handoff`, or to any other place" in told
    assert "outside of `/usr`, `/boot`, `/etc` and `/home`" in told
    # /usr, /boot and /etc are what `full` means.
    assert {"StateDirectory=handoff", "ProtectSystem=full", "ProtectHome=read-only"} <= set(unit)


def test_services_and_containers_are_as_closed_as_operators_are_told() -> None:
    unit, image, composed = (
        (ROOT / file).read_text(encoding="utf-8").splitlines()
        for file in ("workers/handoff-node.service", "workers/Dockerfile", "docker-compose.yml")
    )
    told = (ROOT / "workers/README.md").read_text(encoding="utf-8")

    assert "Do not run agents as root. The image and the unit do not." in told
    assert "User=handoff" in unit
    assert {"RUN useradd --create-home --uid 1000 handoff", "USER 1000"} <= set(image)
    assert "Redis listens on this host only" in told
    assert [line.strip() for line in composed if ":6379" in line and "@" not in line] == ['- "127.0.0.1:6379:6379"']


def seconds_in(file: str, setting: str) -> int:
    found = re.search(rf"^\s*{setting}\s*[=:]\s*([0-9]+)s?$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"{setting} in {file}"
    return int(found[1])


def test_services_and_containers_are_killed_later_than_their_agent_ends_by_itself() -> None:
    grace = default_of("--grace")

    assert seconds_in("workers/handoff-node.service", "TimeoutStopSec") > grace + 10
    assert seconds_in("docker-compose.yml", "stop_grace_period") > grace + 10
    assert seconds_in("workers/kubernetes/nodes.yaml", "terminationGracePeriodSeconds") > grace + 10


def test_term_reaches_the_agent_of_a_service_and_not_its_children() -> None:
    unit = (ROOT / "workers/handoff-node.service").read_text(encoding="utf-8")

    assert {"KillMode=mixed", "KillSignal=SIGTERM"} <= set(unit.splitlines())
