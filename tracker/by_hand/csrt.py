"""Follow boxes drawn by hand with CSRT, one tracker per player; say when a player is lost instead of guessing on.

CSRT: Lukezic, Vojir, Cehovin Zajc, Matas, Kristan, "Discriminative Correlation Filter Tracker with Channel and
Spatial Reliability", IJCV 2018, as in OpenCV contrib. It finds the best place in every frame and hardly ever says
that there is none. So a player counts as lost when, for ``patience`` seconds,

- the colours in his box are not his: those that were commoner in the box that was drawn than around it, or
- his box and another player's are one: the one that looks less like himself is lost, or both when they look alike.

He is lost at once when he leaves the picture. A white flash is bridged; a longer break loses everyone. What is not
noticed: CSRT passing on to a player of the same colours whom nobody follows.
"""

from __future__ import annotations

import logging
import os
from array import array
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations, repeat
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from ground.frames import Frame, Image
from tracker.boxes import iou
from tracker.by_hand.rois import Roi, clip_roi
from tracker.colors import Look, crop
from tracker.types import Tracks

log = logging.getLogger("courtscribe")
Vector = npt.NDArray[np.float64]

_PULL = 0.1
"""Share of the way back to the middle of its window that a player is moved per frame."""
_THUMBNAIL = (16, 9)


@dataclass(frozen=True, slots=True)
class CsrtSettings:
    """How boxes are followed, and when a player is given up. Defaults measured on broadcast footage."""

    player_size: int = 64
    """Pixels of the longer side of a player in the window that CSRT sees. Higher: dearer, and no better."""
    context: float = 4.0
    """Side of the window, in longer sides of the box. CSRT itself looks at three."""
    template_size: float = 120.0
    """Side of CSRT's filter in pixels. Higher: dearer, and no better."""
    scales: int = 17
    """Sizes that are tried per frame, 2 % apart, odd. OpenCV's 33 are dearer and follow worse."""
    min_similarity: float = 0.6
    """Least share (0..1) of a player's own colours in his box. Higher: losses noticed sooner, more false alarms."""
    max_overlap: float = 0.4
    """IoU from which two boxes may be one player. Lower: hijacks noticed sooner, crossings taken for them."""
    same_look: float = 0.1
    """Two players who share a box are both lost when their likenesses differ by less."""
    patience: float = 0.4
    """Seconds for which a doubt must last. Lower: players who pass each other slowly are taken for one."""
    min_visible: float = 0.5
    """Least share of a box that is inside the picture."""
    max_flash: float = 30.0
    """Mean change of the whole picture, in grey levels, that no player or camera makes: a flash or a cut."""
    max_break: float = 0.3
    """Seconds for which a flash is waited out."""
    threads: int | None = None
    """Players followed at a time; None: one per processor."""


