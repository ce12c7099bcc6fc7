"""Players drawn into a picture: a box each, and a plate that says who it is and what he is doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage
from PIL import ImageDraw, features

from ground.fonts import Face, runs
from ground.frames import Image
from tracker.types import BoolArray, FloatArray, IntArray

Color = tuple[int, int, int]
"""RGB, 0..255."""
Rect = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, right and bottom exclusive."""

_PALETTE = (
    "ff00ff", "00ff00", "003fff", "5fdfff", "ff9fbf", "ffdf3f", "009f3f", "df005f", "9f7fff", "007fbf", "9f1f9f",
    "7f00ff", "ff7f1f", "00ffbf", "9fbf5f", "df5fbf", "9f3f5f", "1fbf9f", "bf3fff", "bfff3f", "df3f00",
    "df9fff", "5f9fff",
)  # fmt: skip
"""Each as far as possible from those before it in Oklab (Ottosson 2020), of the vivid colours that are neither dark
nor white; the brown of a court's floor is left out."""
_BANNER_COLOR = (32, 32, 32)
_DARK, _BALL_COLOR = (0, 0, 0), (255, 255, 0)
_BALL_SIZE = 1 / 45
"""Radius of the ring around a ball, of the picture's shorter side."""
_MIN_FONT = 10
"""Pixels: smaller letters cannot be read."""
_ORDER = "ltr" if features.check("raqm") else None
"""A plate is read from left to right; letters within it go as their script does."""


def draw_players(
    image: Image,
    xyxy: FloatArray,
    track_ids: IntArray | Sequence[int],
    texts: Sequence[str],
    observed: BoolArray | Sequence[bool] | None = None,
    banner: str | None = None,
    colors: Mapping[int, Color] | None = None,
) -> None:
    """Draw N players into ``image``, uint8 (H, W, 3) RGB, in place.

    xyxy: (N, 4) pixels; boxes may reach over the picture's edges. track_ids: (N,), choose the colours.
    texts: what the plates say. observed: (N,), False: the box is a guess and is drawn dashed.
    banner: a line in the top left corner. colors: by track_id; who has none has ``color_of``. Lines and letters grow
    with the picture.
    """
    height, width = image.shape[:2]
    font_size, thickness = _font_size(image), max(1, round(min(height, width) / 400))
    boxes = [_inside(box, width, height) for box in xyxy]
    seen = [True] * len(boxes) if observed is None else observed
    given = colors or {}
    chosen = [given.get(int(track_id)) or color_of(int(track_id)) for track_id in track_ids]
    for box, color, is_seen in zip(boxes, chosen, seen, strict=True):
        if box is not None:
            _draw_box(image, box, color, thickness, dashed=not is_seen)
    placed = [_paste(image, _plate(banner, _BANNER_COLOR, font_size), 0, 0)] if banner else []
    for box, color, text in zip(boxes, chosen, texts, strict=True):
        if box is not None and text:
            plate = _plate(text, color, font_size)
            left, top = _place(box, plate.shape[1], plate.shape[0], width, height, placed)
            placed.append(_paste(image, plate, left, top))


