"""Dribbling, passing, shooting, ball in hand: who has the ball, which a clip cut around one player hardly shows.

At most one player has the ball, so of ten who look as if they dribble nine do not. The clip and the ball are two
witnesses of the same action, so their probabilities are multiplied (Bayes' rule), as with speed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classify.types import ActionScores
from pipeline.analysis.values import Frames
from tracker.ball.path import UNSEEN, BallPath
from tracker.types import BoolArray

Floats = npt.NDArray[np.float64]

WITH_BALL = ("pass", "dribble", "shoot", "ball in hand")
"""Labels of who has the ball."""
_NEVER, _ALWAYS = -3.0, 4.0
"""Logarithm of how much likelier such a label is than any other, for who never and who always has the ball in a clip;
straight between."""
AWAY = ("pass", "shoot")
"""Labels of who lets go of the ball."""
_KEEPS, _LETS_GO = -2.0, 1.0
"""The same of such a label over others of ``WITH_BALL``, for who keeps the ball throughout and who lets go of it."""
_BEFORE, _AFTER = 0.2, 0.1
"""Seconds before and after a clip that count as well: who has let go of the ball still follows through."""
_FOLLOWED, _AROUND = 0.5, 5.0
"""Share of the frames within so many seconds in which the ball must be seen, or be between two sights, for what is said
of it to count: 0.86 and 1 on two broadcasts, 0.22 in a made game whose ball the detector does not know."""
_SOON = 0.3
"""Seconds after a clip in which the ball may leave his hands for what he does in it to be a pass or a shot."""


def combine_with_ball(
    scores: Sequence[ActionScores], labels: Sequence[str], ball: BallPath, frames: Frames
) -> list[ActionScores]:
    """``scores`` with what is known of who has the ball; where nothing is known, as they are.

    labels: of the probabilities; scores stay as they are where all or none of them are ``WITH_BALL``.
    """
    with_ball, away = (np.array([label in some for label in labels], np.bool_) for some in (WITH_BALL, AWAY))
    if with_ball.all() or not with_ball.any():
        return list(scores)
    rows = np.searchsorted(frames.index, ball.frame_index)
    time, followed = frames.time[rows], is_followed(ball, frames)[rows]
    combined: list[ActionScores] = []
    for score in scores:
        low, high, soon = np.searchsorted(time, (score.start - _BEFORE, score.end + _AFTER, score.end + _SOON))
        if not followed[low:high].any():
            combined.append(score)
            continue
        has_it = ball.holder[low:soon] == score.track_id
        say = with_ball * (_NEVER + (_ALWAYS - _NEVER) * has_it[: high - low].mean())
        lets_go = bool((has_it[:-1] & ~has_it[1:]).any())
        combined.append(score.weighed(np.exp(say + away * (_LETS_GO if lets_go else _KEEPS))))
    return combined


def is_followed(ball: BallPath, frames: Frames) -> BoolArray:
    """Whether the ball is seen often enough around each of the analysed frames, bool (F,), in their shot."""
    there = np.zeros(len(frames))
    there[np.searchsorted(frames.index, ball.frame_index)] = ball.state != UNSEEN
    share = np.empty(len(frames))
    for shot in frames.shots():
        time = frames.time[shot]
        share[shot] = summed_around(there[shot], time, _AROUND) / summed_around(np.ones(len(time)), time, _AROUND)
    return share >= _FOLLOWED


def summed_around(values: Floats, time: Floats, seconds: float) -> Floats:
    """Sums (F,) of ``values`` (F,) over what is at most so many ``seconds`` away; time: ascending."""
    total = np.append(0.0, np.cumsum(values))
    return total[np.searchsorted(time, time + seconds, "right")] - total[np.searchsorted(time, time - seconds)]
