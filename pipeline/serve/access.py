"""Lets in whoever has a token, and nobody else; what is sent is bounded before anything reads it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from html import escape
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool

from pipeline.serve.problems import MEDIA_TYPE, problem_body
from pipeline.serve.settings import LONGEST_JSON, ServeSettings
from pipeline.serve.tokens import Caller, Tokens
from pipeline.studio.access import App, Message, Receive, Scope, Send, with_headers

_log = logging.getLogger("courtscribe")

COOKIE = "courtscribe-token"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_LOGIN = 4096
_LONGEST_ADDRESS = 4096
LONGEST_HEADERS = 32 << 10
"""Bytes."""
_STREAMED = (
    ("/videos", "application/offset+octet-stream"),
    ("/sportclassifier/", "multipart/form-data"),
    ("/sports/", "multipart/form-data"),
)
"""Beginning of an address and kind of content that its route reads piece by piece, with a limit of its own."""
_Headers = list[tuple[bytes, bytes]]
_BEARER: _Headers = [(b"www-authenticate", b"Bearer")]


class Delays:
    """How long who brings wrong tokens waits for the answer: the longer, the more he has brought."""

    first, longest, forgotten_after = 0.1, 5.0, 600.0
    """Seconds."""
    most_addresses, most_waiting = 4096, 8
    """That are remembered; that wait at once, of one address."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._waiting: dict[str, int] = {}

    def next(self, address: str) -> float | None:
        """Seconds to wait for one more wrong token; None: too many wait already. Counts it."""
        count, last = self._wrong.pop(address, (0, 0.0))
        now = self._clock()
        count = 1 if now - last > self.forgotten_after else count + 1
        self._wrong[address] = (count, now)
        if len(self._wrong) > self.most_addresses:
            self._wrong.popitem(last=False)
        if self._waiting.get(address, 0) >= self.most_waiting:
            return None
        return min(self.first * 2.0 ** min(count - 1, 20), self.longest)

    async def wait(self, address: str) -> bool:
        """Wait, while others are served; whether it was not refused."""
        seconds = self.next(address)
        if seconds is None:
            return False
        self._waiting[address] = self._waiting.get(address, 0) + 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]
        return True


class Guard:
    """Lets to ``app`` what brings a token, in ``Authorization`` or, from the service's own page, in a cookie.

    The caller is told to routes as ``request.state.caller``. What writes by cookie names the page's own origin. A body
    is at most ``LONGEST_JSON`` long unless its route reads it piece by piece, and a client that falls silent in the
    middle of it is hung up on. Adds headers to all answers.
    """

    def __init__(self, app: App, tokens: Tokens, settings: ServeSettings, clock: Callable[[], float]) -> None:
        self._app, self._tokens, self._settings = app, tokens, settings
        self._delays = Delays(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no web sockets here
            return
        send = with_headers(send)
        given = _headers(scope)
        try:
            _require_short(scope)
            if scope["path"] == "/healthz":
                await self._pass_on(scope, receive, send, 0)
            elif scope["path"] == "/login" and scope["method"] == "POST":
                await self._login(scope, given, receive, send)
            else:
                await self._let_in(scope, given, receive, send)
        except _RefusedError as refused:
            await _say(send, *refused.args)

    async def _let_in(self, scope: Scope, given: dict[str, str], receive: Receive, send: Send) -> None:
        token, is_cookie = _token_of(given)
        if not token:
            await self._ask_for_token(scope, given, send)
            return
        caller = await self._caller(scope, token)
        if is_cookie and scope["method"] not in _READS:
            _require_own_page(given)
        most = _most_bytes(scope, given)
        length = given.get("content-length", "0")
        if most is not None and not (length.isascii() and length.isdigit() and int(length) <= most):
            raise _RefusedError(413, f"at most {most} bytes are taken here at once")
        scope.setdefault("state", {})["caller"] = caller
        await self._pass_on(scope, receive, send, most)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, most: int | None) -> None:
        body = _Body(receive, most, self._settings.patience)
        await self._app(scope, body.receive, body.answered(send))

    async def _caller(self, scope: Scope, token: str) -> Caller:
        """Whose token it is; a wrong one is answered late. Raises _RefusedError."""
        caller = await run_in_threadpool(self._tokens.find, token)
        if caller is not None:
            return caller
        address = str((scope.get("client") or ("",))[0])
        _log.warning("%s: a wrong token", address)
        if not await self._delays.wait(address):
            raise _RefusedError(429, "too many wrong tokens", [(b"retry-after", b"10")])
        raise _RefusedError(401, "this token is not known here, or was revoked", _BEARER)

    async def _ask_for_token(self, scope: Scope, given: dict[str, str], send: Send) -> None:
        if scope["path"] != "/" or "text/html" not in given.get("accept", ""):
            raise _RefusedError(401, "a token is needed: Authorization: Bearer TOKEN", _BEARER)
        await _page(send, 401, "")

    async def _login(self, scope: Scope, given: dict[str, str], receive: Receive, send: Send) -> None:
        """The token goes from a form into a cookie that no script and no other site's page can use."""
        _require_own_page(given)
        body = await _read(_Body(receive, _LONGEST_LOGIN, self._settings.patience).receive)
        token = parse_qs(body.decode("latin-1"), max_num_fields=10).get("token", [""])[0].strip()
        try:
            await self._caller(scope, token)
        except _RefusedError as refused:
            await _page(send, refused.args[0], str(refused.args[1]))
            return
        cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000"
        cookie += "; Secure" if scope.get("scheme") == "https" else ""
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode("latin-1", "replace"))]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _require_short(scope: Scope) -> None:
    """Raise _RefusedError for an address or headers that are too long: they are in memory, as those of others."""
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _LONGEST_ADDRESS:
        raise _RefusedError(414, "this address is too long")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEADERS:
        raise _RefusedError(431, "these headers are too long")


