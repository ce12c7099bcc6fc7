"""From where a player goes and what he does to where his joints are.

Poses of actions are mixed with weights that change smoothly, and two-bone inverse kinematics (law of cosines) then
gives every limb its true length. Lengths are in statures until the last step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classify.types import ACTIONS
from pipeline.synthetic.actions import ACTS, DEFENSE, Beat, Style, ramp
from pipeline.synthetic.gait import (
    ANKLE,
    ELBOW,
    HEAD,
    HIP,
    KNEE,
    NECK,
    PELVIS,
    RUN,
    SHOULDER,
    TOE,
    WALK,
    WRIST,
    Floats,
    stride,
    stride_length,
)

_BLEND_SECONDS = 0.22


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """Where one player is and what he does, at every time step."""

    xy: Floats
    """(T, 2) metres on the floor."""
    heading: Floats
    """(T,) radians: where the chest faces, from +x towards +y."""
    action: npt.NDArray[np.int8]
    """(T,) index into classify.types.ACTIONS."""
    fps: float

    def since(self) -> Floats:
        """(T,) seconds since the current action began."""
        steps = np.arange(len(self.action))
        begins = np.r_[True, self.action[1:] != self.action[:-1]]
        return (steps - np.maximum.accumulate(np.where(begins, steps, 0))) / self.fps


def _smooth(values: Floats, steps: int) -> Floats:
    """Moving average over an odd number of steps along axis 0, edges held."""
    half = max(steps // 2, 0)
    if not half:
        return values
    padded = np.concatenate([values[:1].repeat(half + 1, 0), values, values[-1:].repeat(half, 0)])
    sums = np.cumsum(padded, axis=0)
    return (sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)


def _gait(movement: Movement, style: Style) -> tuple[Floats, Floats, Floats]:
    """Poses of walking and running at the speed of each step, the phase, and the speed in statures per second."""
    velocity = np.gradient(movement.xy, axis=0) * movement.fps / style.stature
    velocity = _smooth(velocity, int(0.15 * movement.fps) | 1)
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    low = movement.action == DEFENSE
    length = np.where(low, 0.45, 1.0) * stride_length(speed)
    phase = 2 * np.pi * (np.cumsum(speed / length) / movement.fps + style.variant[2])
    walk = stride(WALK, phase, style.swing * np.minimum(speed / 0.7, 1.3))
    run = stride(RUN, phase, style.swing * np.clip(0.35 + 0.4 * speed, 0.3, 1.45))
    mix = ramp(speed, 1.0, 1.5)[:, None, None]
    poses = (1 - mix) * walk + mix * run
    poses[:, :11, 2] += 0.032 * (1 - ramp(speed, 0.0, 0.6))[:, None]  # a walk's mean knee is bent; standing is straight
    toward = np.arctan2(velocity[:, 1], velocity[:, 0]) - movement.heading
    moving = ramp(speed, 0.05, 0.25)
    along, across = 1 + moving * (np.cos(toward) - 1), moving * np.sin(toward)
    slide = np.where(low, 0.45, 1.0)
    for joint, share in ((KNEE, 0.5), (ANKLE, 1.0), (TOE, 1.0)):
        mid = poses[:, joint, 0].mean(axis=1, keepdims=True)
        reach = poses[:, joint, 0] - mid
        poses[:, joint, 0] = mid + reach * along[:, None]
        poses[:, joint, 1] += share * reach * (across * slide)[:, None]
    return poses, phase, speed


def _bend(root: Floats, tip: Floats, hint: Floats, upper: float, lower: float) -> tuple[Floats, Floats]:
    """The middle joint and the reachable tip of a two-bone limb that bends towards ``hint``."""
    reach = tip - root
    distance = np.linalg.norm(reach, axis=-1, keepdims=True)
    axis = reach / np.maximum(distance, 1e-6)
    d = np.clip(distance, abs(upper - lower) + 1e-3, (upper + lower) * 0.999)
    along = (upper**2 - lower**2 + d**2) / (2 * d)
    out = hint - root
    out = out - (out * axis).sum(-1, keepdims=True) * axis
    out = out / np.maximum(np.linalg.norm(out, axis=-1, keepdims=True), 1e-6)
    return root + along * axis + np.sqrt(np.maximum(upper**2 - along**2, 0)) * out, root + d * axis


def _rigid(poses: Floats) -> Floats:
    """Give every bone its length: trunk from the pelvis up, then arms and legs by inverse kinematics."""
    out = poses.copy()
    spine = out[:, NECK] - out[:, PELVIS]
    spine /= np.linalg.norm(spine, axis=-1, keepdims=True)
    out[:, NECK] = out[:, PELVIS] + 0.27 * spine
    gaze = 0.55 * spine + (0.0, 0.0, 0.45)
    out[:, HEAD] = out[:, NECK] + 0.098 * gaze / np.linalg.norm(gaze, axis=-1, keepdims=True) + (0.02, 0, 0)
    for pair, center, half, lift in ((SHOULDER, NECK, 0.112, -0.03), (HIP, PELVIS, 0.056, -0.055)):
        axis = out[:, pair.start] - out[:, pair.start + 1]
        axis *= half / np.linalg.norm(axis, axis=-1, keepdims=True)
        middle = out[:, center] + lift * spine
        out[:, pair] = np.stack([middle + axis, middle - axis], axis=1)
    hints_in = poses[:, ELBOW] + (0.0, 0.0, 0.0), poses[:, KNEE] + (0.12, 0.0, 0.0)
    out[:, ELBOW], out[:, WRIST] = _bend(out[:, SHOULDER], out[:, WRIST], hints_in[0], 0.178, 0.158)
    shin = poses[:, ANKLE]
    out[:, KNEE], out[:, ANKLE] = _bend(out[:, HIP], shin, hints_in[1], 0.245, 0.246)
    foot = poses[:, TOE] - shin
    out[:, TOE] = out[:, ANKLE] + 0.095 * foot / np.maximum(np.linalg.norm(foot, axis=-1, keepdims=True), 1e-6)
    return out


def animate(movement: Movement, style: Style) -> Floats:
    """Joints (T, 18, 3) in metres on the court, z up, in the order of gait.JOINTS.

    The last one is where the ball is while this player has it.
    """
    gait, phase, speed = _gait(movement, style)
    steps = len(movement.xy)
    beat = Beat(gait, movement.since(), np.arange(steps) / movement.fps, phase, speed, style)
    weights = _smooth(np.eye(len(ACTIONS))[movement.action], int(_BLEND_SECONDS * movement.fps) | 1)
    local = np.zeros_like(gait)
    for action in np.unique(movement.action):
        since = np.where(movement.action == action, beat.since, _outside(movement, int(action)))
        moment = Beat(gait, since, beat.clock, phase, speed, style)
        local += weights[:, action, None, None] * ACTS[int(action)](moment)
    local = _rigid(local) * style.stature
    c, s = np.cos(movement.heading)[:, None], np.sin(movement.heading)[:, None]
    world = local.copy()
    world[..., 0] = local[..., 0] * c - local[..., 1] * s + movement.xy[:, None, 0]
    world[..., 1] = local[..., 0] * s + local[..., 1] * c + movement.xy[:, None, 1]
    return world


def _outside(movement: Movement, action: int) -> Floats:
    """(T,) the action's clock where it is only blended in or out: 0 before it, running on after it."""
    steps = np.arange(len(movement.action))
    begins = (movement.action == action) & np.r_[True, movement.action[1:] != movement.action[:-1]]
    last = np.maximum.accumulate(np.where(begins, steps, -(10**6)))
    return np.where(last < 0, 0.0, (steps - last) / movement.fps)
