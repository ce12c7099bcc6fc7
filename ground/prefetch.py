"""Work done in a thread ahead of whoever needs it, with a bounded queue between the two."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")


def prefetch(items: Iterable[T], size: int = 8) -> Generator[T, None, None]:
    """Yield ``items``, computed in a thread that runs up to ``size`` items ahead.

    The thread starts with the first item asked for. What it raises is raised here. When the consumer stops
    early (``close()``, ``break``, an exception), the thread ends, ``items`` is closed, and both are waited for.
    """
    ahead: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(size)
    stopped = threading.Event()

    def work() -> None:
        last: BaseException | None = None
        iterator = iter(items)
        try:
            for item in iterator:
                ahead.put((item,))
                if stopped.is_set():
                    break
            if isinstance(iterator, Generator):
                iterator.close()
        except BaseException as error:  # noqa: BLE001 (raised again in the consumer's thread)
            last = error
        ahead.put(last)

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while (entry := ahead.get()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            yield entry[0]
    finally:
        stopped.set()
        while thread.is_alive():  # a put may wait for room; it needs two at most: an item and the end
            _drain(ahead)
            thread.join(0.01)


def _drain(waiting: queue.Queue[T]) -> None:
    try:
        while True:
            waiting.get_nowait()
    except queue.Empty:
        return
