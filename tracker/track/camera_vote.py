"""How the camera moved between two frames, from boxes alone: the motion that most players have in common.

Each track says where it expects its player, each detection could be anyone's, so every pair proposes a shift. The right
one is proposed by many pairs, wrong ones by one each: a vote, as in the generalised Hough transform (Ballard,
"Generalizing the Hough transform to detect arbitrary shapes", Pattern Recognition 1981). A pan so fast that no box
overlaps its successor is therefore no harder than a slow one. What all players do together is taken for the camera,
too, which is what a tracker wants: motion relative to the others is the predictable one.
"""

from __future__ import annotations

import numpy as np

from tracker.boxes import Float64Array
from tracker.track.motion import HEIGHT

_MOST_VOTERS = 16
"""Tracks that vote, the highest ones."""
_CROWD = 64
"""Detections among which any shift finds partners: only the guess is refined then."""
_AGREEMENT = 0.1
"""Standard deviation, in heights, of a player's own motion around what was expected of him."""
_SIZE = 0.15
"""Standard deviation of the logarithm of a player's height from one frame to the next."""
_ENOUGH = 0.6
"""Share of the possible votes with which the guess is right, near enough, and no other proposal is heard."""
_INERTIA = 1.0
"""Votes that a proposal loses per height that it differs from the guess."""


def camera_shift(expected: Float64Array, detected: Float64Array, guess: Float64Array) -> Float64Array:
    """How far the picture's contents moved, in pixels (2,): x, y.

    expected: (4, T), x, y, width, height of the tracks where they would be if the camera stood still.
    detected: (4, N), boxes found. guess: (2,), the likely shift, and the answer where nothing speaks for another.
    """
    if not expected.shape[1] or not detected.shape[1]:
        return guess
    if expected.shape[1] > _MOST_VOTERS:
        expected = expected[:, np.argpartition(-expected[HEIGHT], _MOST_VOTERS)[:_MOST_VOTERS]]
    scale = expected[HEIGHT].mean()
    away = detected[:2, None, :] - expected[:2, :, None]
    away -= guess[:, None, None]
    away /= scale
    likeness = np.log(detected[HEIGHT] / expected[HEIGHT][:, None]) / _SIZE
    likeness *= likeness
    enough = _ENOUGH * min(likeness.shape)
    offset, votes = _centre(away, likeness, np.zeros(2))
    if votes < enough and 1 < detected.shape[1] <= _CROWD:
        proposals = away.reshape(2, -1).T
        distance = np.square(away - proposals[:, :, None, None]).sum(axis=1)
        distance /= _AGREEMENT**2
        distance += likeness
        score = np.exp(-0.5 * distance).max(axis=2).sum(axis=1)
        score -= _INERTIA * np.hypot(*proposals.T)
        best, best_votes = _centre(away, likeness, proposals[score.argmax()])
        if best_votes > votes + 1.0:
            offset = best
    return guess + scale * offset


def _centre(away: Float64Array, likeness: Float64Array, offset: Float64Array) -> tuple[Float64Array, float]:
    """The mean of the pairs near ``offset`` (2,), one detection for each track, and how many they are."""
    votes = 0.0
    for _ in range(2):
        distance = np.square(away - offset[:, None, None]).sum(axis=0)
        distance /= _AGREEMENT**2
        distance += likeness
        nearest = distance.argmin(axis=1)
        tracks = np.arange(len(nearest))
        weight = np.exp(-0.5 * distance[tracks, nearest])
        votes = float(weight.sum())
        if votes < 1e-3:
            break
        offset = away[:, tracks, nearest] @ weight / votes
    return offset, votes
