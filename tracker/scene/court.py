"""Where the court is: a floor found by its colours, or corners given by hand; and who stands on it.

The floor is what surrounds the feet of people who are surely there. Its colours are those that are commoner there than
in the whole picture (a ratio of histograms, as in Swain and Ballard, "Color indexing", Int. J. Computer Vision 1991),
so it may be of wood, rubber or grass. A court is convex, and so is its picture: the convex hull of the floor takes in
lines, logos, a painted lane and who stands before it. What colours cannot tell from the court is the same floor beyond
its lines; there a polygon drawn by hand does better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ground.frames import Image
from tracker.boxes import Float64Array, iou
from tracker.by_hand.court_outline import CourtPolygon
from tracker.court.known import KnownCourt
from tracker.court.positions import feet
from tracker.types import BoolArray, Detections, FloatArray, IntArray, Tracks

_WIDTH = 320
"""Pixels: pictures are looked at in this width. Higher: a finer edge, at a cost that grows with the square."""
_SURE = 0.6
"""Confidence from which a box's feet tell what the floor looks like. Lower: also what the crowd looks like."""
_BESIDE, _ABOVE, _BELOW = 0.3, 0.08, 0.12
"""The floor around feet: so many widths to both sides of a box, heights above and below its lower edge."""
_EVERY = 5
"""Frames from one lesson in colours to the next. Higher: cheaper, and of fewer players' feet."""
_RATIO = 0.5
"""A floor's colour is at least so common near feet, relative to the whole picture. Higher: less of the crowd, and less
of a floor that fills the picture."""
_COMMON = 1e-3
"""Share of the pixels near feet that a floor's colour has. Higher: fewer shoes and shadows, less of a floor in many
tones."""
_GRAIN, _SPECK = 7, 3
"""Pixels of the small picture: patches of floor narrower than ``_GRAIN`` are none, those under ``_SPECK`` are noise."""
_PIECE, _TRODDEN = 0.15, 0.02
"""Parts of the largest patch from which another is floor, too: anyhow, and where somebody surely stands on it."""
_REACH = 0.08
"""Heights above and below the feet within which floor counts. Higher: blurs the edge, and forgives boxes more."""
_LINE = 1.0
"""Metres on both sides of a line in which it is not sure on which side somebody plays: he may step over it."""
_SAME_BOX = 0.5
"""Overlap from which a detection is the box of a track."""
_WITNESSES, _TRUE = 3, 0.75
"""A floor is believed in frames in which so many sure boxes stand on it to this share. Higher: nothing is known of more
frames."""
_BINS, _TOOTH = 16, 8
"""Bins of each of Lab's channels; units of a and b in one of them."""


class Floor(NamedTuple):
    """The court's floor in one picture."""

    share: FloatArray
    """float32 (N,), 0..1, of floor at the feet of each of the people; NaN where it cannot be told."""
    hull: FloatArray
    """float32 (K, 2): its corners in pixels of the picture; none where no floor was found."""


