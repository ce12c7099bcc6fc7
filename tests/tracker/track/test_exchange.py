"""Chains exchange tracklets until no exchange makes them likelier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.track.exchange import exchange
from tracker.track.links import link_gain, recording_of, sides
from tracker.track.tracklets import Tracklets, cut

RATE = 25
MAX_ABSENCE, MIN_LENGTH = 12.0, 8


@dataclass(frozen=True)
class Shirts:
    """Everybody has a number on his shirt, seen with some noise: variance 1 around it, and 25 of numbers."""

    views: Float64Array

    @staticmethod
    def of(numbers: Float64Array) -> Shirts:
        """``numbers`` (P,), as seen of each tracklet; NaN: not seen."""
        seen = np.isfinite(numbers)
        return Shirts(np.stack([seen, np.where(seen, numbers, 0)], axis=1).astype(np.float64))

    def of_one(self, views: Float64Array) -> Float64Array:
        precision, total = views.T
        return 25 * total**2 / (25 * precision + 1) - np.log(25 * precision + 1)


def pieces(spans: list[tuple[int, int]], x: list[float], away: float = 0.0) -> Tracklets:
    """A tracklet for each span of frames, of somebody who stands at ``x``, 150 pixels high; two stand in corners."""
    spans, x = [(0, 400), (0, 400), *spans], [30.0, 1250.0 + away, *x]
    frame = np.concatenate([np.arange(a, b) for a, b in spans])
    track = np.repeat(np.arange(len(spans)), [b - a for a, b in spans])
    left, nobody = np.array(x)[track], np.zeros(len(frame), np.bool_)
    high = np.where(track < 2, 100.0, 400.0)
    xyxy = np.stack([left, high, left + 60, high + 150], axis=1)
    return cut(track, frame, frame / RATE, xyxy, np.ones(len(frame)), np.zeros((len(frame), 2)), nobody, 0 * frame)


def exchanged(found: Tracklets, chain: list[int], shirts: list[float]) -> list[int]:
    """Chains after exchanging; those in the corners aside."""
    likeness = Shirts.of(np.array([np.nan, np.nan, *shirts]))
    chains = np.array([len(chain), len(chain) + 1, *chain])
    return exchange(recording_of(found), chains, np.arange(len(chains)), MAX_ABSENCE, MIN_LENGTH, likeness)[2:].tolist()


def test_a_short_piece_of_another_between_long_ones_goes_back() -> None:
    found = pieces([(0, 150), (0, 150), (152, 175), (152, 175), (177, 400), (177, 400)], [600.0] * 6)
    assert exchanged(found, [0, 1, 1, 0, 0, 1], [9.0, -9.0, 9.0, -9.0, 9.0, -9.0]) == [0, 1, 0, 1, 0, 1]


def test_what_comes_after_an_encounter_goes_to_whom_it_is() -> None:
    found = pieces([(0, 150), (0, 150), (152, 400), (152, 400)], [600.0] * 4)
    assert exchanged(found, [0, 1, 1, 0], [9.0, -9.0, 9.0, -9.0]) in ([0, 1, 0, 1], [1, 0, 1, 0])


def test_who_looks_alike_is_told_by_where_he_is() -> None:
    found = pieces([(0, 150), (0, 150), (152, 400), (152, 400)], [500.0, 800.0, 500.0, 800.0])
    assert exchanged(found, [0, 1, 0, 1], [0.0] * 4) == [0, 1, 0, 1]
    assert exchanged(found, [0, 1, 1, 0], [0.0] * 4) in ([0, 1, 0, 1], [1, 0, 1, 0])


def test_nobody_is_in_two_places_whatever_he_looks_like() -> None:
    found = pieces([(0, 200), (100, 300)], [500.0, 520.0])
    assert exchanged(found, [0, 1], [5.0, 5.0]) == [0, 1]


@pytest.mark.slow
def test_an_exchange_in_a_long_game_takes_along_what_comes_after() -> None:
    spans = [(100 * i + k, 100 * i + 96) for i in range(40) for k in (0, 1)]
    found = pieces(spans, [600.0] * len(spans))
    mixed = [who if i < 20 else 1 - who for i in range(40) for who in (0, 1)]
    assert exchanged(found, mixed, [9.0, -9.0] * 40) in ([0, 1] * 40, [1, 0] * 40)


def test_chance_exchanges_nobody() -> None:
    """Two in one place, told apart by noise alone: of hundreds of exchanges some look good."""
    spans = [(24 * i + k, 24 * i + 22) for i in range(12) for k in (0, 1)]
    found = pieces(spans, [600.0] * len(spans))
    for seed in range(12):
        assert exchanged(found, [0, 1] * 12, np.random.default_rng(seed).normal(0, 1, 24).tolist()) == [0, 1] * 12


@pytest.mark.slow
@given(st.integers(0, 100_000))
@settings(max_examples=5, deadline=None)
def test_the_whole_never_becomes_less_likely(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spans = [(a, a + int(rng.integers(3, 60))) for a in rng.integers(0, 200, 10).tolist()]
    found = pieces(spans, rng.uniform(500, 900, 10).tolist())
    likeness = Shirts.of(rng.normal(0, 5, 12))
    recording, before = recording_of(found), np.arange(12)
    after = exchange(recording, before, np.arange(12), MAX_ABSENCE, MIN_LENGTH, likeness)
    assert _likelihood(found, after, likeness) >= _likelihood(found, before, likeness) - 1e-6
    for one in np.unique(after):
        assert len(np.unique(frames := found.frame[after[found.tracklet] == one])) == len(frames), "in one place"


def _likelihood(found: Tracklets, chain: Indices, likeness: Shirts) -> float:
    recording = recording_of(found)
    ends, starts = sides(recording, chain)
    order = np.lexsort((found.seconds[found.first], chain))
    i, j = order[:-1], order[1:]
    linked = chain[i] == chain[j]
    looks = np.stack([likeness.views[chain == one].sum(axis=0) for one in np.unique(chain)])
    gain = link_gain(recording, ends, starts, i[linked], j[linked]).sum()
    return float(gain + likeness.of_one(looks).sum())
