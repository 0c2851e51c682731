"""Where functions stand: one place for each that has not ended, and one reservation for what is queued or runs.

Two halves, each of which can be told in one look: of a job, that it stands where it says and nowhere else that can be
known from it; of an entry anywhere, that its job says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from handoff.doctor import stored
from handoff.doctor.lines import joined_lines
from handoff.doctor.picture import Picture
from handoff.doctor.violation import Violation, differing
from handoff.ledger.nodes import SHARED
from handoff.ledger.states import TERMINAL
from handoff.ledger.texts.demand import shapes_of
from handoff.ledger.texts.group_field import parked_line
from handoff.ledger.texts.list import read_list
from handoff.ledger.texts.reservation import EXTERNAL, parts_of, reservation_of
from handoff.ledger.texts.run_id import number_of, run_of

RULE, RESERVED = "places", "reservations"

STATES = ("deferred", "waiting", "delayed", "parked")


def is_ours(job: dict[str, str]) -> bool:
    """Whether a submit made it; what rq's own hands brought becomes ours when it is adopted."""
    return stored.DEMAND in job


def check_job(picture: Picture, id: str) -> Iterator[Violation]:
    """A job stands in the one place that it names, and has the reservation that it needs."""
    job = picture.jobs.get(id)
    if job is None or not is_ours(job):
        return
    status, state = job.get("status", ""), job.get(stored.STATE, "")
    node = job.get(stored.NODE, "") if status in ("queued", "started") else ""
    if status == "deferred" and state not in STATES:
        yield _at_job(id, f"it is deferred, and its state is {state or 'not there'}")
    expected = {status if status in ("queued", "started") else state} if status not in TERMINAL else set()
    found = _places(picture, id, job)
    if status in ("queued", "started", "deferred") and found != sorted(expected):
        stands = " and ".join(found) or "nowhere"
        yield _at_job(id, f"it is {status}{f' ({state})' if status == 'deferred' else ''} and stands {stands}", node)
    if status in TERMINAL and found:
        yield _at_job(id, f"it is {status} and stands {' and '.join(found)}", node)
    reservation = reservation_of(id, job.get(stored.PLACEMENT, "0"))
    has = reservation in picture.get(f"held:{job.get(stored.NODE, '')}")
    if status in ("queued", "started") and not has:
        yield Violation(
            RESERVED, ("job", id), f"it is {status} and has no reservation {reservation}", id, node, passing=True
        )
    if (status == "deferred") != (id in picture.rq.get(f"deferred:{picture.namespace}", {})):
        where = "does not stand" if status == "deferred" else "stands"
        yield _at_job(id, f"it is {status} and {where} in RQ's registry of deferred jobs", node)
    if status == "deferred" and state == "waiting":
        yield from _check_lines(picture, id, job)
    if status == "deferred" and state == "deferred" and stored.RUN not in job:
        standing, to_come = len(_waited_for(picture, id, job)), job.get(stored.TO_COME, "0")
        if to_come != str(standing):
            yield _at_job(id, f"it waits for {standing} others, and has counted {to_come}")


def _waited_for(picture: Picture, id: str, job: dict[str, str]) -> list[str]:
    """Among whose dependents it stands, of those on which it depends."""
    return [other for other in read_list(job.get(stored.DEPENDS, "")) if id in picture.get(f"dependents:{other}")]


def _at_job(id: str, text: str, node: str = "") -> Violation:
    return Violation(RULE, ("job", id), text, job=id, node=node, passing=True)


def _places(picture: Picture, id: str, job: dict[str, str]) -> list[str]:
    """Where it stands, of all places that can be known from it."""
    node, found = job.get(stored.NODE, ""), []
    found += ["queued"] * picture.queue(node).count(id)
    found += ["started"] * (reservation_of(id, job.get(stored.PLACEMENT, "0")) in picture.get(f"running:{node}"))
    found += ["waiting"] * (id in picture.get("waiting"))
    found += ["delayed"] * (id in picture.get("delayed"))
    found += ["deferred"] * bool(_waited_for(picture, id, job))
    if stored.RUN in job:
        run, number = run_of(id), str(number_of(id))
        is_active = number in picture.own.get(f"active:{run}", ())
        found += ["deferred"] * (number in picture.get(f"missing:{run}"))
        if stored.GROUP in job and is_active:
            # Who was parked and has left since is passed over when the turn comes.
            found += ["parked"] * (number in picture.own.get(f"parked:{parked_line(run, job[stored.GROUP])}", ()))
    if job.get("status") != "deferred" or job.get(stored.STATE) != "parked":
        found = [place for place in found if place != "parked"]
    return sorted(found)


