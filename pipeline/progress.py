"""Being waited for: a bar per stage on a terminal, log lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

_log = logging.getLogger("courtscribe")
_LOG_INTERVAL = 10.0
"""Seconds between log lines of one stage."""

Advance = Callable[[int], None]
"""Called with the number of units done since the last call."""


class Progress(Protocol):
    """Shows how far a run has come."""

    def stage(self, name: str, total: int | None, unit: str = "frame") -> AbstractContextManager[Advance]:
        """A stage of ``total`` units (None: unknown), as a context that gives the function to advance it."""
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
    def stage(self, name: str, total: int | None, unit: str = "frame") -> Generator[Advance]:
        """See Progress. Raises Cancelled."""
        self._check()
        with self._shown.stage(name, total, unit) as shown:

            def advance(count: int) -> None:
                self._check()
                shown(count)

            yield advance

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled


class Silent:
    """Shows nothing."""

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame") -> Generator[Advance]:
        """See Progress."""
        _ = name, total, unit
        yield lambda _count: None


class Bars:
    """tqdm bars on a terminal: stage, frames per second, time left."""

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame") -> Generator[Advance]:
        """See Progress."""
        from tqdm import tqdm

        with tqdm(total=total, desc=f"{name:>8}", unit=f" {unit}s", dynamic_ncols=True, file=sys.stderr) as bar:

            def advance(count: int) -> None:
                bar.update(count)

            yield advance
            bar.total = bar.n  # a container may have claimed more frames than it holds
            bar.refresh()


class LogLines:
    """Plain log lines, for files and batch systems."""

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame") -> Generator[Advance]:
        """See Progress."""
        begin = last = time.monotonic()
        done = 0

        def advance(count: int) -> None:
            nonlocal done, last
            done += count
            now = time.monotonic()
            if now - last >= _LOG_INTERVAL:
                last = now
                rate = done / (now - begin)
                left = f", {max(total - done, 0) / rate:.0f} s left" if total and rate else ""
                _log.info("%s: %d of %s %ss, %.1f/s%s", name, done, total or "?", unit, rate, left)

        yield advance
        seconds = time.monotonic() - begin
        _log.info("%s: %d %ss in %.1f s, %.1f/s", name, done, unit, seconds, done / max(seconds, 1e-9))


def choose_progress(quiet: bool) -> Progress:
    """Bars on a terminal, log lines elsewhere; nothing with ``quiet``."""
    if quiet:
        return Silent()
    return Bars() if sys.stderr.isatty() else LogLines()
