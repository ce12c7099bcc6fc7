"""Progress of a batch: one count, in seconds of video, to which the stages of each video add."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import Context

from pipeline.progress import ANALYZE_COSTS, Advance


class Share:
    """Progress of one video, told as its share of the whole."""

    def __init__(self, advance: Advance, seconds: int) -> None:
        """advance: of the whole. seconds: that the video plays."""
        self._advance, self._seconds = advance, seconds
        self._made, self._reported = 0.0, 0

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame", done: int = 0) -> Generator[Advance]:
        """See ``pipeline.progress.Progress``; stages of no known cost or length count when the video is done."""
        _ = unit
        cost = ANALYZE_COSTS.get(name, 0.0) / sum(ANALYZE_COSTS.values())

        def advance(count: int) -> None:
            self._add(cost * self._seconds * count / total if total else 0.0)

        advance(done)
        yield advance

    def finish(self) -> None:
        """The video is done, or given up: nothing of it is left to do."""
        self._add(float(self._seconds))

    def _add(self, seconds: float) -> None:
        self._made = min(self._made + seconds, self._seconds)
        news = int(self._made) - self._reported
        self._reported += news
        self._advance(news)


def one_at_a_time(advance: Advance) -> Advance:
    """``advance`` for several threads, in whose name it says nothing."""
    lock = threading.Lock()

    def advance_alone(count: int) -> None:
        with lock:
            Context().run(advance, count)

    return advance_alone
