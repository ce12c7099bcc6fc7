"""What every action looks like: whole poses over a gait, for each moment of the action.

Points are in statures: x forward, y left, z up from the floor below the pelvis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from classify.types import ACTIONS
from pipeline.synthetic.gait import ANKLE, BALL, ELBOW, HEAD, KNEE, NECK, PELVIS, SHOULDER, TOE, WRIST, Floats

BLOCK, PASS, RUNNING, DRIBBLE, SHOOT, HOLD, DEFENSE, PICK, IDLE, WALKING = range(len(ACTIONS))
RELEASE = {PASS: 0.42, SHOOT: 0.66}
"""Seconds from the start of the action to the ball leaving the hands."""
BALL_RADIUS = 0.12
"""Metres."""
_BALL = BALL_RADIUS / 1.9
_UPPER = np.array([NECK, HEAD, *range(3, 9), BALL])
_Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Style:
    """How one player is built and moves."""

    stature: float
    """Metres."""
    hand: int
    """1: left-handed, -1: right-handed."""
    tempo: float
    """Dribbles per second."""
    ease: float
    """0..1: how upright and relaxed; 0 is low and tense."""
    swing: float
    """Scales arm and leg swing, about 1."""
    variant: tuple[float, float, float]
    """0..1 each: which way of doing an action, how far, and a phase."""

    @staticmethod
    def random(rng: np.random.Generator) -> Style:
        """Any player."""
        u = rng.uniform(size=7)
        hand = 1 if u[6] < 0.3 else -1
        return Style(
            1.72 + 0.36 * u[0], hand, 1.6 + 0.6 * u[1], u[2], 0.88 + 0.24 * u[3], (u[4], u[5], float(rng.uniform()))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Beat:
    """What an action needs to know, for each of T steps: gait, clocks, and speed in statures per second."""

    gait: Floats
    """(T, 18, 3): the pose without the action."""
    since: Floats
    """(T,) seconds since the action began."""
    clock: Floats
    """(T,) seconds."""
    phase: Floats
    """(T,) radians of the stride."""
    speed: Floats
    style: Style


def ramp(t: Floats, start: float, end: float) -> Floats:
    """0 before ``start``, 1 after ``end``, smooth between."""
    u = np.clip((t - start) / (end - start), 0, 1)
    return u * u * (3 - 2 * u)


def _path(t: Floats, times: tuple[float, ...], points: tuple[tuple[float, float, float], ...]) -> Floats:
    """(T, 3): smooth steps from point to point."""
    way = np.tile(np.array(points[0], np.float64), (len(t), 1))
    for (t0, t1), (p, q) in zip(pairwise(times), pairwise(points), strict=True):
        way += ramp(t, t0, t1)[:, None] * (np.array(q) - np.array(p))
    return way


def _spot(t: Floats, x: Floats | float, y: Floats | float, z: Floats | float) -> Floats:
    """(T, 3): a point that may move."""
    return np.stack(np.broadcast_arrays(x + 0 * t, y, z), axis=1)


def _by(points: Floats, x: float, y: float, z: float) -> Floats:
    """Points moved by (x, y, z)."""
    return points + np.array((x, y, z))


def _lean(poses: Floats, angle: Floats | float, twist: Floats | float = 0.0) -> Floats:
    """Tilt the upper body forward by ``angle`` and turn it left by ``twist`` radians around the pelvis."""
    angle, twist = np.broadcast_to(angle, len(poses)), np.broadcast_to(twist, len(poses))
    pelvis = poses[:, PELVIS, None]
    x, y, z = np.moveaxis(poses[:, _UPPER] - pelvis, -1, 0)
    c, s = np.cos(twist)[:, None], np.sin(twist)[:, None]
    x, y = x * c - y * s, x * s + y * c
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    out = poses.copy()
    out[:, _UPPER] = pelvis + np.stack([x * c + z * s, y, z * c - x * s], axis=-1)
    return out


def _crouch(poses: Floats, depth: Floats | float, width: Floats | float = 0.0) -> Floats:
    """Lower everything above the ankles by ``depth`` and set each foot ``width`` further out, knees with it."""
    out = poses.copy()
    depth = np.broadcast_to(depth, len(poses))[:, None]
    out[:, :11, 2] -= depth
    out[:, BALL, 2] -= depth[:, 0]
    out[:, :11, 0] -= 0.35 * depth
    out[:, KNEE, 0] += 0.5 * depth
    for side, sign in ((0, 1), (1, -1)):
        for joint, share in ((KNEE, 0.7), (ANKLE, 1.0), (TOE, 1.15)):
            out[:, joint.start + side, 1] += sign * share * np.broadcast_to(width, len(poses))
    return out


def _jump(poses: Floats, height: Floats) -> Floats:
    out = poses.copy()
    out[..., 2] += height[:, None]
    out[:, TOE, 2] -= np.minimum(height * 0.6, 0.05)[:, None]
    return out


def _hands(poses: Floats, left: Floats, right: Floats, elbows: float = 0.0) -> Floats:
    """Put the wrists at points (T, 3) of the standing body; ``elbows`` moves them out."""
    out = poses.copy()
    for side, sign, wrist in ((0, 1, left), (1, -1, right)):
        shoulder = out[:, SHOULDER.start + side]
        out[:, WRIST.start + side] = wrist
        out[:, ELBOW.start + side] = 0.5 * (shoulder + wrist) + np.array([-0.04, sign * (0.04 + elbows), -0.10])
    return out


def _side(poses: Floats, sign: int, point: Floats, other: Floats, elbows: float = 0.0) -> Floats:
    """``_hands`` with ``point`` for the left hand if ``sign`` is 1, for the right one if -1."""
    return _hands(poses, point, other, elbows) if sign > 0 else _hands(poses, other, point, elbows)


def _idle(beat: Beat) -> Floats:
    v, t = beat.style.variant, beat.clock
    sway = 0.008 * np.sin(1.7 * t + 6 * v[2]) + 0.006 * np.sin(0.9 * t + 4 * v[1])
    poses = _crouch(beat.gait, 0.012 + 0.03 * v[1] * (v[0] > 0.5) + 0 * t, 0.01 + 0.06 * v[2])
    poses[:, :11, 1] += sway[:, None]
    poses[:, _UPPER, 0] += 0.5 * sway[:, None]
    hand = beat.style.hand
    if v[0] < 0.15:
        poses = _hands(poses, _spot(t, 0.04, 0.11, 0.56), _spot(t, 0.04, -0.11, 0.56), 0.1)
    elif v[0] < 0.3:
        poses = _crouch(_lean(_hands(poses, _spot(t, 0.12, 0.1, 0.4), _spot(t, 0.12, -0.1, 0.4)), 0.5 * v[1]), 0.03)
    elif v[0] < 0.42:
        point = np.stack(
            [0.12 + 0 * t, 0.24 * hand + 0.03 * np.sin(3 * t), 0.75 + 0.1 * v[1] + 0.05 * np.sin(4 * t)], 1
        )
        poses = _side(poses, hand, point, poses[:, WRIST.start + (hand > 0)])
    elif v[0] < 0.55:
        bent = 0.6 + 0.08 * v[1]
        poses = _hands(poses, _spot(t, 0.16, 0.1, bent), _spot(t, 0.16, -0.1, bent - 0.03))
    return _lean(poses, 0.02 + 0.12 * v[2] * v[1], 0.5 * (v[2] - 0.5))


def _dribble(beat: Beat) -> Floats:
    style, t = beat.style, beat.clock
    v, hand = style.variant, style.hand
    cycles = t * style.tempo + v[2]
    height = 1 - np.abs(2 * (cycles % 1.0) - 1)  # 0: ball in the hand, 1: on the floor
    top = 0.37 + 0.17 * style.ease
    ball_z = _BALL + (top - _BALL) * (1 - height**2)
    cross = ramp(np.cos(2 * np.pi * t / (2.2 + 2 * v[2]) + 6 * v[0]), 0.55, 0.9) if v[0] > 0.45 else 0 * t
    across = (1 - cross) * hand + cross * hand * np.cos(np.pi * cycles)
    ahead = 0.14 + 0.1 * v[1] + 0.05 * np.minimum(beat.speed, 3)
    ball = np.stack([ahead + 0.03 * height, 0.19 * across, ball_z], axis=1)
    poses = _crouch(beat.gait, 0.02 + 0.10 * (1 - style.ease), 0.05 * (1 - style.ease))
    poses = _lean(poses, 0.12 + 0.4 * (1 - style.ease) + 0.05 * np.minimum(beat.speed, 2))
    wrist_z = np.maximum(ball_z, top - 0.13 - 0.02 * v[1]) + _BALL + 0.02
    over = np.stack([ball[:, 0] - 0.05, ball[:, 1], wrist_z], axis=1)
    guard = np.stack([0.2 + 0 * t, 0 * t, poses[:, NECK, 2] - 0.25 + 0.02 * np.sin(2 * np.pi * cycles)], axis=1)
    near = [ramp(across * s, -0.5, 0.5)[:, None] for s in (1, -1)]
    rest = [_by(guard, 0, s * (0.16 + 0.1 * v[2]), 0) for s in (1, -1)]
    left, right = (w * over + (1 - w) * r for w, r in zip(near, rest, strict=True))
    poses = _hands(poses, left, right)
    poses[:, BALL] = ball
    return poses


def _carry(poses: Floats, ball: Floats, elbows: float = 0.05) -> Floats:
    """Both hands on a ball at (T, 3)."""
    poses = _hands(poses, _by(ball, -0.05, 0.055, -0.015), _by(ball, -0.05, -0.055, -0.015), elbows)
    poses[:, BALL] = ball
    return poses


def _hold_points(style: Style) -> tuple[tuple[float, float, float], ...]:
    hand, v = style.hand, style.variant
    places = ((0.17, 0.02, 0.66), (0.12, 0.13 * hand, 0.54), (0.15, 0.05 * hand, 0.46), (0.08, 0.02, 0.98),
              (0.17, -0.12 * hand, 0.60), (0.20, 0.0, 0.74))  # fmt: skip
    first = int(v[0] * 6)
    return tuple(places[i % 6] for i in (first, first + 1 + int(v[1] * 4), first))


def _hold(beat: Beat) -> Floats:
    style = beat.style
    v = style.variant
    a, b, _ = _hold_points(style)
    mix = 0.5 + 0.5 * np.sin(2 * np.pi * beat.clock / (0.9 + 1.6 * v[2]) + 6 * v[1])
    ball = _path(mix, (0.1, 0.9), (a, b))
    poses = _crouch(beat.gait, 0.01 + 0.09 * (1 - style.ease), 0.04 + 0.05 * v[1])
    poses = _carry(poses, ball, 0.06)
    return _lean(poses, 0.06 + 0.35 * (1 - style.ease), 0.7 * (v[2] - 0.5) * np.sin(1.5 * beat.clock + 6 * v[0]))


def _pass(beat: Beat) -> Floats:
    style, t = beat.style, beat.since
    v, hand = style.variant, style.hand
    kind = int(v[0] * 4)
    hold = _hold_points(style)[0]
    gather, out = (
        ((0.10, 0.0, 0.70), (0.40, 0.0, 0.72 + 0.06 * v[1])),
        ((0.0, 0.0, 1.02), (0.30, 0.0, 0.95)),
        ((0.08, 0.16 * hand, 0.62), (0.34, 0.2 * hand, 0.56)),
        ((0.10, 0.0, 0.66), (0.36, 0.0, 0.50)),
    )[kind]
    ball = _path(t, (0.0, 0.22, RELEASE[PASS]), (hold, gather, out))
    step = ramp(t, 0.12, RELEASE[PASS]) * (1 - 0.5 * ramp(t, 0.7, 1.0))
    poses = _crouch(beat.gait, 0.02 + 0.05 * step + 0.05 * (1 - style.ease), 0.04)
    foot = int(v[2] > 0.5)
    for joint, share in ((KNEE, 0.8), (ANKLE, 1.0), (TOE, 1.0)):
        poses[:, joint.start + foot, 0] += share * (0.16 * step - 0.03)
    poses[:, :11, 0] += 0.06 * step[:, None]
    drop = 0.16 * ramp(t, 0.62, 0.95)[:, None] * np.array([-0.8, 0, -1])
    poses = _carry(poses, ball + drop, 0.05)
    if kind == 2:
        rest = _spot(t, 0.12, -0.14 * hand, 0.58)
        poses = _side(poses, hand, _by(ball, -0.06, 0, -0.01) + drop, rest)
    poses[:, BALL] = ball
    return _lean(poses, 0.05 + 0.16 * step + 0.15 * (1 - style.ease), 0.35 * (v[1] - 0.5) * (1 - step))


def _leap(t: Floats, start: float, seconds: float, height: float) -> Floats:
    """A ballistic jump: 0 except for a parabola of ``height`` during ``seconds``."""
    u = np.clip((t - start) / seconds, 0, 1)
    return 4 * height * u * (1 - u)


def _shoot(beat: Beat) -> Floats:
    style, t = beat.style, beat.since
    v, hand = style.variant, style.hand
    release, side = RELEASE[SHOOT], 0.05 * hand
    layup = v[0] > 0.8
    ball = _path(
        t, (0.0, 0.25, 0.5, release),
        (_hold_points(style)[0], (0.14, side, 0.58), (0.10, side, 1.02), (0.17, side, 1.26)),
    )  # fmt: skip
    bend = ramp(t, 0.0, 0.28) * (1 - ramp(t, 0.3, 0.46)) + 0.7 * ramp(t, 0.92, 1.0) * (1 - ramp(t, 1.05, 1.35))
    poses = _crouch(beat.gait, 0.12 * bend + 0.01, 0.025)
    poses[:, :11, 2] += 0.015 * ramp(t, 0.35, 0.5)[:, None]
    follow = _path(t, (release, release + 0.1, 1.15, 1.5),
                   ((0.0, 0.0, 0.0), (0.05, 0, -0.02), (0.05, 0, -0.08), (0.08, 0, -0.55)))  # fmt: skip
    shooting = _by(ball, -0.05, 0, -0.05) + follow
    guide = _by(ball, -0.03, -0.10 * hand, -0.05) + follow * np.array([0.3, 0, 1])
    guide -= ramp(t, 0.58, 0.75)[:, None] * np.array([0, 0.03 * hand, 0.10])
    poses = _side(poses, hand, shooting, guide, 0.03)
    poses[:, BALL] = ball
    poses = _lean(poses, 0.25 * bend - 0.05 * ramp(t, 0.4, 0.6), 0.12 * hand)
    if layup:
        knee = ramp(t, 0.4, 0.58) * (1 - ramp(t, 0.8, 1.0))
        foot = int(hand < 0)
        for joint, rise, ahead in ((KNEE, 0.20, 0.16), (ANKLE, 0.20, 0.06), (TOE, 0.18, 0.06)):
            poses[:, joint.start + foot, 2] += rise * knee
            poses[:, joint.start + foot, 0] += ahead * knee
    return _jump(poses, _leap(t, 0.45, 0.5, 0.05 + 0.14 * v[1]))


def _block(beat: Beat) -> Floats:
    style, t = beat.style, beat.since
    v, hand = style.variant, style.hand
    bend = ramp(t, 0.0, 0.2) * (1 - ramp(t, 0.22, 0.36)) + 0.8 * ramp(t, 0.82, 0.92) * (1 - ramp(t, 1.0, 1.3))
    up = ramp(t, 0.08, 0.38) * (1 - ramp(t, 1.0, 1.35))
    both, jumps = v[0] > 0.4, v[1] > 0.2
    low = _spot(t, 0.14, 0.0, 0.70)
    reach = 1.22 + 0.06 * v[2]
    wave = 0.03 * np.sin(9 * t)
    high = np.stack([0.12 + 0.05 * v[2] + 0.06 * ramp(t, 0.4, 0.7), wave, reach + 0 * t], axis=1)
    near, far = _by(low, 0, 0.16 * hand, 0), _by(low, 0, -0.16 * hand, 0)
    first = near + up[:, None] * (_by(high, 0, 0.06 * hand, 0) - near)
    aside = _by(high, 0, -0.12 * hand, -0.03) if both else _by(low, 0, -0.30 * hand, 0)
    second = far + up[:, None] * (aside - far)
    poses = _crouch(beat.gait, 0.10 * bend + 0.02, 0.03 + 0.05 * v[2])
    poses = _side(poses, hand, first, second, 0.02)
    poses = _lean(poses, 0.3 * bend + 0.05, 0.15 * hand * up)
    return _jump(poses, _leap(t, 0.34, 0.52, 0.10 + 0.12 * v[1]) * jumps)


def _defense(beat: Beat) -> Floats:
    style, t = beat.style, beat.clock
    v = style.variant
    slide = np.minimum(beat.speed, 1.0)
    width = 0.09 + 0.06 * v[1] + 0.05 * slide * np.sin(beat.phase)
    poses = _crouch(beat.gait, 0.07 + 0.09 * (1 - style.ease) + 0.01 * np.sin(4 * t), width)
    wave = np.sin(2 * np.pi * t * (0.7 + 0.8 * v[2]) + 6 * v[0])
    reach, height = 0.24 + 0.14 * v[0], 0.62 + 0.08 * v[1]
    high = (0.12, 0.22, 0.92) if v[2] > 0.6 else (0.14, reach + 0.05, height)
    left = np.array(high) + 0.04 * np.stack([wave, 0 * wave, wave], axis=1)
    right = np.array([0.18, -reach, height]) + 0.05 * np.stack([-wave, 0 * wave, wave], axis=1)
    mirror = np.array([1, -1, 1])
    poses = _hands(poses, left, right) if style.hand < 0 else _hands(poses, right * mirror, left * mirror)
    return _lean(poses, 0.22 + 0.3 * (1 - style.ease), 0.1 * wave)


def _pick(beat: Beat) -> Floats:
    style, t = beat.style, beat.clock
    v = style.variant
    poses = _crouch(beat.gait, 0.03 + 0.05 * (1 - style.ease), 0.07 + 0.05 * v[1])
    height = 0.50 + 0.05 * v[2] if v[0] < 0.5 else 0.68 + 0.05 * v[2]
    folded = _spot(t, 0.11, 0.0, height) + 0.006 * np.sin(5 * t)[:, None]
    poses = _hands(poses, _by(folded, 0.03, -0.03, 0.01), _by(folded, 0.0, 0.03, 0.0), 0.09)
    return _lean(poses, 0.08 + 0.25 * v[1] * (1 - style.ease), 0.06 * np.sin(2 * t))


def _go(beat: Beat) -> Floats:
    return beat.gait


ACTS: dict[int, Callable[[Beat], Floats]] = {
    BLOCK: _block, PASS: _pass, RUNNING: _go, DRIBBLE: _dribble, SHOOT: _shoot,
    HOLD: _hold, DEFENSE: _defense, PICK: _pick, IDLE: _idle, WALKING: _go,
}  # fmt: skip
