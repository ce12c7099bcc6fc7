"""Work done in threads ahead of whoever needs it, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ahead(
    work: Callable[[T], R], items: Iterable[T], threads: int, size: int | None = None
) -> Generator[R, None, None]:
    """``work`` of each of ``items``, in their order, up to ``size`` of them done or under way ahead of time.

    threads: how many work at once; raising it helps while work waits for the disk, or leaves Python (decoding, NumPy,
    torch). size: None is twice the threads; raising it takes memory and evens out slow items.
    What ``work`` raises is raised here. When the consumer stops early, work that has not begun is dropped.
    """
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > (size or 2 * threads):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
