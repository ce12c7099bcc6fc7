"""A basketball hall: wooden floor with lines, walls with boards, two baskets. Nobody sits in it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.synthetic.body import Color, Light, Shape, fixed
from pipeline.synthetic.camera import Camera
from pipeline.synthetic.gait import Floats

LENGTH, WIDTH = 28.0, 15.0
"""Metres, FIBA."""
RIM = np.array([LENGTH / 2 - 1.575, 0.0, 3.05])
"""Middle of the rim at the +x end, metres."""
_HALL = (18.0, 13.5, 10.5)
"""Half the floor's length; how far it reaches towards the camera and away from it. Metres."""
_FLOOR_DENSITY, _WALL_DENSITY, _WALL_HEIGHT = 44, 24, 12.0
_NEAR = 0.05
"""Metres before the camera from which on a surface is drawn."""
Image = npt.NDArray[np.uint8]

_WOODS: tuple[Color, ...] = ((214, 176, 128), (200, 158, 108), (226, 196, 154), (186, 140, 96), (222, 184, 122))
_PAINTS: tuple[Color, ...] = ((40, 62, 120), (120, 40, 44), (46, 46, 52), (60, 120, 170), (34, 92, 66), (196, 150, 96))
_BOARDS: tuple[Color, ...] = ((30, 40, 90), (150, 30, 40), (240, 240, 240), (40, 40, 44), (230, 180, 40), (20, 110, 90),
                              (160, 40, 120), (90, 150, 210))  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Court:
    """The hall's surfaces."""

    floor: Image
    """Seen from above, _FLOOR_DENSITY pixels per metre."""
    walls: tuple[Image, Image, Image]
    """Far, left and right wall, _WALL_DENSITY pixels per metre, top row highest."""

    @staticmethod
    def random(rng: np.random.Generator, crowd: bool = False) -> Court:
        """Any hall; ``crowd`` puts rows of blurred blobs above the boards, too coarse for pictures of whole games."""
        return Court(_floor(rng), (_wall(rng, crowd), _wall(rng, crowd), _wall(rng, crowd)))

    def view(self, camera: Camera, size: tuple[int, int], light: Light) -> Image:
        """The empty hall, uint8 (height, width, 3) RGB, from a camera that looks away from the near side."""
        x, near, far = _HALL
        d, w = _FLOOR_DENSITY, _WALL_DENSITY
        image = np.empty((size[1], size[0], 3), np.uint8)
        image[:] = np.tile(self.walls[0][0, 0], (size[0], 1))  # row by row: pixel by pixel takes as long as the floor
        ground = camera.plane(np.array([-x, far, 0.0]), np.array([1.0 / d, 0, 0]), np.array([0, -1.0 / d, 0]))
        surfaces = [(self.floor, ground)]
        top = _WALL_HEIGHT
        for wall, origin, along in (
            (self.walls[1], (-x, -near, top), (0, 1.0, 0)),
            (self.walls[2], (x, far, top), (0, -1.0, 0)),
            (self.walls[0], (-x, far, top), (1.0, 0, 0)),
        ):
            plane = camera.plane(np.array(origin), np.array(along) / w, np.array([0, 0, -1.0 / w]))
            surfaces.append((wall, plane))
        for texture, plane in surfaces:
            left, top, right, bottom = _reach(texture, plane, size)
            if right > left and bottom > top:
                part = image[top:bottom, left:right]
                moved = np.array([[1.0, 0, -left], [0, 1.0, -top], [0, 0, 1.0]]) @ plane
                over = right - left, bottom - top
                cv2.warpPerspective(texture, moved, over, part, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
        return cv2.transform(image, np.diag(light.color)).astype(np.uint8, copy=False)


def _reach(texture: Image, plane: Floats, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of a picture that a surface can reach, with some pixels to spare."""
    tall, wide = texture.shape[:2]
    seen = np.array([[-1.0, -1, 1], [wide, -1, 1], [wide, tall, 1], [-1, tall, 1]]) @ plane.T
    corners: list[Floats] = []
    for one, next_ in zip(seen, np.roll(seen, -1, axis=0), strict=True):
        if one[2] > _NEAR:
            corners.append(one)
        if (one[2] > _NEAR) != (next_[2] > _NEAR):
            corners.append(one + (_NEAR - one[2]) / (next_[2] - one[2]) * (next_ - one))
    if not corners:
        return 0, 0, 0, 0
    pixels = np.array([corner[:2] / corner[2] for corner in corners])
    low, high = np.floor(pixels.min(axis=0)) - 2, np.ceil(pixels.max(axis=0)) + 3
    (left, top), (right, bottom) = np.clip([low, high], 0, size).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _lit(color: npt.NDArray[np.number], level: npt.NDArray[np.number]) -> Image:
    """A surface in ``color``, of so much light (rows, columns). A few rows at once, as they stay in the cache."""
    surface = np.empty((*level.shape, 3), np.uint8)
    for top in range(0, len(level), 16):
        rows = level[top : top + 16].astype(np.float64)
        for channel in range(3):
            lit = rows * color[channel]
            surface[top : top + 16, :, channel] = np.clip(lit, 0, 255, out=lit)
    return surface


def _floor(rng: np.random.Generator) -> Image:
    d = _FLOOR_DENSITY
    wide, tall = round(2 * _HALL[0] * d), round((_HALL[1] + _HALL[2]) * d)
    base = np.array(_WOODS[int(rng.integers(len(_WOODS)))])
    plank = rng.normal(0, 0.028, (tall // 4, wide // 60)).astype(np.float32)
    plank = cv2.resize(plank, (wide, tall), interpolation=cv2.INTER_NEAREST)
    glow = cv2.resize(rng.normal(0, 0.05, (4, 6)).astype(np.float32), (wide, tall), interpolation=cv2.INTER_CUBIC)
    floor = _lit(base, 1 + plank + glow)
    if rng.uniform() < 0.12:
        floor = (floor * 0.3 + np.array(_PAINTS[int(rng.integers(5))]) * 0.7).astype(np.uint8)
    paint = _PAINTS[int(rng.integers(len(_PAINTS)))]
    _markings(floor, paint, bool(rng.uniform() < 0.5), bool(rng.uniform() < 0.6))
    if rng.uniform() < 0.5:
        other = _BOARDS[int(rng.integers(len(_BOARDS)))]
        for _ in range(3):
            a, b = rng.uniform(0, wide, 2).astype(int), rng.uniform(0, tall, 2).astype(int)
            cv2.line(floor, (int(a[0]), int(b[0])), (int(a[0]), int(b[1])), other, 2, cv2.LINE_AA)
            cv2.line(floor, (int(a[0]), int(b[0])), (int(a[1]), int(b[0])), other, 2, cv2.LINE_AA)
    return cv2.GaussianBlur(floor, (0, 0), 0.7).astype(np.uint8, copy=False)


def _markings(floor: Image, paint: Color, filled: bool, border: bool) -> None:
    d = _FLOOR_DENSITY
    white = (240.0, 240.0, 236.0)

    def at(x: float, y: float) -> tuple[int, int]:
        return round((x + _HALL[0]) * d), round((_HALL[2] - y) * d)

    if border:
        for x0, x1, y0, y1 in (
            (-18, 18, 7.5, 10.5),
            (-18, 18, -13.5, -7.5),
            (-18, -14, -7.5, 7.5),
            (14, 18, -7.5, 7.5),
        ):
            cv2.rectangle(floor, at(x0, y1), at(x1, y0), paint, -1)
    for end in (-1, 1):
        cv2.rectangle(floor, at(end * 14, 2.45), at(end * 8.2, -2.45), paint, -1 if filled else 3)
        cv2.rectangle(floor, at(end * 14, 2.45), at(end * 8.2, -2.45), white, 3, cv2.LINE_AA)
        cv2.ellipse(floor, at(end * 8.2, 0), (round(1.8 * d),) * 2, 0, 0, 360, white, 3, cv2.LINE_AA)
        arc = np.linspace(-1.35, 1.35, 60)
        rim = end * RIM[0]
        three = [at(rim - end * 6.75 * np.cos(a), 6.75 * np.sin(a)) for a in arc]
        three = [at(end * 14, -6.6), *three, at(end * 14, 6.6)]
        cv2.polylines(floor, [np.array(three, np.int32)], False, white, 3, cv2.LINE_AA)
    cv2.rectangle(floor, at(-14, 7.5), at(14, -7.5), white, 3, cv2.LINE_AA)
    cv2.line(floor, at(0, 7.5), at(0, -7.5), white, 3, cv2.LINE_AA)
    cv2.circle(floor, at(0, 0), round(1.8 * d), paint, -1 if filled else 2, cv2.LINE_AA)
    cv2.circle(floor, at(0, 0), round(1.8 * d), white, 3, cv2.LINE_AA)


def _wall(rng: np.random.Generator, crowd: bool) -> Image:
    """Boards with block letters below, a striped surface or a crowd of blobs above."""
    d = _WALL_DENSITY
    wide, tall = round(2 * _HALL[0] * d), round(_WALL_HEIGHT * d)
    grey = rng.uniform(25, 190)
    base = np.array(_BOARDS[int(rng.integers(len(_BOARDS)))]) * 0.25 + 0.75 * grey
    # Rows of empty seats or panels: even stripes, with a little unevenness of light.
    rows = np.sin(np.arange(tall) * 2 * np.pi / (rng.uniform(0.5, 1.6) * d)) > rng.uniform(-0.5, 0.9)
    level = 1 + rng.uniform(0, 0.25) * (rows - 0.5)[:, None] + np.zeros((tall, wide))
    spots = rng.normal(0, rng.uniform(0.02, 0.12), (int(rng.integers(4, 16)), int(rng.integers(10, 60))))
    level += cv2.resize(spots, (wide, tall), interpolation=cv2.INTER_CUBIC)
    level *= 1 - 0.5 * np.linspace(1, 0, tall)[:, None] * rng.uniform(0, 1)
    wall = _lit(base, level)
    if crowd:
        _blobs(wall, rng)
    high = float(rng.uniform(0.7, 1.2))
    x = 0
    while x < wide:
        board = round(rng.uniform(2.0, 7.0) * d)
        color, ink = (_BOARDS[int(i)] for i in rng.integers(len(_BOARDS), size=2))
        top = tall - round(high * d)
        cv2.rectangle(wall, (x, top), (x + board, tall), color, -1)
        for i in range(int(rng.integers(0, 7))):
            left = x + round((0.4 + 0.55 * i) * d)
            cv2.rectangle(wall, (left, top + 7), (left + round(0.3 * d), tall - 8), ink, int(rng.choice([-1, 3])))
        x += board
    return cv2.GaussianBlur(wall, (0, 0), 1.2).astype(np.uint8, copy=False)


def _blobs(wall: Image, rng: np.random.Generator) -> None:
    """Rows of heads and shoulders as a long lens shows them, in place."""
    d = _WALL_DENSITY
    for row in np.arange(4.2, 0.4, -0.75):
        for left in np.arange(0.3, 2 * _HALL[0], 0.62):
            if rng.uniform() < 0.15:
                continue
            x, y = round((left + rng.normal(0, 0.08)) * d), wall.shape[0] - round((row + rng.normal(0, 0.06)) * d)
            coat = rng.uniform(20, 235, 3) if rng.uniform() < 0.6 else np.repeat(rng.uniform(20, 235), 3)
            face = np.array([225, 180, 150]) * rng.uniform(0.35, 1.0)
            cv2.ellipse(wall, (x, y + round(0.42 * d)), (round(0.25 * d), round(0.38 * d)), 0, 0, 360, tuple(coat), -1)
            cv2.circle(wall, (x, y), round(0.12 * d), tuple(face), -1)


def basket(end: int, camera: Camera, light: Light) -> list[Shape]:
    """The basket at the +x (1) or -x (-1) end: stand, board, rim and net."""
    flip = np.array([end, 1, 1])

    def seen(points: list[tuple[float, float, float]]) -> tuple[Floats, float]:
        pixels, depth = camera.project(np.array(points) * flip)
        return pixels, float(depth.mean())

    def quad(points: list[tuple[float, float, float]], color: Color) -> Shape:
        pixels, depth = seen(points)
        return Shape(depth, [fixed(pixels)], [light.shade(color, 1.0)])

    x = LENGTH / 2 - 1.2
    stand = quad([(15.6, -0.25, 0), (15.6, 0.25, 0), (15.6, 0.25, 2.6), (15.6, -0.25, 2.6)], (40, 60, 130))
    arm = quad([(15.6, 0, 2.2), (15.6, 0, 2.6), (x, 0, 3.5), (x, 0, 3.1)], (50, 60, 110))
    board = quad([(x, -0.9, 2.9), (x, 0.9, 2.9), (x, 0.9, 3.95), (x, -0.9, 3.95)], (225, 228, 232))
    frame, depth = seen([(x, -0.3, 3.05), (x, 0.3, 3.05), (x, 0.3, 3.5), (x, -0.3, 3.5), (x, -0.3, 3.05)])
    turn = np.linspace(0, 2 * np.pi, 17)
    ring = [(float(RIM[0] + 0.225 * np.cos(a)), float(0.225 * np.sin(a)), 3.05) for a in turn]
    net = [
        fixed(seen([ring[i], (RIM[0] + 0.6 * (ring[i][0] - RIM[0]), 0.6 * ring[i][1], 2.65)])[0])
        for i in range(0, 16, 2)
    ]
    pixel = float(camera.scale(np.array(depth)))
    red, white = (200.0, 70.0, 30.0), (235.0, 235.0, 235.0)
    lines = Shape(depth - 0.05, [], [], [fixed(frame)], 0.04 * pixel, light.shade(red, 1.0))
    hoop = Shape(depth - 0.3, [], [], [fixed(seen(ring)[0])], 0.03 * pixel, light.shade(red, 1.0))
    return [stand, arm, board, lines, Shape(depth - 0.2, [], [], net, 0.01 * pixel, white), hoop]
