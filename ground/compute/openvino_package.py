"""OpenVINO, ready for several threads."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from ground.packages import need

_ONE_AT_A_TIME = threading.Lock()


def openvino_package(what: str) -> Any:
    """The package ``openvino``. Raises InputError where it is missing; what: of the program needs it.

    The first array that it is asked for is asked for here, by one thread: its bindings (pybind11) prepare NumPy then,
    and two threads that come at that moment wait for ever, one for the interpreter's lock, the other for the one.
    """
    openvino = need(what, "openvino")
    with _ONE_AT_A_TIME:
        _ = openvino.Tensor(np.zeros(1, np.float32)).data
    return openvino
