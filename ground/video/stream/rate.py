"""How many frames a second a video has, by their times: headers say 0, 1000 or 90000 where nobody counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

_HIGHEST_CLAIM = 300
"""Frames per second that a header is believed where there is nothing to measure."""
_UNKNOWN = Fraction(25)
_AGREES = 0.02
"""A header's rate is exact and the times are rounded: within this share of what was measured, the header is right."""
_PAUSE = 3
"""A step this many times the usual one is a pause; a step this many times shorter holds nothing to show."""


def measure_rate(stamps: Sequence[int], tick: Fraction, claims: Iterable[Fraction | None]) -> Fraction:
    """Usual frames per second.

    stamps: time stamps of frames, in any order, ``tick`` seconds each. claims: rates that the header states.
    """
    stated = [claim for claim in claims if claim is not None and claim > 0]
    steps = np.diff(np.unique(np.array(stamps, np.int64)))
    if not len(steps):
        return next((claim for claim in stated if claim <= _HIGHEST_CLAIM), _UNKNOWN)
    median = np.median(steps)
    usual = steps[(steps * _PAUSE > median) & (steps < median * _PAUSE)]
    measured = len(usual) / (int(usual.sum()) * tick)
    nearest = min(stated, key=lambda claim: abs(claim / measured - 1), default=None)
    if nearest is not None and abs(nearest / measured - 1) <= _AGREES:
        return nearest
    return measured.limit_denominator(1001) or measured
