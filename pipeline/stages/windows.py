"""Cut 16-picture clips along tracks, by time and from clean pixels.

A window is 16 samples of one player at the pace of the data that the classifier learnt from. Windows start
every ``clip_stride`` samples; the last one of a stretch is moved back so that it ends where the stretch ends. While
frames stream by, each live track keeps at most one clip's pictures.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from classify.data.clips import sixteen
from classify.sampling import sample_interval
from classify.types import CLIP_HEIGHT, CLIP_LENGTH, CLIP_PACE, CLIP_WIDTH, Clip
from ground.errors import InputError
from ground.frames import Frame, Image
from tracker.types import FloatArray, IntArray, Tracks

_MARGIN = 1.1
"""Height of the cut over that of the box: room for a ball over the head, as in SpaceJam's clips."""
_CONTENT_ASPECT = 100 / CLIP_HEIGHT
"""Width over height of the cut; SpaceJam's is about 100 pixels wide of 128, with black bars beside it."""


_SLOW = 12
"""Frames per second under which each is shown twice or more in a clip."""
_FEW_PAUSES = 3
"""Gaps without frames that are not worth a word."""


@dataclass(frozen=True, slots=True)
class WindowConfig:
    """How tracks are cut into clips."""

    clip_stride: int = 8
    """Samples between the starts of windows. Lower: finer timelines, and cost grows as its inverse."""
    max_gap: float = 0.4
    """Seconds without a box that are bridged by interpolation; a longer gap ends a stretch of clips."""
    short_tracks: Literal["bounce", "drop"] = "bounce"
    """A stretch shorter than a clip: play it to and fro, as short clips are in training, or do not label it."""
    min_samples: int = 8
    """Stretches with fewer samples are not labelled in any case."""

    def __post_init__(self) -> None:
        if self.clip_stride < 1:
            raise InputError(f"clip stride is 1 or more sampled frames, not {self.clip_stride}")
        if self.short_tracks not in ("bounce", "drop"):
            raise InputError(f"short tracks are 'bounce' or 'drop', not {self.short_tracks!r}")
        if self.max_gap < 0 or not 1 <= self.min_samples <= CLIP_LENGTH:
            raise InputError("max gap is 0 s or more, min samples 1 to 16")


@dataclass(frozen=True, slots=True, eq=False)
class WindowPlan:
    """Every picture to cut, as columns sorted by frame."""

    frame_index: IntArray
    """int32 (N,), 0-based in the video."""
    track_id: IntArray
    """int32 (N,)."""
    xyxy: FloatArray
    """float32 (N, 4), pixels: the player's box."""
    first: npt.NDArray[np.bool_]
    """bool (N,): the stretch begins here; older pictures of the track do not belong to it."""
    last: npt.NDArray[np.bool_]
    """bool (N,): the stretch ends here; its pictures can be forgotten."""
    window_start: npt.NDArray[np.float64]
    """float64 (N,): start in seconds of the window that this picture completes, NaN where it completes none."""
    window_end: npt.NDArray[np.float64]
    """float64 (N,): its end."""

    @property
    def num_windows(self) -> int:
        """Number of clips that the plan gives."""
        return int(np.isfinite(self.window_start).sum())

    def by_track(self) -> npt.NDArray[np.intp]:
        """(N,), the rows sorted by track, then by frame."""
        return np.lexsort((self.frame_index, self.track_id))

    def completed_by(self, first: int, last: int, order: npt.NDArray[np.intp] | None = None) -> WindowPlan:
        """The plan of those windows only that frames ``first`` to ``last`` complete.

        order: what ``by_track`` gives, for who asks often; sorting a long game takes most of the time.
        """
        order = self.by_track() if order is None else order
        row = np.arange(len(order))
        begins = np.maximum.accumulate(np.where(self.first[order], row, 0))  # of the stretch that each row is in
        frame = self.frame_index[order]
        ends = row[np.isfinite(self.window_start[order]) & (frame >= first) & (frame <= last)]
        change = np.zeros(len(order) + 1, np.intp)
        np.add.at(change, np.maximum(ends - CLIP_LENGTH + 1, begins[ends]), 1)
        np.add.at(change, ends + 1, -1)
        needed = np.zeros(len(order), np.bool_)
        needed[order] = np.cumsum(change[:-1]) > 0
        windows = needed & (self.frame_index >= first)
        return WindowPlan(
            self.frame_index[needed], self.track_id[needed], self.xyxy[needed], self.first[needed],
            self.last[needed],
            np.where(windows, self.window_start, np.nan)[needed], np.where(windows, self.window_end, np.nan)[needed],
        )  # fmt: skip


