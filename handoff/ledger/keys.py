"""Every Redis key of Handoff on one page: its type, what it means, how long it lives.

Scripts name keys by the names here (`K.nodes`, `K.node .. name`); nothing else spells one. A name may say more than the
key itself, which stays as it was when nodes and clients of several versions share a server. Rows that end in a
separator are prefixes: the rest of the key is named in `of`. The keys of RQ's data model stand at the end, because
every function is a real RQ job. RQ's own prefix is given to `paths`, so that this module imports nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

#: What follows `handoff:<namespace>:`.
OWN = "handoff"


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the schema: `path` follows the namespace's (or RQ's) prefix."""

    path: str
    type: str
    meaning: str
    lifetime: str
    of: str = ""
    rq: bool = False


SCHEMA: dict[str, Key] = {
    # Nodes.
    "nodes": Key("nodes", "ZSET", "node name -> bit position, in order of first registration", "while a node is known"),
    "node": Key(
        "node:", "HASH", "one node: see nodes/node.lua; `*` = what all share", "while it is known", of="node name"
    ),
    "leases": Key(
        "leases", "ZSET", "leased node -> when its lease is over, ms of uptime", "while a leased node is live"
    ),
    "lease_lengths": Key("lengths", "ZSET", "leased node -> how long its lease is, ms", "while it is live"),
    "lost": Key("lost", "ZSET", "node whose lease is over -> since when, ms", "until it is back, or forgotten"),
    "reservations": Key(
        "held:", "HASH", "reservation id -> its record (texts/reservation)", "while something is held", of="node name"
    ),
    "running": Key("running:", "ZSET", "started reservation -> number of the take", "while it runs", of="node name"),
    "abandoned": Key("abandoned", "ZSET", "lost node that still holds something -> since when, ms", "until given back"),
    "drained": Key(
        "drained", "SET", "nodes that are drained, here or away", "until undrained, or deregistered by hand"
    ),
    "cordoned": Key(
        "cordoned", "HASH", "node that is cordoned, here or away -> texts/cordoned", "until undrained; a week if away"
    ),
    "deaths_on": Key("died:", "ZSET", "name of what died there -> when, ms", "ten minutes", of="node name"),
    "deaths_of": Key("died_on:", "ZSET", "node where it died -> when, ms", "ten minutes", of="name of a function"),
    "learned": Key(
        "learned:",
        "HASH",
        "number of an attempt -> a sample of what it has used: see learned.py",
        "`--learn-ttl` from its last",
        of="name of a function",
    ),
    "took": Key(
        "took:",
        "HASH",
        "number of the id of a function in graphs -> us that it took last: see learned.py",
        "as `learned:`",
        of="name of a function",
    ),
    "learners": Key("learners", "ZSET", "name of which samples are kept -> until when, ms", "as the last of them"),
    "parcel": Key("parcel:", "STRING", "a large result on its way, forms behind it", "ten minutes", of="token"),
    "parts": Key(
        "parts:", "STREAM", "what it has yielded: texts/told_id", "as the job; else a week since the last", of="job id"
    ),
    "output": Key(
        "output:", "STREAM", "what it has printed: texts/told_id", "as the job; else a week since the last", of="job id"
    ),
    "progress": Key(
        "progress:",
        "STREAM",
        "an entry called by when it has last said how far it is",
        "as the job; else a week since",
        of="job id",
    ),
    "past": Key("past", "ZSET", "node that is gone, score 0", "while rq may requeue what ended there"),
    "epoch": Key("epoch", "STRING", "the newest epoch given to a node", "permanent"),
    # The index: one bit per node position.
    "live": Key("live", "STRING", "bitmap: nodes that are up and not being drained", "while a node is known"),
    "open": Key("open", "STRING", "bitmap: live nodes on which something may be placed", "while a node is known"),
    "planes": Key("planes", "HASH", "index -> how many bit planes it has", "while a node has it"),
    "plane": Key("plane:", "STRING", "bitmap: nodes with that bit set", "while a node has it", of="free|cap:index:bit"),
    "labels": Key("labels", "HASH", "label=value -> how many nodes have it", "while a node has one"),
    "label": Key("label:", "STRING", "bitmap: nodes with that label", "while a node has it", of="label=value"),
    "classes": Key("classes", "ZSET", "every class of alike live nodes, score 0", "while a node is live"),
    "class": Key("class:", "ZSET", "its live nodes by name, score 0", "while one is live", of="class"),
    "alike": Key("alike:", "STRING", "bitmap: its live nodes", "while one is live", of="class"),
    "scratch": Key("scratch:", "STRING", "bitmap: a step of a comparison", "within one script", of="number"),
    # What waits.
    "order": Key("order", "STRING", "how many functions were ever submitted", "permanent"),
    "waiting": Key("waiting", "ZSET", "every waiting job -> rank", "while one waits"),
    "shapes": Key("shapes", "ZSET", "every shape that waits -> its bit position, -1 = it has none", "while one waits"),
    "shape": Key("shape:", "ZSET", "waiting job -> rank (priority, then order)", "while one waits", of="shape"),
    "heads": Key("heads:", "ZSET", "shape -> rank of its head", "while one waits", of="scope"),
    "need": Key("need:", "ZSET", "shape -> units it needs", "while one waits", of="resource, then scope"),
    # The index of many shapes: one bit per shape (waiting/shape_index.lua).
    "shape_bits": Key("spots", "STRING", "bitmap: bit positions that shapes have", "while many shapes wait"),
    "shape_scope": Key("spots:", "STRING", "bitmap: the shapes of one scope", "while many shapes wait", of="scope"),
    "shape_planes": Key("spot_planes", "HASH", "resource -> how many bit planes it has", "while many shapes wait"),
    "shape_plane": Key(
        "spot:", "STRING", "bitmap: shapes with that bit set", "while many shapes wait", of="column:bit"
    ),
    "shape_terms": Key("terms", "HASH", "constraint -> how many shapes have it", "while many shapes wait"),
    "shape_term": Key("term:", "STRING", "bitmap: the shapes that have it", "while many shapes wait", of="constraint"),
    # Bounded overtaking (waiting/overtaking.lua).
    "overtaking": Key("overtaking", "HASH", "the limits, and placements counted per resource", "permanent"),
    "notes": Key("noted", "HASH", "shape -> its head, since when, and the counters then", "while one waits"),
    "fronts": Key("fronts", "ZSET", "shape, whatever its scope -> rank of its head", "while one waits"),
    "hold_bits": Key("withheld", "STRING", "bitmap: nodes that are held", "while a node is known"),
    "able": Key("able", "HASH", "shape -> how many live nodes could hold it", "while it waits and no node changes"),
    "nearest": Key(
        "nearest", "HASH", "demand that no live node could hold -> texts/shortfall", "until a node changes; a thousand"
    ),
    "holds": Key("holds", "ZSET", "node that is held for a head -> the head's rank", "while it is held"),
    "timers": Key("timers", "ZSET", "what becomes due by the clock (texts/timer) -> when, ms", "until it is due"),
    "renewed": Key(
        "renewed", "ZSET", "timer that somebody puts off while he lives -> when, ms of uptime", "until it is due"
    ),
    "delayed": Key("delayed", "ZSET", "job -> not before, ms", "while one is delayed"),
    "callbacks": Key("callbacks", "LIST", "jobs whose on_failure an agent is to run", "until an agent took it"),
    "handed": Key("handed:", "LIST", "of these, what one tick handed out", "a minute", of="token of the tick"),
    "dirty": Key("dirty", "ZSET", "node to be tried with what waits -> rank to go on from", "until it was tried"),
    # Runs of graphs (runs/run.lua).
    "run": Key("run:", "HASH", "one run: see runs/run.lua", "as long as its results", of="run"),
    "runs": Key("runs", "ZSET", "run -> when it was submitted, ms", "as long as its results"),
    "run_of": Key("run_of:", "STRING", "the newest run of a graph", "as long as its results", of="the user's id"),
    "run_next": Key("next:", "HASH", "number -> numbers of those that take its result", "until it ended", of="run"),
    "run_missing": Key("missing:", "HASH", "deferred number -> dependencies to come", "until it ended", of="run"),
    "run_active": Key("active:", "SET", "numbers that are ready and have not ended", "until it ended", of="run"),
    "run_groups": Key("groups:", "HASH", "collocated ones: see runs/groups.lua", "until it ended", of="run"),
    "run_parked": Key("parked:", "LIST", "numbers behind the one that chooses", "until it has", of="run:group"),
    "run_graph": Key("graph:", "STRING", "what it looks like, for people", "as long as its results", of="run"),
    "run_end": Key("end:", "STREAM", "one entry when it has ended", "as long as its results", of="run"),
    "groups_on": Key("grouped:", "SET", "run|group that has chosen it", "while the run lives", of="node name"),
    "leftovers": Key(
        "unfolding", "ZSET", "what is left over (texts/leftover) -> how far it has come", "until it is done"
    ),
    # Keys that users give functions (jobs/unique.lua).
    "unique": Key("unique", "HASH", "a user's key -> the job that has it", "until that has ended"),
    "unique_after": Key(
        "unique:", "STRING", "the job that had it, and has finished", "the job's unique_ttl", of="a user's key"
    ),
    # Functions that depend on others outside of runs (jobs/dependencies.lua).
    "dependents": Key(
        "dependents:", "ZSET", "function that waits for its end -> rank", "until it goes on", of="id of any job of RQ"
    ),
    "awaited": Key(
        "awaited",
        "ZSET",
        "function, or job that did not finish, with dependents -> when to look, ms",
        "while it has any",
    ),
    "watched": Key(
        "watched", "ZSET", "job of RQ's own with dependents -> when to look, ms", "until it has ended, or has none"
    ),
    # What recurs (operations/client/every.lua).
    "schedules": Key("schedules", "ZSET", "what recurs -> its next moment, ms; +inf = it rests", "until it is removed"),
    "schedule": Key("schedule:", "HASH", "what recurs, and what came of it", "until it is removed", of="its name"),
    # Claims through the tracker.
    "claims": Key("claims", "HASH", "claim -> node", "while it is held"),
    "claim_owners": Key("claim_owners", "HASH", "claim -> whose it is, where that was said", "while it is held"),
    "claim_ends": Key("claim_ends", "ZSET", "claim with a ttl -> when it ends, ms", "while it is held"),
    "released": Key("released:", "STRING", "the call that released this claim", "ten minutes", of="claim"),
    "words": Key(
        "gone:", "STRING", "what is remembered of a function or run of which nothing is kept", "ten minutes", of="id"
    ),
    "answered": Key(
        "answered:", "STRING", "what a call was answered that would find nothing now", "ten minutes", of="its token"
    ),
    "large": Key("large", "STRING", "a function of large arguments was submitted lately: to be looked for", "a day"),
    # Housekeeping.
    "clock": Key("clock", "HASH", "the ledger's time: see time/clock.lua", "permanent"),
    "events": Key("events", "STREAM", "what happened, to whom, with which amounts", "permanent, bounded"),
    "tick": Key("tick", "STRING", "somebody ticks just now: set by a plain command before the script", "400 ms"),
    "sweep": Key("sweep", "HASH", "how far the walks over queues, nodes, shapes and tokens have come", "permanent"),
    "prune": Key(
        "prune", "ZSET", "registry of RQ with entries that expire -> when to look, ms", "while it has entries"
    ),
    # RQ's data model (rq 3.0).
    "rq_job": Key("job:", "HASH", "one job; ours are the fields h_*", "result_ttl or failure_ttl", "job id", rq=True),
    "rq_results": Key("results:", "STREAM", "one entry per end of the job", "as the job", "job id", rq=True),
    "rq_dependencies": Key("job::", "SET", "jobs it depends on", "as the job", "job id, :dependencies", rq=True),
    "rq_queue": Key("queue:", "LIST", "jobs placed on a node and not yet started", "while not empty", "queue", rq=True),
    "rq_queues": Key("queues", "SET", "keys of the queues that RQ knows", "permanent", rq=True),
    "rq_deferred": Key("deferred:", "ZSET", "jobs not yet placed", "while not empty", "lobby", rq=True),
    "rq_wip": Key("wip:", "ZSET", "job:execution, score +inf", "while it runs", "queue", rq=True),
    "rq_finished": Key("finished:", "ZSET", "job -> when it expires, s", "while not empty", "queue", rq=True),
    "rq_failed": Key("failed:", "ZSET", "job -> when it expires, s", "while not empty", "queue", rq=True),
    "rq_canceled": Key("canceled:", "ZSET", "job -> when it expires, s", "while not empty", "queue", rq=True),
    "rq_worker": Key(
        "worker:", "HASH", "an agent; with `:executions` the SET of what it runs", "three leases", "queue", rq=True
    ),
    "rq_workers": Key("workers", "SET", "keys of all workers", "while one lives", rq=True),
    "rq_queue_workers": Key("workers:", "SET", "keys of the queue's workers", "while it lives", "queue", rq=True),
    "rq_execution": Key("execution:", "HASH", "one execution", "while it runs", "job:execution", rq=True),
    "rq_executions": Key("executions:", "ZSET", "execution ids of a job", "while it runs", "job id", rq=True),
    "rq_suspended": Key("suspended", "STRING", "set by `rq suspend`: take nothing", "RQ's", rq=True),
    "rq_channel": Key("pubsub:", "CHANNEL", "commands to one worker", "-", "queue", rq=True),
}


