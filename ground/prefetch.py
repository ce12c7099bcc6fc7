"""Work done in a thread ahead of whoever needs it, with a bounded queue between the two."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


def prefetch(items: Iterable[T], size: int = 8) -> Prefetch[T]:
    """``items``, computed in a thread that runs up to ``size`` items ahead."""
    return Prefetch(items, size)


def fills() -> list[float]:
    """How full the queue of each is that is at work in this process, 0 to 1."""
    # valuerefs() is one step; going through them would fail where another thread begins or ends meanwhile.
    return [items.fill for kept in _at_work.valuerefs() if (items := kept()) is not None]


class Prefetch(Iterator[T], Generic[T]):
    """Use ``prefetch``.

    The thread starts with the first item asked for. What it raises is raised here. When the consumer stops early
    (``close()``, or nobody holds this any more), the thread ends, ``items`` is closed, and both are waited for.
    ``close`` may be called from any thread: one that waits for an item then gets a ValueError, as of a closed file.
    """

    def __init__(self, items: Iterable[T], size: int) -> None:
        self._ahead: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(size)
        self._stopped = threading.Event()
        work = (items, self._ahead, self._stopped)
        self._thread = threading.Thread(target=_work, args=work, name="prefetch", daemon=True)
        self._lock = threading.Lock()
        self._is_started = self._is_over = False

    def __next__(self) -> T:
        if self._is_over:
            raise StopIteration
        self._start()
        entry = self._ahead.get()
        if isinstance(entry, tuple):
            return entry[0]
        self._is_over = True
        _at_work.pop(id(self), None)
        if self._stopped.is_set():
            raise ValueError("closed while it was being read")
        self._thread.join()
        if entry is not None:
            raise entry
        raise StopIteration

    @property
    def fill(self) -> float:
        """How full its queue is, 0 to 1."""
        return self._ahead.qsize() / self._ahead.maxsize

    def close(self) -> None:
        """End the thread, and what it works on, and wait for both."""
        _at_work.pop(id(self), None)
        with self._lock:
            self._stopped.set()
            if not self._is_started:
                return
        while self._thread.is_alive():  # a put may wait for room; it needs two at most: an item and the end
            _drain(self._ahead)
            self._thread.join(0.01)
        _drain(self._ahead)
        self._ahead.put(None)  # for another thread that waits for an item

    def __del__(self) -> None:
        self.close()

    def _start(self) -> None:
        with self._lock:
            if self._stopped.is_set() and not self._is_started:
                raise ValueError("closed before it was read")
            if not self._is_started:
                self._is_started = True
                self._thread.start()
                _at_work[id(self)] = self


def _work(items: Iterable[T], ahead: queue.Queue[tuple[T] | BaseException | None], stopped: threading.Event) -> None:
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


_at_work: WeakValueDictionary[int, Prefetch[Any]] = WeakValueDictionary()


def _drain(waiting: queue.Queue[T]) -> None:
    try:
        while True:
            waiting.get_nowait()
    except queue.Empty:
        return
