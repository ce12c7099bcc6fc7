"""A basketball game that is drawn, not filmed, with the truth about every player in every frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from ground.frames import Frame
from pipeline.synthetic import scene
from pipeline.synthetic.actions import BALL_RADIUS, Style
from pipeline.synthetic.body import Figure, Light, Look, Shape, ball_shape, bounds, footprint, silhouette
from pipeline.synthetic.camera import Camera
from pipeline.synthetic.clips import kit
from pipeline.synthetic.court import Court, basket
from pipeline.synthetic.gait import BALL, Floats
from pipeline.synthetic.motion import Movement, animate
from pipeline.synthetic.play import Flight, Play, stage_play
from pipeline.synthetic.truth import GameTruth, TrueEvent, TrueLandmark
from tracker.ball.events import PASS, REBOUND, SHOT
from tracker.court.dimensions import COURTS
from tracker.types import FloatArray, Tracks

_HALVINGS = 1
"""Visibility is counted on silhouettes of half the picture's size."""
_GRAVITY = 9.81
_LINGER = 0.9
"""Seconds of the camera's lag behind the play."""


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The truth about one frame."""

    player: npt.NDArray[np.intp]
    xyxy: FloatArray
    visibility: FloatArray
    ball: float
    """Visible share of the ball."""


class SyntheticGame:
    """A game of ``seconds`` seconds; everything follows from ``seed``, each frame independently of the others."""

    def __init__(
        self,
        seed: int = 0,
        seconds: float = 20.0,
        size: tuple[int, int] = (1280, 720),
        fps: float = 30.0,
        players_per_team: int = 5,
    ) -> None:
        """size: (width, height) in pixels. Raises InputError for what cannot be a game."""
        if not 2 <= players_per_team <= 5:
            raise InputError(f"a made game has 2 to 5 players in a team, not {players_per_team}")
        if not (seconds > 0 and 5 <= fps <= 240) or min(size) < 64:
            raise InputError("a made game lasts over 0 s, at 5 to 240 frames/s, and is 64 pixels wide and high or more")
        if seed < 0:
            raise InputError(f"a made game's seed is 0 or more, not {seed}")
        rng = np.random.default_rng(seed)
        self.seed, self.size, self.fps = seed, size, fps
        self.num_frames = max(1, round(seconds * fps))
        self._play = stage_play(self.num_frames, fps, players_per_team, rng)
        self._court, self._light = Court.random(rng), Light.random(rng)
        kits = kit(rng), kit(rng)
        while np.abs(np.subtract(kits[0][0], kits[1][0])).sum() < 150:
            kits = kits[0], kit(rng)
        players = range(2 * players_per_team)
        self._looks = [Look.random(rng, *kits[p // players_per_team]) for p in players]
        self._styles = [Style.random(rng) for _ in players]
        self._joints = _joints(self._play, self._styles, fps)
        self._ball = _ball(self._play, self._joints, fps)
        self._eye, self._aim, self._zoom = _film(self._play, self._ball, fps, rng)
        width = size[0]
        self._optics = scene.Optics(width / 1280 * float(rng.uniform(0.5, 0.8)), float(rng.uniform(1.5, 4)), 0)
        self._grain = scene.grain(size[1], size[0], rng)
        self._rows: dict[int, _Rows] = {}

    def camera(self, index: int) -> Camera:
        """The view of frame ``index``."""
        focal = float(self._zoom[index]) * self.size[0]
        return Camera.look_at(self._eye, self._aim[index], focal, self.size)

    def frame(self, index: int) -> Frame:
        """Frame ``index`` (0-based), drawn now. Raises IndexError outside the game."""
        if not 0 <= index < self.num_frames:
            raise IndexError(f"the game has frames 0 to {self.num_frames - 1}, not {index}")
        camera = self.camera(index)
        groups = [*self._figures(index, camera), [self._ball_shape(index, camera)]]
        self._rows[index] = self._visible(groups)
        groups += [basket(end, camera, self._light) for end in (-1, 1)]
        shadows = [
            ring
            for joints, style in zip(self._joints[index], self._styles, strict=True)
            for ring in footprint(joints, style.stature, camera)
        ]
        picture = scene.compose(self._court, camera, self.size, self._light, groups, shadows)
        rng = np.random.default_rng((self.seed, index))
        return Frame(index, index / self.fps, scene.expose(picture, self._optics, self._grain, rng))

    def frames(self) -> Iterator[Frame]:
        """All pictures in order, RGB, drawn one at a time."""
        for index in range(self.num_frames):
            yield self.frame(index)

    @property
    def truth(self) -> GameTruth:
        """All that is known of it; frames that were not drawn yet are only outlined, not painted."""
        cameras = [self.camera(index) for index in range(self.num_frames)]
        for index, camera in enumerate(cameras):
            if index not in self._rows:
                figures = self._figures(index, camera)
                self._rows[index] = self._visible([*figures, [self._ball_shape(index, camera)]])
        rows = [self._rows[i] for i in range(self.num_frames)]
        frame = np.repeat(np.arange(self.num_frames), [len(r.player) for r in rows])
        player = np.concatenate([r.player for r in rows])
        tracks = Tracks.of(frame, player + 1, np.concatenate([r.xyxy for r in rows]))
        visibility = np.concatenate([r.visibility for r in rows])
        ball = [_ball_seen(at, camera) for at, camera in zip(self._ball, cameras, strict=True)]
        return GameTruth(
            tracks,
            visibility,
            self._play.action[frame, player],
            ["A" if p < len(self._looks) // 2 else "B" for p in range(len(self._looks))],
            (self._play.owner + 1).astype(np.int32),
            np.array(ball, np.float32),
            np.array([r.ball for r in rows], np.float32),
            list(_events(self._play, self.fps)),
            [mark for i in range(0, self.num_frames, round(self.fps)) for mark in _landmarks(i, cameras[i], self.size)],
        )

    def _ball_shape(self, index: int, camera: Camera) -> Shape:
        return ball_shape(self._ball[index], camera, self._light)

    def _figures(self, index: int, camera: Camera) -> list[list[Shape]]:
        """The shapes of every player."""
        players = zip(self._joints[index], self._looks, self._styles, strict=True)
        return [Figure(j, look, style.stature).shapes(camera, self._light) for j, look, style in players]

    def _visible(self, groups: list[list[Shape]]) -> _Rows:
        """Boxes and visible shares of the players who reach into the picture, and the ball's share; it comes last."""
        figures = groups[:-1]
        boxes = np.array([bounds(f) for f in figures])
        depth = np.array([sum(s.depth for s in f) / len(f) for f in figures])
        limit = np.array([*self.size, *self.size], np.float64)
        clipped = np.clip(boxes, 0, limit)
        inside = np.flatnonzero((clipped[:, 2:] - clipped[:, :2] >= 1).all(axis=1))
        seen = [_visible(i, figures, boxes, depth, self.size) for i in inside]
        boxes, depth = np.vstack([boxes, bounds(groups[-1])]), np.append(depth, groups[-1][0].depth)
        ball = _visible(np.intp(len(figures)), groups, boxes, depth, self.size)
        return _Rows(inside, clipped[inside].astype(np.float32), np.array(seen, np.float32), ball)


