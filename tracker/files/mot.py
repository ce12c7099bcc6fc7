"""MOTChallenge text files: detections in, tracks in and out.

A row is ``frame,id,left,top,width,height,confidence,-1,-1,-1``, or in files with classes
``frame,id,left,top,width,height,confidence,class,visibility``. Frames count from 1 in files and from 0 in memory;
coordinates are taken as they are, as the code of SORT does. Files are small beside video: they are read whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ground.disk.files import read_text, write_atomically
from ground.errors import InputError
from tracker.boxes import Float64Array, xywh_to_xyxy, xyxy_to_xywh
from tracker.files.classes import left_out, people
from tracker.files.mot_rows import BOX, CLASS, CONFIDENCE, FRAME, ID, LAST_FRAME, Rows, read_rows
from tracker.types import BoolArray, Detections, Tracks

LABELS = "labels.txt"
"""Beside CVAT's ``gt.txt``: the name of each class, a line each, from class 1 on."""
_PEDESTRIAN = 1
_DISTRACTORS = (2, 7, 8, 12)
"""MOTChallenge: person on vehicle, static person, distractor, reflection. Who follows one is not blamed."""
_MOT20_DISTRACTORS = (*_DISTRACTORS, 6)
"""In MOT20 vehicles as well."""
_LAST_CLASS = 13


class Truth(NamedTuple):
    """Ground truth with all that is marked in it."""

    boxes: Tracks
    counts: BoolArray
    """(N,), the boxes that are to be found."""
    distracts: BoolArray
    """(N,), the boxes of what looks like a person: who finds one is not blamed."""


def read_detections(path: Path) -> dict[int, Detections]:
    """Detections by 0-based frame index, ascending; frames without detections are absent.

    Rows may come in any order. A file without rows is a video in which nobody was found.
    Raises InputError, with the line, for what is not a number, a box without size, or a row with an identity.
    """
    rows = read_rows(path)
    rows.check(rows.values[:, ID] <= 0, "has an identity; detections have -1 there, so this is a file of tracks")
    values = rows.values[np.argsort(rows.values[:, FRAME], kind="stable")]
    frames, starts = np.unique(values[:, FRAME].astype(np.int64), return_index=True)
    return {
        int(frame) - 1: Detections.of(xywh_to_xyxy(part[:, BOX]), part[:, CONFIDENCE])
        for frame, part in zip(frames, np.split(values, starts[1:]), strict=False)
    }


def read_tracks(path: Path) -> Tracks:
    """Tracks of all classes, in any order in the file. A box with confidence 0 was filled in: ``observed`` is False.

    Raises InputError, with the line, for what ``read_detections`` does not take, for a row without an identity and
    for an identity that is twice in a frame.
    """
    return _tracks(read_rows(path))[0]


def read_people(path: Path, wanted: Sequence[str] = ()) -> tuple[Tracks, tuple[str, ...]]:
    """The tracks of people in a file that may have classes, and a note on others that are left out.

    Classes have names where ``labels.txt`` lies beside the file, as CVAT writes it, else they are numbers: MOTChallenge
    counts from 1, a pedestrian, and the classes of COCO from 0, a person. wanted: classes to take instead.
    Raises InputError as ``read_tracks``, and where there is nobody.
    """
    tracks, class_id = _tracks(read_rows(path))
    if not len(class_id) or class_id[0] < 0:
        return tracks, ()
    names = _class_names(path)
    numbers = sorted(set(class_id.tolist()))
    called = {number: names.get(number, f"{number}") for number in numbers}
    try:
        kept = people(called.values(), wanted) if names or wanted else {f"{_person(path, numbers)}"}
    except InputError as error:
        raise InputError(f"{path}: {error}", error.setting) from error
    if len(numbers) == 1 and not names:
        return tracks, ()
    rows = np.isin(class_id, [number for number in numbers if called[number] in kept])
    return tracks[rows], left_out([called[number] for number in class_id.tolist()], kept)


def read_truth(path: Path) -> Tracks:
    """Ground truth, without what MOTChallenge does not count: see ``read_all_truth``."""
    truth = read_all_truth(path)
    return truth.boxes[truth.counts]


def read_all_truth(path: Path, *, is_mot20: bool = False, by_class: bool = True) -> Truth:
    """Ground truth as TrackEval takes it: boxes marked 0 do not count, nor do those of other classes than pedestrians.

    Where ``labels.txt`` lies beside, classes go by their names. by_class: if not, all classes count alike.
    Raises InputError as ``read_tracks``.
    """
    boxes, class_id = _tracks(read_rows(path))
    counts, distracts = boxes.confidence != 0, np.zeros(len(boxes), np.bool_)
    names = _class_names(path) if by_class else {}
    if names and (class_id >= 0).all():
        kept = people(names.values())
        counts &= np.isin(class_id, [number for number, name in names.items() if name in kept])
    elif by_class and ((class_id >= 1) & (class_id <= _LAST_CLASS)).all():
        counts &= class_id == _PEDESTRIAN
        distracts = np.isin(class_id, _MOT20_DISTRACTORS if is_mot20 else _DISTRACTORS)
    return Truth(boxes, counts, distracts)


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


def _tracks(rows: Rows) -> tuple[Tracks, npt.NDArray[np.int64]]:
    """Tracks, and the class of each of their boxes (-1: none)."""
    ids = rows.values[:, ID]
    rows.check((ids >= 0) & (ids <= LAST_FRAME), "has no identity; is this a file of detections?")
    rows.check(ids == np.round(ids), "has an identity that is not a whole number")
    order = np.lexsort((ids, rows.values[:, FRAME]))
    twice = np.zeros(len(ids), np.bool_)
    twice[order[1:]] = (np.diff(rows.values[order, :2], axis=0) == 0).all(axis=1)
    rows.check(~twice, "repeats an identity within its frame")
    values = rows.values[order]
    confidence = values[:, CONFIDENCE]
    tracks = Tracks.of(values[:, FRAME] - 1, values[:, ID], xywh_to_xyxy(values[:, BOX]), confidence, confidence != 0)
    return tracks, values[:, CLASS].astype(np.int64)


def _class_names(path: Path) -> dict[int, str]:
    labels = path.with_name(LABELS)
    if not labels.is_file():
        return {}
    return {number: name.strip() for number, name in enumerate(read_text(labels).split("\n"), 1) if name.strip()}


def _person(path: Path, numbers: Sequence[int]) -> int:
    if len(numbers) == 1:
        return numbers[0]
    person = next((number for number in (0, _PEDESTRIAN) if number in numbers), None)
    if person is None:
        few = ", ".join(map(str, numbers[:5]))
        raise InputError(f"{path}: has the classes {few}, none of them a person's; choose some", "detector.classes")
    return person


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
