"""Being waited for: a bar per stage on a terminal, log lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

_log = logging.getLogger("courtscribe")
_LOG_INTERVAL = 10.0
"""Seconds between log lines of one stage."""
_FILE_INTERVAL = 0.2
"""Seconds between states of a file for other programs."""

Advance = Callable[[int], None]
"""Called with the number of units done since the last call."""


class Progress(Protocol):
    """Shows how far a run has come."""

    def stage(
        self, name: str, total: int | None, unit: str = "frame", done: int = 0
    ) -> AbstractContextManager[Advance]:
        """A stage of ``total`` units (None: unknown), as a context that gives the function to advance it.

        done: how many of them are there already; they count as done, and not as work of this run.
        """
        ...


class Cancelled(Exception):  # noqa: N818 - like asyncio's, it is no error
    """Whoever waited does not want the result any more."""


class Cancellable:
    """Shows what another progress shows, until it is cancelled: then the run ends with ``Cancelled`` within a batch.

    Nothing is left half written: results are files only when they are whole.
    """

    def __init__(self, shown: Progress | None = None) -> None:
        """shown: what shows the progress; None: nothing does."""
        self._shown = shown or Silent()
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End the run as soon as it says how far it is; from any thread."""
        self._cancelled.set()

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame", done: int = 0) -> Generator[Advance]:
        """See Progress. Raises Cancelled."""
        self._check()
        with self._shown.stage(name, total, unit, done) as shown:

            def advance(count: int) -> None:
                self._check()
                shown(count)

            yield advance

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled


class TimeLeft:
    """How long a job of several stages still takes, from how long it took so far and what its stages usually cost."""

    def __init__(self, usual: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        """usual: stages in their order, with what each costs beside the others. clock: seconds, never going back."""
        self._usual = dict(usual)
        self._clock, self._begin = clock, clock()
        self._made = 0.0
        self._ahead = sum(self._usual.values())

    @contextmanager
    def stage(self, name: str, total: int | None, done: int = 0) -> Generator[Advance]:
        """A stage begins; those before it that never did are done. Others than the usual ones count for nothing."""
        if name not in self._usual or not total:
            yield lambda _count: None
            return
        cost, after = self._usual[name], sum(list(self._usual.values())[list(self._usual).index(name) + 1 :])
        made_before, there = self._made, done

        def advance(count: int) -> None:
            nonlocal there
            there += count
            self._made = made_before + cost * min(there - done, total) / total
            self._ahead = after + cost * max(total - there, 0) / total

        advance(0)
        yield advance
        self._ahead = after

    def seconds(self) -> float | None:
        """Seconds; None as long as nothing is known."""
        return self._ahead * (self._clock() - self._begin) / self._made if self._made else None


ANALYZE_COSTS = {"detect": 46.0, "glance": 3.0, "label": 28.0, "show": 23.0}
"""Percent of the time of an analysis that its passes take, by ``benchmarks/end_to_end.py``."""


def spoken(seconds: float) -> str:
    """A length of time, to the second: ``47 s``, ``3:07 min``, ``1:02:33 h``."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02} h"


class Silent:
    """Shows nothing."""

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame", done: int = 0) -> Generator[Advance]:
        """See Progress."""
        _ = name, total, unit, done
        yield lambda _count: None


class Bars:
    """tqdm bars on a terminal: stage, frames per second, time left for the stage and for the whole job."""

    def __init__(self, costs: Mapping[str, float] | None = None) -> None:
        """costs: of the job's stages, see TimeLeft."""
        self._left = TimeLeft(costs or {})

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame", done: int = 0) -> Generator[Advance]:
        """See Progress."""
        from tqdm import tqdm

        bar = tqdm(
            total=total, initial=done, desc=f"{name:>8}", unit=f" {unit}s", dynamic_ncols=True, file=sys.stderr
        )  # fmt: skip
        with bar, self._left.stage(name, total, done) as count_in:

            def advance(count: int) -> None:
                count_in(count)
                left = self._left.seconds()
                if left is not None:
                    bar.set_postfix_str(f"all: {spoken(left)} left", refresh=False)
                bar.update(count)

            yield advance
            bar.total = bar.n  # a container may have claimed more frames than it holds
            bar.set_postfix_str("")


class LogLines:
    """Plain log lines, for files and batch systems."""

    def __init__(self, costs: Mapping[str, float] | None = None) -> None:
        """costs: of the job's stages, see TimeLeft."""
        self._left = TimeLeft(costs or {})

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame", done: int = 0) -> Generator[Advance]:
        """See Progress."""
        begin = last = time.monotonic()
        made = 0
        with self._left.stage(name, total, done) as count_in:

            def advance(count: int) -> None:
                nonlocal made, last
                made += count
                count_in(count)
                now = time.monotonic()
                if now - last >= _LOG_INTERVAL:
                    last = now
                    so_far = f"{done + made} of {total or '?'} {unit}s, {made / (now - begin):.1f}/s"
                    _log.info("%s: %s%s", name, so_far, self._time_left(total, done + made, made / (now - begin)))

            yield advance
        seconds = time.monotonic() - begin
        there = f", {done} were there" if done else ""
        _log.info("%s: %d %ss in %s, %.1f/s%s", name, made, unit, spoken(seconds), made / max(seconds, 1e-9), there)

    def _time_left(self, total: int | None, there: int, rate: float) -> str:
        left = self._left.seconds()
        of_stage = f", {spoken(max(total - there, 0) / rate)} left" if total and rate else ""
        return of_stage if left is None else f"{of_stage} ({spoken(left)} for all)"


class InFile:
    """Keeps a file that says how far it is, as JSON, for another program that waits; and shows what another does.

    ``{"process": 123, "stage": "detect", "unit": "frame", "done": 120, "total": 640, "left": 34.2}``; total and left
    (seconds for all) are null as long as they are not known. A file that cannot be written stops nothing.
    """

    def __init__(self, path: Path, shown: Progress, costs: Mapping[str, float] | None = None) -> None:
        """costs: of the job's stages, see TimeLeft."""
        self._path, self._shown, self._left = path, shown, TimeLeft(costs or {})

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame", done: int = 0) -> Generator[Advance]:
        """See Progress."""
        there, last = done, 0.0
        with self._shown.stage(name, total, unit, done) as shown, self._left.stage(name, total, done) as count_in:

            def advance(count: int) -> None:
                nonlocal there, last
                shown(count)
                count_in(count)
                there += count
                now = time.monotonic()
                if now - last >= _FILE_INTERVAL:
                    last = now
                    self._write(name, unit, there, total)

            self._write(name, unit, there, total)
            yield advance
        self._write(name, unit, there, total)

    def _write(self, name: str, unit: str, done: int, total: int | None) -> None:
        left = self._left.seconds()
        state = {"process": os.getpid(), "stage": name, "unit": unit, "done": done, "total": total, "left": left}
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            part.write_text(json.dumps(state), encoding="utf-8")
            part.replace(self._path)


def choose_progress(quiet: bool, costs: Mapping[str, float] | None = None, file: Path | None = None) -> Progress:
    """Bars on a terminal, log lines elsewhere; nothing with ``quiet``. costs: of the job's stages, see TimeLeft.

    file: says the same to other programs, see InFile.
    """
    shown: Progress = Silent()
    if not quiet:
        shown = Bars(costs) if sys.stderr.isatty() else LogLines(costs)
    return shown if file is None else InFile(file, shown, costs)