class CsrtFollower:
    """Frames and drawn boxes in, tracks out. Identities are 1, 2, ... in the order of ``rois``."""

    def __init__(self, rois: Sequence[Roi], settings: CsrtSettings | None = None) -> None:
        """Raises InputError where this OpenCV has no CSRT."""
        require_csrt()
        self._settings = settings or CsrtSettings()
        self._waiting = dict(enumerate(rois, 1))
        self._names = {number: roi.name for number, roi in self._waiting.items() if roi.name is not None}
        self._players: list[Player] = []
        self._finished: list[Tracks] = []
        self._lost: dict[int, int] = {}
        self._pairs: dict[tuple[int, int], _Doubt] = {}
        self._break = _Doubt()
        self._thumbnail: npt.NDArray[np.int16] | None = None
        threads = self._settings.threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="csrt")

    @property
    def names(self) -> dict[int, str]:
        """The names given, by identity."""
        return dict(self._names)

    @property
    def lost(self) -> dict[int, int]:
        """Identity -> index of the first frame in which the player is lost; he has no boxes from there on."""
        return dict(self._lost)

    @property
    def waiting(self) -> tuple[int, ...]:
        """Identities whose first frame has not come."""
        return tuple(self._waiting)

    @property
    def boxes(self) -> dict[int, Vector]:
        """Where everyone is who is followed: xyxy (4,) in pixels, by identity."""
        return {player.track_id: player.xyxy for player in self._players}

    def release(self, track_id: int) -> None:
        """Follow ``track_id`` no longer. His boxes so far stay; he is not lost."""
        self._finished += [player.rows() for player in self._players if player.track_id == track_id]
        self._players = [player for player in self._players if player.track_id != track_id]

    def update(self, frame: Frame) -> None:
        """Follow everyone into ``frame``. Frames come in order. Raises InputError for a box outside the picture."""
        if self._is_break(frame):
            self._bridge(frame)
            return
        list(self._pool.map(Player.follow, self._players, repeat(frame)))
        self._separate(frame)
        self._drop_lost()
        self._start(frame)

    def finish(self) -> Tracks:
        """All boxes; ``frame_index`` is ``Frame.index``, ``confidence`` the likeness of the colours to those drawn.

        Boxes held through a flash are not ``observed`` and have confidence 0. A player's boxes end before the frame
        at which the doubt began that led to his loss. Ends the threads: no ``update`` after this.
        """
        self._pool.shutdown()
        for number in self._waiting:
            log.warning("box %d starts after the last frame; nobody was followed", number)
        return _join([*self._finished, *(player.rows() for player in self._players)])

    def _is_break(self, frame: Frame) -> bool:
        thumbnail = cv2.resize(frame.image, _THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.int16)
        before, self._thumbnail = self._thumbnail, thumbnail
        if before is None or float(np.abs(thumbnail - before).mean()) <= self._settings.max_flash:
            self._break = _Doubt()
            return False
        self._thumbnail = before
        return True

    def _bridge(self, frame: Frame) -> None:
        began = self._break.judge(True, frame, self._settings.max_break)
        if began is None:
            for player in self._players:
                player.hold(frame)
            return
        for player in self._players:
            player.lose(began, "the picture changed as a whole")
        self._drop_lost()
        self._thumbnail = None
        self._start(frame)

    def _separate(self, frame: Frame) -> None:
        """Give up players who share one box with another for too long."""
        if len(self._players) < 2:
            return
        boxes = np.stack([player.xyxy for player in self._players])
        overlap = iou(boxes, boxes)
        for (i, a), (j, b) in combinations(enumerate(self._players), 2):
            pair = (a.track_id, b.track_id)
            if overlap[i, j] <= self._settings.max_overlap:
                self._pairs.pop(pair, None)
                continue
            began = self._pairs.setdefault(pair, _Doubt()).judge(True, frame, self._settings.patience)
            if began is not None:
                for player in _less_like_themselves(a, b, self._settings.same_look):
                    player.lose(
                        began, f"boxes {a.track_id} and {b.track_id} are one ({a.likeness:.2f}, {b.likeness:.2f})"
                    )

    def _drop_lost(self) -> None:
        for player in self._players:
            if player.lost_at is not None:
                self._lost[player.track_id] = player.lost_at
                self.release(player.track_id)

    def _start(self, frame: Frame) -> None:
        height, width = frame.image.shape[:2]
        for number in [n for n, roi in self._waiting.items() if roi.starts_by(frame)]:
            roi = clip_roi(self._waiting.pop(number), number, width, height)
            self._players.append(Player(number, roi, frame, self._settings))


def follow(frames: Iterable[Frame], rois: Sequence[Roi], settings: CsrtSettings | None = None) -> Tracks:
    """Follow ``rois`` through ``frames`` with CSRT; see ``CsrtFollower``, which also tells who was lost and when."""
    follower = CsrtFollower(rois, settings)
    for frame in frames:
        follower.update(frame)
    return follower.finish()


def require_csrt() -> None:
    """Raise InputError, with the command that mends it, where OpenCV was installed without its contrib modules."""
    if not hasattr(cv2, "TrackerCSRT"):
        raise InputError(
            f"this OpenCV ({cv2.__version__}) has no CSRT: opencv-python has overwritten opencv-contrib-python; run "
            "pip uninstall -y opencv-python opencv-python-headless opencv-contrib-python, then "
            f"pip install --no-deps 'opencv-contrib-python=={cv2.__version__}.*'"
        )


