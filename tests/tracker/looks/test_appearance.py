from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.frames import Image
from tracker.boxes import Float64Array
from tracker.files.mot import read_truth
from tracker.looks import collector as collecting
from tracker.looks.appearance import Appearance
from tracker.looks.collector import AppearanceCollector
from tracker.looks.describers import ColorDescriber, Describer
from tracker.looks.samples import plan_samples
from tracker.track.linking import link
from tracker.track.tracklets import Tracklets, cut
from tracker.types import BoolArray, FloatArray

RATE = 30
WIDTH, HEIGHT = 1280, 720


def pieces_of(
    player: Float64Array, frame: Float64Array, xyxy: Float64Array, length: int
) -> tuple[Tracklets, Float64Array]:
    """Boxes of players, cut into pieces of ``length`` frames with two frames between, and whose each piece is."""
    kept = frame % length < length - 2
    player, frame, xyxy = player[kept].astype(np.intp), frame[kept].astype(np.intp), xyxy[kept]
    track = player * 10_000 + frame // length
    nothing = np.zeros(len(frame))
    shift, nowhere = np.zeros((len(frame), 2)), nothing.astype(np.intp)
    tracklets = cut(track, frame, frame / RATE, xyxy, nothing + 0.9, shift, nothing > 0, nowhere)
    owner = np.unique(track, return_inverse=False) // 10_000
    return tracklets, owner


def team(count: int = 10, seconds: int = 20, length: int = 45) -> tuple[Tracklets, Float64Array]:
    """Players who stand apart, seen in pieces."""
    player, frame = (axis.ravel() for axis in np.meshgrid(np.arange(count), np.arange(seconds * RATE), indexing="ij"))
    left = 50 + 100.0 * player
    xyxy = np.stack([left, 0 * left + 300, left + 60, 0 * left + 440], axis=1)
    return pieces_of(player, frame, xyxy, length)


