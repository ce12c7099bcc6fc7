"""Parts of a video: spans of frames that can be read alone, in any order, and give what reading it whole gives.

They are planned from the time stamps of its packets, without decoding, and begin at multiples of a fixed number of
frames. Where stamps do not tell every frame's place (damaged files, streams, codecs that hide packets), there is no
plan, and the video is read as it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import dropwhile, groupby, pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ground.frames import Frame

T = TypeVar("T")

PART_SECONDS = 5.0
"""Longer: less to decode twice where parts are read alone. Shorter: less is lost with one, and more can share work."""


@dataclass(frozen=True, slots=True)
class Part:
    """A span of frames."""

    number: int
    """From 0 at the first frame of the video, also where reading begins later."""
    times: npt.NDArray[np.float64]
    """float64 (N,): when its frames are shown, seconds."""
    first: int
    """Index of its first frame; the others follow without a gap."""
    is_last: bool
    """Whether the video ends with it."""

    def __len__(self) -> int:
        return len(self.times)

    @property
    def start(self) -> float:
        """When its first frame is shown, seconds."""
        return float(self.times[0])

    @property
    def last(self) -> int:
        """Index of its last frame."""
        return self.first + len(self.times) - 1


def frames_per_part(frame_rate: Fraction, seconds: float | None = None) -> int:
    """How many frames a part has, but for the first and last of a span. seconds: None: ``PART_SECONDS``."""
    return max(1, round((seconds or PART_SECONDS) * frame_rate))


def cut_parts(
    times: npt.NDArray[np.float64], frame_rate: Fraction, start: float, end: float, seconds: float | None = None
) -> tuple[Part, ...]:
    """The parts of the frames shown from ``start`` on and before ``end``; times: of all frames, ascending."""
    length = frames_per_part(frame_rate, seconds)
    low, high = np.searchsorted(times, [start, end])
    bounds = [int(low), *range((int(low) // length + 1) * length, int(high), length), int(high)]
    return tuple(Part(a // length, times[a:b], a, b == len(times)) for a, b in pairwise(bounds) if a < b)


def by_part(frames: Iterable[Frame], frame_rate: Fraction) -> Iterator[Iterator[Frame]]:
    """Frames as they come, a part at a time; each part ends when the next one is asked for."""
    length = frames_per_part(frame_rate)
    for _, group in groupby(frames, key=lambda frame: frame.index // length):
        yield group


@dataclass(frozen=True, slots=True)
class ReadingLog:
    """What became of the frames of parts that were read, together or alone."""

    start: float
    end: float
    """Seconds that were asked for."""
    num_before: int
    """Frames before the first part."""
    lost: Sequence[int]
    """Pictures that could not be read, by index, ascending; a video that lacks some has no plan."""
    resized: tuple[float, int, int] | None
    """When the first picture of another size is shown (seconds), and that size; None: there is none."""
    num_read: int
    last_time: float
    """When the last frame that was read is shown, seconds."""
    is_to_the_end: bool
    """Whether the last part is the video's last."""


def split_parts(frames: Iterable[Frame], parts: Sequence[Part]) -> Iterator[Iterator[Frame]]:
    """The frames of each of ``parts``, in order; those before the first part go with it, those after the last are left.

    Each part's frames end when the next one is asked for; a part of which nothing could be decoded has none.
    """
    last = np.array([part.last for part in parts])
    groups = groupby(frames, key=lambda frame: int(np.searchsorted(last, frame.index)))
    row, group = next(groups, (len(parts), iter(())))
    for number in range(len(parts)):
        if row == number:
            yield group
            row, group = next(groups, (len(parts), iter(())))
        else:
            yield iter(())


class UnplannedError(Exception):
    """A video shows other frames than its packets promised: it can only be read as it comes."""


def planned(frames: Iterable[tuple[float, T]], parts: Sequence[Part]) -> Iterator[tuple[int, float, T]]:
    """Index, time and picture of what is shown in ``parts``, which follow each other.

    frames: times and pictures, from the first part's start or earlier on. Raises UnplannedError.
    """
    times = np.concatenate([part.times for part in parts])
    shown = dropwhile(lambda frame: frame[0] < times[0], frames)
    for row, promised in enumerate(times.tolist()):
        frame = next(shown, None)
        if frame is None or frame[0] != promised:
            raise UnplannedError
        yield parts[0].first + row, *frame
