"""Defending, blocking, setting a pick: whose team has the ball, which a clip cut around one player does not show.

A team that has the ball does not defend, and the other sets no picks. The clip and the side are two witnesses of the
same action, so their probabilities are multiplied (Bayes' rule), as with speed and ball.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classify.types import ActionScores
from pipeline.analysis.values import Frames
from pipeline.stages.possession import Floats, is_followed, summed_around
from tracker.ball.path import BallPath
from tracker.teams.teams import Teams

DEFENDING, ATTACKING = ("defense", "block"), ("pick",)
"""Labels of those whose team does not have the ball, and of those whose team has it."""
_NEVER = -3.0
"""Logarithm of how much likelier such a label is than any other, for who is on the other side."""
_DEFENDS = 1.2
"""The same of ``DEFENDING`` for who is on that side: the classifier takes all labels to be as frequent, but of 2,412
boxes of defenders on two broadcasts 53 in 100 defend, and 16 in 100 each run, walk or do nothing."""
_AROUND = 1.0
"""Seconds before and after a frame over which those who have the ball decide whose it is."""


def combine_with_sides(
    scores: Sequence[ActionScores], labels: Sequence[str], ball: BallPath, teams: Teams, frames: Frames
) -> list[ActionScores]:
    """``scores`` with what is known of whose team has the ball; where that, or his team, is not known, as they are.

    labels: of the probabilities; scores stay as they are where all or none of them are ``DEFENDING`` or ``ATTACKING``.
    """
    defending, attacking = (np.array([label in some for label in labels]) for some in (DEFENDING, ATTACKING))
    told = defending | attacking
    if told.all() or not told.any():
        return list(scores)
    with_ball = defending * _NEVER
    without = attacking * _NEVER + defending * _DEFENDS
    has_it = possession(ball, teams, frames)
    combined: list[ActionScores] = []
    for score in scores:
        low, high = np.searchsorted(frames.time, (score.start, score.end))
        side = _sign(teams, score.track_id) * float(has_it[low : max(high, low + 1)].mean())
        combined.append(score.weighed(np.exp(max(side, 0) * with_ball + max(-side, 0) * without)) if side else score)
    return combined


def possession(ball: BallPath, teams: Teams, frames: Frames) -> Floats:
    """Whose ball it is in each of the analysed frames, (F,): 1 the first team's, -1 the second's, 0 not known.

    It is between where both have it within a second. It stays a team's until somebody of the other has it, and was its
    before anybody had it, but for what another shot shows. Where the ball is hardly seen, nothing is known.
    """
    holders, which = np.unique(ball.holder, return_inverse=True)
    sign = np.array([_sign(teams, holder) for holder in holders.tolist()])
    held = np.zeros(len(frames))
    held[np.searchsorted(frames.index, ball.frame_index)] = sign[which]
    has_it = np.concatenate([_carried(held[part], frames.time[part]) for part in frames.shots()])
    return np.where(is_followed(ball, frames), has_it, 0)


def _sign(teams: Teams, track_id: int) -> float:
    """1: he is of the first team, -1: of the second, 0: of neither."""
    return dict(zip(teams.names, (1.0, -1.0), strict=True)).get(teams.team(track_id), 0.0)


def _carried(held: Floats, time: Floats) -> Floats:
    """Means of who has the ball in the frames of a shot, over moments around each, carried on where nobody does."""
    count = summed_around(np.abs(held), time, _AROUND)
    if not count.any():
        return np.zeros(len(held))
    mean = summed_around(held, time, _AROUND) / np.maximum(count, 1)
    rows = np.maximum.accumulate(np.where(count > 0, np.arange(len(held)), -1))
    rows[rows < 0] = rows[rows >= 0][0]
    return mean[rows]
