"""The model of the ledger and the scripts do the same, wherever chance leads: the same events, the same states."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.events import read_events
from handoff.ledger.housekeeping import tick
from handoff.words.function import Function
from model.explored.explore import first_state
from model.explored.moves import Move, Moves
from model.explored.seen_events import FUNCTIONS, NODES
from model.explored.state import State
from model.explored.worlds import Function as Spec
from model.explored.worlds import World
from support.agent import FakeAgent, Result, Stale, failure, killed, ok, unstarted
from support.passing import pass_ms
from support.submits import NOW_MS
from support.waiting import LIMIT_S

WORLDS = {
    "one node": World(
        (2,),
        (Spec(), Spec(2, retries=1), Spec(1, retries=1, is_delayed=True)),
        {"lapses": 1, "kills": 1, "cancels": 2, "lost": 3, "late": 3, "unstarted": 1, "failures": 2},
    ),
    # What has failed on a node is tried elsewhere, of which the model knows nothing: here none is tried again.
    "two nodes": World(
        (2, 1),
        (Spec(), Spec(2), Spec(1, is_delayed=True)),
        {"lapses": 2, "kills": 1, "cancels": 1, "lost": 3, "late": 3, "failures": 1},
    ),
    "agents that wait": World(
        (2, 1),
        (Spec(), Spec(2), Spec(1), Spec(1)),
        {"waits": 9, "missed": 2, "lapses": 1, "kills": 1, "cancels": 1, "lost": 2, "late": 2},
    ),
}

MOVES = 60

DELAY_S = 20
"""Longer than the pause before a retry."""

SEEDS = 6

RESULTS: dict[str, Callable[[str], Result]] = {
    "finished": ok,
    "failed": failure,
    "unstarted": unstarted,
    "stopped": killed,
}

TOLD = ("event", "change", "node", "outcome", "attempt", "retries")
"""Of an event, beside what it is about."""

UNTOLD = ("infeasible",)
"""Events of which the model knows nothing."""


class Scripts:
    """Does on a real store what a move does in the model."""

    def __init__(self, cluster: Cluster, world: World) -> None:
        cluster.store.now_ms = NOW_MS
        self._cluster, self._store, self._world = cluster, cluster.store, world
        self._handles: dict[int, Handle] = {}
        self._calls: dict[int, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        self._placements: dict[int, list[str]] = {}  #: of a function, one after the other
        self._epochs: dict[tuple[int, int], str] = {}
        self._processes = [0] * len(world.nodes)
        self._last = b"0-0"
        #: Where nobody listens, nothing is handed over.
        pubsub: Callable[[], Any] = cluster.connection.pubsub
        self._ears = [pubsub() for _ in world.nodes]
        cluster.limit_overtaking(count=None, seconds=None)
        for at in range(len(world.nodes)):
            self._listen(at)
            self.register(at, 1)
        self.news()

    def close(self) -> None:
        for ear in self._ears:
            ear.close()

    def _listen(self, at: int, *, is_on: bool = True) -> None:
        ear, channel = self._ears[at], self._store.keys("rq_channel", self._store.keys.queue(NODES[at]))
        (ear.subscribe if is_on else ear.unsubscribe)(channel)
        while ear.get_message(timeout=LIMIT_S)["type"] == "message":
            continue

    def register(self, at: int, epoch: int) -> None:
        """As the agent process of now; the model calls the epoch that this gives so."""
        number = self._processes[at]
        agent = FakeAgent(
            self._store, NODES[at], {"cpu": self._world.nodes[at], "slots": 8}, incarnation=f"{at}-{number}"
        )
        self._epochs[at, epoch] = agent.register(dead=f"{at}-{number - 1}").epoch

    def do(self, move: Move, s: State) -> None:
        """A move that leads from that state; not for `register`, which is called when its epoch is known."""
        verb, first, *rest = move
        agent = s.agents[first] if first < len(s.agents) else None
        match verb:
            case "submit" if rest != ["late"]:
                self._submit(first)
            case "cancel":
                self._handles[first].cancel()
            case "due":
                pass_ms(self._store, DELAY_S * 1000)
                tick(self._store)
            case "lapse":
                self._cluster.connection.zadd(self._store.keys("leases"), {NODES[first]: 1})
                tick(self._store)
            case "kill":
                self._listen(first, is_on=False)
            case "restart":
                self._processes[first] += 1
                self._listen(first)
            case "exchange" | "wait" if rest != ["late"] and agent:
                told = agent.ended if agent.sent is None else agent.sent
                self._finish(first, agent.epoch, agent.op + 1, told, 1)
            case "beat" if agent:
                self._beat(first, agent.epoch, agent.op, agent.has())
            case "deny" if rest != ["late"] and agent:
                self._deny(first, agent.epoch, agent.op, agent.denies)
            case "arrive":
                kind, *arguments = s.late[first]
                getattr(self, f"_{kind}")(*arguments)

    def _submit(self, function: int) -> None:
        if function in self._calls:
            rest, arguments = self._calls[function]
            self._store.run(*rest, **arguments)
            return
        spec, original = self._world.functions[function], self._store.run

        def noting(*rest: Any, **arguments: Any) -> list[Any]:
            self._calls[function] = rest, arguments
            return original(*rest, **arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self._store, "run", noting)
            self._handles[function] = self._cluster.submit(
                Function(
                    FUNCTIONS[function], "tasks:work", cost={"cpu": spec.cost}, max_retries=spec.retries,
                    delay=DELAY_S if spec.is_delayed else None, priority=9 - function,
                )
            )  # fmt: skip

    def _id(self, id: tuple[int, int]) -> str:
        return f"{self._handles[id[0]].id}:{self._placements[id[0]][id[1] - 1]}"

    def _finish(self, at: int, epoch: int, op: int, told: list[tuple[tuple[int, int], str]], room: int) -> None:
        agent = FakeAgent(self._store, NODES[at], {})
        agent.epoch, agent.op = self._epochs[at, epoch], op - 1
        results: list[Result] = [RESULTS[kind](self._id(id)) for id, kind in told]
        with suppress(Stale):
            agent.finish(*results, room=room, waits=self._world.hands_over)

    def _beat(self, at: int, epoch: int, op: int, has: list[tuple[int, int]]) -> None:
        runs, node = map(self._id, has), {"name": NODES[at], "epoch": self._epochs[at, epoch], "op": op}
        self._store.run("beat", *runs, **node, worked_ms=0, at="", external="", external_devices="")

    def _deny(self, at: int, epoch: int, op: int, ids: list[tuple[int, int]]) -> None:
        self._store.run("deny", *map(self._id, ids), name=NODES[at], epoch=self._epochs[at, epoch], op=op)

    def news(self) -> list[tuple[str, ...]]:
        """What events have told since the last time, in any order."""
        numbers = {handle.id: function for function, handle in self._handles.items()}
        news: list[tuple[str, ...]] = []
        while found := read_events(self._store, self._last, None):
            self._last = found[-1][0]
            for _, event in found:
                if event["event"] in UNTOLD:
                    continue
                job, _, placement = event.get("id", event.get("job", "")).partition(":")
                about = FUNCTIONS[numbers[job]] if job else ""
                if placement:
                    placements = self._placements.setdefault(numbers[job], [])
                    if event["event"] == "reserved":
                        placements.append(placement)
                    about += str(placements.index(placement) + 1)
                news.append((about, *(event.get(name, "") for name in TOLD)))
        return sorted(news)

    def states(self) -> dict[int, str]:
        return {function: handle.status for function, handle in self._handles.items()}


def play(model: Moves, s: State, move: Move, scripts: Scripts) -> None:
    """One move on both sides. What the model does step by step, a script does at once where little is to be done."""
    scripts.do(move, s)
    model.do(s, move)
    if move[0] == "due":
        for number, function in enumerate(s.functions):
            if function.state == "delayed":
                model.do(s, ("due", number))
        # Time has passed.
        for node in s.nodes:
            node.is_ready = False
    recover(model, s)
    if move[0] == "register":
        at = move[1]
        if not (s.nodes[at].is_up and s.nodes[at].is_its_agents):
            model.do(s, ("register", at, "fine"))
        s.agents[at].epoch = s.nodes[at].epoch if move[2] == "fine" else 0
        scripts.register(at, s.nodes[at].epoch)


def recover(model: Moves, s: State) -> None:
    for at, node in enumerate(s.nodes):
        while node.is_left:
            model.do(s, ("recover", at))


def news_of(s: State) -> list[tuple[str, ...]]:
    news = []
    for flat in s.events:
        event = dict(zip(flat[::2], flat[1::2], strict=True))
        about = event.get("id", event.get("job", "")).replace(":", "")
        news.append((about, *(event.get(name, "") for name in TOLD)))
    s.events = []
    return sorted(news)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_scripts_do_what_the_model_does_wherever_chance_leads(cluster: Cluster, world: str, seed: int) -> None:
    chance = random.Random(seed)
    model, s, scripts = Moves(WORLDS[world]), first_state(WORLDS[world]), Scripts(cluster, WORLDS[world])
    done: list[Move] = []
    with closing(scripts):
        while len(done) < MOVES and (possible := model.all(s)):
            done.append(chance.choice(possible))
            play(model, s, done[-1], scripts)

            assert scripts.news() == news_of(s), done
            assert scripts.states() == {n: f.state for n, f in enumerate(s.functions) if f.state}, done
