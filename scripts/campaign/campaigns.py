"""One campaign from its world to its verdict."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from campaign import books, processes
from campaign.capacity import overruns
from campaign.driving import Driven, Driver
from campaign.faults import Kind
from campaign.journal import GRAPH, Submitted, gather
from campaign.judging import Judge
from campaign.measuring import count_faults, judge_speed, measure
from campaign.plan import make_plan
from campaign.servers import Never, wait_until
from campaign.verdict import BOOKS, BROKEN, LEAKED, LOST, OVER, Verdict
from campaign.watching import Follower
from campaign.world import World

REST_S = 240.0
"""How long all that was submitted may take to end when no fault comes any more: a retry waits up to a minute."""

ODD_WORDS = ("Traceback", "has failed and is tried again", "cannot be stored", "cannot be ended", "ignoring a command")
"""In the log of an agent they tell of a defect."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Campaign:
    """What is to be done."""

    seed: int
    seconds: float
    lease_s: float
    rate: float
    kinds: Mapping[str, Kind]
    forgets: bool = False  #: Redis is emptied, and goes back
    first: int | None = None  #: only so many of the faults
    judges_speed: bool = False

    def run(self, tell: Tell, verdict: Verdict | None = None) -> Verdict:
        """Do it, and judge it. Where something is wrong, what processes have written is left in a folder.

        `verdict` has what is known so far for whoever stops this midway; what is wrong is told then too.
        """
        folder = Path(tempfile.mkdtemp(prefix="handoff-chaos-"))
        verdict = Verdict(self.seed, self.seconds) if verdict is None else verdict
        plan = make_plan(self.seed, self.seconds, {name: kind.weight for name, kind in self.kinds.items()})
        world = World.build(folder, lease_s=self.lease_s, rate=self.rate, seed=self.seed)
        driver = Driver(world, self.kinds, tell)
        try:
            follower = Follower(world)
            world.begin()
            driver.drive(plan[: self.first], self.seconds)
            self._judge(world, driver.driven, follower, verdict, tell)
        except Never as error:
            verdict.note(BROKEN, str(error))
        finally:
            world.close()
            verdict.note(BOOKS, *driver.driven.wrong)
            count_faults(verdict, driver.driven)
            leave(folder, verdict, tell)
        return verdict

    def _judge(self, world: World, driven: Driven, follower: Follower, verdict: Verdict, tell: Tell) -> None:
        tell("all comes to rest")
        world.stop_clients()
        submitted, broken = gather(world.folder)
        verdict.note(BROKEN, *broken)
        unended = self._await_rest(world, submitted)
        verdict.note(LOST, *unended)
        if not unended:
            verdict.note(BOOKS, *books.check_at_rest(world))
        follower.stop()
        if not self.forgets and follower.is_whole:
            verdict.note(OVER, *overruns(follower.events, world.touched))
        elif not self.forgets:
            verdict.note(BROKEN, "the stream of events was cut off before it was read: capacity cannot be judged")
        Judge(world, driven, self.kinds, follower.events, self.forgets, verdict).judge(submitted)
        measure(verdict, driven, follower, self.lease_s)
        verdict.note(BROKEN, *processes.said(world.outputs, ODD_WORDS))
        written = [*world.outputs, *world.folder.glob("*.journal")]
        verdict.note(BROKEN, *(f"a password: {line}" for line in processes.said(written, [world.pair.password])))
        if not unended:
            _end_agents(world)
            verdict.note(LEAKED, *books.check_expired(world))
        if self.judges_speed:
            judge_speed(verdict)

    def _await_rest(self, world: World, submitted: Mapping[str, Submitted]) -> list[str]:
        """Wait until all that was submitted has ended. -> what has not"""
        store = world.cluster.store
        singles = [id for id, each in submitted.items() if each.order.kind != GRAPH]
        graphs = [id for id, each in submitted.items() if each.order.kind == GRAPH]
        left: list[str] = []
        limit_s = time.monotonic() + REST_S
        while time.monotonic() < limit_s:
            world.tend()
            left = books.unended(store, singles, graphs)
            if not left:
                return []
            time.sleep(0.3)
        return [f"{id} has not ended: {_why(world, id)}" for id in left]


def leave(folder: Path, verdict: Verdict, tell: Tell) -> None:
    """Tell what is wrong, and keep the folder if anything is."""
    for sort, what in verdict.wrong:
        tell(f"{sort}: {what}")
    if verdict.wrong:
        tell(f"see {folder}")
    else:
        shutil.rmtree(folder)


def _why(world: World, id: str) -> str:
    try:
        return str(world.cluster.handle(id).explain())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _end_agents(world: World) -> None:
    """As their host does that is shut down; each takes its node away."""
    for agent in world.agents.values():
        agent.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not any(agent.is_there for agent in world.agents.values()), "all agents have left")
