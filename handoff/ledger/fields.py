"""Every field of a job's hash on one page: its type, what it means, who writes it.

A function is one RQ job, whose hash has our own fields beside RQ's; RQ ignores what it does not know. Python and the
scripts name fields by the keys here, nothing else spells one. Imports nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One row: `name` is that in the hash. A type that is none of Redis's or Python's is a module of `texts`."""

    name: str
    type: str
    meaning: str
    writer: str


FIELDS: dict[str, Field] = {
    # What it asks for.
    "grown": Field("h_grown", "demand", "what it asked for before it was tried with more memory", "finish"),
    "demand": Field("h_demand", "demand", "its shapes in order of preference", "submit, load; admit of a group"),
    "rank": Field("h_rank", "int", "(1000 - priority) * 2**41 + order: the smallest comes first", "submit, load"),
    "options": Field("h_options", "options", "what few functions ask for", "submit, load"),
    "retries": Field("h_retries", "int", "how often it is tried again; absent = 0", "client"),
    "token": Field("h_token", "str", "the call that submitted it", "submit"),
    "function": Field("h_function", "str", "the user's id, where it is not the job's", "client"),
    "code": Field("h_code", "str", "the name of what it calls", "client"),
    "unique": Field("h_unique", "str", "the key that no other has meanwhile", "client"),
    "serializer": Field("h_serializer", "str", "`pickle`; absent = msgpack", "client"),
    "depends": Field("h_depends", "list", "ids of the jobs on which it depends, outside of runs", "client"),
    "to_come": Field("h_to_come", "int", "how many of these have not ended as it asks", "submit; when one has"),
    "awaited": Field("h_awaited", "1", "others depend on it, outside of runs", "their submit"),
    # Where it stands.
    "state": Field("h_state", "str", "finer than RQ's `deferred`: see `states`", "scripts, while it is deferred"),
    "since": Field("h_since", "ms", "when it began to wait or to be delayed", "with the state"),
    "unfit": Field("h_unfit", "0, 1", "1 = no live node could hold it when that was looked at last", "admit, tick"),
    # Where it was placed, last.
    "node": Field("h_node", "str", "the node", "placing"),
    "devices": Field("h_devices", "devices", "the devices that it has there", "placing"),
    "variant": Field("h_variant", "int", "which of its demand it was placed with, from 0; absent = 0", "placing"),
    "placement": Field("h_placement", "int", "number of the placement: names the reservation", "placing"),
    "reserved": Field(
        "h_reserved", "1", "it holds its reservation before it is ready", "load, where a run reserves whole"
    ),
    "shunned": Field(
        "h_shunned", "str", "the node of its last attempt, where that failed: any other is preferred", "finish, tick"
    ),
    # What became of it.
    "attempts": Field("h_attempts", "int", "how often it was started", "take"),
    "deaths": Field(
        "h_deaths", "death", "the last in a row; absent = its last attempt ended by itself", "finish, tick"
    ),
    "cancel": Field("h_cancel", "str", "the call that canceled it, `run` = its run's end", "cancel"),
    "evicted": Field("h_evicted", "int", "the placement that was stopped because its node is drained", "tick"),
    "error": Field("h_error", "str", "the type of what it failed with", "finish, tick"),
    "message": Field("h_message", "str", "what that says; or why it was canceled", "finish, tick, stopping of a run"),
    "last_error": Field(
        "h_last_error", "str", "what its last attempt failed with that was tried again", "finish, tick"
    ),
    "last_message": Field("h_last_message", "str", "what that says", "finish, tick"),
    "told": Field("h_told", "number_list", "the placements, of its last few, that have told something", "tell"),
    "progress": Field("h_progress", "progress", "how far it says that it is", "tell"),
    "usage": Field("h_usage", "usage", "what its last attempt that has ended has used", "finish"),
    # Of a function in a run.
    "run": Field("h_run", "str", "the run", "load"),
    "inputs": Field("h_inputs", "bytes", "how its arguments are made of results, for its child", "client"),
    "forms": Field("h_forms", "bytes", "what others ask to be made of its result, for its child", "client"),
    "takes": Field("h_takes", "number_list", "whose results it takes; `*` = too many to be sent along", "client"),
    "bulk": Field("h_bulk", "1", "its result is too large to be sent along", "finish"),
    "group": Field("h_group", "int", "its group: collocated functions", "load"),
    "base": Field("h_base", "demand", "of one in a group what it asks for but for the node", "load"),
    "culprit": Field("h_culprit", "str", "the function whose failure canceled it", "stopping of a run"),
    # RQ's.
    "status": Field("status", "str", "RQ's state", "scripts; rq's tools"),
    "origin": Field("origin", "str", "the queue: a node's, or the lobby", "scripts"),
    "data": Field("data", "bytes", "the serialized call, compressed", "client"),
    "description": Field("description", "str", "the call, for people", "client"),
    "timeout": Field("timeout", "int", "seconds of one attempt, -1 = no limit", "client"),
    "result_ttl": Field("result_ttl", "int", "seconds that it is kept when it has finished, -1 = for ever", "client"),
    "failure_ttl": Field("failure_ttl", "int", "the same after any other end", "client"),
    "meta": Field("meta", "bytes", "what the user keeps with it", "client; the function"),
    "success_callback_name": Field("success_callback_name", "str", "its on_success", "client"),
    "success_callback_timeout": Field("success_callback_timeout", "int", "seconds of that", "client"),
    "failure_callback_name": Field("failure_callback_name", "str", "its on_failure", "client"),
    "failure_callback_timeout": Field("failure_callback_timeout", "int", "seconds of that", "client"),
    "dependency_id": Field("dependency_id", "str", "the first job on which it depends", "client"),
    "dependency_ids": Field("dependency_ids", "JSON", "all of them", "client"),
    "allow_dependency_failures": Field(
        "allow_dependency_failures", "1", "it goes on where these have failed", "client"
    ),
    "worker_name": Field("worker_name", "str", "the agent that it was started for last", "take"),
    "created_at": Field("created_at", "timestamp", "when it was submitted, by the client's clock", "client"),
    "enqueued_at": Field("enqueued_at", "timestamp", "when it was placed last", "placing"),
    "started_at": Field("started_at", "timestamp", "when it was started last", "take"),
    "last_heartbeat": Field("last_heartbeat", "timestamp", "the same", "take"),
    "ended_at": Field("ended_at", "timestamp", "when it ended", "scripts, at its end"),
}


def names_of(fields: tuple[str, ...]) -> tuple[str, ...]:
    """What these fields are called in the hash."""
    return tuple(FIELDS[field].name for field in fields)