class _RefusedError(Exception):
    """Status, one line, headers."""


def _token_of(given: dict[str, str]) -> tuple[str, bool]:
    """The token that is brought, and whether a cookie brought it. ``Bearer X``, ``Token X`` and ``X`` are taken."""
    if authorization := given.get("authorization", "").strip():
        kind, _, token = authorization.rpartition(" ")
        return (token, False) if kind.strip().lower() in ("", "bearer", "token") else ("-", False)
    for pair in given.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE and value:
            return value, True
    return "", False


def _require_own_page(given: dict[str, str]) -> None:
    """A browser says which page asks; another site's may not use the cookie. Raises _RefusedError."""
    origin = given.get("origin", "")
    if not origin or urlsplit(origin).netloc.lower() != given.get("host", "").lower():
        raise _RefusedError(403, "only the service's own page may do this without a token in Authorization")


def _most_bytes(scope: Scope, given: dict[str, str]) -> int | None:
    kind = given.get("content-type", "").partition(";")[0].strip().lower()
    is_streamed = any(scope["path"].startswith(place) and kind == of for place, of in _STREAMED)
    return None if is_streamed else LONGEST_JSON


def _headers(scope: Scope) -> dict[str, str]:
    """By name; what is given twice is joined."""
    found: dict[str, str] = {}
    for raw_name, raw in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw.decode("latin-1")
        joint = "; " if name == "cookie" else ", "
        found[name] = f"{found[name]}{joint}{value}" if name in found else value
    return found


class _Body:
    """What is sent with a request: ended where it is longer than ``most`` bytes, or nothing comes for too long."""

    def __init__(self, receive: Receive, most: int | None, patience: float) -> None:
        """patience: seconds."""
        self._receive, self._most, self._patience = receive, most, patience
        self._taken, self._is_whole, self.is_too_long = 0, False, False

    async def receive(self) -> Message:
        """See ASGI."""
        if self._is_whole:  # waiting for the client to leave, which may take as long as it likes
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._patience)
        except TimeoutError:
            return {"type": "http.disconnect"}
        self._taken += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        self.is_too_long = self._most is not None and self._taken > self._most
        return {"type": "http.disconnect"} if self.is_too_long else message

    def answered(self, send: Send) -> Send:
        """Says that it was too long, whatever the route makes of its breaking off."""
        is_said = False

        async def answered(message: Message) -> None:
            nonlocal is_said
            if not self.is_too_long:
                await send(message)
            elif not is_said:
                is_said = True
                await _say(send, 413, f"at most {self._most} bytes are taken here at once")

        return answered


async def _read(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


async def _say(send: Send, status: int, detail: str, headers: _Headers | None = None) -> None:
    await _send(send, status, problem_body(status, detail), MEDIA_TYPE, headers or [])


async def _page(send: Send, status: int, why: str) -> None:
    page = _LOGIN.replace("WHY", escape(why)).encode()
    await _send(send, status, page, "text/html; charset=utf-8", _LOGIN_HEADERS)


async def _send(send: Send, status: int, body: bytes, kind: str, headers: _Headers) -> None:
    about = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": about})
    await send({"type": "http.response.body", "body": body})


_LOGIN_POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_LOGIN_HEADERS: _Headers = [
    (b"content-security-policy", _LOGIN_POLICY),
    (b"referrer-policy", b"same-origin"),  # without one a form is sent with no origin
]
_LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>courtscribe</title>
<meta name="viewport" content="width=device-width">
<style>body { font: 16px system-ui; margin: 15vh auto; max-width: 24rem; padding: 0 1rem; color-scheme: light dark }
label, input, button { display: block; font: inherit; margin: .5rem 0 } input { width: 100%; box-sizing: border-box }
</style><h1>courtscribe</h1><form method="post" action="/login"><p role="alert">WHY</p>
<label for="token">Token</label><input id="token" name="token" type="password" autocomplete="current-password" required>
<button>Open</button></form></html>
"""
