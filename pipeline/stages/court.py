"""The court: looked at now and then while frames pass, told for all of them when they are joined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from ground.frames import Frame
from pipeline.analysis.values import Frames
from tracker.court.dimensions import COURTS
from tracker.court.fit import Maps
from tracker.court.join import AUTO, carried_court, known_court
from tracker.court.known import OTHER, KnownCourt
from tracker.court.landmarks import CourtLandmarks
from tracker.court.segmenter import CourtSegmenter, square_size
from tracker.types import CameraMotion, IntArray

_EVERY = 20
"""Frames of the video from one look at the court to the next. Lower: dearer, and surer in fast pans."""


@dataclass(frozen=True, slots=True)
class CourtConfig:
    """How the court is found."""

    find: bool = True
    """Whether its lines are looked for, so that positions and speeds are in metres where they are found."""
    type: str = AUTO
    """``nba``, ``fiba``, ``ncaa``, ``high-school``, or ``auto``: that which explains most of what is seen."""
    map: bool = False
    """Whether the annotated video shows it from above, in a corner."""

    def __post_init__(self) -> None:
        known = (AUTO, *COURTS)
        if self.type not in known:
            raise InputError(f"the type of a court is {', '.join(known)}, not {self.type!r:.40}", "court.type")


class CourtLook(NamedTuple):
    """What looks at pictures of a video for the court."""

    segmenter: CourtSegmenter
    aspect: float
    """Of a pixel, width to height."""

    def areas(self, frame: Frame) -> npt.NDArray[np.uint8]:
        """See ``CourtViews``."""
        return np.rint(255 * self.segmenter.areas(frame.image, self.aspect)).astype(np.uint8)


def court_look(segmenter: CourtSegmenter | None, aspect: Fraction) -> CourtLook | None:
    """A look at pictures whose pixels are ``aspect`` times as wide as high; None where nobody looks."""
    return None if segmenter is None else CourtLook(segmenter, float(aspect))


@dataclass(frozen=True, slots=True, eq=False)
class CourtViews:
    """What was seen of the court in some frames."""

    frame_index: IntArray
    """int32 (K,), ascending."""
    areas: npt.NDArray[np.uint8]
    """uint8 (K, 4, h, w): see ``CourtSegmenter.areas``, in 255ths."""

    @staticmethod
    def none() -> CourtViews:
        """Nobody looked."""
        return CourtViews(np.empty(0, np.int32), np.empty((0, 4, 0, 0), np.uint8))


@dataclass(slots=True)
class CourtLog:
    """Collects looks at the court, frame after frame."""

    look: CourtLook | None = None
    """None: nobody looks."""
    _seen: list[tuple[int, npt.NDArray[np.uint8]]] = field(default_factory=list[tuple[int, npt.NDArray[np.uint8]]])

    def append(self, frame: Frame) -> None:
        """The next frame."""
        if self.look is not None and frame.index % _EVERY == 0:
            self._seen.append((frame.index, self.look.areas(frame)))

    def views(self) -> CourtViews:
        """All looks so far."""
        if not self._seen:
            return CourtViews.none()
        return CourtViews(np.array([i for i, _ in self._seen], np.int32), np.stack([areas for _, areas in self._seen]))


def joined_views(parts: Sequence[CourtViews]) -> CourtViews:
    """Looks of parts, in order, as one."""
    some = [views for views in parts if len(views.frame_index)]
    if not some:
        return CourtViews.none()
    return CourtViews(
        np.concatenate([views.frame_index for views in some]), np.concatenate([views.areas for views in some])
    )


def find_court(
    views: CourtViews, frames: Frames, size: tuple[int, int], aspect: Fraction, config: CourtConfig
) -> KnownCourt:
    """The court of a video, from what was seen of it in ``views``.

    size: width and height of the picture, pixels. aspect: of a pixel, width to height.
    """
    camera = frames.camera_motions()
    if camera is None or not len(views.frame_index):
        return KnownCourt()
    width, height = square_size(size, float(aspect))
    seen = _Seen(views.areas, np.searchsorted(frames.index, views.frame_index), width, height)
    squared = [CameraMotion((x * float(aspect), y), m.zoom, m.is_cut) for m in camera for x, y in [m.shift]]
    found = known_court(seen, squared, config.type)
    to_square = np.diag([width / size[0], 1.0, 1.0])
    return KnownCourt(found.kind, frames.index[found.frame_index], found.homography @ to_square)


class _Seen(Mapping[int, Maps]):
    """Views by the rows of their frames, made ready when they are wanted: all those of a game are a gigabyte."""

    def __init__(self, areas: npt.NDArray[np.uint8], rows: npt.NDArray[np.intp], width: int, height: int) -> None:
        self._at = {row: view for view, row in enumerate(rows.tolist())}
        self._areas, self._size = areas, (width, height)

    def __getitem__(self, row: int) -> Maps:
        return Maps.of(self._areas[self._at[row]] / np.float32(255), *self._size)

    def __iter__(self) -> Iterator[int]:
        return iter(self._at)

    def __len__(self) -> int:
        return len(self._at)


def court_by_hand(
    drawn: Sequence[CourtLandmarks], frames: Frames, size: tuple[int, int], config: CourtConfig
) -> KnownCourt:
    """The court of a video, from points that a person found in some frames of it."""
    camera = frames.camera_motions() or [CameraMotion()] * len(frames)
    kind = OTHER if config.type == AUTO else config.type
    told = {row: marks.homography() for marks in drawn if (row := _first_row(marks, frames)) is not None}
    found = carried_court(told, camera, size, kind)
    return KnownCourt(found.kind, frames.index[found.frame_index], found.homography)


def _first_row(marks: CourtLandmarks, frames: Frames) -> int | None:
    """Where points were found; None: after the last frame."""
    late = frames.index >= marks.frame if marks.time is None else frames.time >= marks.time
    return int(late.argmax()) if late.any() else None
