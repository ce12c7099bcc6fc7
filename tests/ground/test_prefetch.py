"""Work done ahead in a thread: the same items, a bounded number ahead, and nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from ground.prefetch import prefetch


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers()), st.integers(1, 5))
def test_prefetch_gives_the_same_items(items: list[int], size: int) -> None:
    assert list(prefetch(items, size)) == items


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 30), st.integers(1, 4))
def test_prefetch_stops_its_thread_and_closes_its_source(taken: int, size: int) -> None:
    before = threading.active_count()
    ahead, closed = [0], threading.Event()

    def count() -> Iterator[int]:
        try:
            while True:
                ahead[0] += 1
                yield ahead[0]
        finally:
            closed.set()

    reading = prefetch(count(), size)
    for _ in range(taken):
        next(reading)
    reading.close()
    assert threading.active_count() == before
    assert closed.is_set() == (taken > 0)
    assert ahead[0] <= taken + 2 * size + 2


def test_prefetch_passes_exceptions_on_after_the_items_before_them() -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise InputError("broken")

    reading = prefetch(fail())
    assert next(reading) == 1
    with pytest.raises(InputError, match="broken"):
        next(reading)


def test_prefetch_works_ahead_up_to_its_size() -> None:
    made: list[int] = []
    reading = prefetch((made.append(i) or i for i in range(100)), 5)
    next(reading)
    deadline = time.monotonic() + 5
    while len(made) < 7 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 7  # one taken, five in the queue, one in the thread's hand
    reading.close()


def test_prefetch_closed_by_another_thread_tells_whoever_waits() -> None:
    going, outcome = threading.Event(), list[str]()

    def slow() -> Iterator[int]:
        yield 1
        going.wait(5)
        yield 2

    def consume() -> None:
        try:
            for _ in reading:
                pass
        except ValueError as error:
            outcome.append(str(error))

    reading = prefetch(slow())
    consumer = threading.Thread(target=consume)
    consumer.start()
    threading.Timer(0.05, going.set).start()
    reading.close()
    consumer.join(5)
    assert not consumer.is_alive() and outcome[0].startswith("closed")
