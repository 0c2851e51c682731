"""`python -m handoff.local`: a Redis server to try things out from a shell, which goes when this program ends."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import NoReturn

from handoff.exits import DONE, FAILED, MISUSED
from handoff.local.process import ServerNotStarted
from handoff.local.program import NoServer
from handoff.local.server import RedisServer


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(MISUSED, f"handoff.local: {message}\n")


def main() -> int:
    """Start a server, tell a shell where it is, and wait for Ctrl-C, TERM or the server's end. -> the exit status"""
    parser = _Parser(
        prog="python -m handoff.local", allow_abbrev=False,
        description="Run a private Redis server on this machine until Ctrl-C, and print what other shells need of it.",
    )  # fmt: skip
    parser.add_argument("--port", type=_port, help="Of 127.0.0.1.  [default: any that is free]")
    port: int | None = parser.parse_args().port
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with RedisServer(port=port) as server:
            sys.stdout.write(f"export HANDOFF_REDIS_URL={server.url}\n")
            sys.stdout.flush()
            sys.stderr.write(
                "A private Redis until Ctrl-C: paste the line above into other shells, and use Handoff there.\n"
            )
            of_server = server.ended
            of_server.add_done_callback(lambda _: ended.set())
            ended.wait()
            if not of_server.done():
                return DONE
    except (NoServer, ServerNotStarted) as error:
        sys.stderr.write(f"handoff.local: {error}\n")
        return FAILED
    code = of_server.result()
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    sys.stderr.write(f"handoff.local: the server has ended {how}, and what it had is gone: start another\n")
    return FAILED


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
