"""What is asked for by commands that change something is noted in the stream of events, with who asked."""

from __future__ import annotations

import os
import pwd
import socket

import pytest

from handoff import DAG, Function
from handoff.cli import main
from handoff.client import noting
from handoff.client.cluster import Cluster
from support.command_line import Run

CHANGING: dict[tuple[str, ...], tuple[str, str]] = {
    ("cancel", "waits"): ("cancel", "waits"),
    ("cancel", "graph"): ("cancel-run", "graph"),
    ("retry", "canceled"): ("retry", "canceled"),
    ("retry", "--failed"): ("retry-failed", "all"),
    ("retry", "--failed", "--name", "tasks.f", "--error", "ValueError"): (
        "retry-failed",
        "name=tasks.f error=ValueError",
    ),
    ("drain", "a"): ("drain", "a"),
    ("drain", "a", "--deadline", "5"): ("drain", "a within 5 s"),
    ("undrain", "a"): ("undrain", "a"),
    ("share", "license=5", "--remove", "seats"): ("share", "license=5 seats=0"),
    ("limit", "--count", "7", "--seconds", "none"): ("limit", "count=7 seconds=none"),
    ("limit", "--reset"): ("limit", "--reset"),
    ("schedule", "pause", "nightly"): ("pause-schedule", "nightly"),
    ("schedule", "resume", "nightly"): ("resume-schedule", "nightly"),
    ("schedule", "run", "nightly"): ("run-schedule", "nightly"),
    ("schedule", "remove", "nightly"): ("remove-schedule", "nightly"),
}

LOOKING = [
    ("nodes",), ("runs",), ("jobs",), ("costs",), ("status",), ("status", "waits"), ("explain", "waits"), ("events",),
    ("share",), ("limit",), ("schedule",), ("ping",), ("doctor",), ("doctor", "--fix"), ("logs", "waits"),
    ("completion", "bash"),
]  # fmt: skip

OF_THEIR_OWN = {"demo", "node", "run", "dashboard", "metrics", "top"}
"""What submits functions or runs them does what any client does; what serves pages or a terminal notes what is done."""


@pytest.fixture
def filled(cluster: Cluster) -> Cluster:
    cluster.register_node("a", {"cpu": 1})
    cluster.every("nightly", "0 3 * * *", "tasks:f")
    cluster.enqueue("tasks:f", job_id="waits", cost={"cpu": 2})
    cluster.enqueue("tasks:f", job_id="canceled", delay=60).cancel()
    cluster.submit_dag(DAG("graph").add(Function("first", "tasks:f", cost={"cpu": 2})))
    return cluster


def audits(cluster: Cluster) -> list[tuple[str, str, str]]:
    return [(event["who"], event["what"], event["about"]) for _, event in cluster.events() if event["event"] == "audit"]


@pytest.mark.parametrize("command", CHANGING, ids=" ".join)
def test_what_changes_something_is_noted_with_who_asked(run: Run, filled: Cluster, command: tuple[str, ...]) -> None:
    assert run(*command).exit_code == 0

    who = f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
    assert audits(filled) == [(who, *CHANGING[command])]


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_what_only_looks_is_not_noted(run: Run, filled: Cluster, command: tuple[str, ...]) -> None:
    run(*command)

    assert audits(filled) == []


def test_of_every_command_it_is_known_whether_it_changes_anything() -> None:
    known = {command[0] for command in (*CHANGING, *LOOKING)} | OF_THEIR_OWN

    assert main.commands.keys() == known


def test_it_is_noted_before_it_is_done_and_told_by_events(run: Run, filled: Cluster) -> None:
    assert run("drain", "none").exit_code == 1
    run("cancel", "waits")

    *_, asked, done = run("events").stdout.splitlines()
    assert [what for _, what, _ in audits(filled)] == ["drain", "cancel"]
    assert f"{noting.somebody()} asks for cancel of waits" in asked
    assert "function waits is canceled" in done


def test_a_client_that_does_the_same_is_not_noted(filled: Cluster) -> None:
    filled.handle("waits").cancel()
    filled.drain("a")

    assert audits(filled) == []


def test_a_user_who_has_no_name_is_noted_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(number: int) -> pwd.struct_passwd:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nobody)

    assert noting.somebody() == f"{os.getuid()}@{socket.gethostname()}"


def test_bytes_that_are_no_text_are_noted_as_they_are_shown(cluster: Cluster) -> None:
    noting.note(cluster, "drain", "a\udcff")

    assert audits(cluster)[0][2] == "a\\udcff"
