"""scripts/demo-memory: what it says of enforcement is what comes of its functions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from support import need_redis_server
from support.waiting import LIMIT_S

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere what children share counts in each of them")
def test_without_enforcement_neighbours_die_with_it_the_liars_and_with_grow_nobody() -> None:
    need_redis_server()
    command = [sys.executable, "-m", "memory_demo", "--scale", "5", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=4 * LIMIT_S, check=True)

    scenes = json.loads(done.stdout)["scenes"]
    came_of = [Counter((each["keeps_its_word"], each["outcome"]) for each in scene["functions"]) for scene in scenes]
    assert came_of == [
        {(True, "killed"): 2, (False, "ran"): 4},
        {(True, "ran"): 2, (False, "stopped"): 4},
        {(True, "ran"): 2, (False, "ran"): 4},
    ]
    assert {each["attempts"] for each in scenes[2]["functions"] if not each["keeps_its_word"]} == {2}
    assert scenes[2]["suggested"]["memory_demo.functions.liar"]["memory"] > 180
