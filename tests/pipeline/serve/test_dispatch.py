"""Whatever is killed, a job is done once, by one process at a time, and nothing is left over."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from pipeline.serve.database import Database
from pipeline.serve.dispatch import Dispatcher
from pipeline.serve.folders import JobFolder
from pipeline.serve.jobs import Jobs
from pipeline.serve.ledger import CANCELLED, DONE, FAILED, JOBS_SCHEMA, QUEUED, RUNNING, Ledger
from pipeline.serve.problem import Problem
from pipeline.serve.settings import ServeSettings
from tests.pipeline.serve.test_ledger import ANN

_PROGRAM = """
import json, os, pathlib, sys, time
video, results = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[4])
place = results.parent.parent.parent
with (place / "begun").open("a") as begun:
    begun.write(f"{os.getpid()} {results.parent.name} {video.read_text()} {sys.argv[9]}\\n")
progress = pathlib.Path(sys.argv[8])
progress.write_text(json.dumps({"stage": "detect", "done": 1, "total": 2, "left": 3.0}))
while not (place / "go").exists():
    time.sleep(0.01)
code = int((place / "go").read_text())
if code == 2:
    sys.stderr.write(f"courtscribe: {video}: holds no picture\\n")
else:
    results.mkdir(exist_ok=True)
    (results / "report.html").write_text("done")
sys.exit(code)
"""
"""Takes the place of ``analyze``: says that it has begun, and ends when it is told how."""


class Place:
    """A service's folder with one video, and what begins jobs there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "video").write_text("a game")
        self.settings = ServeSettings(data=folder, command=(sys.executable, "-c", _PROGRAM))
        self.ledger = Ledger(Database(folder, JOBS_SCHEMA))
        self.jobs = Jobs(self.ledger, self.settings)
        self.dispatcher = Dispatcher(self.ledger, self.settings)

    def job(self) -> str:
        video = SimpleNamespace(id="v", name="game.mp4", path=self.folder / "video", seconds=60.0)
        return self.jobs.create(ANN, video, {})

    def restart(self) -> None:
        """A new server finds what the one before left."""
        self.dispatcher = Dispatcher(self.ledger, self.settings)

    def go(self, code: int = 0) -> None:
        part = self.folder / "go.part"
        part.write_text(str(code))
        part.replace(self.folder / "go")

    def begun(self) -> list[int]:
        """Processes that took the place of ``analyze``, in order."""
        path = self.folder / "begun"
        return [int(line.split()[0]) for line in path.read_text().splitlines()] if path.exists() else []

    def until(self, holds: Callable[[], bool]) -> None:
        """Look, as the thread of a server does, until something holds."""
        end = time.monotonic() + 20
        while not holds():
            self.dispatcher.look()
            assert time.monotonic() < end
            time.sleep(0.02)

    def state(self, job: str) -> str:
        row = self.ledger.find(job)
        return "" if row is None else str(row["state"])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    for pid in place.begun():
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)


def _worker_of(pid: int) -> psutil.Process:
    parent = psutil.Process(pid).parent()
    assert parent is not None and "pipeline.serve.worker" in " ".join(parent.cmdline())
    return parent


@pytest.mark.slow
def test_jobs_are_done_in_turn_with_the_video_as_it_was_when_they_began(place: Place) -> None:
    first, second = place.job(), place.job()
    place.until(lambda: len(place.begun()) == 1)
    (place.folder / "video").unlink()  # its owner takes it away; the job has it by another name
    assert (place.state(first), place.state(second)) == (RUNNING, QUEUED)
    place.until(lambda: any(event["kind"] == "progress" for event in place.ledger.events(first)))
    place.go()
    place.until(lambda: place.state(first) == DONE)
    assert (JobFolder.of(place.folder, first).results / "report.html").read_text() == "done"
    assert not JobFolder.of(place.folder, first).video.exists()
    assert (place.folder / "begun").read_text().splitlines()[0].endswith("a game --title=game.mp4")
    told = [json.loads(event["data"]) for event in place.ledger.events(first) if event["kind"] == "progress"]
    assert [(one["stage"], one["progress"], one["seconds_left"]) for one in told] == [("detect", 0.23, 3.0)]