class _Doubt:
    """Something that must last before it is believed."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: tuple[int, float] | None = None

    def judge(self, wrong: bool, frame: Frame, patience: float) -> int | None:
        """The index of the frame where it began, once it has been ``wrong`` for ``patience`` seconds without pause."""
        if not wrong:
            self._since = None
            return None
        self._since = index, time = self._since or (frame.index, frame.time)
        return index if frame.time - time >= patience else None


class Player:
    """One tracker in a window that moves with the player.

    CSRT remembers where its target was in the pictures it is given, and looks for it around there. A window that
    moves between two frames is to it a camera that pans. So the window moves with the player's own velocity, and
    the search is centred where he is expected; the learned filter stays. A window that is put around the last box
    by starting CSRT anew would lose what it has learned.
    """

    def __init__(self, track_id: int, roi: Roi, frame: Frame, settings: CsrtSettings) -> None:
        self.track_id = track_id
        self.lost_at: int | None = None
        self._settings = settings
        box = np.array(roi.box)
        self._side = max(8, round(settings.context * max(box[2:])))
        self._zoom = settings.player_size * settings.context / self._side
        self._center = box[:2] + box[2:] / 2
        self._size = box[2:]
        self._velocity = np.zeros(2)
        self._origin = np.round(self._center - self._side / 2).astype(np.int64)
        self._tracker = _new_tracker(settings)
        drawn = np.concatenate([box[:2] - self._origin, box[2:]]) * self._zoom
        x, y, w, h = (round(v) for v in drawn)
        self._tracker.init(self._view(frame.image), (x, y, max(w, 2), max(h, 2)))
        # CSRT rounds the box that it is given to whole pixels; what it gives back is stretched by as much.
        self._stretch = drawn[2:] / (max(w, 2), max(h, 2)) / self._zoom
        self._look = Look.of(frame.image, self.xyxy)
        self.likeness = 1.0
        self._doubt = _Doubt()
        self._frames, self._boxes, self._scores = array("i"), array("f"), array("f")
        self._keep(frame, 1.0)

    @property
    def xyxy(self) -> Vector:
        """Left, top, right, bottom in pixels of the picture."""
        return np.concatenate([self._center - self._size / 2, self._center + self._size / 2])

    def follow(self, frame: Frame) -> None:
        """Find the player in ``frame``, or lose him."""
        height, width = frame.image.shape[:2]
        off = self._center - (self._origin + self._side / 2)
        self._origin += np.round(self._velocity + _PULL * off).astype(np.int64)
        found, (x, y, w, h) = self._tracker.update(self._view(frame.image))
        center = self._origin + np.array([x + w / 2, y + h / 2]) / self._zoom
        self._velocity = (self._velocity + center - self._center) / 2
        self._center, self._size = center, np.array([w, h]) * self._stretch
        if not found or _visible(self.xyxy, width, height) < self._settings.min_visible:
            self.lose(frame.index, "he left the picture" if found else "CSRT does not find him")
            return
        score = self._look.likeness(frame.image, self.xyxy)
        self.likeness += (score - self.likeness) * 0.2
        began = self._doubt.judge(score < self._settings.min_similarity, frame, self._settings.patience)
        if began is not None:
            self.lose(began, "the colours are not his")
        self._keep(frame, score)

    def hold(self, frame: Frame) -> None:
        """Leave the box where it is for a frame in which nothing can be seen."""
        self._keep(frame, 0.0)

    def lose(self, frame_index: int, reason: str) -> None:
        """Lost from ``frame_index`` on, or from earlier on when that was known."""
        if self.lost_at is None or frame_index < self.lost_at:
            self.lost_at = frame_index
            log.info("player %d is lost from frame %d on: %s", self.track_id, frame_index, reason)

    def rows(self) -> Tracks:
        """His boxes up to where he was lost."""
        frames, scores = np.array(self._frames, np.int32), np.array(self._scores, np.float32)
        boxes = np.array(self._boxes, np.float32).reshape(-1, 4)
        tracks = Tracks(frames, np.full(len(frames), self.track_id, np.int32), boxes, scores, scores > 0)
        return tracks if self.lost_at is None else tracks[frames < self.lost_at]

    def _view(self, image: Image) -> Image:
        pixels = round(self._settings.player_size * self._settings.context)
        x, y = (int(v) for v in self._origin)
        window = crop(image, x, y, x + self._side, y + self._side)
        how = cv2.INTER_AREA if self._zoom < 1 else cv2.INTER_LINEAR
        return cv2.cvtColor(cv2.resize(window, (pixels, pixels), interpolation=how), cv2.COLOR_RGB2BGR).astype(
            np.uint8, copy=False
        )

    def _keep(self, frame: Frame, score: float) -> None:
        self._frames.append(frame.index)
        self._boxes.extend(self.xyxy)
        self._scores.append(score)


def _less_like_themselves(a: Player, b: Player, same_look: float) -> list[Player]:
    if abs(a.likeness - b.likeness) < same_look:
        return [a, b]
    return [a if a.likeness < b.likeness else b]


def _new_tracker(settings: CsrtSettings) -> Any:
    params = cv2.TrackerCSRT.Params()
    params.template_size = settings.template_size
    # OpenCV 4.14 computes the segmentation and then uses none of it on windows of this size: 4000 boxes were equal.
    params.use_segmentation = False
    params.number_of_scales = settings.scales
    return cv2.TrackerCSRT.create(params)


def _visible(xyxy: Vector, width: int, height: int) -> float:
    """Share of a box that is inside the picture, 0..1."""
    inside = np.clip(xyxy, 0, [width, height, width, height])
    return float(np.prod(inside[2:] - inside[:2]) / np.prod(xyxy[2:] - xyxy[:2]))


def _join(parts: Sequence[Tracks]) -> Tracks:
    if not parts:
        return Tracks.empty()
    columns = ("frame_index", "track_id", "xyxy", "confidence", "observed")
    return Tracks.of(*(np.concatenate([getattr(part, column) for part in parts]) for column in columns))
