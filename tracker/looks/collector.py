"""A few views of every tracklet, described in one more reading of the video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ground.frames import Image
from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.looks.appearance import DIRECTIONS, Appearance, learn_appearance
from tracker.looks.describers import Describer
from tracker.looks.kit import KitViews, kits
from tracker.looks.samples import is_clear, plan_kits, plan_numbers, plan_samples
from tracker.numbers.reader import READING, NumberReader
from tracker.numbers.votes import NumberViews
from tracker.track.tracklets import Tracklets
from tracker.types import FloatArray

_FIRST_VIEWS = 1000
"""Views that are stored whole, to find from them in which directions they differ; about 10 KB each."""


class _Rows(NamedTuple):
    """Some rows of tracklets, in the order of their frames."""

    row: Indices
    frame: Indices

    @staticmethod
    def of(tracklets: Tracklets, rows: Indices) -> _Rows:
        order = rows[np.argsort(tracklets.frame[rows], kind="stable")]
        return _Rows(order, tracklets.frame[order])

    def at(self, frame: int) -> Indices:
        """Those of one frame."""
        low, high = np.searchsorted(self.frame, [frame, frame + 1])
        return self.row[low:high]


class AppearanceCollector:
    """Describes the planned views in one more reading of the video, and learns from them how players differ."""

    def __init__(
        self,
        tracklets: Tracklets,
        width: int,
        height: int,
        describers: Sequence[Describer],
        per_tracklet: int = 4,
        reader: NumberReader | None = None,
    ) -> None:
        """Plan the views.

        width, height: of the picture. describers: each costs its time per view. reader: of numbers;
        None: nobody reads.
        """
        tracklets = tracklets.without_glimpses()
        self._tracklets, self._describers, self._reader = tracklets, describers, reader
        self._clear = is_clear(tracklets, width, height)
        self._everybody = _Rows.of(tracklets, np.arange(len(tracklets)))
        self._views_at = _Rows.of(tracklets, plan_samples(tracklets, width, height, per_tracklet))
        self._kits_at = _Rows.of(tracklets, plan_kits(tracklets))
        read = np.empty(0, np.intp) if reader is None else plan_numbers(tracklets, width, height)
        self._numbers_at = _Rows.of(tracklets, read)
        self._read: list[Indices] = []
        self._readings: list[FloatArray] = []
        self._seen: list[Indices] = []
        self._views: list[FloatArray] = []
        self._kits_seen: list[Indices] = []
        self._kits: list[FloatArray] = []
        self._num_whole = 0
        self._projection: _Projection | None = None

    @property
    def frames(self) -> Indices:
        """The frames that are needed, ascending, as ``Tracklets.frame`` counts them."""
        return np.unique(np.concatenate([self._views_at.frame, self._kits_at.frame, self._numbers_at.frame]))

    def needs(self, frame: int) -> bool:
        """Whether something is to be looked at in this frame."""
        return any(len(planned.at(frame)) for planned in (self._views_at, self._kits_at, self._numbers_at))

    def describe(self, frame: int, image: Image) -> list[FloatArray]:
        """What is to be seen in a needed frame: float32 (K, D) of each describer, then ``kits`` (L, 8).

        With a reader its readings (M, D) come last.

        image: uint8 (H, W, 3), RGB.
        """
        xyxy = self._tracklets.xyxy
        clear = xyxy[self._views_at.at(frame)]
        worn = kits(image, xyxy[self._kits_at.at(frame)], xyxy[self._everybody.at(frame)])
        seen = [*(describer.describe(image, clear) for describer in self._describers), worn]
        return seen if self._reader is None else [*seen, self._reader.read(image, xyxy[self._numbers_at.at(frame)])]

    def add(self, frame: int, views: Sequence[FloatArray]) -> None:
        """Take what ``describe`` said of a needed frame; frames come in order."""
        if not self.needs(frame):
            return
        if self._reader is not None:
            *views, read = views
            self._read.append(self._numbers_at.at(frame))
            self._readings.append(read)
        *views, worn = views
        self._kits_seen.append(self._kits_at.at(frame))
        self._kits.append(worn)
        rows = self._views_at.at(frame)
        if not len(rows) or not views:
            return
        self._seen.append(rows)
        if self._projection is not None:
            self._views.append(self._projection(np.concatenate(views, axis=1)))
            return
        self._widths = [view.shape[1] for view in views]
        self._views.append(np.concatenate(views, axis=1))
        self._num_whole += len(rows)
        if self._num_whole >= _FIRST_VIEWS:
            self._reduce()

    def kits(self) -> tuple[KitViews, Indices]:
        """What people wore in the frames added, and the tracklet (N,) of each view."""
        rows = np.concatenate([np.empty(0, np.intp), *self._kits_seen])
        kit = np.concatenate([KitViews.empty().kit, *self._kits])
        found = self._tracklets
        return KitViews(found.frame[rows], found.xyxy[rows], kit, self._clear[rows]), found.tracklet[rows]

    def readings(self) -> tuple[NumberViews, Indices]:
        """What was read in the frames added, and the tracklet (N,) of each view; nothing without a reader."""
        rows = np.concatenate([np.empty(0, np.intp), *self._read])
        read = np.concatenate([np.empty((0, READING), np.float32), *self._readings])
        found = self._tracklets
        return NumberViews(found.frame[rows], found.xyxy[rows], read), found.tracklet[rows]

    def finish(self) -> Appearance:
        """What was learnt from the frames added. With too few views it says nothing: all costs are 0."""
        tracklets = self._tracklets
        rows = np.concatenate([np.empty(0, np.intp), *self._seen])
        if len(rows) and self._projection is None:
            self._reduce()
        views = np.concatenate([np.empty((0, 0), np.float32)] if not self._views else self._views)
        start = tracklets.seconds[tracklets.first]
        return learn_appearance(views, tracklets.tracklet[rows], tracklets.seconds[rows], start)

    def _reduce(self) -> None:
        whole = np.concatenate(self._views)
        self._projection = _Projection(whole, self._widths)
        self._views = [self._projection(whole)]


class _Projection:
    """From descriptions, each kind centred and given equal weight, to the directions in which they differ most."""

    def __init__(self, views: FloatArray, widths: Sequence[int]) -> None:
        """Learn from descriptions (N, D) of several kinds, ``widths`` columns each."""
        self._mean = views.mean(axis=0)
        centred = views - self._mean
        kinds = np.split(centred, np.cumsum(widths)[:-1], axis=1)
        scale = [np.full(kind.shape[1], 1 / max(1e-9, float(np.sqrt((kind**2).sum() / len(kind))))) for kind in kinds]
        weight = np.concatenate(scale).astype(np.float32)
        axes = _principal_axes((centred * weight).astype(np.float64))
        self._axes = (axes * weight).T.astype(np.float32)

    def __call__(self, views: FloatArray) -> FloatArray:
        """Descriptions (N, D) -> float32 (N, at most DIRECTIONS), the most telling direction first."""
        return (views - self._mean) @ self._axes


def _principal_axes(centred: Float64Array) -> Float64Array:
    """The directions (at most DIRECTIONS, D) in which (N, D) differ most, of length 1, or 0 where nothing differs.

    By the few eigenvectors that count of a matrix (N, N): a tenth of the time of all singular vectors.
    """
    from scipy.linalg import eigh  # slow to load, which processes that only show need not do

    count = len(centred)
    _, vectors = eigh(centred @ centred.T, subset_by_index=(max(0, count - DIRECTIONS), count - 1))
    axes = vectors.T[::-1] @ centred
    return axes / np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-9)
