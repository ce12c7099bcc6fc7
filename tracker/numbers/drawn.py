"""Pictures to learn numbers from: cut-out numbers and drawn ones, put on shirts before real backgrounds.

What is published are numbers cut out closely, of some forty different ones. Drawn digits bring the others; a shirt
around a number, letters above it and whatever else is in a picture are what the network has to tell it from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import matplotlib
import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from ground.frames import Image
from tracker.types import FloatArray

SIDE = 48
"""Pixels of a picture."""
_FACES = (
    "DejaVuSans-Bold", "DejaVuSans-BoldOblique", "DejaVuSerif-Bold", "DejaVuSansMono-Bold",
    "LiberationSans-Bold", "LiberationSans-BoldItalic", "LiberationSansNarrow-Bold", "LiberationMono-Bold",
)  # fmt: skip
"""Fonts: those of DejaVu come with matplotlib, those of Liberation with most systems."""
_SYSTEM = Path("/usr/share/fonts/truetype/liberation")
_DRAWN, _EMPTY = 0.45, 0.2
"""Shares of pictures with a drawn number, and with none."""
_ONE_DIGIT, _DOUBLE_ZERO = 0.35, 0.02
"""Shares of drawn numbers."""
_HEIGHT = (13.0, 30.0)
"""Pixels of a number's height."""
_REAL_HEIGHT = 20.0
"""About that of a number on a trunk as the network sees it."""
_LETTERS = list("ABCDEFGHIKLMNOPRSTUWY")


class Cut(NamedTuple):
    """A number cut out of a picture."""

    image: Image
    """uint8 (H, W, 3), RGB."""
    text: str
    margin: float
    """Pixels above and below the number."""


class Sample(NamedTuple):
    """A picture, and where what is written in it."""

    image: Image
    """uint8 (SIDE, SIDE, 3), RGB."""
    x: float
    y: float
    """The number's middle, pixels."""
    height: float
    """Pixels; 0: there is none."""
    text: str


def draw(rng: np.random.Generator, cuts: Sequence[Cut], empty: Sequence[Image]) -> Sample:
    """A picture to learn from. cuts: real numbers. empty: trunks (H, W, 3) and the like without a number."""
    background = _window(rng, empty[int(rng.integers(len(empty)))])
    if rng.random() < _EMPTY:
        return Sample(_worsened(rng, background), 0, 0, 0, "")
    cut = _drawn(rng) if rng.random() < _DRAWN else cuts[int(rng.integers(len(cuts)))]
    height = float(np.exp(rng.uniform(*np.log(_HEIGHT))))
    across = height * (0.45 if len(cut.text) == 1 else 0.75)
    x, y = float(rng.uniform(across, SIDE - across)), float(rng.uniform(height / 2, SIDE - height / 2))
    return Sample(_worsened(rng, _worn(rng, background, cut, height, x, y)), x, y, height, cut.text)