class FloorFinder:
    """Finds the court's floor in the pictures of a few seconds of one shot, from what its colours are in all of them.

    The pictures are kept small until then: 115 KB each where they are twice as wide as high.
    """

    def __init__(self) -> None:
        self._pictures: list[tuple[npt.NDArray[np.uint16], FloatArray, Detections]] = []
        self._seen = np.zeros((2, _BINS**3))

    def add(self, image: Image, people: Detections) -> None:
        """The next picture, uint8 (H, W, 3) RGB, and the people in it."""
        colors = _colors(image)
        scale = (np.array(colors.shape[::-1]) / image.shape[1::-1]).astype(np.float32)
        if len(self._pictures) % _EVERY == 0:
            boxes, stands = _scaled(people, scale, colors.shape)
            self._learn(colors, boxes[stands & (people.confidence >= _SURE)], boxes)
        self._pictures.append((colors, scale, people))

    def finish(self) -> Iterator[Floor]:
        """The floor of each picture, in their order.

        It cannot be told of feet below the picture, and where no floor is found.
        """
        near_feet, anywhere = self._seen / np.maximum(self._seen.sum(axis=1, keepdims=True), 1.0)
        is_floor = ((near_feet > _RATIO * anywhere) & (near_feet > _COMMON)).astype(np.uint8)
        for colors, scale, people in self._pictures:
            boxes, stands = _scaled(people, scale, colors.shape)
            hull = _hull(_patches(is_floor.take(colors)), boxes[stands & (people.confidence >= _SURE)])
            share = np.full(len(boxes), np.nan, np.float32)
            if len(hull):
                court = cv2.fillConvexPoly(np.zeros(colors.shape, np.uint8), hull, 1)
                share[stands] = _share(np.asarray(court, np.uint8), boxes[stands])
            yield Floor(share, (hull / scale).astype(np.float32))

    def _learn(self, colors: npt.NDArray[np.uint16], sure: Float64Array, people: Float64Array) -> None:
        """Count the colours around the feet of ``sure`` and anywhere, off all ``people`` (boxes N, 4)."""
        if not len(sure):
            return
        size = sure[:, 2:] - sure[:, :2]
        floor = np.zeros(colors.shape, np.bool_)
        around = np.stack([-_BESIDE * size[:, 0], (1 - _ABOVE) * size[:, 1], _BESIDE * size[:, 0], _BELOW * size[:, 1]])
        for left, top, right, bottom in _pixels(sure + around.T, colors.shape):
            floor[top : bottom + 1, left : right + 1] = True
        for left, top, right, bottom in _pixels(people, colors.shape):
            floor[top : bottom + 1, left : right + 1] = False
        self._seen += np.stack([np.bincount(part, minlength=_BINS**3) for part in (colors[floor], colors.ravel())])


def _scaled(people: Detections, scale: FloatArray, shape: tuple[int, ...]) -> tuple[Float64Array, BoolArray]:
    """Boxes (N, 4) in a small picture of ``shape``, and whether their feet are in it (N,)."""
    boxes = people.xyxy.astype(np.float64) * np.tile(scale.astype(np.float64), 2)
    return boxes, boxes[:, 3] < shape[0] - 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is known of a recording besides its tracks. F frames, counted as the tracks count them; M people found."""

    size: tuple[int, int]
    """Width and height of the picture in pixels."""
    index: IntArray
    """int32 (F,), ascending: the frames' places in the video, as those who draw a polygon count."""
    time: Float64Array
    """float64 (F,), seconds, ascending."""
    people: Detections
    """All that may be people (M,), whatever they are called: players, referees."""
    people_frame: IntArray
    """int32 (M,), ascending."""
    floor: FloatArray | None = None
    """float32 (M,): what ``FloorFinder`` says of ``people``; None: nobody looked."""
    camera: Float64Array | None = None
    """float64 (F, 3), shift x, y and zoom since the first frame of the shot: what was at p is at
    c + zoom (p - c) + shift, c the middle of the picture. None: not known; a polygon stays where it was drawn then,
    and nobody is said to stand still."""
    shot: IntArray | None = None
    """int32 (F,): number of the shot; None: there is one."""
    court: tuple[CourtPolygon, ...] = ()
    """Given by hand; then neither ``known`` nor ``floor`` is asked."""
    known: KnownCourt = field(default_factory=KnownCourt)
    """By its lines; where it is known, ``floor`` is not asked. Its frames are those of the video."""


def court_share(tracks: Tracks, scene: Scene) -> Float64Array:
    """Share of the court at the feet of each box, float64 (N,), 0..1, or NaN where it is not known."""
    if scene.court:
        return _in_polygons(tracks, scene)
    share, between_lines = _on_floor(tracks, scene), _between_lines(tracks, scene)
    return np.where(np.isfinite(between_lines), between_lines, share)


def _between_lines(tracks: Tracks, scene: Scene) -> Float64Array:
    """Each box judged by how far its feet are inside the court's lines; NaN where they are not known."""
    court = scene.known.dimensions
    if court is None:
        return np.full(len(tracks), np.nan)
    at = scene.known.metres(scene.index[tracks.frame_index], feet(tracks.xyxy, scene.size[1]))
    inside = court.areas(at)[0]
    return np.clip(0.5 + inside / (2 * _LINE), 0.0, 1.0)


