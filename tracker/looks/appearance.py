"""Looks as evidence for linking: how likely two tracklets show one player, judged on the video itself.

A few clear views of every tracklet are described (``tracker.looks.describers``), and the descriptions reduced to the
directions in which they differ most. Two covariances are then measured without any truth: that within tracklets, which
are one player each, at moments as far apart as possible, and that of all views. As in probabilistic linear discriminant
analysis (Ioffe, ECCV 2006), a player is a point, normally distributed, and his views scatter around it; the likelihood
ratio of one player against two follows from the means of the views on both sides. Student's t takes the place of the
normal distribution, so that one odd view does not decide. Several descriptions go through one such model together, so
what they have in common is counted once, and features that tell nobody apart here weigh nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ground.frames import Image
from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.looks.describers import Describer
from tracker.looks.kit import KitViews, kits
from tracker.track.tracklets import Tracklets
from tracker.types import BoolArray, FloatArray

_APART = 0.25
"""Seconds between two views of a tracklet, at least; nearer ones look the same and tell nothing new."""
_HIDDEN = 0.3
"""Share of a box that others may cover. Higher: more views, more of them of two players."""
_SURE = 0.4
"""Confidence of a box that is looked at."""
_SMALLEST = 30.0
"""Pixels of height of a box that is looked at."""
_EDGE = 2.0
"""Pixels from the picture's edge within which a box is cut off."""
_SETTLED = 2.0
"""Seconds from which on two views of a player differ as much as they ever will."""
_DIRECTIONS = 8
"""Dimensions in which looks are compared. More: finer differences, and covariances that few views do not tell."""
_KEPT = 64
"""Dimensions in which views are stored."""
_FIRST_VIEWS = 1000
"""Views that are stored whole, to find those dimensions from; about 10 KB each."""
_ENOUGH = 20
"""Tracklets with two views or more under which nothing is known of how a player's looks vary."""
_ROUND = 0.3
"""Share of the covariance within players that is the same in all directions: few views suggest too much."""
_LASTING = 0.5
"""Variance of the mean of n views: 1 / n + _LASTING. Light and pose differ between two moments, however many views."""
_TAIL = 4.0
"""Degrees of freedom of Student's t."""


