"""How people walk and run: joint positions over one stride, measured once and kept as a few numbers.

The numbers were fitted (least squares, three harmonics, mean of 6 walking and 5 running trials, left and right side
merged half a stride apart) to motion capture from mocap.cs.cmu.edu, which was created with funding from NSF
EIA-0196217. Limbs were scaled to the segment lengths of Drillis and Contini, "Body Segment Parameters" (1966).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

JOINTS = ("pelvis", "neck", "head", "shoulder_l", "shoulder_r", "elbow_l", "elbow_r", "wrist_l", "wrist_r",
          "hip_l", "hip_r", "knee_l", "knee_r", "ankle_l", "ankle_r", "toe_l", "toe_r", "ball")  # fmt: skip
"""Order of the points of a pose. The ball is one of them, so that it moves and blends like a hand."""

PELVIS, NECK, HEAD, BALL = 0, 1, 2, 17
SHOULDER, ELBOW, WRIST, HIP, KNEE, ANKLE, TOE = (slice(i, i + 2) for i in range(3, 17, 2))
"""Left and right of each paired joint."""

_ROWS = ("pelvis", "neck", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")

# One row per joint of the left side; x, y, z as mean, cos, sin, cos 2, sin 2, cos 3, sin 3; thousandths of stature;
# x forward, y left, z up from the floor below the pelvis. Phase 0: the left ankle is furthest forward.
_WALK = """
 0 0 0 1 8 0 0         0 0 3 0 0 0 0        566 0 0 -6 0 0 0
 -8 0 0 0 3 0 0        0 0 4 0 0 -1 1       834 0 0 -6 -1 0 0
 -7 5 4 1 4 -1 -3      132 -1 4 0 0 0 1     801 -6 -2 -6 0 0 -1
 -25 -30 10 0 4 -1 -1  148 -15 8 2 -4 -1 1  609 -5 -2 -3 -2 0 -1
 25 -73 17 -1 -1 -2 -1 162 -12 10 2 -3 -1 1 494 -26 2 3 -5 0 0
 19 8 1 0 9 -1 0       53 -6 7 0 0 -1 1     506 -3 4 -6 0 -1 1
 67 101 -30 -25 6 8 3  34 -11 -9 -7 4 2 2   273 11 -5 -1 -6 -4 3
 -14 183 -1 5 -33 1 -7 18 2 -11 -5 0 -1 0   63 -19 -30 -9 16 8 -1
 44 199 15 8 -48 -6 -4 21 -3 -19 -9 -2 -1 3 32 6 -19 -2 -1 6 -5
"""
_RUN = """
 0 0 0 10 4 0 0        0 0 1 0 0 0 0        562 0 0 24 -12 0 0
 38 0 0 2 3 0 0        0 -3 8 0 0 -1 0      826 0 0 25 -12 0 0
 41 -34 -3 2 3 2 1     131 -3 7 -1 0 -1 0   793 1 -4 25 -12 1 0
 -44 -81 17 -2 3 2 -2  140 -23 2 -3 -1 -4 0 621 24 -13 31 -15 1 2
 77 -78 21 -6 7 2 -4   114 10 4 -2 -1 -2 1  607 -19 16 34 -22 1 0
 17 -4 -2 10 6 0 0     54 -1 4 0 0 -1 -2    501 -2 2 24 -12 -1 -1
 68 105 -43 -23 12 -5 3 42 6 -15 -5 -1 1 5  272 14 -8 25 -20 -9 3
 -74 198 0 23 7 10 5   33 -9 -25 5 3 1 -1   114 -55 -67 -1 11 3 2
 -46 242 30 22 -3 8 1  29 -5 -25 0 6 2 -4   63 -33 -55 3 18 6 -2
"""


def _table(text: str) -> Floats:
    return np.array(text.split(), np.float64).reshape(len(_ROWS), 3, 7) / 1000


WALK, RUN = _table(_WALK), _table(_RUN)
_MIRROR = np.array([1.0, -1.0, 1.0])


def stride_length(speed: Floats) -> Floats:
    """Length of two steps in statures at ``speed`` in statures per second (a line through both gaits' means)."""
    return 0.45 + 0.5 * speed


def _half(table: Floats, phase: Floats, swing: Floats) -> Floats:
    """(T, 9, 3): one side's joints; ``swing`` scales the oscillation around the mean."""
    k = np.arange(1, 4)[None] * phase[:, None]
    basis = np.stack([np.cos(k), np.sin(k)], axis=2).reshape(len(phase), 6)
    return table[None, :, :, 0] + np.einsum("rah,th->tra", table[:, :, 1:], basis) * swing[:, None, None]


def stride(table: Floats, phase: Floats, swing: Floats) -> Floats:
    """Poses (T, 18, 3) in statures, x forward, y left, z up, at ``phase`` (T,) radians of a stride of ``table``."""
    left, right = _half(table, phase, swing), _half(table, phase + np.pi, swing) * _MIRROR
    poses = np.zeros((len(phase), len(JOINTS), 3))
    poses[:, PELVIS], poses[:, NECK] = left[:, 0], left[:, 1]
    poses[:, HEAD] = poses[:, NECK] + (0.03, 0, 0.11)
    for row in range(2, len(_ROWS)):
        poses[:, 2 * row - 1], poses[:, 2 * row] = left[:, row], right[:, row]
    poses[:, BALL] = (0.2, 0, 0.55)
    return poses
