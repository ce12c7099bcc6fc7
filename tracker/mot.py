"""MOTChallenge text files: detections in, tracks in and out.

A row is ``frame,id,left,top,width,height,confidence,-1,-1,-1``. Frames count from 1 in files and from 0 in memory;
coordinates are taken as they are, as the code of SORT does. Files are small beside video: they are read whole.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from ground.files import write_atomically
from tracker.boxes import Float64Array, xywh_to_xyxy, xyxy_to_xywh
from tracker.types import Detections, Tracker, Tracks

_FRAME, _ID, _WIDTH, _HEIGHT, _CONFIDENCE = 0, 1, 4, 5, 6
_FARTHEST = 1e6
"""Pixels. Beyond it float32 has no hundredths left, and no picture is that large."""
_LAST_FRAME = 2**31 - 2
_LONGEST_GAP = 10_000
"""Empty frames in a row that a tracker is shown; whoever has been away for longer is forgotten by any of them."""

_log = logging.getLogger(__name__)


def read_detections(path: Path) -> dict[int, Detections]:
    """Detections by 0-based frame index, ascending; frames without detections are absent.

    Rows may come in any order. A file without rows is a video in which nobody was found.
    Raises InputError, with the line, for what is not a number, a box without size, or a row with an identity.
    """
    rows, lines = _read(path)
    _check(rows[:, _ID] <= 0, path, lines, "has an identity; detections have -1 there, so this is a file of tracks")
    rows = rows[np.argsort(rows[:, _FRAME], kind="stable")]
    frames, starts = np.unique(rows[:, _FRAME].astype(np.int64), return_index=True)
    parts = np.split(rows, starts[1:])
    return {
        int(frame) - 1: Detections.of(xywh_to_xyxy(part[:, 2:6]), part[:, _CONFIDENCE])
        for frame, part in zip(frames, parts, strict=False)
    }


def read_tracks(path: Path) -> Tracks:
    """Tracks, in any order in the file. A box with confidence 0 was filled in: ``observed`` is False.

    Raises InputError, with the line, for what ``read_detections`` does not take, for a row without an identity and
    for an identity that is twice in a frame.
    """
    rows, lines = _read(path)
    ids = rows[:, _ID]
    _check((ids >= 0) & (ids <= _LAST_FRAME), path, lines, "has no identity; is this a file of detections?")
    _check(ids == np.round(ids), path, lines, "has an identity that is not a whole number")
    order = np.lexsort((ids, rows[:, _FRAME]))
    twice = np.zeros(len(rows), np.bool_)
    twice[order[1:]] = (np.diff(rows[order, :2], axis=0) == 0).all(axis=1)
    _check(~twice, path, lines, "repeats an identity within its frame")
    confidence = rows[:, _CONFIDENCE]
    return Tracks.of(rows[:, _FRAME] - 1, ids, xywh_to_xyxy(rows[:, 2:6]), confidence, confidence != 0)


def read_truth(path: Path) -> Tracks:
    """Ground truth: as ``read_tracks``, without the boxes marked 0, which MOTChallenge does not count."""
    truth = read_tracks(path)
    return truth[truth.confidence != 0]


def is_truth(path: Path) -> bool:
    """Whether a readable file of tracks is ground truth since MOT16: its rows end with a class and a visibility."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        row = next((line for line in file if line.strip()), "").split(",")
    try:
        return len(row) == 9 and float(row[7]) >= 1 and 0 <= float(row[8]) <= 1
    except ValueError:
        return False


def write_tracks(path: Path, tracks: Tracks) -> None:
    """Write ``tracks`` so that ``read_tracks`` gives them back to 0.01 pixel; the file appears whole or not at all."""
    # An observed box keeps a confidence above 0, so that it is still known as observed when read.
    confidence = np.where(tracks.observed, np.maximum(tracks.confidence, 1e-4), 0)
    _write(path, tracks.frame_index, tracks.track_id, tracks.xyxy.astype(np.float64), confidence)


def write_detections(path: Path, detections: Mapping[int, Detections]) -> None:
    """Write detections by 0-based frame index; the file appears whole or not at all. Classes are not kept."""
    frames = np.repeat(np.array(list(detections), np.int64), [len(d) for d in detections.values()])
    found = list(detections.values()) or [Detections.empty()]
    xyxy = np.concatenate([d.xyxy for d in found]).astype(np.float64)
    _write(path, frames, np.full(len(frames), -1), xyxy, np.concatenate([d.confidence for d in found]))


