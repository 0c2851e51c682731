"""Names of rq's that are not here, and what there is in place of each: said where one is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

_NODES = "nodes take what fits: handoff node"
_NO_KEY = "no list in Redis is a queue's own: handoff status --json has the nodes, whose queues are handoff.<node>"
_ITSELF = "that is rq's own housekeeping, and agents see to what is left behind: leave it out"
_ONE_SCRIPT = "what depends on a function is placed in the script that ends it"

OF_QUEUES = {
    "all": "names of queues are not kept: queue.cluster.nodes() has who takes functions",
    "compact": "nothing is left in a queue that is gone",
    "create_job": "enqueue the call: what is not enqueued is nowhere",
    "death_penalty_class": "a node stops what runs longer than its job_timeout",
    "delete": "a name of a queue keeps nothing: cancel what should not run by queue.cluster.cancel(queue.job_ids)",
    "dequeue_any": _NODES,
    "empty": "cancel what should not run: queue.cluster.cancel(queue.job_ids)",
    "enqueue_dependents": _ONE_SCRIPT,
    "enqueue_job": "enqueue the call itself, with job_id= if it is to have that one",
    "enqueue_ready_jobs_by_queue": _ONE_SCRIPT,
    "from_queue_key": _NO_KEY,
    "intermediate_queue": _ITSELF,
    "intermediate_queue_key": _ITSELF,
    "key": _NO_KEY,
    "lmove": _NODES,
    "lpop": _NODES,
    "move_dependents_to_ready": _ONE_SCRIPT,
    "parse_args": "enqueue tells options and arguments apart, and prepare_data describes a call",
    "pop_job_id": _NODES,
    "push_job_id": "let a function start afresh: job.requeue()",
    "ready_job_registry": "what is ready is in queue.job_ids",
    "redis_queue_namespace_prefix": _NO_KEY,
    "redis_queues_keys": _NO_KEY,
    "remove": "cancel it: job.cancel()",
    "run_job": "in a test run_all() of the fixture handoff_cluster runs what can run",
    "run_sync": "a Queue(is_async=False) runs functions at once",
    "schedule_job": "enqueue the call itself, by enqueue_at",
    "scheduler_pid": "there is no scheduler: whichever agent ticks makes due what is due",
    "setup_dependencies": "name them as depends_on= with the call",
}

OF_REGISTRIES = {
    "add": "a function stands where its state says, and moves by what becomes of it",
    "get_expiration_time": "job.result_ttl and job.failure_ttl say how long it is kept",
    "get_expired_job_ids": _ITSELF,
    "get_jobs_to_schedule": "whichever agent ticks makes due what is due",
    "get_queue": "it is of all queues together",
    "get_scheduled_time": "queue.cluster.handle(id).explain() says when it is due",
    "key": _NO_KEY,
    "remove": "cancel or delete what should not be there: job.cancel(), job.delete()",
    "schedule": "enqueue the call itself, by enqueue_at",
}

OF_MODULE = {
    "RateLimit": "cluster.share limits how many run at once, and nothing limits how many start in a second",
    "Repeat": "a function runs once: queue.cluster.every(name, seconds, f) submits it again and again",
    "SimpleWorker": "start `handoff node`; in a test run_all() of the fixture handoff_cluster runs what can run",
    "SpawnWorker": "start `handoff node`, whose children are started afresh",
    "Webhook": "nothing calls a web address: let on_success and on_failure do it",
    "Worker": "start `handoff node`; in a test run_all() of the fixture handoff_cluster runs what can run",
}


def refuse(kind: str, told: Mapping[str, str], name: str) -> NoReturn:
    """Raise the `AttributeError` of a name that a class of ours does not have, with what there is in its place."""
    if instead := told.get(name):
        raise AttributeError(f"rq's {kind}.{name} has no meaning here: {instead}")
    raise AttributeError(f"{kind!r} object has no attribute {name!r}")


class OfQueues(type):
    """Says of a name that is asked of the class what is said where an object is asked for it."""

    def __getattr__(cls, name: str) -> NoReturn:
        refuse("Queue", OF_QUEUES, name)