def seen(rng: np.random.Generator, trunk: Image, text: str, x: float, y: float) -> Sample:
    """A part of a real ``trunk`` (H, W, 3), as the network sees trunks, in which ``text`` is written around x and y.

    text: empty: nothing that can be read.
    """
    side = SIDE / rng.uniform(0.75, 1.3)
    reach = side / 2 - _REAL_HEIGHT / 2
    if text:
        left, top = x - side / 2 + rng.uniform(-reach, reach), y - side / 2 + rng.uniform(-reach, reach)
    else:
        left, top = rng.uniform(0, trunk.shape[1] - side), rng.uniform(0, trunk.shape[0] - side)
    scale = SIDE / side
    warp = np.array([[scale, 0, -scale * left], [0, scale, -scale * top]])
    image = cv2.warpAffine(trunk, warp, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    height = scale * _REAL_HEIGHT if text else 0.0
    return Sample(_worsened(rng, image.astype(np.float32)), scale * (x - left), scale * (y - top), height, text)


def fonts() -> list[Path]:
    """The fonts that are there."""
    places = (Path(matplotlib.get_data_path()) / "fonts" / "ttf", _SYSTEM)
    return [path for face in _FACES for place in places if (path := place / f"{face}.ttf").is_file()]


def _drawn(rng: np.random.Generator) -> Cut:
    """A number in a font, on a shirt of any colour."""
    number = rng.integers(10) if rng.random() < _ONE_DIGIT else rng.integers(10, 100)
    text = "00" if rng.random() < _DOUBLE_ZERO else str(number)
    font = _font(rng, 40)
    shirt, ink = _colors(rng)
    stroke = int(rng.choice([0, 0, 2, 3]))
    left, top, right, bottom = font.getbbox(text, stroke_width=stroke)
    margin = 6
    size = (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin)
    picture = Pictures.new("RGB", size, _rgb(shirt))
    edge = _rgb(rng.integers(0, 256, 3).astype(np.float32))
    ImageDraw.Draw(picture).text(
        (margin - left, margin - top), text, fill=_rgb(ink), font=font, stroke_width=stroke, stroke_fill=edge
    )
    wide = cv2.resize(np.asarray(picture), None, fx=rng.uniform(0.7, 1.25), fy=1, interpolation=cv2.INTER_AREA)
    return Cut(np.asarray(wide, np.uint8), text, margin)


def _colors(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Of a shirt and of its number: any two that differ, often white or dark ones."""
    kinds = [rng.integers(0, 256, 3), 235 + rng.integers(-25, 20, 3), rng.integers(0, 90, 3)]
    shirt = kinds[int(rng.choice(3, p=[0.5, 0.25, 0.25]))]
    while True:
        kinds = [rng.integers(0, 256, 3), np.full(3, 245), np.full(3, 20)]
        ink = kinds[int(rng.choice(3, p=[0.6, 0.2, 0.2]))]
        if np.abs(ink - shirt).max() > 70:
            return shirt.astype(np.float32), ink.astype(np.float32)


def _worn(rng: np.random.Generator, background: FloatArray, cut: Cut, height: float, x: float, y: float) -> FloatArray:
    """``background`` with a shirt on which ``cut`` is written, ``height`` pixels high, around ``x`` and ``y``."""
    cloth = _cloth(rng, cut)
    rows, columns = cut.image.shape[:2]
    scale, angle, shear = height / (rows - 2 * cut.margin), np.deg2rad(rng.normal(0, 9)), rng.normal(0, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    across = scale * rng.uniform(0.75, 1.05)
    warp = turn @ np.array([[across, 0], [0, scale]]) + np.array([[0, scale * shear], [0, 0]])
    shift = np.array([x, y]) - warp @ np.array([1.5 * columns, 1.5 * rows])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    moved = np.column_stack([warp, shift])
    shirt = cv2.warpAffine(cloth, moved, (SIDE, SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE)
    half = height * rng.uniform(0.75, 1.3) if rng.random() < 0.8 else 2.0 * SIDE
    half = max(half, 0.53 * columns * across)
    corners = np.array([[-half, -2.2], [half, -2.2], [half * rng.uniform(0.85, 1.2), 2.5], [-half, 2.5]])
    corners[:, 1] *= height
    mask = np.zeros((SIDE, SIDE), np.float32)
    cv2.fillPoly(mask, [np.round(corners @ turn.T + [x, y]).astype(np.int32)], [1.0])
    share = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 1.5))[..., None]
    return np.asarray(background * (1 - share) + shirt * share, np.float32)


def _cloth(rng: np.random.Generator, cut: Cut) -> FloatArray:
    """A shirt three times as wide and as high as ``cut``, which is its middle: shaded, mostly with letters above."""
    image = cut.image
    rows, columns = image.shape[:2]
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    color = np.median(edge, axis=0)
    wide = cv2.copyMakeBorder(image, rows, rows, columns, columns, cv2.BORDER_REPLICATE).astype(np.float32)
    y, x = np.mgrid[: 3 * rows, : 3 * columns]
    away = np.maximum(np.maximum(rows - y, y - 2 * rows), np.maximum(columns - x, x - 2 * columns)).clip(0)
    own = np.clip(1 - away / (0.12 * rows), 0, 1)[..., None]
    waves = [0.12 * rng.random() * np.sin(at * rng.uniform(1, 4) + rng.uniform(0, 6)) for at in (y / rows, x / columns)]
    shade = np.clip(1 + waves[0] + waves[1], 0.6, 1.3)[..., None]
    cloth = wide * own + color * shade * (1 - own)
    if rng.random() < 0.6:
        pixels = image.reshape(-1, 3).astype(np.float32)
        ink = pixels[int(np.abs(pixels - color).sum(axis=1).argmax())]
        cloth = _lettered(rng, cloth, ink, rows, columns)
    return np.asarray(cloth, np.float32)


def _lettered(rng: np.random.Generator, cloth: FloatArray, ink: FloatArray, rows: int, columns: int) -> FloatArray:
    text = "".join(rng.choice(_LETTERS, int(rng.integers(4, 9))))
    picture = Pictures.fromarray(cloth.clip(0, 255).astype(np.uint8))
    font = _font(rng, max(6, int(rows * rng.uniform(0.25, 0.45))))
    at = (1.5 * columns, rows - rows * rng.uniform(0.12, 0.35))
    ImageDraw.Draw(picture).text(at, text, fill=_rgb(ink), font=font, anchor="ms")
    return np.asarray(picture, np.float32)


def _worsened(rng: np.random.Generator, image: FloatArray) -> Image:
    """As a video shows it: blurred, smeared, of fewer pixels, compressed; each sometimes."""
    if rng.random() < 0.5:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.5)), np.float32)
    if rng.random() < 0.15:
        length = int(rng.integers(2, 6))
        image = np.asarray(cv2.filter2D(image, -1, np.full((1, length), 1 / length, np.float32)), np.float32)
    if rng.random() < 0.3:
        side = int(SIDE * rng.uniform(0.5, 0.9))
        fewer = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(fewer, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.float32)
    shown = np.ascontiguousarray(image.clip(0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        packed = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))])[1]
        shown = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return shown


def _window(rng: np.random.Generator, image: Image) -> FloatArray:
    """A square of ``image``, at about its scale."""
    side = min(int(SIDE / rng.uniform(0.7, 1.4)), *image.shape[:2])
    y, x = (int(rng.integers(length - side + 1)) for length in image.shape[:2])
    return np.asarray(cv2.resize(image[y : y + side, x : x + side], (SIDE, SIDE)), np.float32)


def _font(rng: np.random.Generator, size: int) -> ImageFont.FreeTypeFont:
    there = fonts()
    return ImageFont.truetype(there[int(rng.integers(len(there)))], size)


def _rgb(color: FloatArray) -> tuple[int, int, int]:
    red, green, blue = np.clip(np.round(color), 0, 255).astype(int).tolist()
    return red, green, blue
