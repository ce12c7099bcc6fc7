"""The parts of a pass: those on disk are taken, the others made, here or in several processes."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy.typing as npt
import psutil

from ground.errors import InputError
from ground.video.parts import Part
from pipeline.models import Models
from pipeline.parts.pool import Pool, completed
from pipeline.parts.processes import ProcessWorker, shares
from pipeline.parts.store import Columns, PartStore
from pipeline.profile import Profile, working_on
from pipeline.progress import Advance, Progress

_log = logging.getLogger("courtscribe")


class Pass(Protocol):
    """Work on parts, none of which needs another. It is sent to other processes, so it holds paths and settings."""

    name: ClassVar[str]
    """One word in lower case."""

    def make(self, parts: Sequence[Part], models: Models) -> Iterator[Columns]:
        """What is kept of each of ``parts``, which follow each other, in their order."""
        ...


class Workers:
    """Where parts are made and kept. Other processes are started when they are first needed, and serve every pass.

    As a context manager it ends those that it started.
    """

    def __init__(
        self,
        store: PartStore,
        models: Models,
        jobs: int = 1,
        *,
        pool: Pool | None = None,
        rank: int = 0,
        profile: Path | None = None,
    ) -> None:
        """models: of this process. jobs: processes; 1: this one alone, 0: as many as suit machine and work.

        pool: makes every part, and is not ended with this; ``jobs`` then says nothing. rank: the lower, the earlier.
        profile: the folder in which other processes keep what they were seen at; None: nobody looks at them.
        """
        self.store, self.models, self.jobs, self.rank = store, models, jobs, rank
        self.profile = profile
        self._given, self._pool = pool, pool

    def pool(self, num_parts: int, num_missing: int) -> Pool | None:
        """Who makes the missing ones of so many parts; None: this process."""
        if self._pool is not None:
            return self._pool
        jobs = self.jobs or suiting(self.models.on_gpu, num_missing)
        if min(jobs, num_missing) > 1:
            self._pool = Pool([ProcessWorker(cores) for cores in shares(min(jobs, num_parts))])
        return self._pool

    def stop(self) -> None:
        """End the other processes now, whatever they do."""
        pool, self._pool = self._pool, self._given
        if pool is not None and pool is not self._given:
            pool.stop()

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
            pool = workers.pool(len(parts), len(missing))
            if pool is None:
                _make(work, missing, digest, store, workers.models, advance)
            else:
                jobs = {
                    pool.submit(_MakePart(work, part, digest, store, workers.profile), workers.rank): part
                    for part in missing
                }
                _await(jobs, advance)
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
    with working_on(work.name):
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


@dataclass(frozen=True, slots=True)
class _MakePart:
    """One part, made by whoever gets it."""

    work: Pass
    part: Part
    digest: str
    store: PartStore
    profile: Path | None

    @property
    def kind(self) -> str:
        """See ``pipeline.parts.pool.Job``."""
        return f"{self.work.name} {self.digest}"

    def do(self, models: Models) -> None:
        """See ``pipeline.parts.pool.Job``."""
        with Profile(self.profile) if self.profile else nullcontext():
            _make(self.work, [self.part], self.digest, self.store, models, lambda _: None)

    def __str__(self) -> str:
        return f"{self.store.folder.parent.name}, {self.work.name}, part {self.part.number}"


def _await(jobs: dict[Future[None], Part], advance: Advance) -> None:
    try:
        for done in completed(jobs):
            done.result()
            advance(len(jobs[done]))
    finally:
        for job in jobs:
            job.cancel()


def suiting(on_gpu: bool, num_parts: int | None = None) -> int:
    """Processes that suit this machine: one per core, up to what memory holds; one beside a GPU.

    num_parts: all that there is to make; None: plenty.
    """
    if on_gpu:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    held = min(cores, int(psutil.virtual_memory().available / _MEMORY))
    return max(1, held if num_parts is None else min(held, num_parts // _WORTH))


_WORTH = 4
"""Parts for which a process is worth its start."""
_MEMORY = 1.5e9
"""Bytes that a process may take."""
