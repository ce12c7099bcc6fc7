"""What a caller may do with jobs: his own, within his quotas."""

from __future__ import annotations

import json
import math
import secrets
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from pipeline.offers import nested, require_kinds
from pipeline.serve.ledger import CANCELLED, DELETED, ENDED, QUEUED, RUNNING, Ledger, move, tell
from pipeline.serve.problem import Problem
from pipeline.serve.settings import ServeSettings
from pipeline.serve.tokens import Caller

_DAY = 86400.0
_SOON = {"Retry-After": "60"}


class Jobs:
    """Jobs by caller. What is another's is not there."""

    def __init__(self, ledger: Ledger, settings: ServeSettings) -> None:
        self.ledger, self._settings = ledger, settings

    def create(self, caller: Caller, video: Any, settings: Mapping[str, Any]) -> str:
        """A job that analyses ``video`` (``videos.Video``) -> its id. Raises InputError for settings, Problem 429."""
        require_offered(settings, self._settings)
        tables = nested(settings, self._settings.fields)
        minutes = _seconds(settings, float(video.seconds or 0.0)) / 60
        job_id = secrets.token_urlsafe(12)
        with self.ledger.database.writing() as connection:
            self._require_room(connection, caller, minutes)
            connection.execute(
                "INSERT INTO jobs (id, token_id, video_id, name, path, settings, minutes, state, made)"
                " VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    job_id, caller.token_id, video.id, video.name, str(video.path), json.dumps(tables), minutes,
                    QUEUED, time.time(),
                ),
            )  # fmt: skip
            tell(connection, job_id, "state", {"state": QUEUED, "attempt": 0, "reason": ""})
        return job_id

    def _require_room(self, connection: sqlite3.Connection, caller: Caller, minutes: float) -> None:
        """Raise Problem 429 where the queue or one of the caller's quotas is full."""
        waiting = connection.execute("SELECT count(*) FROM jobs WHERE state=?", (QUEUED,)).fetchone()[0]
        if waiting >= self._settings.most_queue:
            raise Problem(429, f"{waiting} jobs wait already; try again later", _SOON)
        own = connection.execute(
            "SELECT count(*) FROM jobs WHERE token_id=? AND state IN (?,?)", (caller.token_id, QUEUED, RUNNING)
        ).fetchone()[0]
        if own >= caller.most_jobs:
            raise Problem(429, f"this token may have {caller.most_jobs} jobs that wait or run; wait for one", _SOON)
        used, first = connection.execute(
            "SELECT coalesce(sum(minutes), 0), min(made) FROM jobs"
            " WHERE token_id=? AND made>? AND state NOT IN ('failed', 'cancelled')",
            (caller.token_id, time.time() - _DAY),
        ).fetchone()
        if used + minutes > caller.most_minutes:
            wait = math.ceil((first or time.time()) + _DAY - time.time())
            why = f"this token may have {caller.most_minutes:g} minutes of video analysed in 24 hours"
            raise Problem(429, f"{why}; {used:.1f} are used, and this needs {minutes:.1f}", {"Retry-After": str(wait)})

    def find(self, caller: Caller, job_id: str) -> sqlite3.Row:
        """A job of the caller's. Raises Problem 404."""
        row = self.ledger.find(job_id)
        if row is None or row["token_id"] != caller.token_id or row["state"] == DELETED:
            raise Problem(404, "there is no such job")
        return row

    def list(self, caller: Caller, most: int) -> list[sqlite3.Row]:
        """The caller's jobs, newest first."""
        with self.ledger.database.reading() as connection:
            query = "SELECT * FROM jobs WHERE token_id=? AND state<>? ORDER BY made DESC, id LIMIT ?"
            return connection.execute(query, (caller.token_id, DELETED, most)).fetchall()

    def remove(self, caller: Caller, job_id: str) -> None:
        """Cancel a job that waits or runs; delete one that has ended, with its results. Raises Problem 404."""
        while True:
            row = self.find(caller, job_id)
            state = DELETED if row["state"] in ENDED else CANCELLED
            with self.ledger.database.writing() as connection:
                changes = {"seconds_left": None, "ended": time.time()}
                if move(connection, job_id, (row["state"], row["attempt"]), state, **changes):
                    return


def require_offered(settings: Mapping[str, Any], service: ServeSettings) -> None:
    """Raise InputError for settings that a job may not choose, or not so."""
    nested(settings, service.fields)
    require_kinds(settings, service.fields)


def _seconds(settings: Mapping[str, Any], whole: float) -> float:
    """Of video that are analysed."""
    start, end = settings.get("start") or 0.0, settings.get("end")
    return max(min(whole, whole if end is None else end) - max(start, 0.0), 0.0)
