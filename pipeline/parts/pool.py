"""Workers that share jobs: a worker that dies or hangs loses the one job that it had, and that is done again."""

from __future__ import annotations

import logging
import signal
import statistics
import threading
import time
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, PriorityQueue
from typing import Protocol, TypeVar

from ground.errors import InputError
from pipeline.models import Models

_T = TypeVar("_T")
_log = logging.getLogger("courtscribe")

_TRIES = 3
"""How often a job is given to a worker before it is given up."""


class Job(Protocol):
    """Work for one worker, sent to it: paths and settings. What it makes is on disk, so doing it twice does no harm."""

    @property
    def kind(self) -> str:
        """What it has in common with jobs that take about as long."""
        ...

    def do(self, models: Models) -> None:
        """Do it. models: of the worker, loaded once whatever it does."""
        ...


class LostError(Exception):
    """A worker ended before its job, or took too long and was ended."""


class Worker(Protocol):
    """Does one job at a time, elsewhere."""

    def run(self, job: Job, limit: Callable[[], float]) -> None:
        """Have a job done; raises what it raises, and LostError. After that, the next job begins with a new worker.

        limit: seconds that the job may take; asked again and again, as the answer changes with what others take.
        """
        ...

    def stop(self) -> None:
        """End it now, from any thread; ``run`` then raises LostError, also later."""
        ...


class Elsewhere(ABC):
    """A Worker that is started with its first job, and anew after it was lost."""

    losses: tuple[type[BaseException], ...] = ()
    """What asking it raises where it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_stopped = False

    def run(self, job: Job, limit: Callable[[], float]) -> None:
        """See Worker."""
        try:
            error = self._outcome(job, limit)
        except (LostError, *self.losses) as lost:
            with self._lock:
                self._end()
            raise lost if isinstance(lost, LostError) else LostError("ended") from lost
        if error is not None:
            raise error

    def stop(self) -> None:
        """See Worker."""
        with self._lock:
            self._is_stopped = True
            self._end()

    def _outcome(self, job: Job, limit: Callable[[], float]) -> BaseException | None:
        self._begin(job)
        begin = time.monotonic()
        while not self._is_done(_LOOK):
            if time.monotonic() - begin > limit():
                raise LostError("took too long")
        return self._answer()

    def _require_wanted(self) -> None:
        if self._is_stopped:
            raise LostError("was stopped")

    @abstractmethod
    def _begin(self, job: Job) -> None:
        """Have it start on ``job``, and be started itself if need be."""

    @abstractmethod
    def _is_done(self, seconds: float) -> bool:
        """Whether the job is, which is waited for as long."""

    @abstractmethod
    def _answer(self) -> BaseException | None:
        """What the job raised."""

    @abstractmethod
    def _end(self) -> None:
        """End it, if it was started; the lock is held."""


_LOOK = 1.0
"""Seconds between looks at the clock while a job is being done."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a job may take: generous, as only a worker that hangs should be ended."""

    factor: float = 20.0
    """Times the median of the jobs of its kind that are done."""
    least: float = 300.0
    """Seconds that every job may take."""
    first: float = 1800.0
    """Seconds as long as none of its kind is done: networks are loaded, and converted once, before the first."""

    def seconds(self, taken: Sequence[float]) -> float:
        """taken: seconds of those that are done."""
        return max(self.least, self.factor * statistics.median(taken)) if taken else max(self.least, self.first)


@dataclass(order=True, slots=True)
class _Task:
    rank: int
    number: int
    job: Job = field(compare=False)
    done: Future[None] = field(compare=False)
    tries: int = field(compare=False, default=0)


class Pool:
    """Workers, each with a thread that gives it jobs. As a context manager it ends them, whatever they do."""

    def __init__(self, workers: Sequence[Worker], patience: Patience | None = None) -> None:
        self._workers, self._patience = workers, patience or Patience()
        self._waiting: PriorityQueue[_Task] = PriorityQueue()
        self._numbers = count()
        self._taken: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=99))
        self._stopped = threading.Event()
        for number, worker in enumerate(workers):
            threading.Thread(target=self._serve, args=(worker,), name=f"worker {number}", daemon=True).start()

    def __len__(self) -> int:
        return len(self._workers)

    def submit(self, job: Job, rank: int = 0) -> Future[None]:
        """Have ``job`` done; those of a lower rank come first. The future raises what it raises.

        It raises InputError where its worker was lost again and again, and LostError where the pool was stopped.
        """
        task = _Task(rank, next(self._numbers), job, Future())
        self._waiting.put(task)
        if self._stopped.is_set():
            self._drop_waiting()
        return task.done

    def stop(self) -> None:
        """End all workers now; jobs that are not done never will be."""
        self._stopped.set()
        for worker in self._workers:
            worker.stop()
        self._drop_waiting()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self, worker: Worker) -> None:
        _keep_signals_away()
        while not self._stopped.is_set():
            try:
                task = self._waiting.get(timeout=1)
            except Empty:
                continue
            if task.tries or task.done.set_running_or_notify_cancel():
                self._try(worker, task)

    def _try(self, worker: Worker, task: _Task) -> None:
        kind, begin = task.job.kind, time.monotonic()
        try:
            worker.run(task.job, lambda: self._patience.seconds(self._taken[kind]))
        except LostError as lost:
            self._lose(task, lost)
        except BaseException as error:  # noqa: BLE001 (raised again by whoever waits for it)
            task.done.set_exception(error)
        else:
            self._taken[kind].append(time.monotonic() - begin)
            task.done.set_result(None)

    def _lose(self, task: _Task, lost: LostError) -> None:
        task.tries += 1
        if self._stopped.is_set():
            task.done.set_exception(lost)
        elif task.tries == _TRIES:
            reason = f"{task.job}: its process {lost} {_TRIES} times, as when memory is short; use fewer processes"
            task.done.set_exception(InputError(reason, "jobs"))
        else:
            _log.warning("%s: its process %s; it is made again", task.job, lost)
            self._waiting.put(task)
            if self._stopped.is_set():
                self._drop_waiting()

    def _drop_waiting(self) -> None:
        while True:
            try:
                task = self._waiting.get_nowait()
            except Empty:
                return
            if task.tries or task.done.set_running_or_notify_cancel():
                task.done.set_exception(LostError("was stopped"))


def completed(jobs: Iterable[Future[_T]]) -> Generator[Future[_T]]:
    """Each when it is done, as ``concurrent.futures.as_completed``, and signals are acted on while waiting.

    A signal that another thread takes does not wake the main thread, which alone acts on it.
    """
    left = set(jobs)
    while left:
        done, left = wait(left, timeout=_LOOK, return_when=FIRST_COMPLETED)
        yield from done


def _keep_signals_away() -> None:
    """Ctrl-C and a request to end reach every process; what is started here hears neither, from the first moment."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
