"""One attempt at one job: runs ``analyze`` in the job's folder, tells how far it is, and how it ended.

A process of its own, which outlives the server. It inherits the lock on the job's folder, and so does ``analyze``.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from ground.disk.files import write_text
from pipeline.offers import toml
from pipeline.progress import ANALYZE_COSTS
from pipeline.serve.database import Database
from pipeline.serve.folders import JobFolder
from pipeline.serve.ledger import DONE, FAILED, Ledger

_LOOK_EVERY = 0.3
_TELL_EVERY = 1.0
"""Seconds between looks at the file of progress; between events about it."""
_PATIENCE = 20.0
"""Seconds after which what does not heed Ctrl-C is killed."""
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""
_BAD_INPUT = 2
_LONGEST_REASON = 400


class Attempt:
    """The attempt, from its beginning to its end."""

    def __init__(self, ledger: Ledger, data: Path, job_id: str, attempt: int, lock: int) -> None:
        """lock: the open file that holds the job's lock."""
        self._ledger, self._folder = ledger, JobFolder.of(data, job_id)
        self._id, self._attempt, self._lock = job_id, attempt, lock
        self._told: tuple[str, float, float | None] = ("", 0.0, None)
        self._told_at = 0.0
        self._is_stopped = False

    def run(self, command: Sequence[str]) -> None:
        """See the module. command: what runs courtscribe."""
        row = self._ledger.find(self._id)
        if row is None:
            return
        write_text(self._folder.settings, toml(json.loads(row["settings"])))
        self._folder.progress.unlink(missing_ok=True)
        signal.signal(signal.SIGTERM, self._stop)
        video = self._linked(Path(row["path"]))
        try:
            with self._folder.log.open("wb") as log:
                child = self._start([*command, *self._arguments(str(video), str(row["name"]))], log.fileno())
        except OSError as error:
            self._ledger.put_back(self._id, self._attempt, f"it could not be begun ({error.strerror})")
            return
        code = self._watch(child)
        self._folder.video.unlink(missing_ok=True)
        _again(lambda: self._tell_end(code, str(video), str(row["name"])))

    def _linked(self, video: Path) -> Path:
        """The video by a name of the job's own; the video itself where the disk does not do that."""
        with suppress(FileExistsError):  # a killed attempt's
            try:
                self._folder.video.hardlink_to(video)
            except (FileNotFoundError, PermissionError):
                return video
        return self._folder.video

    def _arguments(self, video: str, name: str) -> list[str]:
        """name: as its owner calls the video; a text in headings, whatever it looks like."""
        folder = self._folder
        outputs = ["-o", str(folder.results), "--config", str(folder.settings)]
        return ["analyze", video, *outputs, "--progress-file", str(folder.progress), f"--title={name}"]

    def _start(self, command: Sequence[str], log: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(self._lock,),
            preexec_fn=partial(_die_with_parent, os.getpid()),  # noqa: PLW1509 (there are no other threads here)
        )

    def _stop(self, *_: object) -> None:
        """The system goes down, or the service is stopped: the job goes on another time."""
        self._is_stopped = True

    def _watch(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for its end -> exit code. It is stopped when nobody wants it any more."""
        asked_at = None
        while True:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(_LOOK_EVERY)
            if asked_at is None and (self._is_stopped or not self._tell_progress()):
                asked_at = time.monotonic()
                child.send_signal(signal.SIGINT)
            elif asked_at is not None and time.monotonic() - asked_at > _PATIENCE:
                child.kill()

    def _tell_progress(self) -> bool:
        """Whether the attempt is still wanted; says how far it is if there is something new."""
        state = _how_far(self._folder.progress, self._told[1])
        try:
            if state is None or state == self._told or time.monotonic() - self._told_at < _TELL_EVERY:
                return self._ledger.is_wanted(self._id, self._attempt)
            self._told, self._told_at = state, time.monotonic()
            return self._ledger.advance(self._id, self._attempt, *state)
        except sqlite3.OperationalError:  # busy, or a full disk: the work itself goes on
            return True

    def _tell_end(self, code: int, path: str, name: str) -> None:
        if code == 0:
            self._ledger.end(self._id, self._attempt, DONE)
        elif self._is_stopped:
            self._ledger.put_back(self._id, self._attempt, "the service was stopped", counts=False)
        elif code == _BAD_INPUT:
            self._ledger.end(self._id, self._attempt, FAILED, self._said(path, name))
        else:
            self._ledger.put_back(self._id, self._attempt, _about(code))

    def _said(self, path: str, name: str) -> str:
        """The reason that ``analyze`` gave, its last line, with the video called as its owner does."""
        try:
            lines = self._folder.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        last = next((line for line in reversed(lines) if line.startswith("courtscribe: ")), "it gave no reason")
        return last.removeprefix("courtscribe: ").replace(path, name)[:_LONGEST_REASON]


def _how_far(path: Path, before: float) -> tuple[str, float, float | None] | None:
    """Stage, share of the whole (0 to 1), seconds left, of a file of progress. before: the share that was told last."""
    try:
        told = cast("dict[str, Any]", json.loads(path.read_bytes()))
        done, total, left = int(told["done"]), int(told["total"] or 0), told["left"]
        share = _share(str(told["stage"]), min(done / total, 1.0) if total else 0.0)
        return str(told["stage"]), max(round(share, 4), before), None if left is None else round(float(left), 1)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _share(stage: str, done: float) -> float:
    """Of all stages; those that take no time worth telling are at 0."""
    names = list(ANALYZE_COSTS)
    if stage not in names:
        return 0.0
    before = sum(ANALYZE_COSTS[name] for name in names[: names.index(stage)])
    return (before + ANALYZE_COSTS[stage] * done) / sum(ANALYZE_COSTS.values())


def _about(code: int) -> str:
    if code < 0:
        return f"its process was ended by signal {-code}, perhaps for want of memory"
    return f"its process ended with code {code}"


def _again(tell: Callable[[], None]) -> None:
    """How it ended is worth some patience; who does not get it told leaves a running job without a lock."""
    for seconds in (1, 5, 30, 0):
        try:
            tell()
        except sqlite3.OperationalError:
            time.sleep(seconds)
        else:
            return


def _die_with_parent(parent: int) -> None:
    """Where the system has that: who is killed leaves nobody behind who works on."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before this was said
        os._exit(1)


def main(arguments: Sequence[str]) -> None:
    """Run an attempt: folder, job, number of the attempt, lock, command."""
    data, job_id, attempt, lock, *command = arguments
    with suppress(OSError):
        os.set_inheritable(int(lock), False)
    Attempt(Ledger(Database(Path(data))), Path(data), job_id, int(attempt), int(lock)).run(command)


if __name__ == "__main__":
    main(sys.argv[1:])
