"""What is measured of every peer, in the order of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity."""

    key: str
    what: str
    unit: str
    everywhere: bool = False  #: shown in all surroundings, and not only where nothing is special


MEASURES = (
    Measure("submit_server_us", "server CPU of a submit", "us", everywhere=True),
    Measure("function_server_us", "server CPU of a function, submit and end", "us", everywhere=True),
    Measure("batched_server_us", "the same, submitted alone and finished 8 in a call", "us"),
    Measure("held_submit_server_us", "server CPU of a submit to held workers", "us"),
    Measure("submit_client_us", "client CPU of a submit", "us"),
    Measure("submit_per_s", "submits one by one", "/s", everywhere=True),
    Measure("submit_p50_us", "submit, p50", "us"),
    Measure("submit_p99_us", "submit, p99", "us"),
    Measure("threads_per_s", "submits from 8 threads of one client", "/s"),
    Measure("many_per_s", "submits in one call", "/s"),
    Measure("finished_per_s", "finished from a full backlog", "/s", everywhere=True),
    Measure("worker_us", "worker CPU of a function", "us"),
    Measure("round_trip_p50_ms", "round trip on an idle system, p50", "ms"),
    Measure("round_trip_p99_ms", "round trip on an idle system, p99", "ms"),
    Measure("share_of_ideal", "functions of 100 ms, two at a time: share of the ideal", ""),
    Measure("idle_memory_mb", "memory of idle workers (PSS)", "MB"),
    Measure("memory_after_eight_mb", "memory after 8 functions ran at once (PSS)", "MB"),
)
