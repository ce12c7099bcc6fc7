"""What has to touch the process's state puts it back, whoever else is in there."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from time import sleep

import pytest

from ground.packages import no_telemetry
from ground.warnings_off import warnings_off


@pytest.mark.parametrize("silence", [no_telemetry, warnings_off])
def test_the_state_comes_back_when_threads_overlap(silence: Callable[[], AbstractContextManager[None]]) -> None:
    before = list(warnings.filters), dict(sys.modules)

    def enter(after: float) -> None:
        sleep(after)
        with silence(), silence():
            sleep(0.02)

    with ThreadPoolExecutor(2) as threads:
        for _ in range(5):
            list(threads.map(enter, [0, 0.01]))
    assert list(warnings.filters) == before[0]
    assert sys.modules.get("openvino_telemetry", "absent") == before[1].get("openvino_telemetry", "absent")


def test_inside_the_package_is_not_found() -> None:
    with no_telemetry(), pytest.raises(ImportError):
        __import__("openvino_telemetry")


def test_inside_nothing_is_warned_of_and_an_error_ends_the_silence() -> None:
    with pytest.warns(UserWarning, match="outside") as record:
        with pytest.raises(RuntimeError), warnings_off():
            warnings.warn("inside", stacklevel=1)
            raise RuntimeError
        warnings.warn("outside", stacklevel=1)
    assert len(record) == 1
