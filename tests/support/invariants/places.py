"""Invariants 2 and 3: one reservation for what is queued or runs, exactly one place for what has not ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from support.invariants.runs import places_of_runs
from support.ledger import JOB_RESERVATION, Ledger


def check_places(ledger: Ledger, touched: Collection[str]) -> None:
    reservations: dict[str, list[tuple[str, str]]] = defaultdict(list)
    places: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in ledger.nodes:
        for id in ledger.held.get(name, {}):
            if match := JOB_RESERVATION.fullmatch(id):
                reservations[match.group(1)].append((name, id))
        for id in ledger.queue(name):
            places[id].append(("queued", name))
        running = ledger.own.get(f"running:{name}", {})
        assert ledger.rq.get(f"wip:{ledger.namespace}.{name}", {}).keys() <= running.keys(), name
        for id in running:
            job_id, _, number = id.rpartition(":")
            if job_id in touched or ledger.jobs[job_id]["h_placement"] == number:
                places[job_id].append(("started", name))
            else:
                raise AssertionError(f"{id} runs on {name} and is not what its job says: {ledger.jobs[job_id]}")
    for id in ledger.get("waiting"):
        places[id].append(("waiting", ""))
    for id in ledger.get("delayed"):
        places[id].append(("delayed", ""))
    for id, state in places_of_runs(ledger.own):
        places[id].append((state, ""))
    for id in ledger.jobs.keys() | places.keys() | reservations.keys():
        job = ledger.jobs.get(id, {})
        if id in touched or (job and "h_demand" not in job):
            continue
        assert job, (id, places[id], reservations[id])
        status = job["status"]
        reservation = f"{id}:{job.get('h_placement', 0)}"
        if status in ("queued", "started"):
            assert reservations[id] == [(job["h_node"], reservation)], (id, job, reservations[id])
            assert places[id] == [(status, job["h_node"])], (id, job, places[id])
        else:
            # A run that reserves whole holds what its functions will need.
            early = [(job["h_node"], reservation)] if "h_reserved" in job else []
            assert reservations[id] in ([], early), (id, job, reservations[id])
            assert places[id] == ([(job["h_state"], "")] if status == "deferred" else []), (id, job, places[id])
