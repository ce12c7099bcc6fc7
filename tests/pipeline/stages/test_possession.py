"""Who has the ball speaks for and against what only he can do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from classify.types import ACTIONS, ActionScores
from pipeline.analysis.values import Frames
from pipeline.stages.possession import AWAY, WITH_BALL, combine_with_ball
from tracker.ball.path import BallPath
from tracker.ball.scene import NOBODY

_FRAMES = Frames(np.arange(60, dtype=np.int32), np.arange(60) / 30)


def _ball(holder: list[int]) -> BallPath:
    index = np.arange(len(holder), dtype=np.int32)
    return BallPath(
        index, np.zeros((len(holder), 2), np.float32), 0 * index.astype(np.uint8), np.array(holder, np.int32)
    )


def _said(
    probabilities: Any, holder: list[int], player: int = 1, labels: tuple[str, ...] = ACTIONS
) -> dict[str, float]:
    score = ActionScores(1, 0.2, 0.84, np.asarray(probabilities, np.float32))
    (found,) = combine_with_ball([score], labels, _ball(holder), _FRAMES)
    return dict(zip(labels, found.probabilities.tolist(), strict=True))


_EVEN = np.full(len(ACTIONS), 0.1)


def test_who_has_the_ball_does_something_with_it_and_nobody_else_does() -> None:
    mine, his = _said(_EVEN, [1] * 60), _said(_EVEN, [2] * 60)
    assert sum(mine[label] for label in WITH_BALL) > 0.9
    assert sum(his[label] for label in WITH_BALL) < 0.1


def test_a_ball_that_stays_in_hand_was_not_passed_and_one_that_leaves_it_may_be() -> None:
    kept, gone = _said(_EVEN, [1] * 60), _said(_EVEN, [1] * 22 + [NOBODY] * 38)
    assert max(kept[label] for label in AWAY) < min(kept["dribble"], kept["ball in hand"])
    assert min(gone[label] for label in AWAY) > max(gone["dribble"], gone["ball in hand"])


def test_a_clip_of_which_nothing_is_known_stays_as_it_is() -> None:
    assert _said(_EVEN, [1, 1]) == _said(_EVEN, [2, 2])
    probabilities = np.linspace(1, 2, len(ACTIONS)) / 15
    assert list(_said(probabilities, []).values()) == np.float32(probabilities).tolist()


def test_labels_of_ones_own_are_left_alone() -> None:
    assert _said([0.7, 0.3], [1] * 60, labels=("jump", "fall")) == {"jump": np.float32(0.7), "fall": np.float32(0.3)}


@pytest.mark.slow
@given(hnp.arrays(np.float64, 10, elements=st.floats(0.001, 1)), st.lists(st.integers(-1, 3), min_size=60, max_size=60))
def test_labels_that_need_no_ball_keep_their_order(raw: np.ndarray, holder: list[int]) -> None:
    probabilities = raw / raw.sum()
    found = _said(probabilities, holder)
    assert abs(sum(found.values()) - 1) < 1e-5
    others = [i for i, label in enumerate(ACTIONS) if label not in WITH_BALL]
    before, after = probabilities[others], np.array([found[ACTIONS[i]] for i in others])
    np.testing.assert_allclose(after / after.sum(), before / before.sum(), rtol=1e-3)