def draw_ball(image: Image, xy: FloatArray, state: str) -> None:
    """Draw a ring around the ball at ``xy`` (2,), pixels, into ``image``, uint8 (H, W, 3) RGB, in place.

    state: ``seen``, ``inferred``, which makes the ring thin, or ``hidden``, which leaves it out: nobody sees it there.
    """
    if state == "hidden":
        return
    thickness = max(1, round(min(image.shape[:2]) / 240))
    center = (round(float(xy[0])), round(float(xy[1])))
    for color, width in ((_DARK, thickness + 2), (_BALL_COLOR, thickness)):
        width = width if state == "seen" else max(1, width // 2)  # noqa: PLW2901
        cv2.circle(image, center, max(6, round(_BALL_SIZE * min(image.shape[:2]))), color, width, cv2.LINE_AA)


def banner_fits(text: str, image: Image) -> bool:
    """Whether ``text`` as a banner would be narrower than ``image``."""
    return _plate(text, _BANNER_COLOR, _font_size(image)).shape[1] <= image.shape[1]


def color_of(track_id: int) -> Color:
    """The colour of a player, always the same; neighbouring numbers differ most."""
    red, green, blue = bytes.fromhex(_PALETTE[track_id % len(_PALETTE)])
    return red, green, blue


def _font_size(image: Image) -> int:
    return max(_MIN_FONT, round(min(image.shape[:2]) / 50))


def _inside(box: npt.NDArray[np.float32], width: int, height: int) -> Rect | None:
    """The part of a box that the picture shows, None where there is none."""
    left, top, right, bottom = (float(edge) for edge in box)
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return None
    x, y = int(max(left, 0)), int(max(top, 0))
    return x, y, max(x + 1, round(min(right, width))), max(y + 1, round(min(bottom, height)))


def _draw_box(image: Image, box: Rect, color: Color, thickness: int, *, dashed: bool) -> None:
    """The frame of a box, drawn inwards so that all of it is seen at the picture's edge."""
    left, top, right, bottom = box
    dash = 4 * thickness + 2
    for x in (slice(left, left + thickness), slice(max(left, right - thickness), right)):
        for y in _stretches(top, bottom, dash) if dashed else (slice(top, bottom),):
            image[y, x] = color
    for y in (slice(top, top + thickness), slice(max(top, bottom - thickness), bottom)):
        for x in _stretches(left, right, dash) if dashed else (slice(left, right),):
            image[y, x] = color


def _stretches(begin: int, end: int, length: int) -> list[slice]:
    return [slice(at, min(at + length, end)) for at in range(begin, end, 2 * length)]


@lru_cache(maxsize=256)
def _plate(text: str, color: Color, font_size: int) -> Image:
    """A line of text on ``color``: uint8 (h, w, 3) RGB, shared, so never written to."""
    ink = "black" if _luminance(color) > 0.2 else "white"
    margin = max(2, font_size // 4)
    pieces = [_piece(run, face, font_size, color, ink) for run, face in runs(text)]
    ascent = max((above for _, above in pieces), default=font_size)
    descent = max((piece.height - above for piece, above in pieces), default=0)
    size = (sum(piece.width for piece, _ in pieces) + 2 * margin, ascent + descent + margin)
    plate, left = PilImage.new("RGB", size, color), margin
    for piece, above in pieces:
        plate.paste(piece, (left, margin // 2 + ascent - above))
        left += piece.width
    return np.asarray(plate)


def _piece(text: str, face: Face, font_size: int, color: Color, ink: str) -> tuple[PilImage.Image, int]:
    """Letters of one font on ``color``, and how many rows of them are above the base line."""
    font, scale = face.at(font_size)
    ascent, descent = font.getmetrics()
    piece = PilImage.new("RGB", (max(1, round(font.getlength(text, direction=_ORDER))), ascent + descent), color)
    drawing = ImageDraw.Draw(piece)
    drawing.text((0, ascent), text, font=font, fill=ink, anchor="ls", direction=_ORDER, embedded_color=True)
    if scale != 1:
        piece = piece.resize((max(1, round(scale * piece.width)), max(1, round(scale * piece.height))))
    return piece, round(scale * ascent)


def _luminance(color: Color) -> float:
    """Relative luminance, 0..1 (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _place(box: Rect, plate_w: int, plate_h: int, width: int, height: int, placed: Sequence[Rect]) -> tuple[int, int]:
    """Left and top of a plate: near its box, within the picture, and covering other plates as little as possible."""
    left, top, right, bottom = box
    wishes = (
        (left, top - plate_h),
        (right - plate_w, top - plate_h),
        (left, bottom),
        (right - plate_w, bottom),
        (left, top),
        (left, bottom - plate_h),
        (left, top - 2 * plate_h),
        (left, bottom + plate_h),
    )
    best, least = (0, 0), float("inf")
    for x, y in wishes:
        x, y = max(0, min(x, width - plate_w)), max(0, min(y, height - plate_h))  # noqa: PLW2901
        covered = sum(_overlap((x, y, x + plate_w, y + plate_h), other) for other in placed)
        if covered < least:
            best, least = (x, y), covered
        if covered == 0:
            break
    return best


def _overlap(a: Rect, b: Rect) -> int:
    """Pixels that two rectangles share."""
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def _paste(image: Image, plate: Image, left: int, top: int) -> Rect:
    """Copy as much of ``plate`` as fits; where it lies."""
    height, width = image[top:, left:].shape[:2]
    plate = plate[:height, :width]
    image[top : top + plate.shape[0], left : left + plate.shape[1]] = plate
    return left, top, left + plate.shape[1], top + plate.shape[0]
