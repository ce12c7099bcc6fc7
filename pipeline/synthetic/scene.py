"""One picture: hall, shadows, players, ball, then what a lens and a sensor do to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.synthetic.body import Light, Shape, paint
from pipeline.synthetic.camera import Camera
from pipeline.synthetic.court import Court
from pipeline.synthetic.gait import Floats

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Optics:
    """What the camera does to a picture."""

    blur: float
    """Standard deviation in pixels."""
    noise: float
    """Standard deviation in grey levels."""
    quality: int
    """JPEG quality that stands for the video's compression; 0 for none."""


def compose(
    court: Court,
    camera: Camera,
    size: tuple[int, int],
    light: Light,
    groups: Sequence[Sequence[Shape]],
    shadows: Sequence[Floats],
) -> Image:
    """The sharp picture uint8 (height, width, 3) RGB: groups of shapes (players, balls, baskets) from far to near."""
    image = court.view(camera, size, light)
    _shade(image, shadows)
    for group in sorted(groups, key=lambda g: -sum(s.depth for s in g) / len(g)):
        paint(image, group)
    return image


def _shade(image: Image, shadows: Sequence[Floats]) -> None:
    """Darken the floor softly inside the outlines (K, 2), in place."""
    height, width = image.shape[:2]
    small = np.zeros((height // 4 + 1, width // 4 + 1), np.uint8)
    for ring in shadows:
        left, top = np.floor(ring.min(axis=0) / 4).astype(int) - 1
        right, bottom = np.ceil(ring.max(axis=0) / 4).astype(int) + 2
        inside = small[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        if inside.size:
            patch = np.zeros_like(inside)
            shifted = ring / 4 - (max(left, 0), max(top, 0))
            cv2.fillConvexPoly(patch, np.rint(shifted * 16).astype(np.int32), (70,), cv2.LINE_AA, 4)
            cv2.add(inside, patch, inside)
    soft = cv2.resize(cv2.GaussianBlur(small, (0, 0), 1.0), (small.shape[1] * 4, small.shape[0] * 4))
    keep = cv2.merge([255 - soft[:height, :width]] * 3)
    cv2.multiply(image, keep, image, 1 / 255)


def expose(image: Image, optics: Optics, grain: npt.NDArray[np.int16], rng: np.random.Generator) -> Image:
    """The picture through lens and sensor; ``grain`` is a (>= height, >= width, 3) tile of unit noise times 64."""
    out = cv2.GaussianBlur(image, (0, 0), optics.blur) if optics.blur > 0 else image
    y, x = (int(rng.integers(grain.shape[i] - out.shape[i] + 1)) for i in (0, 1))
    tile = grain[y : y + out.shape[0], x : x + out.shape[1]]
    out = cv2.scaleAdd(tile, optics.noise / 64, out.astype(np.int16))
    out = np.asarray(cv2.add(out, np.zeros(4), dtype=cv2.CV_8U), np.uint8)  # cut off at 0 and 255
    if optics.quality:
        _, packed = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, optics.quality])
        out = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return out


def grain(height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """A tile of noise for ``expose``, a little larger than the picture and softened as a sensor's is."""
    fine = rng.normal(0, 64, (height + 48, width + 48, 3)).astype(np.float32)
    return (cv2.GaussianBlur(fine, (0, 0), 0.6) * 1.6).astype(np.int16)
