"""Clips of one drawn player each, cut as SpaceJam's are, to train the action classifier with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from classify.data.clips import fit_frame
from classify.types import ACTIONS, CLIP_HEIGHT, CLIP_LENGTH, CLIP_PACE, CLIP_WIDTH
from pipeline.synthetic import scene
from pipeline.synthetic.actions import (
    BALL_RADIUS,
    BLOCK,
    DEFENSE,
    DRIBBLE,
    HOLD,
    IDLE,
    PASS,
    PICK,
    RELEASE,
    RUNNING,
    SHOOT,
    WALKING,
    Style,
)
from pipeline.synthetic.body import Color, Figure, Light, Look, Shape, ball_shape, bounds, footprint
from pipeline.synthetic.camera import Camera
from pipeline.synthetic.court import RIM, Court, basket
from pipeline.synthetic.gait import BALL, NECK, Floats
from pipeline.synthetic.motion import Movement, animate

_LEAD = 12
"""Steps before a clip, so that actions are blended into as in a game."""
_STEPS = _LEAD + CLIP_LENGTH + 4
_SPEED = {RUNNING: (3.0, 6.5), WALKING: (0.7, 1.9), DRIBBLE: (0.0, 4.5), HOLD: (0.0, 2.4), DEFENSE: (0.0, 2.4),
          PASS: (0.0, 2.6), SHOOT: (0.0, 2.4), BLOCK: (0.0, 2.2)}  # fmt: skip
"""Metres per second of actions that move; all others stand or drift."""
_HOLDERS = (DRIBBLE, HOLD, PASS, SHOOT)
TEAM_COLORS: tuple[Color, ...] = (
    (235, 235, 238), (178, 30, 40), (30, 50, 130), (38, 38, 44), (30, 110, 60), (235, 190, 50), (120, 40, 110),
    (60, 130, 200), (220, 110, 40), (140, 145, 150), (90, 20, 36), (20, 120, 130),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Actor:
    joints: Floats
    style: Style
    look: Look


def kit(rng: np.random.Generator) -> tuple[Color, Color, Color]:
    """Shirt, trim and shorts of a team."""
    shirt, trim = (TEAM_COLORS[int(i)] for i in rng.choice(len(TEAM_COLORS), 2, replace=False))
    shade = rng.uniform(0.85, 1.1)
    shirt = (min(255.0, shirt[0] * shade), min(255.0, shirt[1] * shade), min(255.0, shirt[2] * shade))
    return shirt, trim, shirt if rng.uniform() < 0.8 else trim


def _travel(action: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Positions (T, 2) around the origin and headings (T,) for an action."""
    t = (np.arange(_STEPS) - _LEAD - CLIP_LENGTH / 2) / CLIP_PACE
    low, high = _SPEED.get(action, (0.0, 0.5))
    speed = rng.uniform(low, high) * (1 if low or rng.uniform() < 0.65 else 0)
    course = rng.uniform(-np.pi, np.pi) + rng.normal(0, 0.5) * t
    change = 1 + np.clip(rng.normal(0, 0.35) * t, -0.6, 0.6)
    velocity = speed * change[:, None] * np.stack([np.cos(course), np.sin(course)], axis=1)
    xy = np.cumsum(velocity, axis=0) / CLIP_PACE
    heading = np.asarray(course, np.float64)
    if action == DEFENSE:
        heading = course + rng.choice([-1, 1]) * rng.uniform(0.9, 2.4)
    elif action not in (RUNNING, WALKING):
        heading = course + rng.normal(0, 0.35 if speed > 1.5 else 1.5) + rng.normal(0, 0.4) * t
    return xy - xy[_LEAD + CLIP_LENGTH // 2], heading


def _script(action: int, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """Actions (T,): the wanted one covers at least two thirds of the clip's 16 steps."""
    actions = np.full(_STEPS, action, np.int8)
    timed = action in (BLOCK, PASS, SHOOT)
    early = {SHOOT: 11, BLOCK: 9}.get(action, 7)
    start = int(rng.integers(_LEAD - early, _LEAD + 4)) if timed else int(rng.integers(-8, _LEAD + 5))
    before = {BLOCK: DEFENSE, PASS: HOLD, SHOOT: HOLD, DEFENSE: IDLE, PICK: WALKING, HOLD: DRIBBLE, DRIBBLE: HOLD,
              RUNNING: WALKING, WALKING: IDLE, IDLE: WALKING}  # fmt: skip
    first = before[action]
    if action in (PASS, SHOOT) and rng.uniform() < 0.4:
        first = DRIBBLE
    if start > 0 and (timed or rng.uniform() < 0.3):
        actions[:start] = first
    return actions


def _ball_path(actor: _Actor, script: npt.NDArray[np.int8], rng: np.random.Generator) -> Floats:
    """(T, 3) metres: with the player until the release of a pass or shot, then in flight."""
    path = actor.joints[:, BALL].copy()
    for action, seconds in RELEASE.items():
        begins = np.flatnonzero(script == action)
        free = int(begins[0] + seconds * CLIP_PACE) if len(begins) else _STEPS
        if free >= _STEPS:
            continue
        ahead = path[free] - actor.joints[free, NECK]
        course = np.arctan2(ahead[1], ahead[0]) + rng.normal(0, 0.15)
        forward, rise = (rng.uniform(7, 11), rng.uniform(-0.5, 1.5)) if action == PASS else (5.0, rng.uniform(5.5, 7))
        t = np.arange(_STEPS - free)[:, None] / CLIP_PACE
        velocity = np.array([np.cos(course) * forward, np.sin(course) * forward, rise])
        path[free:] = path[free] + velocity * t - np.array([0, 0, 4.905]) * t**2
    path[:, 2] = np.maximum(path[:, 2], BALL_RADIUS)
    return path


def _neighbour(index: int, action: int, camera_side: Floats, rng: np.random.Generator) -> tuple[int, Floats]:
    """What a player nearby does, and where he stands from the middle one."""
    partner = {DRIBBLE: DEFENSE, HOLD: DEFENSE, SHOOT: BLOCK, PASS: DEFENSE, BLOCK: SHOOT, DEFENSE: DRIBBLE,
               PICK: DEFENSE}  # fmt: skip
    close = index == 0 and action in partner
    doing = partner[action] if close and rng.uniform() < 0.75 else int(rng.choice([IDLE, WALKING, RUNNING, DEFENSE]))
    # Nobody stands right in front of the wanted player unless drawn to.
    toward = float(np.arctan2(camera_side[1], camera_side[0]))
    angle, far = (
        toward + rng.choice([-1, 1]) * rng.uniform(0.6, np.pi),
        rng.uniform(0.75, 1.5) if close else rng.uniform(0.9, 5.0),
    )
    if rng.uniform() < 0.1:
        aside = rng.choice([-1, 1]) * rng.uniform(0.25, 0.7) * np.array([-camera_side[1], camera_side[0]])
        return doing, camera_side * rng.uniform(0.8, 2.5) + aside
    return doing, far * np.array([np.cos(angle), np.sin(angle)])


def _cast(action: int, camera_side: Floats, rng: np.random.Generator) -> tuple[list[_Actor], Floats | None]:
    """The wanted player first, others nearby, and the ball's path if there is a ball."""
    kits = kit(rng), kit(rng)
    actors: list[_Actor] = []
    ball: Floats | None = None
    count = int(rng.choice([0, 1, 1, 2, 3, 4]))
    if action == PICK:
        count = max(count, 1)
    for index in range(count + 1):
        doing, offset = (action, np.zeros(2)) if index == 0 else _neighbour(index - 1, action, camera_side, rng)
        script = _script(doing, rng)
        xy, heading = _travel(doing, rng)
        if index and rng.uniform() < 0.5:
            heading = heading * 0 + np.arctan2(-offset[1], -offset[0]) + rng.normal(0, 0.3)
        style = Style.random(rng)
        look = Look.random(rng, *kits[0 if index == 0 else int(rng.uniform() < 0.6)])
        actor = _Actor(animate(Movement(xy + offset, heading, script, CLIP_PACE), style), style, look)
        actors.append(actor)
        if ball is None and doing in _HOLDERS and not (index == 0 and rng.uniform() < 0.03):
            ball = _ball_path(actor, script, rng)
    return actors, ball


def _camera(center: Floats, pixels: float, rng: np.random.Generator) -> Camera:
    """A broadcast, phone or high corner camera that sees a player ``pixels`` tall at ``center`` (3,)."""
    kind = rng.choice(3, p=(0.5, 0.25, 0.25))
    height = (rng.uniform(4, 9), rng.uniform(1.2, 2.4), rng.uniform(4.5, 7))[kind]
    far = (rng.uniform(14, 26), rng.uniform(5, 14), rng.uniform(8, 20))[kind]
    azimuth = rng.uniform(-0.6, 0.6) if kind < 2 else rng.choice([-1, 1]) * rng.uniform(0.5, 1.0)
    position = center + np.array([far * np.sin(azimuth), -far * np.cos(azimuth), height - center[2]])
    focal = pixels / 1.9 * float(np.linalg.norm(position - center))
    return Camera.look_at(position, center, focal, (0.0, 0.0), rng.normal(0, 0.015))


def _cut(box: Floats, view: Camera, limit: int) -> tuple[Camera, tuple[int, int]]:
    """The camera's picture inside a box: the camera in its pixels and (width, height)."""
    size = max(8, round(float(box[2] - box[0]))), max(8, min(limit, round(float(box[3] - box[1]))))
    return view.window(float(box[0]), float(box[1])), size


def _touches(joints: Floats, camera: Camera, size: tuple[int, int]) -> bool:
    """Whether a player may be seen in a picture (width, height)."""
    pixels, depth = camera.project(joints)
    pad = 0.3 * float(camera.scale(depth).max())
    low, high = pixels.min(axis=0) - pad, pixels.max(axis=0) + pad
    return bool((high > 0).all() and (low < size).all() and depth.min() > 1.0)


def _boxes(shapes: list[list[Shape]], rng: np.random.Generator) -> Floats:
    """(16, 4): the player's boxes as a tracker gives them, with margin, slow drift and a little jitter."""
    tight = np.array([bounds(s) for s in shapes])
    center, size = (tight[:, :2] + tight[:, 2:]) / 2, tight[:, 2:] - tight[:, :2]
    tall = np.median(size[:, 1])
    jitter = rng.uniform(0, 0.025)
    walk = np.cumsum(rng.normal(0, jitter * 0.5, (CLIP_LENGTH, 4)), axis=0) + rng.normal(
        0, jitter * 0.4, (CLIP_LENGTH, 4)
    )
    center = center + tall * (walk[:, :2] + rng.normal(0, 0.02, 2))
    size = size * (1 + rng.normal(0.06, 0.06, 2)) + tall * walk[:, 2:]
    if rng.uniform() < 0.2:  # loose boxes
        size = size * rng.uniform(1.1, 1.4)
    if rng.uniform() < 0.5:  # as pipeline.stages.windows cuts
        size = np.c_[np.maximum(size[:, 0], 0.568 * size[:, 1]), size[:, 1]] * 1.06
    else:  # as SpaceJam's boxes follow the limbs
        size[:, 0] = np.clip(size[:, 0], size[:, 1] * rng.uniform(0.40, 0.55), size[:, 1] * 0.73)
    if rng.uniform() < 0.4:
        size = 0.3 * size + 0.7 * size.mean(axis=0)
    return np.c_[center - size / 2, center + size / 2]


def _at(path: Floats, step: float) -> Floats:
    """The row of a path at a step between two."""
    low = int(step)
    return path[low] + (step - low) * (path[low + 1] - path[low])


def _picture(
    court: Court, camera: Camera, size: tuple[int, int], light: Light,
    actors: list[_Actor], ball: Floats | None, step: float,
) -> npt.NDArray[np.uint8]:  # fmt: skip
    poses = [(_at(a.joints, step), a) for a in actors]
    poses = [(joints, a) for joints, a in poses if _touches(joints, camera, size)]
    groups = [Figure(joints, a.look, a.style.stature).shapes(camera, light) for joints, a in poses]
    if ball is not None:
        groups.append([ball_shape(_at(ball, step), camera, light)])
    # A basket between the camera and the player would hide him; cameras stand elsewhere.
    away = float(np.linalg.norm(camera.position[:2] - actors[0].joints[0, 0, :2]))
    ends = [end for end in (-1, 1) if np.hypot(*(camera.position[:2] - (end * RIM[0], 0.0))) > away + 2]
    groups += [basket(end, camera, light) for end in ends]
    shadows = [ring for joints, a in poses for ring in footprint(joints, a.style.stature, camera)]
    return scene.compose(court, camera, size, light, groups, shadows)


def _clip(label: int, court: Court, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    pixels = float(np.exp(rng.uniform(np.log(70), np.log(340))))
    place = np.array([rng.uniform(-12, 12), rng.uniform(-6.5, 6.5), 0.95])
    view, light = _camera(place, pixels, rng), Light.random(rng)
    side = view.position[:2] - place[:2]
    actors, ball = _cast(label, side / np.linalg.norm(side), rng)
    for actor in actors:
        actor.joints[..., :2] += place[:2]
    if ball is not None:
        ball[:, :2] += place[:2]
    steps = range(_LEAD, _LEAD + CLIP_LENGTH)
    mains = [Figure(actors[0].joints[i], actors[0].look, actors[0].style.stature).shapes(view, light) for i in steps]
    boxes = _boxes(mains, rng)
    optics = scene.Optics(
        pixels / 180 * float(rng.uniform(0.2, 0.8)) + float(rng.uniform(0, 0.6)), float(rng.uniform(1, 7)),
        0 if rng.uniform() < 0.2 else int(rng.integers(25, 85)),
    )  # fmt: skip
    tile = scene.grain(
        int(np.ceil((boxes[:, 3] - boxes[:, 1]).max())), int(np.ceil((boxes[:, 2] - boxes[:, 0]).max())), rng
    )
    frames = np.empty((CLIP_LENGTH, CLIP_HEIGHT, CLIP_WIDTH, 3), np.uint8)
    shutter = float(rng.uniform(0.2, 0.6)) if rng.uniform() < 0.3 else 0.0
    for k, step in enumerate(steps):
        camera, size = _cut(boxes[k], view, tile.shape[0])
        picture = _picture(court, camera, size, light, actors, ball, step)
        if shutter:
            later = _picture(court, camera, size, light, actors, ball, step + shutter)
            picture = cv2.addWeighted(picture, 0.5, later, 0.5, 0).astype(np.uint8)
        frames[k] = fit_frame(scene.expose(picture, optics, tile, rng))
    return frames[:, :, ::-1].copy() if rng.uniform() < 0.5 else frames


def synthetic_clips(count: int, seed: int) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Labelled clips (label, uint8 (16, 176, 128, 3) RGB), the labels in turn; the same seed gives the same clips."""
    rng = np.random.default_rng(seed)
    courts = [Court.random(rng, crowd=i % 2 == 1) for i in range(6)]
    for index in range(count):
        if index % 20 == 19:
            courts[int(rng.integers(len(courts)))] = Court.random(rng, crowd=bool(rng.uniform() < 0.5))
        label = index % len(ACTIONS)
        yield ACTIONS[label], _clip(label, courts[int(rng.integers(len(courts)))], rng)
