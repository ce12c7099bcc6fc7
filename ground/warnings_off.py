"""Silence about what a library warns of while it works."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager

_ONE_AT_A_TIME = threading.RLock()
"""The filters are the whole process's before Python 3.14: two threads at once would put back each other's."""


@contextmanager
def warnings_off() -> Generator[None]:
    """No warnings until it is left, one thread at a time; the filters are then as they were before."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
