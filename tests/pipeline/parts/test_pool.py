"""A pool: what a worker that is lost had in hand is done again, everything else goes on, and nothing is done twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path

import pytest

from ground.errors import InputError
from pipeline.models import Models
from pipeline.parts.pool import Job, LostError, Patience, Pool
from pipeline.parts.processes import ProcessWorker

DEADLINE = 180.0


@dataclass(frozen=True)
class Note:
    """Notes in a folder which process began it, may wait until it is let go, and notes that it is done."""

    folder: Path
    number: int
    waits_for: str = ""
    kind: str = "note"

    def do(self, models: Models) -> None:
        _ = 1 / (self.kind != "fails")
        (self.folder / f"begun-{self.number}-{os.getpid()}").touch()
        while self.waits_for and not (self.folder / self.waits_for).exists():
            time.sleep(0.02)
        with (self.folder / f"done-{self.number}").open("a") as file:
            file.write(f"{os.getpid()}\n")

    def __str__(self) -> str:
        return f"note {self.number}"


def begun(folder: Path) -> dict[int, set[int]]:
    """Numbers of the jobs that were begun, with the processes that did."""
    found: dict[int, set[int]] = {}
    for path in folder.glob("begun-*"):
        number, process = map(int, path.name.split("-")[1:])
        found.setdefault(number, set()).add(process)
    return found


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_three_of_four_workers_killed_one_after_the_other_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    jobs = [Note(tmp_path, number, "go") for number in range(4)] + [Note(tmp_path, number) for number in range(4, 12)]
    with Pool([ProcessWorker() for _ in range(4)]) as pool:
        done = [pool.submit(job) for job in jobs]
        until(lambda: len(begun(tmp_path)) == 4)
        first = {number: next(iter(processes)) for number, processes in begun(tmp_path).items()}
        for number in range(3):
            os.kill(first[number], signal.SIGKILL)
            until(lambda number=number: len(begun(tmp_path)[number]) == 2)
        (tmp_path / "go").touch()
        for job in done:
            job.result(DEADLINE)
    by = {job.number: (tmp_path / f"done-{job.number}").read_text().split() for job in jobs}
    assert {number: len(lines) for number, lines in by.items()} == dict.fromkeys(range(12), 1)
    assert by[3] == [str(first[3])], "the fourth went on undisturbed"
    assert not {str(first[number]) for number in range(3)} & {line for lines in by.values() for line in lines}


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended_and_its_job_done_by_another(tmp_path: Path) -> None:
    patience = Patience(factor=5, least=0.2, first=8)  # the next process takes about as long to start as the first
    with Pool([ProcessWorker()], patience) as pool:
        pool.submit(Note(tmp_path, 0)).result(DEADLINE)  # now it is known how long one takes
        hangs = pool.submit(Note(tmp_path, 1, "go"))
        until(lambda: len(begun(tmp_path).get(1, ())) == 2)
        (tmp_path / "go").touch()
        hangs.result(DEADLINE)
    assert len((tmp_path / "done-1").read_text().split()) == 1


class _Scripted:
    """A worker in this process, lost as often as a script says."""

    def __init__(self, losses: dict[int, int] | None = None) -> None:
        self.losses, self.ran, self.limits = losses or {}, list[int](), list[float]()
        self.gate = threading.Event()
        self.gate.set()

    def run(self, job: Job, limit: Callable[[], float]) -> None:
        assert isinstance(job, Note)
        self.ran.append(job.number)
        self.limits.append(limit())
        assert self.gate.wait(DEADLINE)
        if self.losses.get(job.number, 0) > 0:
            self.losses[job.number] -= 1
            raise LostError("ended")
        if job.number < 0:
            raise ValueError(f"{job.number} is under zero")

    def stop(self) -> None:
        self.losses = {self.ran[-1]: 1} if self.ran else {}
        self.gate.set()


def test_a_job_that_takes_its_worker_along_three_times_is_one_line_and_the_others_are_done(tmp_path: Path) -> None:
    with Pool([_Scripted({1: 3, 2: 2})]) as pool:
        done = [pool.submit(Note(tmp_path, number)) for number in range(4)]
        with pytest.raises(InputError, match=r"^note 1: its process ended 3 times, as when memory is short") as caught:
            done[1].result(DEADLINE)
        assert caught.value.setting == "jobs"
        for number in (0, 2, 3):
            done[number].result(DEADLINE)


def test_what_a_job_raises_is_raised_where_it_is_waited_for_and_the_worker_goes_on(tmp_path: Path) -> None:
    worker = _Scripted()
    with Pool([worker]) as pool:
        wrong, right = pool.submit(Note(tmp_path, -1)), pool.submit(Note(tmp_path, 1))
        with pytest.raises(ValueError, match="under zero"):
            wrong.result(DEADLINE)
        right.result(DEADLINE)
    assert worker.ran == [-1, 1]


def test_lower_ranks_come_first_and_what_is_cancelled_is_not_done(tmp_path: Path) -> None:
    worker = _Scripted()
    worker.gate.clear()
    with Pool([worker]) as pool:
        first = pool.submit(Note(tmp_path, 0))
        until(lambda: worker.ran == [0])
        later = pool.submit(Note(tmp_path, 1), rank=1)
        cancelled = pool.submit(Note(tmp_path, 2))
        earlier = pool.submit(Note(tmp_path, 3))
        assert cancelled.cancel()
        worker.gate.set()
        for job in (first, later, earlier):
            job.result(DEADLINE)
    assert worker.ran == [0, 3, 1]


def test_a_pool_that_is_stopped_leaves_nobody_waiting(tmp_path: Path) -> None:
    worker = _Scripted()
    worker.gate.clear()
    pool = Pool([worker])
    running, waiting, cancelled = (pool.submit(Note(tmp_path, number)) for number in range(3))
    until(lambda: worker.ran == [0])
    cancelled.cancel()
    pool.stop()
    for job in (running, waiting, pool.submit(Note(tmp_path, 4))):
        with pytest.raises(LostError):
            job.result(DEADLINE)
    with pytest.raises(CancelledError):
        cancelled.result(DEADLINE)


def test_patience_goes_by_the_jobs_of_the_same_kind(tmp_path: Path) -> None:
    patience = Patience()
    assert patience.seconds([]) == 1800
    assert patience.seconds([1, 2, 900]) == 300
    assert patience.seconds([30, 40, 900]) == 800
    worker = _Scripted()
    with Pool([worker], Patience(factor=0, least=1, first=5)) as pool:
        for kind in ("a", "a", "b"):
            pool.submit(Note(tmp_path, 0, kind=kind)).result(DEADLINE)
    assert worker.limits == [5, 1, 5]
