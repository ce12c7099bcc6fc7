"""How the camera moved between two pictures, and where another shot begins.

Corners of the background (Shi, Tomasi, "Good features to track", CVPR 1994) are followed on a small grey picture by the
pyramidal method of Lucas and Kanade (Bouguet, "Pyramidal implementation of the Lucas Kanade feature tracker", Intel
2000), there and back again, and one shift with a zoom and a turn is fitted to most of them (RANSAC: Fischler, Bolles,
Comm. ACM 1981). In a hard cut few corners are found again and the whole picture, moved anywhere, is unlike the one
before; in the fastest pan it is like it, and in a camera's flash the corners are found. A dissolve is nothing special:
its pictures follow each other without a cut. Nor is a jump in time seen by a camera that stands: the hall is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from ground.frames import Image
from tracker.boxes import Float64Array
from tracker.types import BoolArray, CameraMotion, Detections, FloatArray

_SIDE = 480
"""Pictures are halved until no side is longer. Higher: finer shifts, at a cost that grows with the square."""
_MOST_CORNERS = 150
"""Higher: surer in a crowd that moves, and slower in proportion."""
_WEAKEST = 0.001
"""Strength of a corner, as a share of the strongest: where text is burnt into the picture, all others are weak."""
_SPACING = 28
"""Corners lie apart by this part of the longer side, so that one lively place does not hold them all."""
_WINDOW, _LEVELS = (11, 11), 3
"""Pixels of the window that is found again, and halvings of the picture: it is found up to a quarter of it away."""
_RETURN = 0.7
"""Pixels of the small picture that a corner may miss itself by, followed there and back."""
_AGREEMENT = 1.0
"""Pixels of the small picture that a corner may lie off the common motion."""
_MOVES, _STILL = 0.1, 0.4
"""Pixels of the small picture that a corner should move, and share of them under which it belongs to a scoreboard."""
_FEWEST, _SAME = 6, 0.1
"""Corners, and share of them, that make a motion."""
_DOUBTFUL = 0.5
"""Share of the corners under which the pictures are looked at again, as a whole and with the light taken out."""
_PLACE, _FAINT = 31, 4.0
"""Pixels around a point, and grey levels of detail among them that are noise."""
_CUT = 0.75
"""Share of the corners found again, plus likeness of the whole, under which another shot begins. Higher: more cuts
found between shots of one hall, more false ones in whip pans and flashes. In real games it is 1.4 and more from a frame
to the next, 1.0 to the third next; between shots 0.6 at most in 19 of 20, 0.7 to 0.9 where both show a large board."""
_THUMB = 48
"""Pixels of the longer side on which whole pictures are compared."""
_CONTRAST = 5.0
"""Standard deviation of the grey levels under which a picture shows nothing: black, or all white in a flash."""

_Grey = npt.NDArray[np.uint8]


class CameraMotionEstimator:
    """Camera motion and cuts, frame after frame; keeps two small pictures, the first and last that showed something."""

    def __init__(self) -> None:
        self.first: Background | None = None
        """What the first picture showed that showed something: how the camera came to it, ``motion_between`` can tell
        from the ``last`` of an estimator that saw the frames before."""
        self.last: Background | None = None

    def update(self, image: Image, detections: Detections) -> CameraMotion:
        """How ``image``, uint8 (H, W, 3) RGB, shows the scene otherwise than the frame before.

        detections: of this frame, all that move (players, referees, ball), in pixels; corners in them do not count.
        After pictures that show nothing (black, white) the motion is told across them; their own is none. Where too
        little is found again to tell, it is none, too. Raises InputError for pictures that differ in size.
        """
        now = _background(image, detections)
        before = self.last
        if before is not None and before.size != now.size:
            raise InputError(f"pictures of one video have one size, not {before.size} and then {now.size}")
        if float(now.grey.std()) < _CONTRAST:
            return CameraMotion()
        self.first, self.last = self.first or now, now
        return CameraMotion() if before is None else motion_between(before, now)


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """What is kept of a picture."""

    size: tuple[int, int]
    """Width and height of the whole picture."""
    grey: _Grey
    """uint8 (h, w), small."""
    corners: FloatArray
    """float32 (N, 1, 2): x and y in the small picture."""


def _background(image: Image, detections: Detections) -> Background:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise InputError(f"a picture is uint8 (H, W, 3), not {image.dtype} {image.shape}")
    height, width = image.shape[:2]
    grey = _halved(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8))
    scale = np.tile((grey.shape[1] / width, grey.shape[0] / height), 2)
    background = np.full_like(grey, 255)
    for left, top, right, bottom in (detections.xyxy * scale).clip(0, _SIDE).astype(int).tolist():
        background[top : bottom + 1, left : right + 1] = 0
    spacing = max(grey.shape) / _SPACING
    corners = cast(Any, cv2.goodFeaturesToTrack(grey, _MOST_CORNERS, _WEAKEST, spacing, mask=background))
    return Background((width, height), grey, np.empty((0, 1, 2), np.float32) if corners is None else corners)


def _halved(grey: _Grey) -> _Grey:
    while max(grey.shape) > _SIDE:
        half = max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2)
        grey = np.asarray(cv2.resize(grey, half, interpolation=cv2.INTER_AREA), np.uint8)
    return grey


def motion_between(before: Background, now: Background) -> CameraMotion:
    """How the camera moved from one picture to the next that shows something."""
    transform, agreeing = _motion(before.grey, now.grey, before.corners, np.zeros(2))
    share = agreeing / max(len(before.corners), 1)
    if share < _DOUBTFUL:
        likeness, guess = _likeness(before.grey, now.grey)
        # Blind to light, but more easily lost in the blur of a pan: so not the first choice.
        evened = _evened(before.grey, _PLACE), _evened(now.grey, _PLACE)
        again = _motion(*evened, before.corners, guess)
        transform, agreeing = max((transform, agreeing), again, key=lambda found: found[1])
        share = agreeing / max(len(before.corners), 1)
        if share + likeness < _CUT:
            return CameraMotion(is_cut=True)
    if agreeing < _FEWEST or share < _SAME:
        return CameraMotion()
    centre = np.array(before.grey.shape[::-1]) / 2
    scale = np.array(before.size) / before.grey.shape[::-1]
    shift = (transform[:, :2] @ centre + transform[:, 2] - centre) * scale
    return CameraMotion((float(shift[0]), float(shift[1])), float(np.hypot(*transform[:, 0])))


def _motion(before: _Grey, now: _Grey, corners: FloatArray, guess: Float64Array) -> tuple[Float64Array, int]:
    """Shift, zoom and turn (2, 3) of the small picture, near ``guess`` (2,), and how many corners agree with it."""
    if len(corners) < _FEWEST:
        return np.eye(2, 3), 0
    there, found = _follow(before, now, corners, guess)
    back, again = _follow(now, before, there, -guess)
    good = found & again & (np.abs(back - corners).max(axis=(1, 2)) < _RETURN)
    a, b = corners[good, 0], there[good, 0]
    transform, agreeing = _fit(a, b)
    expected = np.hypot(*(a @ transform[:, :2].T + transform[:, 2] - a).T)
    still = (expected > _MOVES) & (np.hypot(*(b - a).T) < _STILL * expected)
    if still.any() and still.mean() < 0.5:
        transform, agreeing = _fit(a[~still], b[~still])
    return transform, agreeing


def _fit(a: FloatArray, b: FloatArray) -> tuple[Float64Array, int]:
    """Shift, zoom and turn (2, 3) from most points ``a`` (N, 2) to ``b``, and of how many."""
    if len(a) < _FEWEST:
        return np.eye(2, 3), 0
    transform, agreeing = cast(Any, cv2.estimateAffinePartial2D(a, b, ransacReprojThreshold=_AGREEMENT))
    return (np.eye(2, 3), 0) if transform is None else (transform, int(agreeing.sum()))


def _follow(a: _Grey, b: _Grey, corners: FloatArray, guess: Float64Array) -> tuple[FloatArray, BoolArray]:
    start = corners + guess.astype(np.float32)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        a, b, corners, start, winSize=_WINDOW, maxLevel=_LEVELS, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    return np.asarray(there, np.float32), found[:, 0] > 0


def _evened(grey: _Grey, place: int) -> _Grey:
    """Every place, ``place`` pixels wide, as light and as lively as any other: what a flash leaves of a picture."""
    light = grey.astype(np.float32)
    detail = light - cv2.blur(light, (place, place))
    # OpenCV's running sums can end a little below zero.
    strength = np.sqrt(np.maximum(cv2.blur(detail * detail, (place, place)), 0)) + _FAINT
    return (40 * detail / strength + 128).clip(0, 255).astype(np.uint8)


def _likeness(before: _Grey, now: _Grey) -> tuple[float, Float64Array]:
    """Correlation of the two pictures, -1..1, moved to where they are most alike, and that shift (2,) in pixels.

    On thumbs, and up to a quarter of the width and a tenth of the height.
    """
    longer = max(before.shape)
    size = max(1, _THUMB * before.shape[1] // longer), max(1, _THUMB * before.shape[0] // longer)
    thumbs = (np.asarray(cv2.resize(x, size, interpolation=cv2.INTER_AREA), np.uint8) for x in (before, now))
    first, second = (_evened(thumb, _THUMB // 3) for thumb in thumbs)
    x, y = size[0] // 4, size[1] // 10
    inner = np.s_[y : size[1] - y, x : size[0] - x]
    found = [cv2.minMaxLoc(cv2.matchTemplate(second, first[inner], cv2.TM_CCOEFF_NORMED))]
    found.append(cv2.minMaxLoc(cv2.matchTemplate(first, second[inner], cv2.TM_CCOEFF_NORMED)))
    sign, (_, likeness, _, place) = max(zip((1, -1), found, strict=True), key=lambda pair: pair[1][1])
    return likeness, sign * (np.array(place) - (x, y)) * (np.array(before.shape[::-1]) / size)
