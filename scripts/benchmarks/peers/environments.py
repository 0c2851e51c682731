"""An environment for each peer, so that none changes what another is measured with; kept from run to run."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from functools import cache
from pathlib import Path

from benchmarks.peers.roster import Peer

PROJECT = Path(__file__).resolve().parents[3]
FOLDER = PROJECT / ".peers"
"""Git ignores it. Removing it is how newer releases are got."""

STAMP = "installed"
LONGEST_S = 1800.0

_VERSIONS = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"


class NotInstalled(Exception):
    """A peer cannot be had here; the message is what pip says last."""


def python_of(peer: Peer) -> str:
    """The interpreter of a peer's environment, which is made where it is missing. Raises `NotInstalled`."""
    return _environment(peer.adapter, peer.needs) if peer.needs else sys.executable


@cache
def versions_of(peer: Peer) -> dict[str, str]:
    """Package -> its version in the peer's environment."""
    command = [python_of(peer), "-c", _VERSIONS, *peer.packages]
    found: dict[str, str] = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    return found


@cache
def _environment(name: str, needs: tuple[str, ...]) -> str:
    folder = FOLDER / name
    python, stamp = folder / "bin" / "python", folder / STAMP
    wanted = "\n".join([str(folder), sys.version, *needs])
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return str(python)
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input", *needs]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"pip had not ended after {LONGEST_S:.0f} s") from None
    if done.returncode:
        raise NotInstalled((done.stderr.strip().splitlines() or ["pip says nothing"])[-1])
    stamp.write_text(wanted, encoding="utf-8")
    return str(python)
