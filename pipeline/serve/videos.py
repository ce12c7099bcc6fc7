"""The videos that the service keeps: made piece by piece or fetched, looked at once, then there to be analysed.

A video's file is named by its id, never by what a client calls it. While it comes, its size on disk is how far it is:
nothing else says so, hence a crash at any moment leaves no two answers.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ground.disk.files import to_disk
from ground.errors import InputError
from pipeline.serve.appending import Appending, offset_of, remove_file
from pipeline.serve.database import Database
from pipeline.serve.ledger import QUEUED, RUNNING
from pipeline.serve.probe import Found, probe
from pipeline.serve.problem import Problem
from pipeline.serve.settings import ServeSettings
from pipeline.serve.tokens import Caller

_log = logging.getLogger("courtscribe")

VIDEOS_SCHEMA = """
CREATE TABLE IF NOT EXISTS videos (
    id TEXT PRIMARY KEY,
    token_id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    size INTEGER,
    url TEXT,
    metadata TEXT NOT NULL,
    seconds REAL,
    width INTEGER,
    height INTEGER,
    container TEXT NOT NULL,
    why TEXT NOT NULL,
    made REAL NOT NULL,
    expires REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS videos_of_tokens ON videos (token_id, made);
"""
FOLDER = "videos"
"""Below the service's data."""
UPLOADING, FETCHING, READY, REFUSED, EXPIRED = "uploading", "fetching", "ready", "refused", "expired"
MOST_UNFINISHED = 100
"""Of one token, that come or are fetched at a time."""
_KEPT_FREE = 1 << 30
"""Bytes of the disk that are not given to videos."""
_REMEMBERED = 7 * 86400.0
"""Seconds for which it is known why a video is not there."""
_LATER = {"Retry-After": "60"}
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Video:
    """One video, as it is known."""

    id: str
    """Of random letters."""
    token_id: str
    """Of whose it is."""
    name: str
    """As the client calls it: a text, and no path."""
    path: Path
    state: str
    """uploading, fetching, ready, refused or expired."""
    size: int | None
    """Bytes that it will have; None: unknown yet."""
    seconds: float | None
    """That it lasts; None as long as it is not ready."""
    width: int | None
    height: int | None
    """Pixels."""
    container: str
    """FFmpeg's name; empty as long as it is not ready."""
    url: str | None
    """Where it is fetched from."""
    metadata: str
    """As tus has it."""
    why: str
    """It was refused."""
    made: float
    expires: float
    """Seconds since 1970; what is ready does not expire."""

    @property
    def offset(self) -> int:
        """Bytes that are there."""
        return (self.size or 0) if self.state == READY else offset_of(self.path)


class Videos:
    """The videos in a database and a folder beside it. All methods may be called from any thread."""

    def __init__(self, database: Database, settings: ServeSettings, clock: Callable[[], float] = time.time) -> None:
        """clock: seconds since 1970."""
        self.settings, self._database, self._clock = settings, database, clock
        self.folder = settings.data / FOLDER
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def create(self, caller: Caller, size: int, name: str = "", metadata: str = "") -> Video:
        """A video that will be uploaded. size: in bytes. Raises Problem where limits or quotas do not let it in."""
        if size <= 0:
            raise Problem(400, "a video has more than 0 bytes: send its length in Upload-Length")
        if size > self.settings.most_upload_bytes:
            raise Problem(413, f"at most {self.settings.most_upload_bytes} bytes are taken")
        return self._insert(caller, UPLOADING, name, size=size, metadata=metadata)

    def create_from(self, caller: Caller, url: str, name: str = "") -> Video:
        """A video that will be fetched from ``url``. Raises Problem as ``create``."""
        return self._insert(caller, FETCHING, name, url=url)

    def find(self, caller: Caller, video_id: str) -> Video:
        """One that is ready. Raises Problem: 404 where there is none of the caller's, 409 where it is not ready."""
        video = self.any(caller, video_id)
        if video.state == REFUSED:
            raise Problem(409, f"this video was refused: {video.why}")
        if video.state != READY:
            raise Problem(409, f"this video is not there yet: {video.state}", {"Retry-After": "2"})
        return video

    def any(self, caller: Caller, video_id: str) -> Video:
        """One in any state. Raises Problem: 404 where there is none of the caller's, 410 where it has expired."""
        video = self.get(video_id)
        if video is None or video.token_id != caller.token_id:
            raise Problem(404, "there is no such video")
        if video.state == EXPIRED or self._is_over(video):
            raise Problem(410, "nobody went on with this upload for too long; begin it anew")
        return video

    def get(self, video_id: str) -> Video | None:
        """One of anybody's; None where there is none."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM videos WHERE id=?", (video_id[:64],)).fetchone()
        return None if row is None else self._video(row)

    def list(self, caller: Caller) -> list[Video]:
        """Those of the caller, the newest first."""
        wanted = "SELECT * FROM videos WHERE token_id=? AND state!=? ORDER BY made DESC, id LIMIT 1000"
        with self._database.reading() as connection:
            return [self._video(row) for row in connection.execute(wanted, (caller.token_id, EXPIRED))]

    def unfinished(self) -> list[Video]:
        """Those of anybody that come or are fetched, the oldest first."""
        wanted = "SELECT * FROM videos WHERE state IN (?,?) ORDER BY made, id"
        with self._database.reading() as connection:
            return [self._video(row) for row in connection.execute(wanted, (UPLOADING, FETCHING))]

    @contextmanager
    def alone(self, video: Video) -> Generator[Video]:
        """Nobody else writes to it meanwhile; gives it as it is now. Raises Problem: 423 where somebody does."""
        with self._lock:
            if video.id in self._busy:
                raise Problem(423, "somebody else is writing to this video", {"Retry-After": "2"})
            self._busy.add(video.id)
        try:
            now = self.get(video.id)
            if now is None:
                raise Problem(404, "there is no such video")
            yield now
        finally:
            with self._lock:
                self._busy.discard(video.id)

    @contextmanager
    def appending(self, video: Video, offset: int, checksum: tuple[str, bytes] | None = None) -> Generator[Appending]:
        """What writes to the end of a video's file, alone. checksum: of what comes, its algorithm and digest.

        What was taken is on the disk in the end, whatever ends it. Raises Problem: 409 where ``offset`` is not where it
        ends, 423 where somebody writes to it.
        """
        with self.alone(video) as now:
            if now.state != UPLOADING or (there := now.offset) != offset:
                raise Problem(
                    409, f"this video is at {now.offset}, not at {offset}: ask with HEAD, and go on from there"
                )
            with Appending.to(now.path, (now.size or 0) - there, checksum) as appending:
                yield appending
            self._touch(now)

    def finish(self, video: Video) -> Video:
        """Look at a video that is whole, and keep it if it is one. Raises Problem (422) where it is refused."""
        with self.alone(video) as now:
            if now.state == REFUSED:
                raise Problem(422, now.why)
            if now.state not in (UPLOADING, FETCHING) or (now.size is not None and now.offset < now.size):
                return now
            try:
                self._require_quota(now)
                found = probe(now.path, self.settings.most_seconds, self.settings.most_pixels)
            except InputError as error:
                raise Problem(422, self._refuse(now, str(error))) from error
            except OSError as error:
                raise Problem(503, "this video could not be looked at now; try again", {"Retry-After": "5"}) from error
            return self._keep(now, found)

    def _require_quota(self, video: Video) -> None:
        """Raise InputError where a video whose size nobody knew, fetched beside others, is one too many."""
        if video.size is None and video.offset > self.room(video):
            raise InputError("is more than this token may keep")

    def call(self, video: Video, title: str) -> None:
        """Have a video be called as the page does that it comes from."""
        self._set(video, name=_letters(title) or video.name)

    def refuse(self, video: Video, why: str) -> None:
        """Have a video that could not be fetched be refused."""
        with self.alone(video) as now:
            if now.state == FETCHING:
                self._refuse(now, why)

    def delete(self, caller: Caller, video_id: str) -> None:
        """Take a video away. Raises Problem as ``any``, and where it is being written (423) or analysed (409)."""
        video = self.any(caller, video_id)
        with self.alone(video), self._database.writing() as connection:
            if _is_in_use(connection, video.id):
                raise Problem(409, "this video is being analysed; cancel that first")
            connection.execute("DELETE FROM videos WHERE id=?", (video.id,))
        self.clear(video)

    def clean(self) -> None:
        """Take away uploads that nobody went on with, and files of videos that are not known any more."""
        there = list(self.folder.iterdir())  # first: what is made from now on is known then
        for video in self.unfinished():
            if video.state == UPLOADING and self._is_over(video):
                self._expire(video)
        with self._database.writing() as connection:
            gone = (REFUSED, EXPIRED, self._clock() - _REMEMBERED)
            connection.execute("DELETE FROM videos WHERE state IN (?,?) AND expires<?", gone)
            known = {str(row["id"]) for row in connection.execute("SELECT id FROM videos WHERE state!=?", (REFUSED,))}
        for path in there:
            if path.name.partition(".")[0] not in known:
                remove_file(path)

    def _expire(self, video: Video) -> None:
        try:
            with self.alone(video) as now:
                if self._is_over(now):
                    self._set(now, state=EXPIRED)
                    self.clear(now)
                    _log.info("video %s: nobody went on with it, and it is removed", now.id)
        except Problem:  # somebody does, after all
            return

    def _insert(self, caller: Caller, state: str, name: str, **facts: Any) -> Video:
        now = self._clock()
        row: dict[str, Any] = {"id": secrets.token_hex(12), "token_id": caller.token_id, "state": state, "made": now}
        row |= {"name": called(name), "size": None, "url": None, "metadata": "", "container": "", "why": "", **facts}
        row["expires"] = now + self.settings.upload_expiry_hours * _HOUR
        with self._database.writing() as connection:
            self._require_room(connection, caller, row["size"] or 0)
            places = ",".join(f":{key}" for key in row)
            connection.execute(f"INSERT INTO videos ({','.join(row)}) VALUES ({places})", row)
        video = self.get(row["id"])
        assert video is not None
        return video

    def _require_room(self, connection: sqlite3.Connection, caller: Caller, size: int) -> None:
        """Raise Problem where this is one too many, or has too many bytes."""
        wanted = "SELECT COUNT(*) FILTER (WHERE state IN (?,?)), COALESCE(SUM(size), 0) FROM videos WHERE token_id=? "
        states = (UPLOADING, FETCHING, caller.token_id, REFUSED, EXPIRED)
        unfinished, kept = connection.execute(f"{wanted} AND state NOT IN (?,?)", states).fetchone()
        if unfinished >= MOST_UNFINISHED:
            raise Problem(429, f"{unfinished} of your videos are coming already; finish or delete some", _LATER)
        if kept + size > caller.most_bytes:
            raise Problem(413, f"you may keep {caller.most_bytes} bytes, and have {kept}; delete videos that are done")
        if size + _KEPT_FREE > shutil.disk_usage(self.folder).free:
            raise Problem(507, "there is no room on the service's disk")

    def room(self, video: Video) -> int:
        """Bytes that a video of unknown size may have, by limits, quota and disk."""
        wanted = "SELECT t.most_bytes - COALESCE(SUM(v.size), 0) FROM tokens t LEFT JOIN videos v ON v.token_id=t.id "
        states = (video.token_id, REFUSED, EXPIRED)
        with self._database.reading() as connection:
            row = connection.execute(
                f"{wanted} AND v.state NOT IN (?2,?3) WHERE t.id=?1 GROUP BY t.id", states
            ).fetchone()
        quota = 0 if row is None else int(row[0])
        free = shutil.disk_usage(self.folder).free - _KEPT_FREE + video.offset
        return max(0, min(self.settings.most_upload_bytes, quota, free))

    def _keep(self, video: Video, found: Found) -> Video:
        to_disk(video.path)
        facts = {"seconds": found.seconds, "width": found.width, "height": found.height, "container": found.container}
        kept = self._set(video, state=READY, size=video.path.stat().st_size, **facts)
        self.clear(video, but=video.path)
        return kept

    def _refuse(self, video: Video, why: str) -> str:
        _log.warning("video %s is refused: %s", video.id, why)
        self._set(video, state=REFUSED, why=why)
        self.clear(video)
        return why

    def _touch(self, video: Video) -> None:
        self._set(video, expires=self._clock() + self.settings.upload_expiry_hours * _HOUR)

    def _set(self, video: Video, **facts: Any) -> Video:
        changes = ",".join(f"{key}=:{key}" for key in facts)
        with self._database.writing() as connection:
            row = connection.execute(f"UPDATE videos SET {changes} WHERE id=:id RETURNING *", {**facts, "id": video.id})
            found = row.fetchone()
        return video if found is None else self._video(found)

    def clear(self, video: Video, but: Path | None = None) -> None:
        """Take away what is on the disk of a video, but for one file."""
        for path in {video.path, *self.folder.glob(f"{video.id}.*")} - {but}:
            remove_file(path)

    def _is_over(self, video: Video) -> bool:
        return video.state == UPLOADING and video.expires < self._clock()

    def _video(self, row: sqlite3.Row) -> Video:
        facts: Mapping[str, Any] = dict(row)
        return Video(path=self.folder / facts["id"], **facts)


def called(name: str) -> str:
    """What a client calls a video, as it can be shown: the end of a path, without what is no letter."""
    return _letters(name.replace("\\", "/").rstrip("/").rpartition("/")[2])


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:200]


def _is_in_use(connection: sqlite3.Connection, video_id: str) -> bool:
    """Whether a job that is not over needs it."""
    wanted = "SELECT 1 FROM jobs WHERE video_id=? AND state IN (?,?) LIMIT 1"
    return connection.execute(wanted, (video_id, QUEUED, RUNNING)).fetchone() is not None
