"""Courts in metres: where lines are, and what lies within them."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.court.dimensions import COURTS


@pytest.mark.parametrize("name", COURTS)
def test_landmarks_lie_on_their_lines(name: str) -> None:
    court = COURTS[name]
    on = {"corner": 0, "lane": 1, "three": 2, "mid": 0}
    for mark, point in court.landmarks().items():
        if mark != "centre":
            assert court.areas(np.array(point))[on[mark.split("_")[0]]] == pytest.approx(0, abs=1e-9), mark


def test_areas_are_those_of_the_rules() -> None:
    points = np.array([[0, 0], [-14.2, 0], [-14.2, 6.7], [-14.2, 6.72], [-5.5, 0], [-5.4, 0], [15, 0], [9, 2.4]])
    court, paint, three, circle = COURTS["nba"].areas(points) > 0
    assert court.tolist() == [True, True, True, True, True, True, False, True]
    assert paint.tolist() == [False, True, False, False, False, False, False, True]
    assert three.tolist() == [False, True, True, False, True, False, False, True]
    assert circle.tolist() == [True, False, False, False, False, False, False, False]
