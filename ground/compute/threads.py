"""How many threads a library may start in this process, without loading one to ask it."""

from __future__ import annotations

import os
import sys

import cv2

_VARIABLE = "OMP_NUM_THREADS"
"""PyTorch reads it when it is loaded, and so does NumPy's algebra."""


def num_threads() -> int:
    """As many as PyTorch is allowed where it is loaded, or would be if it were: a core each, or OMP_NUM_THREADS."""
    if (torch := sys.modules.get("torch")) is not None:
        return torch.get_num_threads()
    wanted = os.environ.get(_VARIABLE, "").split(",")[0].strip()
    return min(int(wanted), _num_cores()) if wanted.isdecimal() and int(wanted) > 0 else _num_cores()


def limit_threads(number: int) -> None:
    """Let each library start so many from here on, those that are loaded later, too; for the whole process."""
    os.environ[_VARIABLE] = str(number)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(number)
    cv2.setNumThreads(number)


def _num_cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
