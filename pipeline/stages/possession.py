"""Dribbling, passing, shooting, ball in hand: who has the ball, which a clip cut around one player hardly shows.

At most one player has the ball, so of ten who look as if they dribble nine do not. The clip and the ball are two
witnesses of the same action, so their probabilities are multiplied (Bayes' rule), as with speed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classify.types import ActionScores
from pipeline.analysis.values import Frames
from tracker.ball.path import BallPath

WITH_BALL = ("pass", "dribble", "shoot", "ball in hand")
"""Labels of who has the ball."""
_NEVER, _ALWAYS = -3.0, 4.0
"""Logarithm of how much likelier such a label is than any other, for who never and who always has the ball in a clip;
straight between."""
AWAY = ("pass", "shoot")
"""Labels of who lets go of the ball."""
_KEEPS, _LETS_GO = -2.0, 1.0
"""The same of such a label over others of ``WITH_BALL``, for who keeps the ball throughout and who lets go of it."""
_EDGE = 0.1
"""Seconds before and after a clip that count as well."""
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
    time = frames.time[np.searchsorted(frames.index, ball.frame_index)]
    combined: list[ActionScores] = []
    for score in scores:
        low, high, soon = np.searchsorted(time, (score.start - _EDGE, score.end + _EDGE, score.end + _SOON))
        if low == high:
            combined.append(score)
            continue
        has_it = ball.holder[low:soon] == score.track_id
        say = with_ball * (_NEVER + (_ALWAYS - _NEVER) * has_it[: high - low].mean())
        lets_go = bool((has_it[:-1] & ~has_it[1:]).any())
        combined.append(score.weighed(np.exp(say + away * (_LETS_GO if lets_go else _KEEPS))))
    return combined
