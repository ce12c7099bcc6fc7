"""Players chosen by hand whom detections carry: where a box is drawn a track begins, and it bears the player's number.

Seeds are Tracks: the boxes that are known without the detector, ``track_id`` being the number of the drawn box from 1.
Each is the drawn box itself (``place_seeds``). Then

    frame_index, boxes = add_seeds(frame_index, boxes, seeds)    before tracking: sure detections in these places
    named = name_seeded(tracks, seeds, rois)                     after it: whose track it is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, islice

import numpy as np
import numpy.typing as npt

from tracker.assignment import assign, others
from tracker.boxes import iou
from tracker.by_hand.rois import Roi, clip_roi
from tracker.types import Detections, IntArray, Tracks

_HERE = 0.3
"""IoU from which a detection is of the player in a box, if no other is more so. Lower: sloppier boxes will do, and
neighbours are taken for him. On boxes drawn 10 % off, 0.3 named more players rightly than 0.4 and 0.5."""


def place_seeds(
    rois: Sequence[Roi], frame_index: IntArray, times: npt.NDArray[np.float64], width: int, height: int
) -> Tracks:
    """The seeds: each drawn box on its first frame, those of later frames left out.

    frame_index, times: int (F,) and seconds (F,) of the frames at hand, ascending; width, height: pixels of a picture.
    Raises InputError for a box outside the picture.
    """
    placed: list[tuple[int, int, Sequence[float]]] = []
    for number, roi in enumerate(rois, 1):
        x, y, w, h = clip_roi(roi, number, width, height).box
        by_frame = roi.time is None
        row = int(np.searchsorted(frame_index, roi.frame) if by_frame else np.searchsorted(times, roi.time or 0.0))
        if row < len(frame_index):
            placed.append((int(frame_index[row]), number, (x, y, x + w, y + h)))
    return Tracks.of(*zip(*placed, strict=True)) if placed else Tracks.empty()


def add_seeds(
    frame_index: IntArray, detections: Detections, seeds: Tracks, class_id: int = 0
) -> tuple[IntArray, Detections]:
    """Detections (columns sorted by frame; ``frame_index`` (N,)) of which those at a seed's box are sure.

    Confidence becomes 1 there. Where nobody was detected at a seed's box, the box itself is a detection, of
    ``class_id``. Detected boxes stay as they are: a hand draws less exactly than a detector.
    """
    confidence = detections.confidence.copy()
    added: list[npt.NDArray[np.intp]] = []
    for frame in np.unique(seeds.frame_index):
        low, high = np.searchsorted(frame_index, [frame, frame + 1])
        first, last = np.searchsorted(seeds.frame_index, [frame, frame + 1])
        overlap = iou(seeds.xyxy[first:last].astype(np.float64), detections.xyxy[low:high].astype(np.float64))
        rows, columns = assign(overlap, _HERE)
        confidence[low + columns] = 1
        added.append(first + others(rows, int(last - first)))
    extra = seeds[np.concatenate([np.zeros(0, np.intp), *added])]
    frames = np.concatenate([frame_index, extra.frame_index])
    order = np.argsort(frames, kind="stable")
    sure = Detections.of(
        np.concatenate([detections.xyxy, extra.xyxy]),
        np.concatenate([confidence, np.ones(len(extra), np.float32)]),
        np.concatenate([detections.class_id, np.full(len(extra), class_id)]),
    )
    return frames[order], sure[order]


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """Tracks of which some belong to players chosen by hand."""

    tracks: Tracks
    """The player in drawn box n has identity n; all others have identities behind these."""
    names: dict[int, str]
    """Names given, by identity."""
    protected: frozenset[int]
    """Identities of the chosen players, named or not: they are players, whatever rules say."""
    notes: tuple[str, ...]
    """What did not go as it should, a line each."""


def name_seeded(tracks: Tracks, seeds: Tracks, rois: Sequence[Roi]) -> Named:
    """Give the tracks of players chosen by hand their numbers and names.

    A seed's track is the one that overlaps it most, over the frames of the seed, one track for each of the seeds that
    begin together. A track in which a later seed begins is that player's from there on: who drew a box knew. A seed
    without a track is a track by itself. Frames count alike in ``tracks`` and ``seeds``.
    """
    first = {number: int(rows.frame_index[0]) for number, rows in seeds.by_id()}
    track_of = _matched(tracks, seeds, first)
    identity, notes = np.zeros(len(tracks), np.int32), list[str]()
    holder: dict[int, int] = {}
    for number, begins in sorted(first.items(), key=lambda item: item[::-1]):
        who = _who(rois, number)
        if number not in track_of:
            notes.append(f"{who} is only where the box was drawn: no detections follow from it")
            continue
        track = track_of[number]
        rows = tracks.track_id == track
        if track in holder:
            rows &= tracks.frame_index >= begins
            notes.append(f"{_who(rois, holder[track])} and {who} were one track; from frame {begins} on it is {who}")
        identity[rows] = number
        holder[track] = number
    identity[identity == 0] = _numbers_of_others(tracks.track_id[identity == 0], rois)
    late = sorted(set(range(1, len(rois) + 1)) - set(first))
    notes += [f"the box of {_who(rois, number)} starts after the last frame" for number in late]
    alone = seeds[~np.isin(seeds.track_id, list(track_of))]
    names = {number: name for number in first if (name := rois[number - 1].name) is not None}
    return Named(_with(tracks, identity, alone), names, frozenset(first), tuple(notes))


def _matched(tracks: Tracks, seeds: Tracks, first: dict[int, int]) -> dict[int, int]:
    """Number of a seed -> the track that it belongs to, where there is one."""
    ids = tracks.ids
    overlap = np.zeros((len(first), len(ids)))
    numbers = np.array(list(first))
    for frame in np.unique(seeds.frame_index).tolist():
        here, there = seeds.at(frame), tracks.at(frame)
        shared = iou(here.xyxy.astype(np.float64), there.xyxy.astype(np.float64))
        cells = np.ix_(np.searchsorted(numbers, here.track_id), np.searchsorted(ids, there.track_id))
        overlap[cells] += np.where(shared >= _HERE, shared, 0)
    begins = np.array(list(first.values()))
    found: dict[int, int] = {}
    for together in (np.flatnonzero(begins == frame) for frame in np.unique(begins)):
        rows, columns = assign(overlap[together], _HERE)
        found |= dict(zip(numbers[together[rows]].tolist(), ids[columns].tolist(), strict=True))
    return found


def _numbers_of_others(track_id: IntArray, rois: Sequence[Roi]) -> IntArray:
    """New identities, behind those of the drawn boxes; none reads like a name that was given, such as 23."""
    names = {roi.name for roi in rois}
    old, which = np.unique(track_id, return_inverse=True)
    free = (number for number in count(len(rois) + 1) if str(number) not in names)
    return np.fromiter(islice(free, len(old)), np.int32, len(old))[which]


def _with(tracks: Tracks, identity: IntArray, alone: Tracks) -> Tracks:
    """``tracks`` under new identities, and the boxes of ``alone``."""
    return Tracks.of(
        np.concatenate([tracks.frame_index, alone.frame_index]),
        np.concatenate([identity, alone.track_id]),
        np.concatenate([tracks.xyxy, alone.xyxy]),
        np.concatenate([tracks.confidence, alone.confidence]),
        np.concatenate([tracks.observed, alone.observed]),
    )


def _who(rois: Sequence[Roi], number: int) -> str:
    return rois[number - 1].name or f"player {number}"