def _on_floor(tracks: Tracks, scene: Scene) -> Float64Array:
    """Each box judged by the floor at its feet."""
    share = np.full(len(tracks), np.nan)
    if scene.floor is None:
        return share
    found = people_at(tracks, scene)
    share[found >= 0] = scene.floor[found[found >= 0]]
    witness = np.isfinite(share) & (tracks.confidence >= _SURE)
    frames, num_frames = tracks.frame_index, len(scene.time)
    witnesses = np.bincount(frames, witness, num_frames)
    on_it = np.bincount(frames, np.where(witness, share, 0.0), num_frames)
    believed = (witnesses >= _WITNESSES) & (on_it >= _TRUE * witnesses)
    return np.where(believed[frames], share, np.nan)


def people_at(tracks: Tracks, scene: Scene) -> npt.NDArray[np.intp]:
    """The person found where each box is, (N,): a row of ``scene.people``, or -1."""
    found = np.full(len(tracks), -1, np.intp)
    frames = np.unique(tracks.frame_index)
    ends = np.stack([frames, frames + 1], axis=1)
    bounds = np.hstack([np.searchsorted(at, ends) for at in (tracks.frame_index, scene.people_frame)])
    boxes, people = tracks.xyxy.astype(np.float64), scene.people.xyxy.astype(np.float64)
    for a, b, c, d in bounds.tolist():
        if c < d:
            overlap = iou(boxes[a:b], people[c:d])
            found[a:b] = np.where(overlap.max(axis=1) >= _SAME_BOX, c + overlap.argmax(axis=1), -1)
    return found


def stabilised_feet(tracks: Tracks, scene: Scene) -> tuple[Float64Array, Float64Array]:
    """Where each box stands (N, 2), and its height (N,), in pixels as in the first frame of its shot."""
    left, top, right, bottom = tracks.xyxy.T.astype(np.float64)
    return _stabilised(
        tracks.frame_index, np.stack([(left + right) / 2, bottom], axis=1), (bottom - top).clip(1.0), scene
    )


def _in_polygons(tracks: Tracks, scene: Scene) -> Float64Array:
    """Each box judged by the polygon of its shot, carried there by the camera; of several, the last one drawn."""
    share = np.full(len(tracks), np.nan)
    shot = np.zeros(len(scene.time), np.int32) if scene.shot is None else scene.shot
    feet, height = stabilised_feet(tracks, scene)
    for polygon in scene.court:
        frame = _first_frame(polygon, scene)
        if frame is None:
            continue
        corners = np.array(polygon.corners)
        corners, _ = _stabilised(np.full(len(corners), frame), corners, np.ones(len(corners)), scene)
        rows = shot[tracks.frame_index] == shot[frame]
        share[rows] = _polygon_share(corners, feet[rows], height[rows])
    return share


def _first_frame(polygon: CourtPolygon, scene: Scene) -> int | None:
    """Where ``polygon`` was drawn, counted as the tracks count; None: after the last frame."""
    late = scene.index >= polygon.frame if polygon.time is None else scene.time >= polygon.time
    return int(late.argmax()) if late.any() else None


def _stabilised(
    frame: npt.NDArray[np.integer], points: Float64Array, height: Float64Array, scene: Scene
) -> tuple[Float64Array, Float64Array]:
    """Points (N, 2) and heights (N,) seen in ``frame`` (N,), as in the first frame of the shot."""
    if scene.camera is None:
        return points, height
    middle = np.array(scene.size) / 2
    shift, zoom = scene.camera[frame, :2], scene.camera[frame, 2]
    return middle + (points - middle - shift) / zoom[:, None], height / zoom


