"""`python -m handoff.local`: a Redis server to try things out from a shell, which goes when this program ends."""

from __future__ import annotations

import signal
import sys
import threading

from handoff.exits import DONE, FAILED, MISUSED
from handoff.local.process import ServerNotStarted
from handoff.local.program import NoServer
from handoff.local.server import RedisServer


def main() -> int:
    """Start a server, print the line that tells a shell where it is, and wait for Ctrl-C or TERM. -> the exit status"""
    if sys.argv[1:]:
        sys.stderr.write("handoff.local: it takes no arguments, and runs a private Redis server until Ctrl-C\n")
        return MISUSED
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with RedisServer() as server:
            sys.stdout.write(f"export HANDOFF_REDIS_URL={server.url}\n")
            sys.stdout.flush()
            sys.stderr.write(
                "A private Redis until Ctrl-C: paste the line above into other shells, and use Handoff there.\n"
            )
            ended.wait()
    except (NoServer, ServerNotStarted) as error:
        sys.stderr.write(f"handoff.local: {error}\n")
        return FAILED
    return DONE


if __name__ == "__main__":
    sys.exit(main())
