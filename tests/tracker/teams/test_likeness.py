"""Teams as evidence of who is who."""

from __future__ import annotations

import numpy as np

from tracker.looks.appearance import Appearance
from tracker.looks.kit import KitViews
from tracker.teams.likeness import TeamLikeness, learn_likeness
from tracker.track.tracklets import Tracklets, cut

WHITE, GREEN = [90.0, 0, 0, 1, 90, 0, 0, 1], [45.0, -35, 20, 1, 45, -35, 20, 1]
NUM_PEOPLE, LENGTH = 12, 60


def _game(*, clear: bool = True) -> tuple[Tracklets, KitViews, np.ndarray]:
    """Twelve people in two shirts, each in two tracklets, looked at four times in each."""
    rng = np.random.default_rng(3)
    tracklet = np.repeat(np.arange(2 * NUM_PEOPLE), LENGTH)
    frame = np.tile(np.arange(LENGTH), 2 * NUM_PEOPLE) + LENGTH * (tracklet % 2)
    xyxy = np.stack([100.0 * (tracklet // 2), 0 * frame, 100.0 * (tracklet // 2) + 50, 0 * frame + 120.0], axis=1)
    nobody, sure = np.zeros(len(frame), np.bool_), np.full(len(frame), 0.9)
    found = cut(tracklet, frame, frame / 25, xyxy, sure, np.zeros((len(frame), 2)), nobody, 0 * frame)
    rows = np.arange(0, len(frame), LENGTH // 4)
    shirts = np.array([WHITE if one // 2 % 2 else GREEN for one in tracklet[rows]])
    shirts[:, [0, 1, 2, 4, 5, 6]] += rng.normal(0, 3, (len(rows), 6))
    views = KitViews(frame[rows], xyxy[rows], shirts.astype(np.float32), np.full(len(rows), clear))
    return found, views, tracklet[rows]


def _likeness(*, clear: bool = True) -> TeamLikeness:
    found, views, tracklet = _game(clear=clear)
    silent = Appearance(np.zeros((2 * NUM_PEOPLE, 0)), np.zeros(2 * NUM_PEOPLE), np.empty(0), np.zeros(2 * NUM_PEOPLE))
    return learn_likeness(silent, views, tracklet, found, np.arange(2 * NUM_PEOPLE))


def _together(likeness: TeamLikeness, i: int, j: int) -> float:
    a, b = likeness.views[[i]], likeness.views[[j]]
    return float((likeness.of_one(a + b) - likeness.of_one(a) - likeness.of_one(b))[0])


def test_one_shirt_is_likely_one_person_and_two_are_not() -> None:
    likeness = _likeness()
    green, white = [0, 1, 4, 5], [2, 3, 6, 7]
    same = [_together(likeness, i, j) for team in (green, white) for i in team for j in team if i < j]
    other = [_together(likeness, i, j) for i in green for j in white]
    assert min(same) > 0 and max(other) < -4


def test_half_hidden_views_teach_no_teams() -> None:
    assert not _likeness(clear=False).team.any()


def test_what_nobody_saw_says_nothing() -> None:
    found, views, tracklet = _game()
    seen = tracklet != 0
    silent = Appearance(np.zeros((2 * NUM_PEOPLE, 0)), np.zeros(2 * NUM_PEOPLE), np.empty(0), np.zeros(2 * NUM_PEOPLE))
    likeness = learn_likeness(silent, views.of(seen), tracklet[seen], found, np.arange(2 * NUM_PEOPLE))
    assert abs(_together(likeness, 0, 2)) < 1e-6 and abs(_together(likeness, 0, 4)) < 1e-6