def _visible(player: np.intp, figures: list[list[Shape]], boxes: Floats, depth: Floats, size: tuple[int, int]) -> float:
    """Share of a player's silhouette that is inside the picture and not behind somebody nearer."""
    left, top = np.floor(boxes[player, :2]).astype(int)
    step = 1 << _HALVINGS
    wide, tall = (np.ceil((boxes[player, 2:] - (left, top)) / step) + 1).astype(int)
    mask = np.zeros((tall, wide), np.uint8)
    silhouette(mask, figures[player], 255, _HALVINGS, (left, top))
    whole = cv2.countNonZero(mask)
    overlaps = (boxes[:, :2] < boxes[player, 2:]).all(axis=1) & (boxes[:, 2:] > boxes[player, :2]).all(axis=1)
    for other in np.flatnonzero(overlaps & (depth < depth[player])):
        silhouette(mask, figures[other], 0, _HALVINGS, (left, top))
    x0, y0 = max(0, -left // step), max(0, -top // step)
    x1, y1 = (size[0] - left) // step, (size[1] - top) // step
    return cv2.countNonZero(mask[y0 : max(y1, 0), x0 : max(x1, 0)]) / max(whole, 1) if x1 > x0 and y1 > y0 else 0.0


def _ball_seen(at: Floats, camera: Camera) -> Floats:
    """(3,): middle and diameter in the picture, pixels."""
    pixel, depth = camera.project(at)
    return np.append(pixel, 2 * BALL_RADIUS * camera.scale(depth))


def _events(play: Play, fps: float) -> Iterator[TrueEvent]:
    """Passes and shots at the last frame of the hold before them, rebounds at the first of theirs."""
    for flight in play.flights:
        thrower = int(play.owner[flight.start - 1]) if flight.start <= len(play.owner) else -1
        if thrower >= 0:
            yield TrueEvent((flight.start - 1) / fps, PASS if flight.receiver >= 0 else SHOT, thrower + 1)
        elif flight.end < len(play.owner):
            yield TrueEvent(flight.end / fps, REBOUND, flight.receiver + 1)


def _landmarks(index: int, camera: Camera, size: tuple[int, int]) -> Iterator[TrueLandmark]:
    """Landmarks of the floor that are in the picture; the court's y points at the camera, the hall's away from it."""
    for name, (x, y) in COURTS["fiba"].landmarks().items():
        pixel = camera.project(np.array([x, -y, 0.0]))[0]
        if (pixel >= 0).all() and (pixel < size).all():
            yield TrueLandmark(index, name, (float(pixel[0]), float(pixel[1])), (x, y))


def _joints(play: Play, styles: list[Style], fps: float) -> Floats:
    """(T, P, 18, 3) metres."""
    moves = [
        animate(Movement(play.xy[:, p], play.heading[:, p], play.action[:, p], fps), style)
        for p, style in enumerate(styles)
    ]
    return np.stack(moves, axis=1)


def _ball(play: Play, joints: Floats, fps: float) -> Floats:
    """(T, 3) metres: in the owner's hands, or on a parabola between two places."""
    frames = np.arange(len(play.owner))
    path = joints[frames, np.maximum(play.owner, 0), BALL].copy()
    for flight in play.flights:
        last = min(flight.end, len(frames) - 1)
        rim = np.array([flight.rim * (14 - 1.575), 0.0, 3.05])
        thrower = play.owner[flight.start - 1]
        begin = joints[flight.start, thrower, BALL] if thrower >= 0 else rim
        finish = joints[last, flight.receiver, BALL] if flight.receiver >= 0 else rim
        path[flight.start : last + 1] = _throw(flight, begin, finish, fps)[: last + 1 - flight.start]
    path[:, 2] = np.maximum(path[:, 2], BALL_RADIUS)
    return path


def _throw(flight: Flight, begin: Floats, finish: Floats, fps: float) -> Floats:
    """(end - start + 1, 3): a free flight from ``begin`` to ``finish``."""
    steps = np.arange(flight.end - flight.start + 1)
    total, t = steps[-1] / fps, steps[:, None] / fps
    way = begin + (finish - begin) * t / total
    way[:, 2:] += 0.5 * _GRAVITY * t * (total - t)
    return way


def _film(play: Play, ball: Floats, fps: float, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """The camera's place (3,), where it looks (T, 3) and its focal length over the picture's width (T,)."""
    eye = np.array([rng.uniform(-4, 4), -rng.uniform(19, 23), rng.uniform(5.5, 8.5)])
    middle = 0.5 * ball[:, 0] + 0.5 * np.median(play.xy[..., 0], axis=1)
    aim_x, spread = middle * 0.95, np.percentile(np.abs(play.xy[..., 0] - middle[:, None]), 80, axis=1)
    x, zoom = aim_x[0], 0.0
    aim, focal = np.empty((len(middle), 3)), np.empty(len(middle))
    shake = np.cumsum(rng.normal(0, 0.004, (len(middle), 2)), axis=0)
    shake -= np.linspace(0, 1, len(middle))[:, None] * shake[-1]
    follow = min(1.0, 1 / (_LINGER * fps))
    speed = 0.0
    for i in range(len(middle)):
        speed += (2.5 * follow) * ((aim_x[i] - x) * 2.2 - speed)
        x += speed / fps
        wish = 1.30 - 0.035 * min(max(spread[i] - 3, 0), 8)
        zoom = wish if i == 0 else zoom + 0.6 * follow * (wish - zoom)
        aim[i] = x + shake[i, 0], -0.6, 1.2 + shake[i, 1]
        focal[i] = zoom
    return eye, aim, focal
