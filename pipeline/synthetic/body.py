"""Players and balls as shapes: limbs are tapered capsules, trunks are hulls of circles, shaded in four tones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.synthetic.actions import BALL_RADIUS
from pipeline.synthetic.camera import Camera
from pipeline.synthetic.gait import ANKLE, ELBOW, HEAD, HIP, KNEE, NECK, PELVIS, SHOULDER, TOE, WRIST, Floats

Fixed = npt.NDArray[np.int32]
Color = tuple[float, float, float]
_TONES = ((1.0, 0.0, 0.72), (0.85, 0.13, 0.87), (0.62, 0.28, 1.0), (0.32, 0.42, 1.08))
"""Radius, shift towards the light (both in radii) and brightness of each tone, from the rim inwards."""
_SHIFT = 4
_HALF_ARC = np.linspace(-1, 1, 7)
_CIRCLE = np.stack([np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], axis=1)

_SEAMS = (((-0.9, 0.2), (0.0, 0.35), (0.9, 0.1)), ((0.1, -0.95), (0.2, 0.0), (0.3, 0.9)))

# From, to, colour, radii in statures, and whether the shape covers the limb listed before it.
_LIMBS: tuple[tuple[str, str, str, float, float, bool], ...] = (
    ("thigh", "knee", "skin", 0.047, 0.034, False),
    ("thigh", "hem", "shorts", 0.060, 0.062, True),
    ("stripe", "stripe_end", "trim", 0.010, 0.010, False),
    ("knee", "ankle", "skin", 0.034, 0.021, False),
    ("calf", "calf_end", "skin", 0.035, 0.026, True),
    ("sock", "ankle", "sock", 0.027, 0.025, True),
    ("heel", "toe", "shoe", 0.025, 0.020, True),
    ("deltoid", "elbow", "skin", 0.034, 0.024, False),
    ("deltoid", "sleeve", "sleeve", 0.038, 0.036, True),
    ("elbow", "wrist", "skin", 0.025, 0.017, False),
    ("wrist", "hand", "skin", 0.017, 0.020, False),
)
_OVER = 0.005
"""Metres that put a covering shape in front."""
_DIGITS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
_SEGMENTS = {
    "a": ((0, 1), (1, 1)), "b": ((1, 1), (1, 0.5)), "c": ((1, 0.5), (1, 0)), "d": ((0, 0), (1, 0)),
    "e": ((0, 0), (0, 0.5)), "f": ((0, 0.5), (0, 1)), "g": ((0, 0.5), (1, 0.5)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """Colours (RGB, 0..255) and build of one player."""

    skin: Color
    hair: Color
    shirt: Color
    shorts: Color
    trim: Color
    sock: Color
    shoe: Color
    sleeve: Color
    number: int
    build: float
    """Scales widths, about 1."""
    haircut: float
    """0..1: shaved, short, full, tied in a tail."""

    @staticmethod
    def random(rng: np.random.Generator, shirt: Color, trim: Color, shorts: Color | None = None) -> Look:
        """Any player in these team colours."""
        tone = rng.uniform() ** 0.8
        skin = tuple(np.array([236, 196, 168]) * (1 - tone) + np.array([88, 58, 44]) * tone)
        hair = tuple(np.array([30, 24, 22]) + rng.uniform() ** 4 * np.array([140, 100, 50]))
        white, dark = (232.0, 232.0, 234.0), (38.0, 38.0, 42.0)
        shoes = (white, dark, trim, shirt, (200.0, 60.0, 50.0))
        return Look(
            skin, hair, shirt, shorts or shirt, trim, white if rng.uniform() < 0.7 else dark,
            shoes[int(rng.integers(5))], skin if rng.uniform() < 0.75 else (shirt if rng.uniform() < 0.6 else dark),
            int(rng.integers(100)), float(rng.uniform(0.9, 1.15)), float(rng.uniform()),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Where light comes from in the picture, and its colour."""

    toward: tuple[float, float]
    """Screen direction to the light (x right, y down), length up to 1."""
    color: Color
    """Factor on red, green and blue, about 1."""
    contrast: float
    """Scales the difference between tones, about 1."""

    @staticmethod
    def random(rng: np.random.Generator) -> Light:
        """Any hall."""
        warm, level = rng.uniform(-0.08, 0.08), rng.uniform(0.75, 1.08)
        color = (level * (1 + warm), level, level * (1 - warm))
        return Light((float(rng.uniform(-0.7, 0.7)), -0.8), color, float(rng.uniform(0.7, 1.3)))

    def shade(self, color: Color, brightness: float) -> Color:
        """The colour as seen in a tone."""
        factor = 1 + (brightness - 1) * self.contrast
        (r, g, b), (x, y, z) = color, self.color
        return min(255.0, r * factor * x), min(255.0, g * factor * y), min(255.0, b * factor * z)

    def tones(self, color: Color) -> list[Color]:
        """The colour in every tone, from the rim inwards."""
        return [self.shade(color, brightness) for _, _, brightness in _TONES]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Nested convex polygons of one limb, and strokes on top of them."""

    depth: float
    """Metres from the camera."""
    polygons: Sequence[Fixed]
    """One (K, 2) for each tone, the outline first, in sixteenths of a pixel."""
    colors: Sequence[Color]
    strokes: Sequence[Fixed] = ()
    stroke_width: float = 0.0
    """Pixels."""
    stroke_color: Color = (0.0, 0.0, 0.0)


def fixed(points: Floats) -> Fixed:
    """Pixels in sixteenths, as OpenCV draws them."""
    return np.rint(points * (1 << _SHIFT)).astype(np.int32)


def paint(image: npt.NDArray[np.uint8], shapes: Sequence[Shape]) -> None:
    """Draw shapes onto ``image`` from far to near, with smooth edges."""
    for shape in sorted(shapes, key=lambda s: -s.depth):
        for polygon, color in zip(shape.polygons, shape.colors, strict=True):
            cv2.fillConvexPoly(image, polygon, color, cv2.LINE_AA, _SHIFT)
        if shape.strokes:
            width = max(1, round(shape.stroke_width))
            cv2.polylines(image, shape.strokes, False, shape.stroke_color, width, cv2.LINE_AA, _SHIFT)


def silhouette(
    mask: npt.NDArray[np.uint8], shapes: Sequence[Shape], value: int, halvings: int, origin: tuple[int, int]
) -> None:
    """Fill the outlines in a mask that begins at pixel ``origin``, of the picture halved ``halvings`` times."""
    offset = np.array(origin, np.int32) << _SHIFT
    for shape in shapes:
        cv2.fillConvexPoly(mask, shape.polygons[0] - offset, (value,), cv2.LINE_8, _SHIFT + halvings)


def bounds(shapes: Sequence[Shape]) -> Floats:
    """Left, top, right, bottom (4,) in pixels of the outlines."""
    points = np.concatenate([s.polygons[0] for s in shapes])
    # A drawn coordinate is the middle of a pixel, a box's is its edge.
    return np.concatenate([points.min(axis=0), points.max(axis=0)]) / (1 << _SHIFT) + 0.5


def _capsules(a: Floats, b: Floats, ra: Floats, rb: Floats, light: Light) -> Fixed:
    """Hulls (N, tones, 14, 2) of two circles each: centres (N, 2), radii (N,)."""
    axis = b - a
    angle = np.arctan2(axis[:, 1], axis[:, 0])[:, None, None]
    size, shift = np.array(_TONES)[:, :2].T
    length = np.maximum(np.hypot(axis[:, 0], axis[:, 1]), 1e-6)[:, None]
    # The common tangent touches both circles where the normal makes this angle with the axis.
    half = np.arccos(np.clip((ra - rb)[:, None] * size / length, -1, 1))[..., None]
    rings: list[Floats] = []
    for center, radius, turn in (
        (b, rb, angle + half * _HALF_ARC),
        (a, ra, angle + np.pi + (np.pi - half) * _HALF_ARC),
    ):
        move = center[:, None] + (radius[:, None] * shift)[..., None] * np.array(light.toward)
        spread = (radius[:, None] * size)[..., None]
        rings.append(np.stack([move[..., :1] + spread * np.cos(turn), move[..., 1:] + spread * np.sin(turn)], axis=-1))
    return fixed(np.concatenate(rings, axis=2))


def _hull(centers: Floats, radii: Floats, light: Light) -> list[Fixed]:
    """The hull of circles (K, 2), (K,), for each tone."""
    out: list[Fixed] = []
    middle = centers.mean(axis=0)
    for size, shift, _ in _TONES:
        pulled = middle + (centers - middle) * (0.25 + 0.75 * size)
        moved = pulled + np.array(light.toward) * shift * radii[:, None]
        points = (moved[:, None] + (radii * size)[:, None, None] * _CIRCLE).reshape(-1, 2)
        out.append(cv2.convexHull(fixed(points))[:, 0].astype(np.int32))
    return out


def _is_inside(outline: Fixed, point: Fixed) -> bool:
    return cv2.pointPolygonTest(outline, (float(point[0]), float(point[1])), False) >= 0


def _unit(v: Floats) -> Floats:
    return v / max(math.sqrt(float(v @ v)), 1e-9)


def _cross(a: Floats, b: Floats) -> Floats:
    (x, y, z), (u, v, w) = a, b
    return np.array([y * w - z * v, z * u - x * w, x * v - y * u])


class Figure:
    """One player's joints (18, 3) in metres with his look, ready to be drawn from any camera."""

    def __init__(self, joints: Floats, look: Look, stature: float) -> None:
        self.joints, self.look, self.stature = joints, look, stature
        self._across = _unit(joints[SHOULDER][0] - joints[SHOULDER][1])
        self._spine = _unit(joints[NECK] - joints[PELVIS])
        self._front = _cross(self._across, self._spine)

    def shapes(self, camera: Camera, light: Light) -> list[Shape]:
        """All shapes of the figure, in the camera's pixels."""
        return [*self._limbs(camera, light), *self._trunk(camera, light)]

    def _points(self, side: int) -> dict[str, Floats]:
        j, h, sign = self.joints, self.stature, 1 - 2 * side
        hip, knee, ankle, toe = (j[s][side] for s in (HIP, KNEE, ANKLE, TOE))
        shoulder, elbow, wrist = (j[s][side] for s in (SHOULDER, ELBOW, WRIST))
        out = sign * self._across
        foot = _unit(toe - ankle)
        back = _unit(_cross(_unit(knee - ankle), out)) * sign
        hem = hip + 0.86 * (knee - hip)
        return {
            "thigh": hip + 0.01 * h * out, "knee": knee, "ankle": ankle, "hem": hem,
            "calf": knee + 0.3 * (ankle - knee) + 0.006 * h * back, "calf_end": knee + 0.55 * (ankle - knee),
            "sock": knee + 0.62 * (ankle - knee), "heel": ankle + h * np.array([0, 0, -0.016]) - 0.012 * h * foot,
            "toe": toe + 0.03 * h * foot, "stripe": hip + 0.055 * h * out, "stripe_end": hem + 0.052 * h * out,
            "deltoid": shoulder - 0.008 * h * out, "elbow": elbow, "wrist": wrist,
            "sleeve": shoulder + 0.5 * (elbow - shoulder), "hand": wrist + 0.055 * h * _unit(wrist - elbow),
        }  # fmt: skip

    def _limbs(self, camera: Camera, light: Light) -> Iterator[Shape]:
        look, h = self.look, self.stature
        starts, ends, colors, radii = self._head()
        covers = [False] * len(starts)
        for side in (0, 1):
            points = self._points(side)
            for start, end, color, ra, rb, over in _LIMBS:
                starts.append(points[start])
                ends.append(points[end])
                colors.append(getattr(look, color))
                radii.append((ra * look.build, rb * look.build))
                covers.append(over)
        ends3 = np.array([starts, ends])
        pixels, depth = camera.project(ends3)
        r = np.array(radii).T * h * camera.scale(depth)
        tones = _capsules(pixels[0], pixels[1], r[0], r[1], light)
        near = depth.mean(axis=0).tolist()
        shades = {color: light.tones(color) for color in set(colors)}
        for i, color in enumerate(colors):
            if covers[i]:
                near[i] = min(near[i], near[i - 1] - _OVER)
            yield Shape(near[i], tones[i], shades[color])

    def _head(self) -> tuple[list[Floats], list[Floats], list[Color], list[tuple[float, float]]]:
        j, h, look = self.joints, self.stature, self.look
        up = _unit(j[HEAD] - j[NECK])
        front = _unit(self._front - (self._front @ up) * up)
        head = j[HEAD]
        parts = [
            (j[NECK] - 0.02 * h * up, head - 0.03 * h * up, look.skin, (0.036, 0.030)),
            (head - 0.022 * h * up + 0.008 * h * front, head + 0.022 * h * up, look.skin, (0.036, 0.045)),
        ]
        shadow = (look.skin[0] * 0.62, look.skin[1] * 0.58, look.skin[2] * 0.58)
        for sign in (-1, 1):
            eye = head + h * (0.008 * up + 0.041 * front + sign * 0.017 * self._across)
            parts.append((eye, eye + 0.006 * h * sign * self._across, shadow, (0.0045, 0.0035)))
        thick = 0.045 + 0.008 * look.haircut
        if look.haircut > 0.12:
            crown = head + h * (0.031 * up - 0.012 * front)
            parts.append((crown, crown - h * (0.022 * up + 0.006 * front), look.hair, (thick, thick - 0.006)))
        if look.haircut > 0.8:
            tie = head + h * (0.03 * up - 0.045 * front)
            parts.append((tie, tie - h * (0.07 * up + 0.03 * front), look.hair, (0.018, 0.012)))
        starts, ends, colors, radii = (list(column) for column in zip(*parts, strict=True))
        return starts, ends, colors, radii  # type: ignore[return-value]

    def _trunk(self, camera: Camera, light: Light) -> Iterator[Shape]:
        j, h, look = self.joints, self.stature, self.look
        across, spine, front = self._across, self._spine, self._front
        neck, pelvis = j[NECK], j[PELVIS]
        hips = _unit(j[HIP][0] - j[HIP][1])
        shirt = [
            (neck + h * (0.072 * across - 0.030 * spine), 0.030), (neck - h * (0.072 * across + 0.030 * spine), 0.030),
            (neck + h * (0.055 * across - 0.11 * spine + 0.02 * front), 0.050),
            (neck - h * (0.055 * across + 0.11 * spine - 0.02 * front), 0.050),
            (neck - h * (0.09 * spine + 0.015 * front), 0.052),
            (pelvis + h * (0.045 * hips + 0.015 * spine), 0.052), (pelvis + h * (-0.045 * hips + 0.015 * spine), 0.052),
        ]  # fmt: skip
        seat = [
            (j[HIP][0] + 0.012 * h * hips, 0.058), (j[HIP][1] - 0.012 * h * hips, 0.058),
            (pelvis + h * (0.035 * hips + 0.0 * spine), 0.050), (pelvis - h * 0.035 * hips, 0.050),
            (pelvis - h * (0.03 * spine + 0.018 * front), 0.060),
        ]  # fmt: skip
        for circles, color, bias in ((seat, look.shorts, 0.0), (shirt, look.shirt, 0.02)):
            pixels, depth = camera.project(np.array([c for c, _ in circles]))
            radii = np.array([r for _, r in circles]) * h * look.build * camera.scale(depth)
            outlines = _hull(pixels, radii, light)
            strokes, width = self._number(camera) if circles is shirt else ([], 0.0)
            if not all(_is_inside(outlines[0], end) for stroke in strokes for end in stroke):
                strokes = []  # seen from aside on a bent back it would stand out into the air
            yield Shape(
                float(depth.mean()) - bias, outlines, light.tones(color),
                strokes, width, light.shade(look.trim, 1.0),
            )  # fmt: skip

    def _number(self, camera: Camera) -> tuple[list[Fixed], float]:
        """Strokes of the number on the side of the shirt that faces the camera."""
        h, middle = self.stature, self.joints[NECK] - 0.115 * self.stature * self._spine
        to_camera = _unit(camera.position - middle)
        facing = float(self._front @ to_camera)
        if abs(facing) < 0.3:
            return [], 0.0
        sign = 1 if facing > 0 else -1
        base = middle + sign * 0.075 * h * self._front
        # On the front, left of the shirt is right for whoever looks at it.
        right = sign * self._across
        digits = [int(d) for d in str(self.look.number)]
        wide, tall, gap = 0.027 * h, 0.065 * h, 0.046 * h
        strokes: list[Floats] = []
        for place, digit in enumerate(digits):
            shift = (place - (len(digits) - 1) / 2) * gap - wide / 2
            for key in _DIGITS[digit]:
                ends = np.array(_SEGMENTS[key])
                points = base + (shift + ends[:, :1] * wide) * right + (ends[:, 1:] - 0.5) * tall * self._spine
                strokes.append(points)
        depth = camera.project(base)[1]
        return list(fixed(camera.project(np.array(strokes))[0])), float(0.010 * h * camera.scale(depth))


def ball_shape(center: Floats, camera: Camera, light: Light, color: Color = (196.0, 98.0, 42.0)) -> Shape:
    """The ball with two seams."""
    pixel, depth = camera.project(center)
    radius = float(BALL_RADIUS * camera.scale(depth))
    rings = [fixed(pixel + radius * (np.array(light.toward) * shift + size * _CIRCLE)) for size, shift, _ in _TONES]
    seams = [fixed(pixel + radius * np.array(seam)) for seam in _SEAMS]
    return Shape(float(depth), rings, light.tones(color), seams, 0.08 * radius, light.shade(color, 0.35))


def footprint(joints: Floats, stature: float, camera: Camera) -> list[Floats]:
    """Outlines in pixels of the soft shadow below a player: one wide, one for each foot."""
    out: list[Floats] = []
    middle = joints[ANKLE].mean(axis=0)
    for center, radius in ((middle, 0.17), (joints[ANKLE][0], 0.06), (joints[ANKLE][1], 0.06)):
        lift = 1 + max(0.0, float(center[2]) - 0.1) * 0.8
        ring = np.c_[center[:2] + radius * stature * lift * _CIRCLE, np.zeros(len(_CIRCLE))]
        out.append(camera.project(ring)[0])
    return out