def _polygon_share(corners: Float64Array, feet: Float64Array, height: Float64Array) -> Float64Array:
    """How much those with ``feet`` (N, 2) and ``height`` (N,) stand in the polygon of ``corners`` (K, 2): (N,), 0..1.

    0.5 on the line, and 0 and 1 from as far off it as ``FloorFinder`` looks around feet.
    """
    outline = corners.astype(np.float32)
    inside = (cv2.pointPolygonTest(outline, point, True) for point in feet.tolist())
    return np.clip(0.5 + np.fromiter(inside, np.float64, len(feet)) / (2 * _REACH * height), 0.0, 1.0)


def _colors(image: Image) -> npt.NDArray[np.uint16]:
    """Colours of a small copy of ``image`` (h, w), as numbers of Lab bins."""
    height, width = image.shape[:2]
    scale = min(1.0, _WIDTH / width)
    small = cv2.resize(image, (round(width * scale), max(1, round(height * scale))), interpolation=cv2.INTER_LINEAR)
    binned = cv2.LUT(cv2.cvtColor(small, cv2.COLOR_RGB2Lab), _bins()).astype(np.uint16)
    return (binned[..., 0] * _BINS + binned[..., 1]) * _BINS + binned[..., 2]


def _bins() -> Image:
    """Bin of each value of L, a and b: uint8 (1, 256, 3)."""
    values = np.arange(256)
    chroma = np.clip((values - 128) // _TOOTH + _BINS // 2, 0, _BINS - 1)
    return np.stack([values * _BINS // 256, chroma, chroma], axis=1).astype(np.uint8)[None]


def _pixels(boxes: Float64Array, shape: tuple[int, ...]) -> list[list[int]]:
    """Boxes (N, 4) as pixels inside a picture of ``shape``."""
    return boxes.clip(0, np.tile(shape[1::-1], 2) - 1).round().astype(int).tolist()


def _patches(floor: Image) -> Image:
    """Floor (h, w) without specks, lines and narrow patches."""
    for operation, side in ((cv2.MORPH_OPEN, _SPECK), (cv2.MORPH_CLOSE, _GRAIN - 2), (cv2.MORPH_OPEN, _GRAIN)):
        floor = cv2.morphologyEx(floor, operation, np.ones((side, side), np.uint8)).astype(np.uint8, copy=False)
    return floor


def _hull(floor: Image, sure: Float64Array) -> npt.NDArray[np.int32]:
    """Corners (K, 2) of the convex hull of the large patches, and of those that ``sure`` boxes (N, 4) stand on."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(floor, connectivity=4)
    if count < 2:
        return np.empty((0, 2), np.int32)
    area = stats[:, cv2.CC_STAT_AREA] / stats[1:, cv2.CC_STAT_AREA].max()
    kept = area >= _PIECE
    height = sure[:, 3] - sure[:, 1]
    feet = np.stack([(sure[:, 0] + sure[:, 2]) / 2, sure[:, 3] + _REACH * height] * 2, axis=1)
    for x, y, *_ in _pixels(feet, floor.shape):
        kept[labels[y, x]] |= area[labels[y, x]] >= _TRODDEN
    kept[0] = False
    court = kept.take(labels)
    rows = np.flatnonzero(court.any(axis=1))
    # The ends of each row are enough, and there are few of them.
    ends = court[rows].argmax(axis=1), court.shape[1] - 1 - court[rows, ::-1].argmax(axis=1)
    points = np.concatenate([np.stack([x, rows], axis=1) for x in ends]).astype(np.int32)
    return np.asarray(cv2.convexHull(points), np.int32).reshape(-1, 2)


def _share(court: Image, boxes: Float64Array) -> Float64Array:
    """Share of ``court`` (h, w), 0 or 1, about the lower edges of ``boxes`` (N, 4)."""
    total = cv2.integral(court)
    limit = np.array(court.shape[::-1])
    reach = _REACH * (boxes[:, 3] - boxes[:, 1])
    low = np.stack([boxes[:, 0], boxes[:, 3] - reach], axis=1).clip(0, limit - 1).astype(int)
    high = np.stack([boxes[:, 2], boxes[:, 3] + reach], axis=1).astype(int) + 1
    (x0, y0), (x1, y1) = low.T, np.clip(high, low + 1, limit).T
    inside = total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0]
    return inside / ((x1 - x0) * (y1 - y0))
