"""What is committed is there, whole, whoever writes beside."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from ground.errors import InputError
from pipeline.serve.database import VERSION, Database

_COUNTER = "CREATE TABLE IF NOT EXISTS counter (value INTEGER NOT NULL) STRICT;"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path, _COUNTER)
    with database.writing() as connection:
        connection.execute("INSERT INTO counter VALUES (0)")
    return database


def _value(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute("SELECT value FROM counter").fetchone()["value"]


def test_what_failed_half_way_never_was(database: Database) -> None:
    with pytest.raises(RuntimeError), database.writing() as connection:
        connection.execute("UPDATE counter SET value=7")
        raise RuntimeError
    assert _value(database) == 0


def test_writers_of_many_threads_and_databases_lose_nothing(database: Database) -> None:
    def count(own: Database) -> None:
        for _ in range(25):
            with own.writing() as connection:
                before = connection.execute("SELECT value FROM counter").fetchone()[0]
                connection.execute("UPDATE counter SET value=?", (before + 1,))

    others = [database, database, Database(database.path.parent, _COUNTER)]
    threads = [threading.Thread(target=count, args=(own,)) for own in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _value(database) == 75


def test_a_reader_sees_one_state_and_keeps_no_writer_waiting(database: Database) -> None:
    with database.reading() as reading:
        assert reading.execute("SELECT value FROM counter").fetchone()[0] == 0
        with database.writing() as connection:
            connection.execute("UPDATE counter SET value=1")
        assert reading.execute("SELECT value FROM counter").fetchone()[0] == 0
    assert _value(database) == 1


def test_commits_reach_the_disk(database: Database) -> None:
    with database.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_a_later_versions_database_is_left_alone(database: Database) -> None:
    with sqlite3.connect(database.path) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(InputError, match="later version"):
        Database(database.path.parent, _COUNTER)


def test_what_is_no_database_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "courtscribe.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(InputError, match="cannot be used as a database"):
        Database(tmp_path, _COUNTER)
