"""The invariants of runs: who of a graph has not ended is known exactly, and what has ended leaves only results."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from support.ledger import below

ENDED = ("finished", "failed", "stopped", "canceled")

WHILE_IT_RUNS = ("missing", "active", "groups", "next", "parked")
"""Keys of a run that are not needed once it has ended."""

AS_ITS_RESULTS = ("graph", "end")


def check_runs(
    own: Mapping[str, Any], jobs: Mapping[str, Mapping[str, str]], rq: Mapping[str, Any], touched: Collection[str]
) -> None:
    """Raise AssertionError where a run's books do not say what its functions' jobs do.

    `touched` are jobs that rq's tools canceled or deleted, and that no script has come across since.
    """
    runs = dict(below(own, "run"))
    left_over = own.get("unfolding", {})
    left_of: dict[str, set[str]] = defaultdict(set)
    for what in left_over:
        kind, run, _ = what.split("|")
        left_of[run].add(kind)
    for run, fields in runs.items():
        if fields["state"] in ("running", "stopping"):
            _check_running(run, fields, own, jobs, rq, touched, left_of[run])
        elif fields["state"] == "loading":
            assert f"load|{run}" in own["renewed"], run
        elif not left_of[run]:
            assert fields["state"] in ("finished", "failed", "canceled"), fields
            _check_ended(run, fields, own)
    for kind in (*WHILE_IT_RUNS, *AS_ITS_RESULTS):
        for name, _ in below(own, kind):
            run = name.partition(":")[0]
            assert run in runs or "forget" in left_of[run], f"{kind}:{name}"
    assert set(own.get("runs", {})) >= runs.keys()
    assert {run.decode() for _, run in below(own, "run_of")} <= runs.keys()
    live = {run for run, fields in runs.items() if fields["state"] in ("loading", "running", "stopping")}
    tokens = {f"run.{run}" for run in live if runs[run]["limit"] != "0"}
    shared = {name.removeprefix("cap:") for name in own.get("node:*", {}) if name.startswith("cap:run.")}
    dropped = {f"run.{run}" for run, kinds in left_of.items() if "drop" in kinds}
    assert shared - dropped == tokens, (shared, tokens)
    timers = [*own.get("timers", {}), *own.get("renewed", {})]
    timed = {what.split("|")[1] for what in timers if what.split("|")[0] in ("run", "attached", "load")}
    assert timed - set(left_of) <= live, timed
    for name, groups in below(own, "grouped"):
        for each in groups:
            run, _, group = each.partition("|")
            assert own.get(f"groups:{run}", {}).get(f"{group}|node") == name or left_of[name] or left_of[run], each


def places_of_runs(own: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(job, finer state) of each function that has a place in its run alone."""
    for run, missing in below(own, "missing"):
        for number in missing:
            yield f"{run}-{number}", "deferred"
    for name, numbers in below(own, "parked"):
        run = name.partition(":")[0]
        for number in numbers:
            if number in own.get(f"active:{run}", set()):
                yield f"{run}-{number}", "parked"


def _check_running(
    run: str,
    fields: Mapping[str, str],
    own: Mapping[str, Any],
    jobs: Mapping[str, Mapping[str, str]],
    rq: Mapping[str, Any],
    touched: Collection[str],
    left: Collection[str],
) -> None:
    missing: Mapping[str, str] = own.get(f"missing:{run}", {})
    active: Collection[str] = own.get(f"active:{run}", set())
    numbers = {str(number) for number in range(1, int(fields["total"]) + 1)}
    assert missing or active, f"run {run} has ended and does not know it"
    assert not missing.keys() & set(active)
    assert missing.keys() | set(active) <= numbers
    ended: Counter[str] = Counter()
    for number in numbers:
        id = f"{run}-{number}"
        if id in touched:
            continue
        job = jobs[id]
        if number in missing:
            assert (job["status"], job["h_state"]) == ("deferred", "deferred"), job
        elif number in active:
            assert job["status"] not in ENDED, job
        else:
            assert job["status"] in ENDED, job
            ended["failed" if job["status"] == "stopped" else job["status"]] += 1
        if number in missing and not left:
            dependencies = rq.get(f"job::{id}:dependencies", set())
            to_come = [each for each in dependencies if each in touched or jobs[each]["status"] != "finished"]
            assert int(missing[number]) == len(to_come) > 0, (number, missing, to_come)
    if not touched:
        assert {kind: int(fields.get(f"n_{kind}", 0)) for kind in ended} == ended


def _check_ended(run: str, fields: Mapping[str, str], own: Mapping[str, Any]) -> None:
    for kind in WHILE_IT_RUNS:
        assert f"{kind}:{run}" not in own, kind
    assert "ended_ms" in fields
    assert not any(name.startswith(f"{run}:") for name, _ in below(own, "parked"))
