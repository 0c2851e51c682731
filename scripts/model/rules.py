"""The rules that a stream of events is held to, each by a name that a refusal carries."""

from __future__ import annotations

RULES = {
    "known": "an event is one that scripts write, with all its fields, and of a node that was registered",
    "one life at a time": "a node is registered before it is lost, lost before it is registered anew, and empty then",
    "epochs grow": "every life of a node has an epoch of its own, larger than the one before",
    "epoch": "what is reserved or started on a node is so in the epoch that the node has then",
    "open": "nothing is reserved or started on a node that is lost, drained, quiet or cordoned",
    "capacity": "what is reserved of a node, of a device and of what all share is never more than there is",
    "one reservation": "a function has one reservation at most, and an id names one reservation for ever",
    "as reserved": "what is given back is what was reserved: once, on the same node, the same amounts and devices",
    "placed first": "a function is started where it is reserved, and once by a reservation",
    "attempts": "attempts are counted, and are never more than a function's retries and one",
    "fenced": "a result of an attempt counts only while its node lives on in the epoch of that attempt",
    "ends once": "what has ended does not go on, but where rq's tools brought it back",
    "order": "a function goes from state to state as docs/states.md says",
    "leaked": "at the end nothing is reserved",
    "lost": "at the end every function has ended",
}