def plan_samples(tracklets: Tracklets, width: int, height: int, per_tracklet: int = 4) -> Indices:
    """Rows of ``tracklets`` worth looking at, ascending: clear views, spread over the life of each tracklet.

    width, height: of the picture; boxes at its edge are cut off. A tracklet that is never clear has no row.
    """
    if not len(tracklets.frame):
        return np.empty(0, np.intp)
    first, seconds = tracklets.first, tracklets.seconds
    lasting = seconds[tracklets.last] - seconds[first]
    slots = np.clip(1 + lasting // _APART, 1, per_tracklet).astype(np.intp)[tracklets.tracklet]
    share = (seconds - seconds[first][tracklets.tracklet]) / np.maximum(lasting, 1e-9)[tracklets.tracklet]
    slot = tracklets.tracklet * per_tracklet + np.minimum((share * slots).astype(np.intp), slots - 1)
    hidden = _hidden(tracklets)
    rows = np.flatnonzero(_clear(tracklets, hidden, width, height))
    quality = tracklets.confidence[rows] * (1 - hidden[rows]) ** 2
    rows = rows[np.lexsort((-quality, slot[rows]))]
    return np.sort(rows[np.unique(slot[rows], return_index=True)[1]])


def _clear(tracklets: Tracklets, hidden: Float64Array, width: int, height: int) -> BoolArray:
    x0, y0, x1, y1 = tracklets.xyxy.T
    inside = (np.minimum(x0, y0) > _EDGE) & (x1 < width - _EDGE) & (y1 < height - _EDGE)
    return inside & (y1 - y0 >= _SMALLEST) & (tracklets.confidence >= _SURE) & (hidden <= _HIDDEN)


def _hidden(tracklets: Tracklets) -> Float64Array:
    """Share (N,) of each box that others of its frame cover, in front or behind; may exceed 1 where many do."""
    order = np.argsort(tracklets.frame, kind="stable")
    frame, corners = tracklets.frame[order], tracklets.xyxy[order].T
    area = (corners[2:] - corners[:2]).prod(axis=0)
    covered = np.zeros(len(frame))
    one = np.arange(len(frame))
    for step in range(1, len(frame)):
        one = one[one + step < len(frame)]
        one = one[frame[one] == frame[one + step]]
        if not len(one):
            break
        other = one + step
        size = np.minimum(corners[2:, one], corners[2:, other]) - np.maximum(corners[:2, one], corners[:2, other])
        common = size.clip(0).prod(axis=0)
        covered[one] += common / area[one]
        covered[other] += common / area[other]
    hidden = np.empty(len(frame))
    hidden[order] = covered
    return hidden


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """What the players of a recording look like, as far as it tells them apart."""

    total: Float64Array
    """(P, D): views of each tracklet, summed; in every direction the variance within a player is 1."""
    num_views: Float64Array
    """(P,)"""
    between: Float64Array
    """(D,), variance of players around each other."""
    seconds: Float64Array
    """(P,), when each tracklet begins."""

    def costs(self, i: Indices, j: Indices, chain: Indices) -> Float64Array:
        """Costs (K,) of links from tracklets ``i`` to ``j`` (K,): an ``Evidence`` of ``tracker.track.linking``.

        chain: (P,), the chain of every tracklet so far. Compared is all that a link would join: the chain of i up to i
        and that of j from j on. Tracklets alone are often too short, and too near each other, to tell.
        Returns minus twice the log of the likelihood of one player over that of two; 0 where one side has no view.
        """
        if not self.between.size:
            return np.zeros(len(i))
        until, since = self._sides(chain)
        n, m = until[i, -1], since[j, -1]
        spread = (1 / np.maximum(n, 1) + 1 / np.maximum(m, 1) + 2 * _LASTING)[:, None]
        apart = (until[i, :-1] / np.maximum(n, 1)[:, None] - since[j, :-1] / np.maximum(m, 1)[:, None]) ** 2
        wide = spread + 2 * self.between
        cost = _surprise(apart / spread) - _surprise(apart / wide) + np.log(spread / wide).sum(axis=1)
        return np.where((n > 0) & (m > 0), cost, 0.0)

    def _sides(self, chain: Indices) -> tuple[Float64Array, Float64Array]:
        """Views and their number (P, D + 1) of each tracklet's chain, up to it and from it on."""
        order = np.lexsort((self.seconds, chain))
        views = np.concatenate([self.total, self.num_views[:, None]], axis=1)
        running = np.concatenate([np.zeros((1, views.shape[1])), np.cumsum(views[order], axis=0)])
        heads = np.flatnonzero(np.diff(chain[order], prepend=-1))
        lengths = np.diff(np.append(heads, len(order)))
        until, since = np.empty_like(views), np.empty_like(views)
        until[order] = running[1:] - np.repeat(running[heads], lengths, axis=0)
        since[order] = np.repeat(running[heads + lengths], lengths, axis=0) - running[:-1]
        return until, since


def _surprise(squared: Float64Array) -> Float64Array:
    """Minus twice the log-likelihood (K,) of Student's t, but for its constant, from squared deviations (K, D)."""
    return (_TAIL + squared.shape[1]) * np.log1p(squared.sum(axis=1) / _TAIL)


class AppearanceCollector:
    """Describes the planned views in one more reading of the video, and learns from them how players differ."""

    def __init__(
        self, tracklets: Tracklets, width: int, height: int, describers: Sequence[Describer], per_tracklet: int = 4
    ) -> None:
        """Plan the views.

        width, height: of the picture. describers: at least one; each more costs its time per view.
        """
        tracklets = tracklets.without_glimpses()
        rows = plan_samples(tracklets, width, height, per_tracklet)
        self._tracklets, self._describers = tracklets, describers
        self._rows = rows[np.argsort(tracklets.frame[rows], kind="stable")]
        self._frame = tracklets.frame[self._rows]
        self._seen: list[Indices] = []
        self._views: list[FloatArray] = []
        self._kits: list[FloatArray] = []
        self._num_whole = 0
        self._projection: _Projection | None = None

    @property
    def frames(self) -> Indices:
        """The frames that are needed, ascending, as ``Tracklets.frame`` counts them."""
        return np.unique(self._frame)

    def needs(self, frame: int) -> bool:
        """Whether something is to be looked at in this frame."""
        return bool(len(self._rows_in(frame)))

    def _rows_in(self, frame: int) -> Indices:
        low, high = np.searchsorted(self._frame, [frame, frame + 1])
        return self._rows[low:high]

    def describe(self, frame: int, image: Image) -> list[FloatArray]:
        """What is to be seen in a needed frame: float32 (K, D) of each describer, then ``kits``.

        image: uint8 (H, W, 3), RGB.
        """
        xyxy = self._tracklets.xyxy[self._rows_in(frame)]
        return [*(describer.describe(image, xyxy) for describer in self._describers), kits(image, xyxy)]

    def add(self, frame: int, views: Sequence[FloatArray]) -> None:
        """Take what ``describe`` said of a needed frame; frames come in order."""
        rows = self._rows_in(frame)
        if not len(rows):
            return
        *views, worn = views
        self._seen.append(rows)
        self._kits.append(worn)
        if self._projection is not None:
            self._views.append(self._projection(np.concatenate(views, axis=1)))
            return
        self._widths = [view.shape[1] for view in views]
        self._views.append(np.concatenate(views, axis=1))
        self._num_whole += len(rows)
        if self._num_whole >= _FIRST_VIEWS:
            self._reduce()

    def kits(self) -> KitViews:
        """What people wore in the frames added."""
        if not self._seen:
            return KitViews.empty()
        rows = np.concatenate(self._seen)
        return KitViews(self._tracklets.frame[rows], self._tracklets.xyxy[rows], np.concatenate(self._kits))

    def finish(self) -> Appearance:
        """What was learnt from the frames added. With too few views it says nothing: all costs are 0."""
        tracklets = self._tracklets
        seconds = tracklets.seconds[tracklets.first]
        rows = np.concatenate([np.empty(0, np.intp), *self._seen])
        several = np.bincount(np.bincount(tracklets.tracklet[rows], minlength=1) >= 2, minlength=2)[1]
        if several < _ENOUGH:
            return Appearance(np.zeros((len(seconds), 0)), np.zeros(len(seconds)), np.empty(0), seconds)
        if self._projection is None:
            self._reduce()
        views = np.concatenate(self._views).astype(np.float64)[:, :_DIRECTIONS]
        views, between = _discriminate(views, tracklets.tracklet[rows], tracklets.seconds[rows])
        total = np.zeros((len(seconds), views.shape[1]))
        np.add.at(total, tracklets.tracklet[rows], views)
        count = np.bincount(tracklets.tracklet[rows], minlength=len(seconds)).astype(np.float64)
        return Appearance(total, count, between, seconds)

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
        axes = np.linalg.svd(centred * weight, full_matrices=False)[2][:_KEPT]
        self._axes = (axes * weight).T

    def __call__(self, views: FloatArray) -> FloatArray:
        """Descriptions (N, D) -> float32 (N, at most _KEPT), the most telling direction first."""
        return (views - self._mean) @ self._axes


def _discriminate(views: Float64Array, tracklet: Indices, seconds: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Turn views (N, D) so that every player varies by 1 -> these, and the variances between players (D,)."""
    views = views - views.mean(axis=0)
    total = views.T @ views / len(views)
    within = _within(views, tracklet, seconds)
    size = len(within)
    within = (1 - _ROUND) * within + _ROUND * np.trace(within) / size * np.eye(size)
    within += 1e-9 * (1 + np.trace(total)) * np.eye(size)
    variance, axes = np.linalg.eigh(within)
    whiten = axes / np.sqrt(variance)
    both, turn = np.linalg.eigh(whiten.T @ total @ whiten)
    return views @ whiten @ turn, np.maximum(both - 1, 0.0)


def _within(views: Float64Array, tracklet: Indices, seconds: Float64Array) -> Float64Array:
    """Covariance (D, D) of views around their player: half that of differences in a tracklet, distant moments first."""
    order = np.lexsort((seconds, tracklet))
    views, tracklet, seconds = views[order], tracklet[order], seconds[order]
    count = np.bincount(tracklet)
    sums, weights = np.zeros((views.shape[1],) * 2), 0.0
    for step in range(1, int(count.max(initial=1))):
        one = np.flatnonzero(tracklet[:-step] == tracklet[step:])
        away = views[one + step] - views[one]
        weight = np.minimum(seconds[one + step] - seconds[one], _SETTLED) / count[tracklet[one]]
        sums += (away * weight[:, None]).T @ away / 2
        weights += float(weight.sum())
    return sums / max(weights, 1e-9)