def plan_windows(
    tracks: Tracks,
    frame_index: IntArray,
    frame_times: npt.NDArray[np.float64],
    config: WindowConfig,
    shot: IntArray | None = None,
) -> WindowPlan:
    """Where to cut which player.

    frame_index, frame_times: the video's analysed frames, ascending, and when each is shown (seconds).
    shot: int32 (F,), number of the shot of each frame; no clip reaches over a cut. None: there is one shot.
    """
    interval = sample_interval(frame_times)
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    for track_id, track in tracks.by_id():
        at = np.searchsorted(frame_index, track.frame_index)
        times = frame_times[at]
        broken = np.diff(times) > config.max_gap + interval
        if shot is not None:
            broken |= np.diff(shot[at]) != 0
        breaks = np.flatnonzero(broken) + 1
        for rows in np.split(np.arange(len(track)), breaks):
            stretch = _plan_stretch(times[rows], track.xyxy[rows], frame_times, interval, config)
            if stretch is not None:
                frames, *columns = stretch
                ids = np.full(len(frames), track_id, np.int32)
                parts.append((frame_index[frames].astype(np.int32), ids, *columns))
    if not parts:
        none, no = np.zeros(0), np.zeros(0, np.bool_)
        ints = none.astype(np.int32)
        return WindowPlan(ints, ints, np.zeros((0, 4), np.float32), no, no, none, none)
    merged = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(merged[0], kind="stable")
    return WindowPlan(*(column[order] for column in merged))  # type: ignore[arg-type]


def notes_on_times(frame_times: npt.NDArray[np.float64], config: WindowConfig) -> tuple[str, ...]:
    """What the times of a video's frames mean for clips, where they are far apart: a line, or none."""
    steps = np.diff(frame_times)
    if not len(steps):
        return ()
    reach = config.max_gap + sample_interval(frame_times)
    apart = float(steps[steps > reach].sum())
    if apart > reach * _FEW_PAUSES:
        return (
            f"for {apart:.1f} of {steps.sum():.1f} s frames are over {reach:.2g} s apart, and nothing can be labelled",
        )
    rate = 1 / float(np.median(steps))
    if rate < _SLOW:
        return (f"the video has {rate:.3g} frames a second, and clips {CLIP_PACE:g}: labels are less sure than usual",)
    return ()


def _plan_stretch(
    times: npt.NDArray[np.float64],
    xyxy: FloatArray,
    frame_times: npt.NDArray[np.float64],
    interval: float,
    config: WindowConfig,
) -> tuple[npt.NDArray[Any], ...] | None:
    """Samples of one stretch of a track: rows into frame_times, boxes and the other columns of WindowPlan."""
    num = int((times[-1] - times[0]) / interval + 1e-6) + 1
    if num < config.min_samples or (num < CLIP_LENGTH and config.short_tracks == "drop"):
        return None
    wanted = times[0] + np.arange(num) * interval
    frames = _nearest(frame_times, wanted)
    at = frame_times[frames]
    boxes = np.stack([np.interp(at, times, xyxy[:, i]) for i in range(4)], axis=1).astype(np.float32)
    ends = window_ends(num, config.clip_stride)
    start, end = np.full(num, np.nan), np.full(num, np.nan)
    # A window is as long as its samples last: a short one does not claim the time of its repeated pictures.
    start[ends] = at[np.maximum(ends - CLIP_LENGTH + 1, 0)]
    end[ends] = at[ends] + interval
    return frames, boxes, np.arange(num) == 0, np.arange(num) == num - 1, start, end


