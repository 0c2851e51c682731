"""One repeat of everything that is measured of one peer."""

from __future__ import annotations

from typing import Any

from benchmarks.adapters.adapter import WORKERS
from benchmarks.check.costs import server_us
from benchmarks.check.operations import BATCH, FINISH_IN_BATCHES
from benchmarks.functions import REST_S
from benchmarks.peers import floor
from benchmarks.peers.roster import FLOOR, HANDOFF, Peer
from benchmarks.peers.server import cpu_s, private_server
from benchmarks.peers.session import Session
from benchmarks.peers.surroundings import EIGHT, PLAIN, TWO, Surroundings

WARM_UP = 64
"""Functions run before anything is measured of workers."""

ROUND_TRIPS = 20
"""Of so many functions one is a round trip on the idle system."""

MANY = 10_000
"""Functions of one `submit_many`."""

RESTS, FEWEST_RESTS = 100, 8
"""Of so many functions one takes a tenth of a second, and so many at least."""

AT_ONCE = 8
"""Functions that have run at once before memory is looked at."""

Values = dict[str, float]
"""Measure (`measures.py`) -> its value."""


def repeat(peer: Peer, surroundings: Surroundings, count: int, many: int = MANY) -> Values:
    """Measure everything once with `count` functions, `many` in one call. Raises `Broken` and `NotInstalled`."""
    if peer.name == FLOOR:
        return _floor(surroundings, count)
    if peer.only_memory:
        return _after_eight(peer)
    # Where both measure a submit, what counts is the one without workers beside it.
    values = {**_finishes(peer, surroundings, count), **_submits(peer, surroundings, count, many)}
    if peer.name == HANDOFF:
        finish_us = server_us(FINISH_IN_BATCHES, max(1, count // BATCH))
        values["batched_server_us"] = values["submit_server_us"] + finish_us
    if peer.rests and surroundings == PLAIN:
        values |= {**_resting(peer, max(FEWEST_RESTS, count // RESTS)), **_after_eight(peer)}
    return values


def _submits(peer: Peer, surroundings: Surroundings, count: int, many: int) -> Values:
    """With a server for each kind of submit and no worker: what a submit costs and how long it takes."""
    values: Values = {}
    if not peer.has_server:
        return values
    for verb in ("submit", "threads", "many"):
        each = many if verb == "many" else count
        with (
            private_server(surroundings.everysec) as (url, client),
            Session(peer, url, surroundings.costs()) as session,
        ):
            session.ask("prepare", each)
            session.ask("submit", 1)
            before_s = cpu_s(client)
            figures = session.ask(verb, each)
            spent_s = cpu_s(client) - before_s
        if figures is None:
            continue
        values |= _submitted(verb, figures, each)
        if verb == "submit":
            values["submit_server_us"] = spent_s / each * 1e6
    return values


def _finishes(peer: Peer, surroundings: Surroundings, count: int) -> Values:
    """With warm workers: the round trip, the memory, and then a full backlog that is let go at once."""
    values: Values = {}
    with private_server(surroundings.everysec) as (url, client), Session(peer, url, surroundings.costs()) as session:
        session.ask("start", WARM_UP)
        values["idle_memory_mb"] = session.worker_memory_mb()
        trips = session.ask("round_trips", max(1, count // ROUND_TRIPS))
        if trips is not None:
            values["round_trip_p50_ms"], values["round_trip_p99_ms"] = (trips[f"p{p}_us"] / 1000 for p in (50, 99))
        session.ask("hold")
        server_before_s = cpu_s(client)
        backlog = 0
        # What has no server keeps its backlog in its workers, or beside them, so that its submits are measured here.
        for verb in ("submit",) if peer.has_server else ("submit", "threads", "many"):
            if (figures := session.ask(verb, count)) is not None:
                backlog += count
                values |= _submitted(verb, figures, count)
        submit_s, worker_before_s = cpu_s(client) - server_before_s, session.worker_cpu_s()
        finished = session.ask("finish")
        assert finished is not None
        values["finished_per_s"] = backlog / finished["took_s"]
        values["worker_us"] = (session.worker_cpu_s() - worker_before_s) / backlog * 1e6
        if peer.has_server:
            values["function_server_us"] = (cpu_s(client) - server_before_s) / count * 1e6
            values["held_submit_server_us"] = submit_s / count * 1e6
    return values


def _submitted(verb: str, figures: dict[str, float], count: int) -> Values:
    values = {f"{verb}_per_s": count / figures["took_s"]}
    if verb == "submit":
        values["submit_client_us"] = figures["client_cpu_s"] / count * 1e6
        values["submit_p50_us"], values["submit_p99_us"] = figures["p50_us"], figures["p99_us"]
    return values


def _resting(peer: Peer, count: int) -> Values:
    """Functions of a tenth of a second from a full backlog, of which two run at a time."""
    with private_server(everysec=False) as (url, _), Session(peer, url, TWO.costs()) as session:
        session.ask("start", WARM_UP)
        session.ask("hold")
        session.ask("rests", count)
        finished = session.ask("finish")
    assert finished is not None
    return {"share_of_ideal": count * REST_S / WORKERS / finished["took_s"]}


def _after_eight(peer: Peer) -> Values:
    """The memory of all workers after eight functions ran at once."""
    with private_server(everysec=False) as (url, _), Session(peer, url, EIGHT.costs()) as session:
        session.ask("start", WARM_UP)
        session.ask("hold")
        session.ask("rests", AT_ONCE)
        session.ask("finish")
        return {"memory_after_eight_mb": session.worker_memory_mb()}


def _floor(surroundings: Surroundings, count: int) -> Values:
    def with_server(submitted_at_once: int, finished_at_once: int) -> tuple[float, float]:
        client: Any
        with private_server(surroundings.everysec) as (_, client):
            submit = floor.submit_us(client, count, submitted_at_once)
            return submit, floor.finish_us(client, count, finished_at_once)

    submit_alone, finish_in_batches = with_server(1, BATCH)
    _, finish_alone = with_server(1, 1)
    return {
        "submit_server_us": submit_alone,
        "batched_server_us": submit_alone + finish_in_batches,
        "function_server_us": submit_alone + finish_alone,
    }