@pytest.mark.slow
@pytest.mark.parametrize("who", ["analyze", "worker", "both"])
def test_what_was_killed_is_done_again_by_nobody_beside_it(place: Place, who: str) -> None:
    job = place.job()
    place.until(lambda: len(place.begun()) == 1)
    child = psutil.Process(place.begun()[0])
    worker = _worker_of(child.pid)
    place.restart()
    for _ in range(3):
        place.dispatcher.look()
    assert len(place.begun()) == 1 and place.state(job) == RUNNING
    if who != "worker":
        child.kill()
    if who != "analyze":
        worker.kill()
    place.until(lambda: len(place.begun()) == 2)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    place.go()
    place.until(lambda: place.state(job) == DONE)
    ends = [json.loads(e["data"])["state"] for e in place.ledger.events(job) if e["kind"] == "state"]
    assert ends == [QUEUED, RUNNING, QUEUED, RUNNING, DONE]


@pytest.mark.slow
def test_a_job_that_kills_whoever_tries_it_fails_with_its_reason(place: Place) -> None:
    job = place.job()
    for tries in range(1, 4):
        place.until(lambda tries=tries: len(place.begun()) == tries)
        os.kill(place.begun()[-1], signal.SIGKILL)
    place.until(lambda: place.state(job) == FAILED)
    row = place.ledger.find(job)
    assert row is not None and "signal 9" in row["reason"] and len(place.begun()) == 3


def test_bad_input_fails_at_once_in_its_own_words(place: Place) -> None:
    job = place.job()
    place.go(2)
    place.until(lambda: place.state(job) == FAILED)
    row = place.ledger.find(job)
    assert row is not None and row["reason"] == "game.mp4: holds no picture" and len(place.begun()) == 1


@pytest.mark.slow
def test_a_cancelled_job_stops_and_is_cleared_away_when_deleted(place: Place) -> None:
    job = place.job()
    place.until(lambda: len(place.begun()) == 1)
    child = psutil.Process(place.begun()[0])
    place.jobs.remove(ANN, job)
    assert place.state(job) == CANCELLED
    place.jobs.remove(ANN, job)
    with pytest.raises(Problem):
        place.jobs.find(ANN, job)
    place.until(lambda: place.ledger.find(job) is None)
    assert not child.is_running() and not (place.folder / "jobs" / job).exists()
    assert not place.ledger.events(job)


@pytest.mark.slow
def test_a_worker_that_is_asked_to_end_puts_its_job_back_as_if_it_had_not_tried(place: Place) -> None:
    job = place.job()
    place.until(lambda: len(place.begun()) == 1)
    _worker_of(place.begun()[0]).terminate()
    place.until(lambda: len(place.begun()) == 2)
    row = place.ledger.find(job)
    assert row is not None and (row["attempt"], row["tries"]) == (2, 1)


def test_a_running_job_without_a_lock_is_put_back_even_if_it_never_began(place: Place) -> None:
    job = place.job()
    assert place.ledger.begin(job, 0)  # and the power fails
    place.until(lambda: len(place.begun()) == 1)
    row = place.ledger.find(job)
    assert row is not None and (row["attempt"], row["tries"]) == (2, 2)


def test_a_busy_database_ends_no_job(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    job = place.job()
    place.until(lambda: len(place.begun()) == 1)
    with sqlite3.connect(place.ledger.database.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        place.go()
        child = psutil.Process(place.begun()[0])
        psutil.wait_procs([child], timeout=10)
        other.execute("COMMIT")
    place.until(lambda: place.state(job) == DONE)
