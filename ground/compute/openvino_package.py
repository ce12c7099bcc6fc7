"""OpenVINO, ready for several threads, and to the same results on every processor."""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import Any

import numpy as np

from ground.packages import need

INSTRUCTIONS = "ONEDNN_MAX_CPU_ISA"
"""Variable of the environment by which oneDNN, which computes for OpenVINO, is told what it may use of a processor."""
_MOST = "AVX512_CORE_FP16"
"""All but AMX, with which networks in eight bits give something else, and are slower for one picture at a time.

With and without AVX-512 they give the same to the bit; with AMX boxes of a detector lay 0.07 pixels off, and scores by
0.007. Where an input's size may change, it crashed, too: https://github.com/openvinotoolkit/openvino/issues/37577
"""
_ONE_AT_A_TIME = threading.Lock()


def openvino_package(what: str) -> Any:
    """The package ``openvino``, for all that compute by it. Raises InputError where it is missing; what: needs it."""
    openvino = need(what, "openvino")
    with _ONE_AT_A_TIME:
        _prepare(openvino)
    return openvino


@cache
def _prepare(openvino: Any) -> None:
    """What is asked of it first in a process is asked here, by one thread.

    Its bindings (pybind11) prepare NumPy with the first array: two threads that come at that moment wait for ever, one
    for the interpreter's lock, the other for the one. oneDNN reads the variable once; what it says already holds.
    """
    _ = openvino.Tensor(np.zeros(1, np.float32)).data
    before = os.environ.get(INSTRUCTIONS)
    os.environ.setdefault(INSTRUCTIONS, _MOST)
    try:
        openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    finally:
        if before is None:
            del os.environ[INSTRUCTIONS]