def follow(tracker: Tracker, detections: Mapping[int, Detections], frame_rate: float = 30.0) -> Tracks:
    """Show ``tracker`` every frame up to the last one with detections -> its tracks.

    detections: by 0-based frame index; absent frames are shown as empty ones.
    frame_rate: frames per second, for trackers that go by time. Work and memory stay small in gaps of any length.
    """
    shown: list[int] = []
    for frame in _frames_to_show(sorted(detections)):
        tracker.update(detections.get(frame) or Detections.empty(), frame / frame_rate)
        shown.append(frame)
    tracks = tracker.finish()
    frame_index = np.array(shown, np.int64)[tracks.frame_index]
    return Tracks.of(frame_index, tracks.track_id, tracks.xyxy, tracks.confidence, tracks.observed)


def _frames_to_show(frames: list[int]) -> Iterator[int]:
    following = 0
    for frame in frames:
        yield from range(following, min(frame, following + _LONGEST_GAP))
        yield frame
        following = frame + 1


def _read(path: Path) -> tuple[Float64Array, list[int]]:
    """Checked rows (N, 7) and the 1-based line of each."""
    try:
        text = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file; expected rows frame,id,left,top,width,height,confidence") from error
    lines = [number for number, line in enumerate(text, 1) if line.strip()]
    if not lines:
        _log.warning("%s: holds no boxes", path)
        return np.empty((0, 7)), lines
    rows = _parse(path, text, lines)
    _check(np.isfinite(rows), path, lines, "holds a number that is not finite")
    frames = rows[:, _FRAME]
    whole = (frames >= 1) & (frames <= _LAST_FRAME) & (frames == np.round(frames))
    _check(whole, path, lines, "does not begin with a frame number, 1 or more")
    _check(rows[:, _WIDTH : _HEIGHT + 1] > 0, path, lines, "holds a box of zero or negative size")
    xyxy = xywh_to_xyxy(rows[:, 2:6])
    _check(np.abs(xyxy) <= _FARTHEST, path, lines, "holds a box a million pixels away")
    stored = xyxy.astype(np.float32)
    _check(stored[:, 2:] > stored[:, :2], path, lines, "holds a box too small to be one")
    return rows, lines


def _parse(path: Path, text: list[str], lines: list[int]) -> Float64Array:
    try:
        with warnings.catch_warnings(action="error"):
            return np.loadtxt([text[n - 1] for n in lines], delimiter=",", usecols=range(7), ndmin=2, comments=None)
    except ValueError:
        return np.array([_parse_line(path, n, text[n - 1]) for n in lines])


def _parse_line(path: Path, number: int, line: str) -> list[float]:
    """The slow way, which knows what is wrong, and takes rows that end at the box."""
    fields = line.split(",")
    try:
        row = [float(field) for field in fields[:7]]
    except ValueError:
        row = []
    if len(row) < 6:
        expected = "expected frame,id,left,top,width,height,confidence"
        raise InputError(f"{path}, line {number}: {expected}, not {line.strip()[:60]!r}")
    return row if len(row) == 7 else [*row, 1.0]


def _check(good: npt.NDArray[np.bool_], path: Path, lines: list[int], fault: str) -> None:
    """Raise an InputError that names the first line of which ``good`` (N,) or (N, K) is not all True."""
    if not good.all():
        raise InputError(f"{path}, line {lines[int(np.nonzero(~good)[0][0])]}: {fault}")


def _write(
    path: Path,
    frame_index: npt.NDArray[np.integer],
    track_id: npt.NDArray[np.integer],
    xyxy: Float64Array,
    confidence: npt.NDArray[np.floating],
) -> None:
    xywh = xyxy_to_xywh(xyxy)
    # A box that rounds to no width could not be read again.
    np.maximum(xywh[:, 2:], 0.01, out=xywh[:, 2:])
    rows = np.column_stack([frame_index.astype(np.int64) + 1, track_id, xywh, confidence])
    with write_atomically(path) as part:
        np.savetxt(part, rows, fmt="%d,%d,%.2f,%.2f,%.2f,%.2f,%.4f,-1,-1,-1")
