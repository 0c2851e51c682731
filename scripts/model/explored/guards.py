"""The rules of the ledger and its agents, each a guard at one place of the model that can be left out.

Without one of them the model is broken, and there is a way to a state in which something does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """One rule; leaving it out breaks `breaks`, of `model.rules` or of `invariants`, in that world."""

    rule: str
    breaks: str
    world: str


GUARDS: dict[str, Guard] = {
    "epoch": Guard("what an agent tells counts only in the epoch of its node", "fenced", "loss"),
    "epoch grows": Guard("a node that is lost has another epoch from then on", "epochs grow", "loss"),
    "emptied first": Guard(
        "a node begins anew only when all of its life before is given back", "one life at a time", "loss"
    ),
    "fenced": Guard("an agent that has lost its node stops what it runs", "holds what runs", "loss"),
    "loss gives back": Guard("what a lost node held is given back", "order", "loss"),
    "loss is seen to": Guard("somebody sees to what a lost node held", "one life at a time", "loss"),
    "loss costs": Guard("an attempt that is lost with its node was one", "attempts", "killed agents"),
    "no retries": Guard("what has no retries left is not tried again, whatever ended it", "attempts", "loss"),
    "not on lost": Guard("nothing is placed on a node that is lost", "open", "loss"),
    "token": Guard("a submit that is repeated is known by its token", "one reservation", "lost replies"),
    "call once": Guard("a call that was answered is not done again", "as reserved", "lost replies"),
    "same number": Guard(
        "a call without an answer is repeated under its number", "none lost on a live node", "lost replies"
    ),
    "old calls": Guard("a call that a later one has overtaken does nothing", "none lost on a live node", "late calls"),
    "old denials": Guard(
        "an agent denies nothing of what was started after its last answer", "none lost on a live node", "late calls"
    ),
    "beat believed": Guard("what an agent says that it runs is running", "none lost on a live node", "lost replies"),
    "heard once": Guard(
        "what a call has told of does not begin once more when its hint is heard", "holds what runs", "handed over"
    ),
    "told of what was heard": Guard(
        "what was heard of does not begin once more when a call tells of it", "holds what runs", "handed over"
    ),
    "by the next call": Guard(
        "what is handed over is started under the number of the next call", "none lost on a live node", "handed over"
    ),
    "told once more": Guard(
        "the next call tells of what was handed over", "none lost on a live node", "handed over"
    ),
    "fits": Guard("a function is placed only where it fits", "capacity", "lost replies"),
    "by the record": Guard("what is given back is what the record says", "books", "lost replies"),
    "wakes": Guard("who gives room back starts what fits into it", "no room unused", "lost replies"),
    "opened wakes": Guard("a node that is opened starts what fits", "no room unused", "drained nodes"),
    "drained takes none": Guard("a node that is drained starts nothing more", "open", "drained nodes"),
    "drained hands back": Guard("what stands on the queue of a drained node waits again", "one place", "drained nodes"),
    "placement": Guard("every placement has a number of its own", "one reservation", "drained nodes"),
    "unstarted": Guard("what could not be started has used no attempt", "attempts", "drained nodes"),
    "cancel waits": Guard("what runs is canceled when its child has ended", "order", "killed agents"),
    "cancel stays": Guard("what is canceled while it runs is not tried again", "canceled for good", "retries"),
    "cancel takes off": Guard("what is canceled stands on no queue", "one place", "drained nodes"),
    "attempts": Guard("every start is counted", "attempts", "retries"),
    "due once": Guard("a delay ends only for what is still delayed", "ends once", "retries"),
    "due": Guard("somebody looks for what is due", "all end", "retries"),
}  # fmt: skip
