"""Begins jobs that wait, puts back those that nobody is at, clears away deleted ones: a thread of the server."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress

from ground.errors import InputError
from pipeline.serve.folders import JobFolder
from pipeline.serve.ledger import DELETED, QUEUED, RUNNING, Ledger
from pipeline.serve.settings import ServeSettings

_log = logging.getLogger("courtscribe")
_LOOK_EVERY = 0.5
"""Seconds."""
_LOST = "its process vanished"


class Dispatcher:
    """Sees to it that as many jobs run as may, and that each ends."""

    def __init__(self, ledger: Ledger, settings: ServeSettings) -> None:
        self._ledger, self._settings = ledger, settings
        self._children: list[subprocess.Popen[bytes]] = []
        self._wake, self._is_over = threading.Event(), False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="dispatch", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def close(self) -> None:
        """Begin nothing more. What runs goes on, and the next server finds it."""
        self._is_over = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._is_over:
            try:
                self.look()
            except (sqlite3.Error, OSError, InputError) as error:  # a busy database, a full disk: it may pass
                _log.warning("jobs wait: %s", error)
            self._wake.wait(_LOOK_EVERY)
            self._wake.clear()

    def look(self) -> None:
        """Do what there is to do, once."""
        self._children = [child for child in self._children if child.poll() is None]
        free = self._settings.workers - self._put_back()
        for job in self._ledger.in_state(QUEUED, self._settings.most_queue) if free > 0 else ():
            free -= self._begin(job)
            if free <= 0:
                break
        self._clear()

    def _put_back(self) -> int:
        """Jobs that are said to run and that nobody is at wait again -> how many do run."""
        running = self._ledger.in_state(RUNNING)
        lost = [job for job in running if self._is_lost(job)]
        return len(running) - len(lost)

    def _is_lost(self, job: sqlite3.Row) -> bool:
        lock = JobFolder.of(self._settings.data, job["id"]).hold()
        if lock is None:
            return False
        try:
            if self._ledger.put_back(job["id"], job["attempt"], _LOST):
                _log.warning("job %s: %s", job["id"], _LOST)
        finally:
            os.close(lock)
        return True

    def _begin(self, job: sqlite3.Row) -> bool:
        """Have a worker try a job. The lock is taken first, so that a running job is never without one."""
        lock = JobFolder.of(self._settings.data, job["id"]).hold()
        if lock is None:  # who tried it before has not quite ended
            return False
        try:
            if not self._ledger.begin(job["id"], job["attempt"]):
                return False
            self._spawn(job["id"], int(job["attempt"]) + 1, lock)
        finally:
            os.close(lock)
        return True

    def _spawn(self, job_id: str, attempt: int, lock: int) -> None:
        arguments = [str(self._settings.data), job_id, str(attempt), str(lock), *self._settings.command]
        child = subprocess.Popen(
            [sys.executable, "-m", "pipeline.serve.worker", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(lock,),
            start_new_session=True,  # it outlives the server, and hears no Ctrl-C of its terminal
        )
        self._children.append(child)

    def _clear(self) -> None:
        for job in self._ledger.in_state(DELETED, 10):
            folder = JobFolder.of(self._settings.data, job["id"])
            lock = folder.hold()
            if lock is None:
                continue
            with suppress(OSError):
                folder.remove()
            os.close(lock)
            self._ledger.forget(job["id"])
