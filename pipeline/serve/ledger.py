"""Jobs and what happens to them, on disk: every change of state is one conditional update, told in the same breath.

Loads no more than SQLite, as each job's worker has it, too. Whoever may do what is in ``jobs.py``.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from pipeline.serve.database import Database

JOBS_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    token_id TEXT NOT NULL,
    video_id TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    settings TEXT NOT NULL,
    minutes REAL NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    furthest REAL NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '',
    progress REAL NOT NULL DEFAULT 0,
    seconds_left REAL,
    reason TEXT NOT NULL DEFAULT '',
    made REAL NOT NULL,
    began REAL,
    ended REAL
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, made);
CREATE INDEX IF NOT EXISTS jobs_by_token ON jobs (token_id, made);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_job ON events (job, id);
"""
QUEUED, RUNNING, DONE, FAILED, CANCELLED, DELETED = "queued", "running", "done", "failed", "cancelled", "deleted"
ENDED = (DONE, FAILED, CANCELLED, DELETED)
MOST_TRIES = 3
"""Of a job that gets no further."""
_FURTHER = 0.01
"""Share of a job that has to be done anew for a try not to count."""


class Ledger:
    """The jobs in a database, by id."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def find(self, job_id: str) -> sqlite3.Row | None:
        """A job's row; None: there is no such job."""
        with self.database.reading() as connection:
            return connection.execute("SELECT * FROM jobs WHERE id=?", (job_id,)).fetchone()

    def in_state(self, state: str, most: int = 1000) -> list[sqlite3.Row]:
        """Jobs in a state, oldest first."""
        with self.database.reading() as connection:
            query = "SELECT * FROM jobs WHERE state=? ORDER BY made, id LIMIT ?"
            return connection.execute(query, (state, most)).fetchall()

    def begin(self, job_id: str, attempt: int) -> bool:
        """It runs now, for the next time after ``attempt``. False: it waits no longer."""
        changes = {"attempt": attempt + 1, "began": time.time(), "ended": None, "reason": ""}
        with self.database.writing() as connection:
            is_begun = move(connection, job_id, (QUEUED, attempt), RUNNING, **changes)
            if is_begun:
                connection.execute("UPDATE jobs SET tries=tries+1 WHERE id=?", (job_id,))
            return is_begun

    def advance(self, job_id: str, attempt: int, stage: str, progress: float, seconds_left: float | None) -> bool:
        """How far it is, 0 to 1. False: this attempt is no longer what is wanted.

        Whoever gets further than all attempts before has his try back: a job that is broken off by what is not its
        fault goes on as often as it takes.
        """
        with self.database.writing() as connection:
            changed = connection.execute(
                "UPDATE jobs SET stage=:stage, progress=:progress, seconds_left=:left,"
                " furthest=max(furthest, :progress),"
                " tries=CASE WHEN :progress > furthest + :further THEN 1 ELSE tries END"
                " WHERE id=:id AND state=:state AND attempt=:attempt",
                {
                    "stage": stage, "progress": progress, "left": seconds_left, "further": _FURTHER,
                    "id": job_id, "state": RUNNING, "attempt": attempt,
                },
            ).rowcount  # fmt: skip
            if changed:
                told = {"stage": stage, "progress": progress, "seconds_left": seconds_left}
                tell(connection, job_id, "progress", told)
        return bool(changed)

    def is_wanted(self, job_id: str, attempt: int) -> bool:
        """Whether this attempt is the one that runs."""
        row = self.find(job_id)
        return row is not None and (row["state"], row["attempt"]) == (RUNNING, attempt)

    def end(self, job_id: str, attempt: int, state: str, reason: str = "") -> bool:
        """It is done, or failed for a reason. False: this attempt is no longer the one that runs."""
        progress = {"progress": 1.0} if state == DONE else {}
        with self.database.writing() as connection:
            changes = {"seconds_left": None, "reason": reason, "ended": time.time(), **progress}
            return move(connection, job_id, (RUNNING, attempt), state, **changes)

    def put_back(self, job_id: str, attempt: int, reason: str, *, counts: bool = True) -> bool:
        """It waits again, its attempt having ended without a result; after three tries it has failed.

        counts: whether the try is one. False is returned where this attempt is not the one that runs.
        """
        known = (RUNNING, attempt)
        with self.database.writing() as connection:
            row = connection.execute("SELECT tries FROM jobs WHERE id=?", (job_id,)).fetchone()
            tries = 0 if row is None else int(row["tries"]) - (0 if counts else 1)
            if counts and tries >= MOST_TRIES:
                why = f"{reason}, {MOST_TRIES} times without getting further"
                return move(connection, job_id, known, FAILED, reason=why, ended=time.time(), seconds_left=None)
            return move(connection, job_id, known, QUEUED, reason=reason, tries=tries, seconds_left=None)

    def forget(self, job_id: str) -> None:
        """Remove a deleted job and its events."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM jobs WHERE id=? AND state=?", (job_id, DELETED))

    def events(self, job_id: str, after: int = 0, most: int = 500) -> list[sqlite3.Row]:
        """What happened to a job after an event, by id, in order."""
        with self.database.reading() as connection:
            query = "SELECT id, kind, data FROM events WHERE job=? AND id>? ORDER BY id LIMIT ?"
            return connection.execute(query, (job_id, after, most)).fetchall()


def move(
    connection: sqlite3.Connection, job_id: str, known: tuple[str, int], state: str, **changes: float | str | None
) -> bool:
    """From the state and attempt that are ``known`` to another state. False: it was not so, and nothing changes."""
    columns = ", ".join(f"{name}=?" for name in ("state", *changes))
    values: Sequence[Any] = (state, *changes.values(), job_id, *known)
    changed = connection.execute(f"UPDATE jobs SET {columns} WHERE id=? AND state=? AND attempt=?", values).rowcount
    if changed:
        row = connection.execute("SELECT attempt, reason FROM jobs WHERE id=?", (job_id,)).fetchone()
        tell(connection, job_id, "state", {"state": state, "attempt": row["attempt"], "reason": row["reason"]})
    return bool(changed)


def tell(connection: sqlite3.Connection, job_id: str, kind: str, data: dict[str, Any]) -> None:
    """Keep an event for whoever follows the job."""
    connection.execute("INSERT INTO events (job, kind, data) VALUES (?,?,?)", (job_id, kind, json.dumps(data)))
