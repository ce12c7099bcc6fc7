"""Who may use the service: tokens, of which only a hash is kept, what each may do and how much."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import Request

from ground.errors import InputError
from pipeline.serve.database import Database
from pipeline.serve.problem import Problem

SCOPES = ("read", "write")
TOKENS_SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL,
    scopes TEXT NOT NULL,
    most_bytes INTEGER NOT NULL,
    most_jobs INTEGER NOT NULL,
    most_minutes REAL NOT NULL,
    made REAL NOT NULL
) STRICT;
"""
_PREFIX = "cs"
"""Of a token, so that whoever finds one in a file knows what it is."""
_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token a request brings."""

    token_id: str
    name: str
    scopes: frozenset[str]
    most_bytes: int
    """Of videos kept at a time."""
    most_jobs: int
    """That wait or run at a time."""
    most_minutes: float
    """Of video analysed in 24 hours."""


class Tokens:
    """The tokens in a database. Adding and taking away work while the service runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        name: str,
        scopes: Iterable[str] = SCOPES,
        *,
        most_bytes: int = 100 << 30,
        most_jobs: int = 20,
        most_minutes: float = 1440.0,
    ) -> str:
        """A new token, which nobody can tell again. name: whose it is. Raises InputError for one that is taken."""
        chosen = [scope for scope in SCOPES if scope in set(scopes)]
        if not chosen or set(scopes) - set(SCOPES):
            raise InputError(f"scopes are {' and '.join(SCOPES)}", "scopes")
        if not (name.strip() and name.isprintable() and len(name) <= 100):
            raise InputError("a token's name is 1 to 100 printable letters")
        if min(most_bytes, most_jobs, most_minutes) < 0 or most_bytes >= 1 << 63 or most_jobs >= 1 << 63:
            raise InputError("a quota is 0 or more, and no more than a disk could hold")
        token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        row = (token_id, name, _hash(secret), ",".join(chosen), most_bytes, most_jobs, most_minutes, time.time())
        with self._database.writing() as connection:
            if connection.execute("SELECT 1 FROM tokens WHERE name=?", (name,)).fetchone():
                raise InputError(f"{name!a:.110}: there is a token of this name; revoke it first, or choose another")
            connection.execute("INSERT INTO tokens VALUES (?,?,?,?,?,?,?,?)", row)
        return f"{_PREFIX}_{token_id}_{secret}"

    def list(self) -> list[tuple[Caller, float]]:
        """All, with when they were made (seconds since 1970), oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM tokens ORDER BY made").fetchall()
        return [(_caller(row), float(row["made"])) for row in rows]

    def revoke(self, name: str) -> None:
        """Take a token away, by its name or id. Raises InputError where there is none."""
        with self._database.writing() as connection:
            gone = connection.execute("DELETE FROM tokens WHERE name=? OR id=?", (name, name)).rowcount
        if not gone:
            raise InputError(f"{name!a:.110}: there is no token of this name")

    def find(self, token: str) -> Caller | None:
        """Whose ``token`` is; None: nobody's. How long it takes tells nothing of how much of it is right."""
        prefix, _, rest = token.partition("_")
        token_id, _, secret = rest.partition("_")
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM tokens WHERE id=?", (token_id[:64],)).fetchone()
        is_right = hmac.compare_digest(_hash(secret), _NOBODY if row is None else row["hash"])
        return _caller(row) if is_right and row is not None and prefix == _PREFIX else None


def _hash(secret: str) -> bytes:
    """One round is enough for 256 random bits, which no list of passwords holds."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _caller(row: sqlite3.Row) -> Caller:
    quotas = (row["most_bytes"], row["most_jobs"], row["most_minutes"])
    return Caller(row["id"], row["name"], frozenset(str(row["scopes"]).split(",")), *quotas)


def reader(request: Request) -> Caller:
    """Who asks, and may read. Raises Problem."""
    return _allowed(request, "read")


def writer(request: Request) -> Caller:
    """Who asks, and may write. Raises Problem."""
    return _allowed(request, "write")


def _allowed(request: Request, scope: str) -> Caller:
    """``access.Guard`` has looked at the token, and nobody gets here without one."""
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        raise Problem(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
    if scope not in caller.scopes:
        raise Problem(403, f"this token may not {scope}")
    return caller
