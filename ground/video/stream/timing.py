"""When pictures are shown: from their time stamps, past those that repeat or go back; and what their times lack."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from ground.video.stream.container import start_of, time_base_of
from ground.video.stream.opening import Opening

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

    Where the rate varies there is no telling, and nothing is said. Sixteen bytes are kept of each frame.
    """

    def __init__(self, tick: Fraction) -> None:
        """tick: seconds to which times are rounded."""
        self._rounding = 1.5 * float(tick)
        self._times, self._num_known = array("d"), array("q")

    def add(self, time: float, num_known: int = 0) -> None:
        """The next frame; num_known: frames before it whose loss is known."""
        self._times.append(time)
        self._num_known.append(num_known)

    def notes(self) -> list[str]:
        """What is missing, a line each."""
        steps = self._steps()
        if steps is None:
            return []
        times, is_missing = np.array(self._times), steps.num_missing > 0
        notes = _note_on_jumps(times, steps.seconds, np.flatnonzero(steps.is_jump))
        if is_missing.any() and steps.is_steady:
            first = f"the first after {times[np.flatnonzero(is_missing)[0]]:.3f} s"
            notes.append(f"frames missing between others, by their times: {steps.num_missing.sum()}, {first}")
        return notes

    @property
    def is_steady(self) -> bool:
        """Whether the rate does not vary, but for what is missing."""
        steps = self._steps()
        return steps is not None and steps.is_steady

    def _steps(self) -> _Steps | None:
        if len(self._times) < 2:
            return None
        return _Steps.between(np.array(self._times), np.array(self._num_known, np.int64)[1:], self._rounding)


@dataclass(frozen=True, slots=True)
class _Steps:
    """From each frame of a video to the next."""

    seconds: _Floats
    is_jump: npt.NDArray[np.bool_]
    num_missing: npt.NDArray[np.int64]
    """How many frames there is room for that nobody knows of."""
    is_steady: bool

    @classmethod
    def between(cls, times: _Floats, num_known: npt.NDArray[np.int64], rounding: float) -> _Steps:
        seconds = np.diff(times)
        period = _usual(seconds, rounding)
        num = np.rint(seconds / period).astype(np.int64)
        is_whole = np.abs(seconds - num * period) <= rounding + _ROUNDED * seconds
        num_unknown = num - 1 - num_known
        is_jump = (seconds > _JUMP) & (seconds > _JUMP * period)
        return cls(
            seconds,
            is_jump,
            num_missing=np.where(is_whole & ~is_jump, np.maximum(num_unknown, 0), 0),
            is_steady=bool((is_whole & (num_unknown == 0)).sum() >= _STEADY * (~is_jump).sum()),
        )


def _usual(steps: _Floats, rounding: float) -> float:
    """The step that most are near to; its mean, as each is rounded."""
    median = np.sort(steps)[(len(steps) - 1) // 2]
    return float(steps[np.abs(steps - median) <= rounding].mean())


def _note_on_jumps(times: _Floats, steps: _Floats, at: npt.NDArray[np.intp]) -> list[str]:
    if not len(at):
        return []
    first = f"by {steps[at[0]]:.3f} s after {times[at[0]]:.3f} s"
    return [f"the times jump {len(at)} times, the first time {first}" if len(at) > 1 else f"the times jump {first}"]