def _check_lines(picture: Picture, id: str, job: dict[str, str]) -> Iterator[Violation]:
    rank = float(job.get(stored.RANK, "-1"))
    if picture.get("waiting").get(id, rank) != rank:
        yield _at_job(id, f"its rank is {rank:.0f}, and it waits at {picture.get('waiting')[id]:.0f}")
    for shape, is_in in joined_lines(picture, id).items():
        at = picture.get(f"shape:{shape}").get(id)
        if (at is not None) != is_in:
            yield _at_job(id, f"it stands {'in' if at is not None else 'not in'} the line of {shape}")
        elif at is not None and at != rank:
            yield _at_job(id, f"its rank is {rank:.0f}, and it stands at {at:.0f} in the line of {shape}")


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands somewhere: in `place` (`queue`, `running`, `held`, `wip`, `waiting`, `delayed`, `deferred`, `line`,
    `missing`, `active`, `executions`, `dependents`), of a node, a shape, a run or what it depends on."""

    place: str
    of: str
    member: str

    @property
    def job_id(self) -> str:
        """Whose it is; '' of a claim, and of what others use."""
        if self.place in ("running", "held", "wip", "executions"):
            parts = parts_of(self.member)
            return parts[0] if parts else ""
        return f"{self.of}-{self.member}" if self.place in ("missing", "active") else self.member


def check_entry(picture: Picture, entry: Entry) -> Iterator[Violation]:
    """Whose it is says so too. The look has found the entry there."""
    id = entry.job_id
    if not id:
        yield from _check_other(picture, entry)
        return
    job = picture.jobs.get(id)
    if job is not None and not is_ours(job):
        return
    if entry.place in ("wip", "executions"):
        is_so = entry.member in picture.get(f"running:{entry.of}")
    else:
        is_so = says_so(entry, job or {})
    if not is_so:
        yield _stray(picture, entry, job)


def says_so(entry: Entry, job: dict[str, str]) -> bool:
    """Whether a job says itself that it stands there."""
    status, state, node = job.get("status", ""), job.get(stored.STATE, ""), job.get(stored.NODE, "")
    parts = parts_of(entry.member)
    is_its_last = node == entry.of and parts is not None and parts[1] == job.get(stored.PLACEMENT)
    match entry.place:
        case "queue":
            return status == "queued" and node == entry.of
        case "running":
            return status == "started" and is_its_last
        case "held":
            return is_its_last and (
                status in ("queued", "started") or (status == "deferred" and stored.RESERVED in job)
            )
        case "waiting":
            return status == "deferred" and state == "waiting"
        case "delayed":
            return status == "deferred" and state == "delayed"
        case "deferred":
            return status == "deferred"
        case "line":
            shapes = [shape for _, shape in shapes_of(job.get(stored.DEMAND, ""))]
            return status == "deferred" and state == "waiting" and entry.of in shapes
        case "missing":
            return status == "deferred" and state == "deferred"
        case "dependents":
            return status == "deferred" and state == "deferred" and entry.of in read_list(job.get(stored.DEPENDS, ""))
        case "active":
            return status != "" and status not in TERMINAL
        case place:
            raise ValueError(f"{place} is no place")


ON_NODES = ("queue", "running", "wip", "executions", "held")

_SAID = {
    "queue": "it stands on the queue of the node",
    "running": "it runs on the node",
    "wip": "RQ's registry says that it runs on the node",
    "executions": "RQ's worker says that it runs on the node",
    "held": "it has a reservation on the node",
    "waiting": "it stands among those that wait",
    "delayed": "it stands among those that are delayed",
    "deferred": "it stands in RQ's registry of deferred jobs",
    "line": "it stands in a line",
    "dependents": "it stands among those that depend on another",
    "missing": "its run says that its dependencies have not ended",
    "active": "its run says that it has not ended",
}


def _stray(picture: Picture, entry: Entry, job: dict[str, str] | None) -> Violation:
    is_on_node = entry.place in ON_NODES
    says = "there is no such job" if job is None else f"the job says {_standing(job)}"
    member = f" ({entry.member if is_on_node else entry.of})" if entry.member != entry.job_id or entry.of else ""
    record = picture.held.get(entry.of, {}).get(entry.member) if entry.place == "held" else None
    return Violation(
        RESERVED if entry.place == "held" else RULE,
        ("entry", entry.place, entry.of, entry.member),
        f"{_SAID[entry.place]}{member}, and {says}",
        job=entry.job_id,
        node=entry.of if is_on_node else "",
        amounts=differing({}, record.whole) if record else {},
        # Both are written by the same scripts.
        passing=entry.place not in ("wip",),
    )


def _standing(job: dict[str, str]) -> str:
    status = job.get("status", "nothing")
    if status == "deferred":
        return job.get(stored.STATE, "deferred")
    where = (
        f" on {job.get(stored.NODE)}, placement {job.get(stored.PLACEMENT)}" if status in ("queued", "started") else ""
    )
    return f"{status}{where}"


def _check_other(picture: Picture, entry: Entry) -> Iterator[Violation]:
    """What is no function's is a claim's, or what the agent of the node has said that others use."""
    record = picture.held.get(entry.of, {}).get(entry.member)
    subject, amounts = ("entry", entry.place, entry.of, entry.member), differing({}, record.whole) if record else {}
    node = picture.get(f"node:{entry.of}")
    if entry.member == EXTERNAL:
        if "external" not in node and node.get("state") == "up":
            yield Violation(
                RESERVED,
                subject,
                f"{entry.member} has a reservation on the node, and its agent does not say so",
                node=entry.of,
                amounts=amounts,
            )
    elif entry.of != SHARED and picture.get("claims").get(entry.member) != entry.of:
        yield Violation(
            RESERVED,
            subject,
            f"{entry.member} has a reservation on the node, and no claim says so",
            node=entry.of,
            amounts=amounts,
        )


def check_claim(picture: Picture, id: str) -> Iterator[Violation]:
    """What a claim says is held is held."""
    node = picture.get("claims").get(id)
    if node is None:
        if id in picture.get("claim_ends"):
            yield Violation(RESERVED, ("claim", id), f"claim {id} is to end, and there is none")
        elif id in picture.get("claim_owners"):
            yield Violation(RESERVED, ("claim", id), f"claim {id} has an owner, and there is none")
    elif id not in picture.get(f"held:{node}"):
        yield Violation(RESERVED, ("claim", id), f"claim {id} has no reservation", node=node)


def check_unique(picture: Picture, key: str) -> Iterator[Violation]:
    """Who has a key that users give has not ended."""
    id = picture.get("unique").get(key, "")
    job = picture.jobs.get(id, {})
    if id and (job.get(stored.UNIQUE) != key or job.get("status") in TERMINAL):
        yield Violation(
            "keys", ("unique", key), f"the unique key {key} is that of a function that has ended", job=id, passing=True
        )


def check_tokens(picture: Picture, node: str, id: str) -> Iterator[Violation]:
    """Of a reservation that has something of what all share, the record of that says the same; and the other way round.

    `node` is where the reservation is, '' = on none that is known.
    """
    own = picture.held.get(node, {}).get(id)
    part = own.shared if own else {}
    tokens = picture.held.get(SHARED, {}).get(id)
    if wrong := differing(part, tokens.cost if tokens else {}):
        job = parts_of(id)
        text = f"what reservation {id} has of what all share is not what its record there says"
        subject = ("tokens", node, id)
        yield Violation(RESERVED, subject, text, job[0] if job else "", node, wrong, passing=own is None)