DEPENDENCIES = ":dependencies"
"""What RQ's key of what a job depends on ends with."""


def prefix(namespace: str) -> str:
    """What all own keys of a namespace begin with."""
    return f"{OWN}:{namespace}:"


def queue_name(namespace: str, node: str = "") -> str:
    """RQ's name of a node's queue (and of its agent as a worker), or of the lobby. Namespaces have no dot."""
    return f"{namespace}.{node}" if node else namespace


def is_queue_of(namespace: str, queue: str) -> bool:
    """Whether a queue is one of this namespace: the lobby, or a node's. RQ knows no namespaces."""
    return queue.partition(".")[0] == namespace


def node_of_queue(queue: str) -> str:
    """Whose queue it is, or which node's agent; '' of the lobby."""
    return queue.partition(".")[2]


@cache
def paths(rq_prefix: str) -> dict[str, tuple[bool, str]]:
    """Schema name -> (whether the namespace's prefix goes in front, the rest of the key)."""
    return {name: (not key.rq, f"{rq_prefix}:{key.path}" if key.rq else key.path) for name, key in SCHEMA.items()}


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one namespace for Python's few direct reads: `keys("node", "a")`."""

    namespace: str
    rq_prefix: str

    def __call__(self, name: str, of: str = "") -> str:
        own, path = paths(self.rq_prefix)[name]
        return f"{prefix(self.namespace) if own else ''}{path}{of}"

    def dependencies(self, job_id: str) -> str:
        """RQ's set of what a job depends on."""
        return self("rq_dependencies", f"{job_id}{DEPENDENCIES}")

    def queue(self, node: str = "") -> str:
        """RQ's name of a node's queue (and of its agent as a worker), or of the lobby."""
        return queue_name(self.namespace, node)