def window_ends(num_samples: int, stride: int) -> npt.NDArray[np.intp]:
    """The samples (0-based) that complete a window: every ``stride``-th from the first full one, and the last."""
    full = np.arange(CLIP_LENGTH - 1, num_samples, stride)
    return np.union1d(full, [num_samples - 1]).astype(np.intp)


def _nearest(grid: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Index into the ascending ``grid`` of the entry nearest to each value."""
    right = np.clip(np.searchsorted(grid, values), 1, max(1, len(grid) - 1))
    left = right - 1
    right = np.minimum(right, len(grid) - 1)
    return np.where(values - grid[left] <= grid[right] - values, left, right).astype(np.intp)


@dataclass(slots=True)
class ClipCutter:
    """Takes the video's frames in order and gives the clips that each completes."""

    plan: WindowPlan
    _pictures: dict[int, deque[Image]] = field(default_factory=dict[int, "deque[Image]"])
    _next: int = 0

    def update(self, frame: Frame) -> list[Clip]:
        """The clips that ``frame`` completes."""
        plan, clips = self.plan, []
        while self._next < len(plan.frame_index) and plan.frame_index[self._next] <= frame.index:
            row, self._next = self._next, self._next + 1
            if plan.frame_index[row] != frame.index:
                continue  # the frame was there when the video was first read and is not now
            track_id = int(plan.track_id[row])
            if plan.first[row]:
                self._pictures[track_id] = deque(maxlen=CLIP_LENGTH)
            pictures = self._pictures.setdefault(track_id, deque(maxlen=CLIP_LENGTH))
            pictures.append(cut_player(frame.image, plan.xyxy[row]))
            if np.isfinite(plan.window_start[row]):
                start, end = float(plan.window_start[row]), float(plan.window_end[row])
                clips.append(Clip(track_id, start, end, sixteen(np.stack(pictures))))
            if plan.last[row]:
                del self._pictures[track_id]
        return clips


def cut_player(image: Image, xyxy: FloatArray) -> Image:
    """One player's picture as SpaceJam cuts it.

    image: uint8 (H, W, 3). xyxy: float (4,), pixels. Returns uint8 (176, 128, 3), the same colour order: the box with
    a margin, aspect kept, black beside it and where it reaches out of the picture.
    """
    left, top, right, bottom = (float(v) for v in xyxy)
    height = max((bottom - top) * _MARGIN, 2.0)
    width = max(height * _CONTENT_ASPECT, (right - left) * _MARGIN)
    scale = min(CLIP_HEIGHT / height, CLIP_WIDTH / width)
    x0, y0 = (left + right - width) / 2, (top + bottom - height) / 2
    # The part of the cut that lies inside the picture, in whole pixels.
    a, b = max(0, round(x0)), min(image.shape[1], round(x0 + width))
    c, d = max(0, round(y0)), min(image.shape[0], round(y0 + height))
    canvas = np.zeros((CLIP_HEIGHT, CLIP_WIDTH, 3), np.uint8)
    if a >= b or c >= d:
        return canvas
    offset_x, offset_y = (CLIP_WIDTH - width * scale) / 2, (CLIP_HEIGHT - height * scale) / 2
    u0, u1 = _span(offset_x + (a - x0) * scale, offset_x + (b - x0) * scale, CLIP_WIDTH)
    v0, v1 = _span(offset_y + (c - y0) * scale, offset_y + (d - y0) * scale, CLIP_HEIGHT)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas[v0:v1, u0:u1] = cv2.resize(image[c:d, a:b], (u1 - u0, v1 - v0), interpolation=method)
    return canvas


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    """A range of at least one whole pixel inside 0..size."""
    start = min(max(0, round(low)), size - 1)
    return start, max(start + 1, min(size, round(high)))
