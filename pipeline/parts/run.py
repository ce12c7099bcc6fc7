"""The parts of a pass: those on disk are taken, the others made, here or in several processes."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, ClassVar, Protocol, Self

import numpy.typing as npt

from ground.errors import InputError
from ground.video.parts import Part
from pipeline.models import Models
from pipeline.parts.store import Columns, PartStore
from pipeline.progress import Advance, Progress

_log = logging.getLogger("courtscribe")

_TRIES = 3
"""How often a pass begins again with new processes after one of them died, as of too little memory."""


class Pass(Protocol):
    """Work on parts, none of which needs another. It is sent to other processes, so it holds paths and settings."""

    name: ClassVar[str]
    """One word in lower case."""

    def make(self, parts: Sequence[Part], models: Models) -> Iterator[Columns]:
        """What is kept of each of ``parts``, which follow each other, in their order."""
        ...


class Workers:
    """Where parts are made and kept. Other processes are started when they are first needed, and serve every pass.

    As a context manager it ends them.
    """

    def __init__(self, store: PartStore, models: Models, jobs: int = 1) -> None:
        """models: of this process. jobs: processes; 1: this one alone, 0: as many as suit machine and work."""
        self.store, self.models, self.jobs = store, models, jobs
        self._pool: ProcessPoolExecutor | None = None

    def pool(self, jobs: int) -> ProcessPoolExecutor:
        """The other processes."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            cores = context.Queue()
            for share in _shares(jobs):
                cores.put(share)
            self._pool = ProcessPoolExecutor(jobs, context, _begin, (cores,))
        return self._pool

    def stop(self) -> None:
        """End the other processes now, whatever they do."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = list((pool._processes or {}).values())  # pyright: ignore[reportPrivateUsage]
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:  # a part takes a while, and nobody waits for it any more
            process.terminate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def run_pass(
    work: Pass, parts: Sequence[Part], digest: str, workers: Workers, progress: Progress
) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """What is kept of each of ``parts``, in order, made first where it is not there.

    digest: as ``PartStore.begin`` gives it. Raises what making them raises; parts that were made before stay.
    """
    store = workers.store
    missing = [part for part in parts if not store.has(work.name, part.number, digest)]
    there = len(parts) - len(missing)
    if there:
        _log.info("%s: resuming, %d of %d parts are there", work.name, there, len(parts))
    if missing:
        total = sum(map(len, parts))
        with progress.stage(work.name, total, done=total - sum(map(len, missing))) as advance:
            jobs = min(workers.jobs or _suiting(len(missing), workers.models), len(missing))
            if jobs > 1:
                _make_in_processes(work, missing, digest, workers, jobs, advance)
            else:
                _make(work, missing, digest, store, workers.models, advance)
    for part in parts:
        yield _kept(work, part, digest, workers)


def _kept(work: Pass, part: Part, digest: str, workers: Workers) -> dict[str, npt.NDArray[Any]]:
    columns = workers.store.load(work.name, part.number, digest)
    if columns is None:  # damaged since
        _make(work, [part], digest, workers.store, workers.models, lambda _: None)
        columns = workers.store.load(work.name, part.number, digest)
    if columns is None:
        raise InputError(f"{workers.store.folder}: does not keep what is written there")
    return columns


def _make(work: Pass, parts: Sequence[Part], digest: str, store: PartStore, models: Models, advance: Advance) -> None:
    for run in consecutive(parts):
        for part, columns in zip(run, work.make(run, models), strict=True):
            store.save(work.name, part.number, digest, columns)
            advance(len(part))


def consecutive(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Parts in runs that follow each other: each is read at one go."""
    run: list[Part] = []
    for part in parts:
        if run and part.first != run[-1].last + 1:
            yield run
            run = []
        run.append(part)
    if run:
        yield run


def _make_in_processes(
    work: Pass, parts: Sequence[Part], digest: str, workers: Workers, jobs: int, advance: Advance
) -> None:
    left = list(parts)
    for tries in range(_TRIES, 0, -1):
        try:
            _share(work, left, digest, workers, jobs, advance)
            return
        except BrokenProcessPool:
            left = [part for part in left if not workers.store.has(work.name, part.number, digest)]
            if not left:
                return
            if tries == 1:
                raise InputError(
                    f"{work.name}: a process died {_TRIES} times, as when memory is short; use fewer", "jobs"
                ) from None
            _log.warning("%s: a process died; its part is made again", work.name)


def _share(work: Pass, parts: Sequence[Part], digest: str, workers: Workers, jobs: int, advance: Advance) -> None:
    try:
        pool = workers.pool(jobs)
        waiting = {pool.submit(_make_one, work, part, digest, workers.store): part for part in parts}
        for done in as_completed(waiting):
            done.result()
            advance(len(waiting[done]))
    except BaseException:
        workers.stop()
        raise


def _shares(jobs: int) -> list[frozenset[int]]:
    """The cores of each of ``jobs`` processes; empty where a system does not tell them."""
    if not hasattr(os, "sched_getaffinity"):
        return [frozenset()] * jobs
    cores = sorted(os.sched_getaffinity(0))
    return [frozenset(cores[i % len(cores) :: jobs]) or frozenset(cores) for i in range(jobs)]


_models: Models | None = None
"""Of a process that makes parts; loaded once, whatever it makes."""


def _begin(cores: Any) -> None:
    """Keep to some cores: libraries that start as many threads as there are would get in each other's way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the one who waits for the parts ends the others
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    share: frozenset[int] = cores.get()
    if share:
        os.sched_setaffinity(0, share)
    import cv2
    import torch

    num_threads = len(share) or 1
    torch.set_num_threads(num_threads)
    cv2.setNumThreads(num_threads)


def _end_with(parent: int) -> None:
    """End this process when ``parent`` has gone: one that was killed can end nobody."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _make_one(work: Pass, part: Part, digest: str, store: PartStore) -> None:
    global _models  # noqa: PLW0603 - a process has no other place
    _models = _models or Models()
    _make(work, [part], digest, store, _models, lambda _: None)


def _suiting(num_parts: int, models: Models) -> int:
    """Processes that suit this machine and so many parts: one per core, up to what memory holds; one beside a GPU."""
    if models.on_gpu:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, int(_free_memory() / _MEMORY), num_parts // _WORTH))


_WORTH = 4
"""Parts for which a process is worth the seconds that it takes to start."""
_MEMORY = 1.5e9
"""Bytes that a process may take."""


def _free_memory() -> float:
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return 4e9
