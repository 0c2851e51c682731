"""Who stands where, as the oracle has it and as Redis has it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from handoff.doctor.room import waits
from handoff.ledger.texts.cost import read_cost
from handoff.ledger.texts.devices import read_devices
from handoff.ledger.texts.labels import read_labels
from handoff.ledger.texts.reservation import EXTERNAL
from handoff.words.resources import Units
from support.ledger import Ledger, below
from support.oracle.operations import Oracle


def expected(oracle: Oracle) -> dict[str, Any]:
    """Who stands where, as the oracle has it."""
    return {
        "nodes": [
            {
                "name": node.name,
                "kind": node.kind,
                "up": node.up,
                "quiet": node.quiet and node.up,
                "draining": node.draining,
                "lease": node.lease_ends_ms if node.up and node.kind == "leased" else None,
                "labels": dict(node.labels),
                "queue": [job.id for job in node.queue],
                "running": sorted(job.id for job in node.running),
                "held": sorted(((owner.id, held.devices) for owner, held in node.holds.items()), key=str),
                "external": node.kept.cost(),
                "for": node.promise and (node.promise.job.id, sorted(node.promise.lacks)),
            }
            for node in oracle.nodes.values()
        ],
        "drained": oracle.drained,
        "shared": {name: (units, oracle.shared.used[name]) for name, units in oracle.shared.totals.items()},
        "shared for": oracle.shared.promise and (oracle.shared.promise.job.id, sorted(oracle.shared.promise.lacks)),
        "jobs": {
            job.id: {
                "state": job.state,
                "attempts": job.attempts,
                "due": job.due_ms if job.state == "delayed" else None,
                "at": (job.node, job.devices, job.ways[job.way].shape) if job.state in ("queued", "started") else None,
                "error": job.error if job.state == "failed" else "",
            }
            for job in oracle.jobs.values()
            if job.state != "gone"
        },
        "claims": {claim.id: (claim.node, claim.ends_ms) for claim in oracle.claims.values()},
        "timers": oracle.timers,
        "counted": dict(oracle.overtaking.counted),
        "lines": {
            shape: {
                "jobs": [job.id for job in line.jobs],
                "overtaken": {name: oracle.overtaking.counted[name] - line.noted[name] for name in line.families()},
                "place": line.place,
                "gone": oracle.overtaking.gone - line.gone,
                "looked": line.looked,
                "late": line.late_ms,
            }
            for shape, line in oracle.overtaking.lines.items()
        },
    }


def seen(ledger: Ledger) -> dict[str, Any]:
    """The same as Redis has it."""
    return {
        "nodes": [
            {
                "name": name,
                "kind": fields["kind"],
                "up": fields["state"] == "up",
                "quiet": fields["state"] == "up" and "quiet" in fields,
                "draining": "draining" in fields,
                "lease": ledger.get("leases").get(name),
                "labels": read_labels(fields.get("labels", "")),
                "queue": ledger.queue(name),
                "running": sorted(id.rpartition(":")[0] for id in ledger.get(f"running:{name}")),
                "held": sorted(
                    (
                        (id.rpartition(":")[0] or id, record.indices())
                        for id, record in ledger.held.get(name, {}).items()
                        if id != EXTERNAL
                    ),
                    key=str,
                ),
                "external": _external(ledger, name),
                "for": _held_for(fields),
            }
            for name, fields in ledger.nodes.items()
        ],
        "drained": ledger.own.get("drained", set()),
        "shared": {
            name: (units, ledger.shared.used.get(name, 0)) for name, units in ledger.shared.capabilities.items()
        },
        "shared for": _held_for(ledger.get("node:*")),
        "jobs": {
            id: {
                "state": _state(job),
                "attempts": int(job.get("h_attempts", 0)),
                "due": ledger.get("delayed").get(id) if _state(job) == "delayed" else None,
                "at": (job["h_node"], read_devices(job.get("h_devices", "")), _started_as(job))
                if job["status"] in ("queued", "started")
                else None,
                "error": _error(job),
            }
            for id, job in ledger.jobs.items()
        },
        "claims": {id: (node, ledger.get("claim_ends").get(id, math.inf)) for id, node in ledger.get("claims").items()},
        "counted": {name: int(count) for name, count in below(ledger.get("overtaking"), "n")},
        "timers": {what: at_ms for what, at_ms in ledger.get("timers").items() if _is_set(ledger, what)},
        "lines": {
            shape: {"jobs": [id for id in line if waits(ledger, id, shape)], **noted(ledger, shape)}
            for shape, line in ledger.lines.items()
        },
    }


def _external(ledger: Ledger, name: str) -> Units:
    record = ledger.held.get(name, {}).get(EXTERNAL)
    return dict(record.cost) if record else {}


def _held_for(fields: Mapping[str, str]) -> tuple[str, list[str]] | None:
    _, job, lacks = fields["hold"].split("|") if "hold" in fields else ("", "", "")
    return (job, lacks.split(",")) if job else None


def _started_as(job: Mapping[str, str]) -> str:
    """Of variants that are alike either may be told."""
    variant = job["h_demand"].split("&")[int(job.get("h_variant", 0))]
    return re.sub(r"^\d+:", "", variant)


def _error(job: Mapping[str, str]) -> str:
    """Of what failed without running."""
    name = job.get("h_error", "").rpartition(".")[2] if _state(job) == "failed" else ""
    return name if name in ("Infeasible", "WaitExpired") else ""


def _is_set(ledger: Ledger, what: str) -> bool:
    """Whether it is of a node, or of what a function waits for: what rq deletes leaves timers without a sense."""
    kind, _, of = what.partition("|")
    number, _, id = of.rpartition("|")
    job = ledger.jobs.get(id, {})
    is_waiting = job.get("status") == "deferred" and job["h_state"] == "waiting"
    match kind:
        case "after":
            variants = dict(enumerate(job.get("h_demand", "").split("&"), 1))
            return is_waiting and re.match(r"\d+:", variants.get(int(number), "")) is not None
        case "expire":
            return "wait=" in job.get("h_options", "") and (is_waiting or job["status"] == "queued")
        case "unfit":
            return "unfit=" in job.get("h_options", "") and is_waiting
    return True


def noted(ledger: Ledger, shape: str) -> dict[str, Any]:
    """How often the head of a line was overtaken, by resource that was used, and what else is known of it."""
    _, _, place, gone, looked, late, noted = ledger.get("noted")[shape].split("|")
    counted = ledger.get("overtaking")
    overtaken = {name: int(counted.get(f"n:{name}", 0)) - was for name, was in read_cost(noted).items()}
    return {
        "overtaken": overtaken,
        "place": int(place),
        "gone": int(counted.get("gone", 0)) - int(gone),
        "looked": int(looked),
        "late": int(late),
    }


def _state(job: Mapping[str, str]) -> str:
    """API's word for the status of a job."""
    if job["status"] == "deferred":
        return job["h_state"]
    return "failed" if job["status"] == "stopped" else job["status"]
