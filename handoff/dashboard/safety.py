"""Who may ask the dashboard for what, and what browsers may do with its answers."""

from __future__ import annotations

import base64
import binascii
import hmac
import inspect
from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handoff.errors import shown

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})

Identity = str | bool | None
Authorize = Callable[[Scope], Identity | Awaitable[Identity]]
"""Whether whoever sends a request may look, and who he is: the name that an audit event has; True: without a name."""

SOMEBODY = "somebody"


class BasicAuth:
    """One user and his password, as browsers ask for them."""

    challenge = 'Basic realm="handoff", charset="UTF-8"'

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password

    def __call__(self, scope: Scope) -> Identity:
        """His name, or None."""
        kind, _, encoded = Headers(scope=scope).get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        # Both are compared, whatever the first says: the time that it takes tells nothing.
        is_user = hmac.compare_digest(user.encode(), self._user.encode())
        is_password = hmac.compare_digest(password.encode(), self._password.encode())
        return user if colon and is_user and is_password else None


class Guard:
    """Asks `authorize` before anything else, and adds what browsers are told.

    `hosts`: names under which it may be asked for; None: any. Bound to loopback it has to know them, for a page from
    elsewhere may have its own name resolved to 127.0.0.1.
    """

    def __init__(self, app: ASGIApp, *, authorize: Authorize | None, hosts: Collection[str] | None) -> None:
        if authorize is not None and not callable(authorize):
            raise TypeError(f"authorize is {shown(authorize)}: give what is called with the ASGI scope, or None")
        self._app, self._authorize = app, authorize
        self._hosts = None if hosts is None else _check_hosts(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal, identity = await self._look(scope)
        if refusal is not None:
            await refusal(scope, receive, send_guarded)
            return
        # The pages' own address, before mounts of our own add to it.
        scope = {**scope, "handoff.root": scope.get("root_path", ""), "handoff.who": identity}
        await self._app(scope, receive, send_guarded)

    async def _look(self, scope: Scope) -> tuple[PlainTextResponse | None, str]:
        host = _host_of(Headers(scope=scope).get("host", ""))
        if self._hosts is not None and host not in self._hosts:
            return PlainTextResponse("The dashboard is not known under that name: see --host.\n", 421), ""
        if self._authorize is None:
            return None, SOMEBODY
        identity = await _answer(self._authorize, scope)
        if identity:
            return None, identity if isinstance(identity, str) else SOMEBODY
        challenge = getattr(self._authorize, "challenge", None)
        if challenge is None:
            return PlainTextResponse("You may not look at this.\n", 403), ""
        return PlainTextResponse("Say who you are.\n", 401, {"WWW-Authenticate": challenge}), ""


async def _answer(authorize: Authorize, scope: Scope) -> Identity:
    """What it says. It is called in a thread, for it may look into a database; what it is to await is awaited here."""
    answer = await run_in_threadpool(authorize, scope)
    return await answer if inspect.isawaitable(answer) else answer


def comes_from_here(scope: Scope) -> bool:
    """Whether a request that changes something was sent by a page of this very site.

    Browsers say so in Sec-Fetch-Site, which no page can set; older ones name the Origin. Who says neither is none.
    """
    headers = Headers(scope=scope)
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin, host = headers.get("origin"), headers.get("host")
    return bool(origin and host) and urlsplit(origin or "").netloc.lower() == (host or "").lower()


def _check_hosts(hosts: object) -> frozenset[str]:
    """The names as a Host header is compared with them. Raises `TypeError`."""
    # A text is a collection too, of its characters.
    if not isinstance(hosts, Collection) or isinstance(hosts, str) or not all(isinstance(name, str) for name in hosts):
        raise TypeError(f"hosts is {shown(hosts)}: give a list of names, or None for any")
    return frozenset(name.lower() for name in hosts)


def _host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    name = header.lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]
