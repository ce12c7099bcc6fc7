"""When pictures are shown: from their time stamps, past those that repeat or go back; and what their times lack."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from ground.video.container import start_of, time_base_of
from ground.video.opening import Opening

_Floats = npt.NDArray[np.float64]
_STEADY = 0.75
"""Share of the steps that are of one length where the rate is one that does not vary, and gaps are losses."""
_ROUNDED = 0.02
"""Share of a step by which it may be off, besides its rounding to ticks."""
_JUMP = 10.0
"""Seconds: a longer step is a jump of the clock, or a stop of the camera."""


@dataclass
class Stamps:
    """What was odd about the time stamps of a video."""

    num_doubled: int = 0
    """Pictures that came a second time, with the time stamp of the one before, and are left out."""
    num_moved: int = 0
    """Pictures whose time stamp was not after the one before: they follow at the usual rate."""

    def notes(self) -> list[str]:
        """What was odd about the stamps, a line each."""
        notes: list[str] = []
        if self.num_doubled:
            notes.append(f"frames that come a second time and are shown once: {self.num_doubled}")
        if self.num_moved:
            notes.append(f"frames whose time is not after the one before, shown at the usual rate: {self.num_moved}")
        return notes


class Clock:
    """Seconds since the start of the video, as a player shows them, from a stream's time stamps."""

    def __init__(self, opening: Opening, frame_rate: Fraction | None = None, stamps: Stamps | None = None) -> None:
        """frame_rate: None: only ``seconds`` and ``pts`` are asked for. stamps: None: nobody asks what was odd."""
        self._tick = time_base_of(opening.stream)
        self._start = start_of(opening.container)
        self._period = 1 / (frame_rate or Fraction(1))
        self._last: Fraction | None = None
        self._last_stamp: int | None = None
        self.stamps = stamps or Stamps()

    def seconds(self, pts: int) -> float:
        """When a time stamp is."""
        return float(pts * self._tick - self._start)

    def pts(self, seconds: float) -> int:
        """The time stamp of a time."""
        return int((Fraction(seconds) + self._start) / self._tick)

    def timed(self, pictures: Iterable[VideoFrame]) -> Iterator[tuple[float, VideoFrame]]:
        """Pictures with their times, which ascend."""
        doubled: VideoFrame | None = None
        for picture in pictures:
            stamp = _stamp(picture)
            if doubled is not None:
                if stamp is None or self._last_stamp is None or stamp <= self._last_stamp:
                    yield self._time_of(doubled), doubled
                else:
                    self.stamps.num_doubled += 1
                doubled = None
            if stamp is not None and stamp == self._last_stamp and not self.stamps.num_moved:
                doubled = picture
                continue
            yield self._time_of(picture), picture
        self.stamps.num_doubled += doubled is not None

    def _time_of(self, picture: VideoFrame) -> float:
        """Seconds; a picture without a time stamp, or with one that goes back, follows the one before."""
        pts = self._last_stamp = _stamp(picture)
        time = Fraction(0) if pts is None else pts * self._tick - self._start
        if self._last is not None and (pts is None or time <= self._last):
            self.stamps.num_moved += pts is not None
            time = self._last + self._period
        self._last = time
        return float(time)


def _stamp(picture: VideoFrame) -> int | None:
    return picture.dts if picture.pts is None else picture.pts


class Gaps:
    """Finds frames that are gone from a video without a trace: there is room for them between the others' times.

    Where the rate varies there is no telling, and nothing is said. Eight bytes are kept of each frame.
    """

    def __init__(self, tick: Fraction) -> None:
        """tick: seconds to which times are rounded."""
        self._rounding = 1.5 * float(tick)
        self._times, self._num_known = array("d"), array("l")

    def add(self, time: float, num_known: int = 0) -> None:
        """The next frame; num_known: frames before it whose loss is known."""
        self._times.append(time)
        self._num_known.append(num_known)

    def notes(self) -> list[str]:
        """What is missing, a line each."""
        times, steps = np.array(self._times), np.diff(self._times)
        if not len(steps):
            return []
        num_missing = self._num_missing(steps)
        notes = _note_on_jumps(times, steps, np.flatnonzero(_is_jump(steps, _usual(steps, self._rounding))))
        if num_missing.any() and self.is_steady:
            first = f"the first after {times[np.flatnonzero(num_missing)[0]]:.3f} s"
            notes.append(f"frames missing between others, by their times: {num_missing.sum()}, {first}")
        return notes

    @property
    def is_steady(self) -> bool:
        """Whether the rate does not vary, but for what is missing."""
        steps = np.diff(self._times)
        if not len(steps):
            return False
        period = _usual(steps, self._rounding)
        num, is_whole = self._num_periods(steps, period)
        is_one = (num - np.array(self._num_known, np.int64)[1:] == 1) & is_whole
        return bool(is_one.sum() >= _STEADY * (~_is_jump(steps, period)).sum())

    def _num_missing(self, steps: _Floats) -> npt.NDArray[np.int64]:
        """For each step, how many frames there is room for that nobody knows of."""
        period = _usual(steps, self._rounding)
        num, is_whole = self._num_periods(steps, period)
        num_unknown = np.maximum(num - 1 - np.array(self._num_known, np.int64)[1:], 0)
        return np.where(is_whole & ~_is_jump(steps, period), num_unknown, 0)

    def _num_periods(self, steps: _Floats, period: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """How many periods each step is, and whether it is a whole number of them."""
        num = np.rint(steps / period).astype(np.int64)
        return num, np.abs(steps - num * period) <= self._rounding + _ROUNDED * steps


def _usual(steps: _Floats, rounding: float) -> float:
    """The step that most are near to; its mean, as each is rounded."""
    median = np.sort(steps)[(len(steps) - 1) // 2]
    return float(steps[np.abs(steps - median) <= rounding].mean())


def _is_jump(steps: _Floats, period: float) -> npt.NDArray[np.bool_]:
    return (steps > _JUMP) & (steps > _JUMP * period)


def _note_on_jumps(times: _Floats, steps: _Floats, at: npt.NDArray[np.intp]) -> list[str]:
    if not len(at):
        return []
    first = f"by {steps[at[0]]:.3f} s after {times[at[0]]:.3f} s"
    return [f"the times jump {len(at)} times, the first time {first}" if len(at) > 1 else f"the times jump {first}"]
