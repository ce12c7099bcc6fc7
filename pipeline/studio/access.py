"""Who may talk to the studio: whoever was given its address, from a page of its own, and nobody else."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HOST = "127.0.0.1"
"""The only address that is served: of this machine, by number, so that no name leads to it."""
MOST_BYTES = 4 << 20
"""Of what is sent to the studio at once."""
_READS = frozenset({"GET", "HEAD"})
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""Of every answer."""


_LEADS_ON = (
    '<!doctype html><html lang="en"><title>courtscribe studio</title>'
    '<meta http-equiv="refresh" content="0;url={place}"><p><a href="{place}">courtscribe studio</a></p></html>'
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the studio is, and the secret that its address holds."""

    port: int
    token: str
    once: list[str] = field(default_factory=list[str])
    """Others that let in once."""

    @staticmethod
    def new(port: int) -> Address:
        """One that nobody can guess."""
        return Address(port, secrets.token_urlsafe(32))

    @property
    def host(self) -> str:
        """As a browser names it in ``Host``."""
        return f"{HOST}:{self.port}"

    @property
    def origin(self) -> str:
        """As a browser names it in ``Origin``."""
        return f"http://{self.host}"

    @property
    def url(self) -> str:
        """For a person to open."""
        return f"{self.origin}/?token={self.token}"

    def url_once(self) -> str:
        """For this machine's browser to be started with: it works once, as other users may see what is started."""
        once = secrets.token_urlsafe(32)
        self.once.append(once)
        return f"{self.origin}/?token={once}"

    @property
    def cookie(self) -> str:
        """The name of the cookie; a browser does not tell ports apart."""
        return f"courtscribe-{self.port}"


class Guard:
    """Lets to ``app`` what comes from the studio's own page, and adds ``HEADERS`` to all answers.

    A request names exactly this host, so that no other site's name can be made to lead here. The token of the address
    becomes a cookie that no script and no other site's page can use. What writes names this origin, says that it is
    JSON, and is at most ``MOST_BYTES`` long.
    """

    def __init__(self, app: App, address: Address, first: str = "/") -> None:
        """first: the page to which the printed address leads."""
        self._app, self._address = app, address
        self._leads_on = _LEADS_ON.format(place=escape(first)).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no web sockets here
            return
        given = _headers(scope)
        if given.get("host") != [self._address.host]:
            await _answer(send, 421, f"the studio is at {self._address.host} only")
        elif self._brings_token(scope):
            await self._give_cookie(send)
        elif (refusal := self._refusal(scope, given)) is not None:
            await _answer(send, *refusal)
        else:
            await self._app(scope, _limited(receive), with_headers(send))

    def _refusal(self, scope: Scope, given: dict[str, list[str]]) -> tuple[int, str] | None:
        """Why a request is not let in; None: it is."""
        if not self._has_cookie(given):
            return 403, "open the address that the studio has printed where it was started"
        return None if scope["method"] in _READS else self._refusal_to_write(given)

    def _refusal_to_write(self, given: dict[str, list[str]]) -> tuple[int, str] | None:
        if given.get("origin") != [self._address.origin]:
            return 403, "only the studio's own page may change anything"
        if given.get("content-type", [""])[0].partition(";")[0].strip() != "application/json":
            return 415, "what is sent to the studio is JSON"
        length = given.get("content-length", ["0"])[0]
        if not (length.isascii() and length.isdigit() and int(length) <= MOST_BYTES):
            return 413, f"at most {MOST_BYTES} bytes are taken at once"
        return None

    def _brings_token(self, scope: Scope) -> bool:
        if scope["method"] != "GET" or scope["path"] != "/":
            return False
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if len(tokens) != 1:
            return False
        once = next((one for one in self._address.once if _same(tokens[0], one)), None)
        if once is not None:
            self._address.once.remove(once)
        return once is not None or _same(tokens[0], self._address.token)

    def _has_cookie(self, given: dict[str, list[str]]) -> bool:
        """Read by hand: other programs at 127.0.0.1 set cookies, too, and one that is odd must hide no other."""
        pairs = (pair.strip().partition("=") for line in given.get("cookie", ()) for pair in line.split(";"))
        found = [value for name, _, value in pairs if name == self._address.cookie]
        return any(_same(value, self._address.token) for value in found)

    async def _give_cookie(self, send: Send) -> None:
        """The token goes into a cookie and out of the address, which is seen and kept in more places.

        The page leads on by itself: after a redirect a browser that came from another site would not send the cookie.
        """
        cookie = f"{self._address.cookie}={self._address.token}; Path=/; HttpOnly; SameSite=Strict"
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"set-cookie", cookie.encode()), *HEADERS]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._leads_on})


def _same(given: str, wanted: str) -> bool:
    """In a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _limited(receive: Receive) -> Receive:
    """A body that says nothing of its length ends the request when it is too long."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > MOST_BYTES else message

    return limited


def with_headers(send: Send) -> Send:
    """Adds ``HEADERS`` to the answer, but for those that it has."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            named = {name.lower() for name, _ in message.get("headers", ())}
            message = {**message, "headers": [*message.get("headers", ()), *(h for h in HEADERS if h[0] not in named)]}
        await send(message)

    return with_headers


async def _answer(send: Send, status: int, why: str) -> None:
    body = json.dumps({"error": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
