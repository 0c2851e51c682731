"""A server that evicts and keeps nothing: every command that has reached it says so beside what it tells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from support import need_redis_server
from support.private_servers import server_of
from support.processes import environment
from support.waiting import LIMIT_S


def test_what_is_wrong_with_the_server_is_told_on_stderr_and_costs_no_command(tmp_path: Path) -> None:
    need_redis_server()
    with server_of(tmp_path, "--maxmemory-policy", "allkeys-lru") as server:
        command = [sys.executable, "-m", "handoff", "nodes", "--json", "--url", server.url]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=LIMIT_S, check=True)

    assert json.loads(done.stdout) == []
    evicts, forgets = done.stderr.splitlines()
    assert "throws keys away when its memory is full" in evicts
    assert "keeps nothing on disk" in forgets
