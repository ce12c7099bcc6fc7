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

from dataclasses import dataclass

import numpy as np

from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.track.links import both_sides
from tracker.types import FloatArray

_SETTLED = 2.0
"""Seconds from which on two views of a player differ as much as they ever will."""
DIRECTIONS = 8
"""Dimensions in which looks are compared. More: finer differences, and covariances that few views do not tell."""
_ENOUGH = 20
"""Tracklets with two views or more under which nothing is known of how a player's looks vary."""
_ROUND = 0.3
"""Share of the covariance within players that is the same in all directions: few views suggest too much."""
_LASTING = 0.5
"""Variance of the mean of n views: 1 / n + _LASTING. Light and pose differ between two moments, however many views."""
_TAIL = 4.0
"""Degrees of freedom of Student's t."""


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
        views = np.concatenate([self.total, self.num_views[:, None]], axis=1)
        until, since = both_sides(views, chain, self.seconds)
        n, m = until[i, -1], since[j, -1]
        spread = (1 / np.maximum(n, 1) + 1 / np.maximum(m, 1) + 2 * _LASTING)[:, None]
        apart = (until[i, :-1] / np.maximum(n, 1)[:, None] - since[j, :-1] / np.maximum(m, 1)[:, None]) ** 2
        wide = spread + 2 * self.between
        cost = _surprise(apart / spread) - _surprise(apart / wide) + np.log(spread / wide).sum(axis=1)
        return np.where((n > 0) & (m > 0), cost, 0.0)

    @property
    def sums(self) -> Float64Array:
        """(P, 1 + D): how surely the mean view of each tracklet is known, and the mean times that; they add up."""
        seen = self.num_views > 0
        precision = np.where(seen, 1 / (1 / np.maximum(self.num_views, 1) + _LASTING), 0.0)[:, None]
        return np.concatenate([precision, precision * self.total / np.maximum(self.num_views, 1)[:, None]], axis=1)

    def of_one(self, sums: Float64Array) -> Float64Array:
        """Doubled log-likelihood (K,) that all views in ``sums`` (K, 1 + D) are of one person, but for a constant.

        The person is integrated out: he is distributed as people are around each other. The constant is the same for
        a tracklet wherever it is, so differences are exact.
        """
        precision, total = sums[:, :1], sums[:, 1:]
        wide = self.between * precision + 1
        return (self.between * total**2 / wide - np.log(wide)).sum(axis=1)


def _surprise(squared: Float64Array) -> Float64Array:
    """Minus twice the log-likelihood (K,) of Student's t, but for its constant, from squared deviations (K, D)."""
    return (_TAIL + squared.shape[1]) * np.log1p(squared.sum(axis=1) / _TAIL)


def learn_appearance(views: FloatArray, tracklet: Indices, seconds: Float64Array, start: Float64Array) -> Appearance:
    """What players look like, from ``views`` (N, D) of tracklets (N,) at ``seconds`` (N,).

    start: (P,), when each tracklet begins. With too few views the appearance says nothing: all costs are 0.
    """
    several = np.bincount(np.bincount(tracklet, minlength=1) >= 2, minlength=2)[1]
    if several < _ENOUGH:
        return Appearance(np.zeros((len(start), 0)), np.zeros(len(start)), np.empty(0), start)
    turned, between = _discriminate(views.astype(np.float64), tracklet, seconds)
    total = np.zeros((len(start), turned.shape[1]))
    np.add.at(total, tracklet, turned)
    return Appearance(total, np.bincount(tracklet, minlength=len(start)).astype(np.float64), between, start)


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
