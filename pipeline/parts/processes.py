"""Workers that are processes of this machine."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from ground.compute.memory import trim_memory
from ground.compute.threads import limit_threads
from pipeline.models import Models
from pipeline.parts.pool import Elsewhere, Job


class ProcessWorker(Elsewhere):
    """A process, started with its first job."""

    losses = (EOFError, OSError)

    def __init__(self, cores: frozenset[int] = frozenset()) -> None:
        """cores: those that it keeps to; empty: any."""
        super().__init__()
        self._cores = cores
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def stop(self) -> None:
        """See ``pipeline.parts.pool.Worker``."""
        with self._lock:  # its pipe stays, as another thread may wait at it, and hears that it has ended
            self._is_stopped = True
            if self._process is not None:
                self._process.kill()
        atexit.unregister(self.stop)

    def _begin(self, job: Job) -> None:
        self._started().send(job)

    def _is_done(self, seconds: float) -> bool:
        return self._started().poll(seconds)

    def _answer(self) -> BaseException | None:
        return self._started().recv()

    def _started(self) -> Connection:
        with self._lock:
            self._require_wanted()
            if self._pipe is None:
                context = multiprocessing.get_context("spawn")
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, self._cores, os.getpid()), daemon=True)
                with _deaf():
                    process.start()
                self._process, self._pipe = process, ours
                atexit.register(self.stop)  # before multiprocessing asks it to end, which it does not hear
                theirs.close()  # so that the pipe ends with the process
            return self._pipe

    def _end(self) -> None:
        if self._process is not None and self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None


@contextmanager
def _deaf() -> Generator[None]:
    """What is started here hears no Ctrl-C and no request to end, from its first moment: they reach the whole group."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, heard := {signal.SIGINT, signal.SIGTERM})
    try:
        resource_tracker.ensure_running()  # would be started with the process, and has the signals heard again
        signal.pthread_sigmask(signal.SIG_BLOCK, heard)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def outcome(job: Job, models: Models) -> BaseException | None:
    """Do a job -> what it raised, as something that can be sent."""
    try:
        job.do(models)
    except Exception as error:  # noqa: BLE001 (raised again where it is waited for)
        error.add_note("".join(traceback.format_exception(error)))
        return _portable(error)
    finally:
        trim_memory()
    return None


def _portable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 (anything may go wrong in another's code)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def shares(jobs: int) -> list[frozenset[int]]:
    """The cores of each of ``jobs`` processes; empty where a system does not tell them."""
    if not hasattr(os, "sched_getaffinity"):
        return [frozenset()] * jobs
    cores = sorted(os.sched_getaffinity(0))
    return [frozenset(cores[i % len(cores) :: jobs]) or frozenset(cores) for i in range(jobs)]


def _work(pipe: Connection, cores: frozenset[int], parent: int) -> None:
    for heard_by_all in (signal.SIGINT, signal.SIGTERM):  # the one who waits for the jobs ends the others
        signal.signal(heard_by_all, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if cores:
        os.sched_setaffinity(0, cores)
    limit_threads(len(cores) or 1)  # one that starts a thread for every core would get in the others' way
    models = Models()
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send(outcome(job, models))


def _end_with(parent: int) -> None:
    """End this process when ``parent`` has gone: one that was killed can end nobody."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
