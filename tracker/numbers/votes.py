"""Readings of single views, counted together: as evidence of who is who, and as the number that a player wears.

A reading is taken for what it is: with the chance that it says something is legible it tells of a number, else of
nothing; and of those that tell, a share ``_MISREAD`` are of another's number, or read wrong however sure. So a player's
readings never rule a number out, and one reading alone never proves one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.numbers.reader import TEXTS, likelihoods
from tracker.track.links import both_sides
from tracker.track.tracklets import owners
from tracker.types import FloatArray, Tracks

_MISREAD = 0.1
"""Share of legible readings that are of another's number or wrong. Higher: more views are needed."""
_LEGIBLE = 0.5
"""How surely a certain number is read in a view that counts as one."""
_AGREEING = 2
"""Views that show the number that is said, at least; and at least half of those that show any."""
_SURE = 0.95
"""How likely a number is, at least, that is said."""
_SHARED = 0.5
"""How much a view counts beside others of its tracklet: what misleads one misleads the next."""


@dataclass(frozen=True, slots=True)
class NumbersConfig:
    """Whether numbers on shirts are read."""

    read: bool = False
    """Read them: as evidence of who is who, and as the names of those who have none."""


class NumberViews(NamedTuple):
    """Views that were read."""

    frame: Indices
    """(N,), 0-based in the video."""
    xyxy: Float64Array
    """(N, 4), pixels: the detection that was looked at."""
    reading: FloatArray
    """float32 (N, 22), see ``tracker.numbers.reader.READING``."""


@dataclass(frozen=True, slots=True)
class Number:
    """What somebody wears."""

    text: str
    """One or two digits."""
    probability: float
    """0..1, that it is so."""


def evidence(readings: FloatArray) -> Float64Array:
    """Log-likelihood (N, 101) of each of ``readings`` (N, 22) under each number, over that of any number."""
    legible = readings[:, :1].astype(np.float64)
    told = (1 - _MISREAD) * len(TEXTS) * likelihoods(readings) + _MISREAD
    return _SHARED * np.log(1 - legible + legible * told)


def vote(readings: FloatArray) -> Number | None:
    """The number that ``readings`` (N, 22) of one player agree on; None where that is not sure."""
    summed = evidence(readings).sum(axis=0)
    chance = np.exp(summed - np.logaddexp.reduce(summed))
    best = int(chance.argmax())
    each = likelihoods(readings)
    read = readings[:, 0] * each.max(axis=1) >= _LEGIBLE
    agree = np.count_nonzero(read & (each.argmax(axis=1) == best))
    if agree < max(_AGREEING, np.count_nonzero(read) / 2) or chance[best] < _SURE:
        return None
    return Number(TEXTS[best], round(float(chance[best]), 3))


def find_numbers(tracks: Tracks, views: NumberViews, teams: Mapping[int, str]) -> dict[int, Number]:
    """Who wears which number, by identity, of those of whom it is sure.

    tracks: with the very boxes that were looked at. teams: the name of each identity's team; who is of none is left
    out. Of one team nobody wears what another wears who is there at the same time: the surer one does.
    """
    owner = owners(tracks, views.frame, views.xyxy)
    said: dict[int, Number] = {}
    for one in sorted(teams):
        number = vote(views.reading[owner == one])
        if number is not None:
            said[one] = number
    return _one_per_team(tracks, said, teams)


def _one_per_team(tracks: Tracks, said: dict[int, Number], teams: Mapping[int, str]) -> dict[int, Number]:
    kept: dict[int, Number] = {}
    frames = {one: tracks.frame_index[tracks.track_id == one] for one in said}
    for one in sorted(said, key=lambda i: (-said[i].probability, -len(frames[i]))):
        same = (i for i in kept if teams[i] == teams[one] and kept[i].text == said[one].text)
        if not any(np.isin(frames[one], frames[i]).any() for i in same):
            kept[one] = said[one]
    return dict(sorted(kept.items()))


@dataclass(frozen=True, slots=True, eq=False)
class NumberEvidence:
    """What tracklets' numbers say about who is who on both sides of a cut.

    Within a shot motion and looks know more: there numbers misread in a few views parted what belonged together.
    """

    told: Float64Array
    """(P, C): log-likelihood of each tracklet's views under each number that was read at all, and under any other,
    over that of any number."""
    prior: Float64Array
    """(C,), of numbers."""
    seconds: Float64Array
    """(P,), when each tracklet begins."""
    shot: Indices
    """(P,), in which it is."""

    @staticmethod
    def of(readings: FloatArray, tracklet: Indices, seconds: Float64Array, shot: Indices) -> NumberEvidence:
        """What ``readings`` (N, 22) of tracklets (N,) say. seconds, shot: (P,), when and in which each begins."""
        views = evidence(readings)
        each = likelihoods(readings)
        read = np.unique(each.argmax(axis=1)[readings[:, 0] * each.max(axis=1, initial=0.0) >= _LEGIBLE])
        other = np.setdiff1d(np.arange(len(TEXTS)), read)
        columns = [views[:, read], views[:, other].mean(axis=1, keepdims=True)]
        told = np.zeros((len(seconds), len(read) + 1))
        np.add.at(told, tracklet, np.concatenate(columns, axis=1))
        return NumberEvidence(told, np.append(np.full(len(read), 1.0), len(other)) / len(TEXTS), seconds, shot)

    def costs(self, i: Indices, j: Indices, chain: Indices) -> Float64Array:
        """Costs (K,) of links from tracklets ``i`` to ``j`` (K,), as those of ``tracker.looks.appearance``.

        0 within a shot, and where one side has shown no number.
        """
        if (self.shot == self.shot[:1]).all():
            return np.zeros(len(i))
        until, since = both_sides(self.told, chain, self.seconds)
        costs = np.zeros(len(i))
        shown_before, shown_after = (np.abs(told).sum(axis=1) > 0 for told in (until, since))
        seen = shown_before[i] & shown_after[j] & (self.shot[i] != self.shot[j])
        before, after = until[i[seen]], since[j[seen]]
        costs[seen] = self.of_one(before) + self.of_one(after) - self.of_one(before + after)
        return costs

    def of_one(self, told: Float64Array) -> Float64Array:
        """Doubled log-likelihood (K,) that what ``told`` (K, C) adds up to is of one person, who wears one number."""
        return 2 * np.logaddexp.reduce(told + np.log(self.prior), axis=1)
