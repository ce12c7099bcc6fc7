"""Columns of whole numbers as text that a page reads fast: a hundred thousand rows of a game in a few dozen KB."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_BYTES = 6
"""Of a number: what a page holds exactly, and more than microseconds of a day take."""
LIMIT = 1 << (8 * _BYTES - 2)
"""Numbers are below it, and above its negative: their differences fit, too."""


def pack(columns: Mapping[str, npt.ArrayLike]) -> dict[str, Any]:
    """``{"columns": [[name, length], ...], "data": text}``: what ``columns.js`` unpacks.

    columns: whole numbers of one dimension. Each is kept as differences from entry to entry, six bytes each (two's
    complement), bytes of one place beside each other, all deflated (RFC 1951) and in base64.
    Raises ValueError for numbers of ``LIMIT`` or more.
    """
    arrays = {name: np.asarray(column, np.int64).reshape(-1) for name, column in columns.items()}
    if any(len(array) and np.abs(array).max() >= LIMIT for array in arrays.values()):
        raise ValueError("a column holds a number that is too large to pack")
    deflate = zlib.compressobj(9, wbits=-15)
    pieces = [deflate.compress(_planes(array)) for array in arrays.values()]
    data = base64.b64encode(b"".join([*pieces, deflate.flush()])).decode("ascii")
    return {"columns": [[name, len(array)] for name, array in arrays.items()], "data": data}


def _planes(array: npt.NDArray[np.int64]) -> bytes:
    steps = np.diff(array, prepend=0).astype("<i8")
    return steps.view(np.uint8).reshape(-1, 8)[:, :_BYTES].T.tobytes()
