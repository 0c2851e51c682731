"""What stands before a Redis that knows no TLS itself, as stunnel does: a program that ends TLS, and its certificate.

python -m support.hosts.tls HOST PORT CERTIFICATE SOCKET
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

from support.waiting import LIMIT_S

READY = "ready"


def make_certificate(path: Path, address: str) -> None:
    """Write a certificate for an address, which signs itself, and its key, into one file."""
    subject = ["-subj", "/CN=redis", "-addext", f"subjectAltName=IP:{address}"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    command = ["openssl", "req", "-x509", *kind, *subject, "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())


async def serve(host: str, port: int, certificate: str, socket: str) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(socket)
        await asyncio.gather(carry(reader, back), carry(there, writer), return_exceptions=True)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with await asyncio.start_server(connect, host, port, ssl=context) as server:
        print(READY, flush=True)
        await server.serve_forever()


async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(2**16):
            target.write(data)
            await target.drain()
    finally:
        target.close()


if __name__ == "__main__":
    host, port, certificate, socket = sys.argv[1:]
    asyncio.run(serve(host, int(port), certificate, socket))
