"""Why a function stands where it does, as plain data with one sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where one function stood at one moment, and why.

    The keys of every dict are always there, None where there is nothing to say. Amounts are as a user writes them,
    moments ISO texts in UTC with the seconds since or until beside them, nodes are named, `*` = what all share.
    """

    id: str  #: the RQ job id
    function_id: str
    state: str
    """As `Handle.status`; "infeasible" for what waits and fits on no live node, even an idle one."""
    position: dict[str, int | None] | None
    """Of what waits: `in_shape` of `of_shape`, among those that wait for the same (None: its first variant is still to
    join), and `among_all` of `of_all`. Counted from 1."""
    short: list[dict[str, Any]]
    """For each of its variants, each kind of alike nodes: how many `nodes` (one is `node`), with which `resources` and
    `labels`; why they could `never` hold it (a sentence each), or how many are `open`, how many of these have `room`,
    how many of these are `withheld` for others; what is `missing` where there is most of each; `apart`: nothing is, but
    no node has all of it at once; `closed`: `how` and for which `reason` one of them, `node`, takes nothing. `joins_s`:
    seconds until a variant counts."""
    holders: list[dict[str, Any]]
    """Who holds what is missing on the nearest node, longest first, at most 10: `kind` (function, claim), `id`,
    `function_id`, `node`, all its `amounts`, `since`, `seconds`; of a claim its `owner`. Before all of these, of the
    kind external: what other programs use there. Of what is queued or runs, that itself."""
    smallest_change: dict[str, Any] | None
    """What would let it start now. By `kind`: "variant" = by another that does not count yet, on `node`; "lower" = with
    `resource` lowered `from` what is wanted `to` what there is on `node` and its like (`nodes`); "releases" = when
    these `functions` (the first 10 of `count`) have ended. Where it is infeasible, "lower_capacity": as "lower", and a
    node could then hold it."""
    overtakes: dict[str, Any] | None
    """Of the first of its shape: how often (`count`) it was overtaken `since` then by what uses what it lacks; at
    `limit`, or after `limit_s`, a node is held for it. None = no limit."""
    holds: list[dict[str, Any]]
    """Nodes that are held for it (`own`), or for the function `id` and so keep it back though they have room: `node`,
    `lacks`."""
    waits_for: list[dict[str, Any]]
    """What is due by the clock: `kind`, `until`, `seconds`. "time": it is delayed until then; "start": it fails if it
    has not started by then (its wait_ttl); "fitness": then it is looked whether any node could hold it
    (on_infeasible)."""
    dependencies: dict[str, Any] | None
    """Of one that is deferred: `of` how many functions it takes results, or on how many it depends, how many have
    `ended`, and the first 10 that have not (`open`): `function_id`, `id`, `state`, `node`. `behind`, in a run: the one
    that is followed to what waits for no other of the run, by the function ids on the `way` there; of the last its
    `id`, `state` and why (`text`)."""
    text: str  #: one sentence
    own_text: str
    """The same for who asked for this function, and may not know of others': without who has what it lacks, what it is
    held back for, which nodes there are, and what an operator could do."""

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self)
