"""The service's memory: one SQLite file, for all threads of the server and for its workers."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ground.errors import InputError, unwritable

NAME = "courtscribe.sqlite3"
VERSION = 1
"""Of the tables; a database of a later one is left alone."""
_KEPT_OPEN = 4
_PATIENCE = 15.0
"""Seconds to wait for another writer."""


class Database:
    """Tables in ``folder``; what was committed outlives a power cut."""

    def __init__(self, folder: Path, *schemas: str) -> None:
        """schemas: ``CREATE TABLE IF NOT EXISTS ...``. Raises InputError where it cannot be opened."""
        self.path = folder / NAME
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(_KEPT_OPEN)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._connection() as connection:
                self._prepare(connection, schemas)
        except OSError as error:
            raise unwritable(folder, error) from error
        except sqlite3.Error as error:
            raise InputError(f"{self.path}: cannot be used as a database ({error}); choose another folder") from error

    def _prepare(self, connection: sqlite3.Connection, schemas: tuple[str, ...]) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise InputError(f"{self.path}: is of a later version of courtscribe; use that one")
        for schema in schemas:
            connection.executescript(schema)
        if version != VERSION:
            connection.execute(f"PRAGMA user_version={VERSION}")

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """A connection that sees one state of all tables."""
        with self._connection() as connection, _transaction(connection, "BEGIN"):
            yield connection

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """A connection that alone may write; kept when all went well, and otherwise as if nothing had been."""
        with self._connection() as connection, _transaction(connection, "BEGIN IMMEDIATE"):
            yield connection

    def close(self) -> None:
        """Let go of the file; it opens again when it is asked."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._open()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        try:
            self._idle.put_nowait(connection)
        except queue.Full:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Generator[None]:
    connection.execute(begin)
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