class Badges:
    """Describes players by where they stand: a number of his own each, and noise."""

    def __init__(self, signal: float, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._badges = signal * self._rng.normal(size=(20, 30))

    def describe(self, image: Image, xyxy: Float64Array) -> FloatArray:
        badges = self._badges[(xyxy[:, 0] // 100).astype(np.intp)]
        return (badges + self._rng.normal(size=badges.shape)).astype(np.float32)


def learn(tracklets: Tracklets, *describers: Describer) -> Appearance:
    collector = AppearanceCollector(tracklets, WIDTH, HEIGHT, describers)
    for frame in collector.frames.tolist():
        collector.add(frame, collector.describe(frame, np.zeros((HEIGHT, WIDTH, 3), np.uint8)))
    return collector.finish()


def pairs(tracklets: Tracklets, looks: Appearance, owner: Float64Array) -> tuple[Float64Array, BoolArray]:
    """Costs of all pairs of seen tracklets of which one ends before the other begins, and whether it is one player."""
    i, j = np.nonzero(tracklets.seconds[tracklets.last][:, None] < tracklets.seconds[tracklets.first])
    seen = (looks.num_views[i] > 0) & (looks.num_views[j] > 0)
    i, j = i[seen], j[seen]
    return looks.costs(i, j, np.arange(len(owner))), owner[i] == owner[j]


def separation(cost: Float64Array, same: BoolArray) -> float:
    """Area under the curve: how often one player costs less than two."""
    return float((cost[same][:, None] < cost[~same]).mean())


def information(cost: Float64Array, same: BoolArray) -> float:
    """Mean log loss in bits, both kinds weighing the same: 1 says nothing, more misleads."""
    loss = np.logaddexp(0, np.where(same, cost, -cost) / 2) / np.log(2)
    return float(loss[same].mean() + loss[~same].mean()) / 2


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_planned_views_are_few_and_clear(seed: int, per_tracklet: int) -> None:
    rng = np.random.default_rng(seed)
    frame, player = (axis.ravel() for axis in np.meshgrid(np.arange(60), np.arange(6), indexing="ij"))
    start, speed = rng.uniform(0, 400, (6, 2)), rng.uniform(-3, 3, (6, 2))
    corner = (start[player] + speed[player] * frame[:, None]).clip(0)
    tracklets, owner = pieces_of(player, frame, np.hstack([corner, corner + rng.uniform(20, 150, (6, 2))[player]]), 30)
    rows = plan_samples(tracklets, 400, 400, per_tracklet)
    assert (np.diff(rows) > 0).all()
    assert (np.bincount(tracklets.tracklet[rows], minlength=len(owner)) <= per_tracklet).all()
    for row in rows.tolist():
        x0, y0, x1, y1 = tracklets.xyxy[row]
        assert x0 > 0 and y0 > 0 and x1 < 400 and y1 < 400
        others = tracklets.xyxy[(tracklets.frame == tracklets.frame[row]) & (np.arange(len(tracklets.frame)) != row)]
        size = np.minimum([x1, y1], others[:, 2:]) - np.maximum([x0, y0], others[:, :2])
        assert size.clip(0).prod(axis=1).sum() <= 0.3 * (x1 - x0) * (y1 - y0) + 1e-9


def test_views_are_spread_over_a_tracklet_and_short_ones_have_one() -> None:
    tracklets, _ = team(count=2, seconds=6, length=90)
    rows = plan_samples(tracklets, WIDTH, HEIGHT)
    assert np.bincount(tracklets.tracklet[rows]).tolist() == [4, 4, 4, 4]
    assert np.ptp(tracklets.frame[rows[:4]]) > 44
    tracklets, owner = team(count=2, seconds=6, length=8)
    assert np.bincount(tracklets.tracklet[plan_samples(tracklets, WIDTH, HEIGHT)]).tolist() == [1] * len(owner)


@pytest.mark.slow
def test_players_are_told_apart_and_how_surely_is_known() -> None:
    tracklets, owner = team()
    cost, same = pairs(tracklets, learn(tracklets, Badges(1.0)), owner)
    assert separation(cost, same) > 0.97
    assert information(cost, same) < 0.35


@pytest.mark.slow
@given(st.integers(0, 1000))
@settings(max_examples=4, deadline=None)
def test_looks_that_mean_nothing_say_nothing(seed: int) -> None:
    tracklets, owner = team()
    cost, same = pairs(tracklets, learn(tracklets, Badges(0.0, seed)), owner)
    assert np.abs(cost).mean() < 1
    assert information(cost, same) < 1.05


@pytest.mark.slow
def test_saying_it_twice_does_not_make_it_surer() -> None:
    tracklets, owner = team()
    once, _ = pairs(tracklets, learn(tracklets, Badges(1.0)), owner)
    repeated = [Badges(1.0), Badges(1.0), Badges(1.0)]  # With one seed each says the same.
    thrice, _ = pairs(tracklets, learn(tracklets, *repeated), owner)
    assert thrice == pytest.approx(once, abs=0.05)


@pytest.mark.slow
def test_views_beyond_the_first_are_kept_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    tracklets, owner = team()
    whole, same = pairs(tracklets, learn(tracklets, Badges(1.0)), owner)
    monkeypatch.setattr(collecting, "_FIRST_VIEWS", 60)
    reduced, _ = pairs(tracklets, learn(tracklets, Badges(1.0)), owner)
    assert separation(reduced, same) > separation(whole, same) - 0.02


def test_the_whole_chain_is_compared_and_not_its_last_tracklet() -> None:
    total, num_views = np.array([[6.0], [0.0], [6.0], [-6.0]]), np.array([2.0, 0.0, 2.0, 2.0])
    looks = Appearance(total, num_views, np.array([4.0]), np.arange(4.0))
    alone = np.arange(4)
    unseen, same, other = np.array([1]), np.array([2]), np.array([3])
    assert looks.costs(unseen, same, alone) == 0
    chained = np.array([0, 0, 2, 3])
    assert looks.costs(unseen, same, chained) == looks.costs(np.array([0]), same, alone) < 0
    assert looks.costs(unseen, other, chained) > 0
    # What follows i in its chain would not be joined, nor what precedes j.
    assert looks.costs(np.array([0]), same, np.array([0, 1, 2, 0])) == looks.costs(np.array([0]), same, alone)
    assert looks.costs(np.array([0]), same, np.array([0, 1, 3, 3])) != looks.costs(np.array([0]), same, alone)


def test_too_little_to_learn_from_says_nothing() -> None:
    tracklets, owner = team(count=3, seconds=4)
    looks = learn(tracklets, Badges(1.0))
    i, j = np.nonzero(np.ones((len(owner), len(owner))))
    assert not looks.costs(i, j, np.arange(len(owner))).any()
    none = np.empty(0)
    whole = none.astype(np.intp)
    empty = cut(whole, whole, none, np.empty((0, 4)), none, np.empty((0, 2)), none > 0, whole)
    assert learn(empty, Badges(1.0)).costs(whole, whole, whole).shape == (0,)


@pytest.mark.slow
def test_one_look_for_all_is_no_evidence() -> None:
    tracklets, owner = team()
    cost, _ = pairs(tracklets, learn(tracklets, ColorDescriber()), owner)  # All pictures are black.
    assert np.abs(cost).max() < 0.1


def test_only_needed_frames_are_looked_at() -> None:
    tracklets, _ = team(count=3)
    collector = AppearanceCollector(tracklets, WIDTH, HEIGHT, [Badges(1.0)])
    assert [frame for frame in range(20 * RATE) if collector.needs(frame)] == collector.frames.tolist()
    collector.add(int(np.setdiff1d(np.arange(600), collector.frames)[0]), [])
    assert not collector.finish().num_views.any()


@pytest.mark.slow
def test_the_two_teams_of_a_real_game_are_told_apart(shared: Path) -> None:
    truth = read_truth(shared / "truth/IND-NYK/gt.txt")
    tracklets, owner = pieces_of(truth.track_id, truth.frame_index, truth.xyxy.astype(np.float64), 40)
    collector = AppearanceCollector(tracklets, WIDTH, HEIGHT, [ColorDescriber()])
    capture = cv2.VideoCapture(str(shared / "videos/netba_IND-NYK.mp4"))
    for frame in range(int(collector.frames.max()) + 1):
        assert capture.grab()
        if collector.needs(frame):
            image = np.asarray(capture.retrieve()[1][..., ::-1], np.uint8)
            collector.add(frame, collector.describe(frame, image))
    looks = collector.finish()
    cost, same = pairs(tracklets, looks, owner)
    _, same_team = pairs(tracklets, looks, owner <= 5)
    assert separation(cost[same | ~same_team], same[same | ~same_team]) > 0.97
    assert separation(cost[same_team], same[same_team]) > 0.75
    assert information(cost, same) < 0.65
    players = link(tracklets, evidence=looks.costs)
    assert len(players.ids) >= 10
