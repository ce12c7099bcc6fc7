"""Labelled clips to learn from, in the layouts that data sets come in.

SpaceJam (``examples/ID.mp4``, ``annotation_dict.json``, ``labels_dict.json``), or a folder per label that holds videos
of one player, or ``.npy`` files of uint8 frames: one clip (T, H, W, 3) or many (N, T, H, W, 3), RGB.
"""

from __future__ import annotations

import csv
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from classify.errors import ClipError
from classify.types import CLIP_HEIGHT, CLIP_LENGTH, CLIP_PACE, CLIP_WIDTH

Frames = npt.NDArray[np.uint8]

ALIASES: Mapping[str, str] = {
    "dribbling": "dribble",
    "nothing": "no_action",
    "passing": "pass",
    "shooting": "shoot",
    "defence": "defense",
    "ball_in_hand": "ball in hand",
    "running": "run",
    "walking": "walk",
}
"""What other data sets call our labels."""

DISCARD = "discard"
"""SpaceJam's label for clips that are no good."""

_NUM_PARTS = 5
"""A numbered folder is cut into this many groups: neighbours in number come from the same game, often the same play."""
_MAX_BAD = 0.1
"""A data set of which more than this part cannot be read is refused."""
_VIDEO_SUFFIXES = {".mp4", ".mov", ".avi", ".mkv", ".webm"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledClip:
    """One player doing one thing."""

    name: str
    label: str
    group: str
    """Clips of one group were made from the same footage: all of them are learnt from, or all are judged on."""
    frames: Frames
    """uint8 (T, 176, 128, 3), RGB, at about 25 frames per second; T from 1 on."""


def load_clips(
    folders: Sequence[Path], labels: Sequence[str], aliases: Mapping[str, str] = ALIASES
) -> list[LabelledClip]:
    """All clips in ``folders``, each in SpaceJam's layout or with a folder per label; decoded, in memory.

    Files that cannot be read are left out with a warning. Raises ClipError when a folder holds no clips or a label
    that is none of ``labels``, or when more than a tenth of its files cannot be read.
    """
    clips: list[LabelledClip] = []
    for folder in folders:
        if not folder.is_dir():
            raise ClipError(f"{folder}: no such folder")
        clips += _load_folder(folder, labels, aliases)
    return clips


def _load_folder(folder: Path, labels: Sequence[str], aliases: Mapping[str, str]) -> list[LabelledClip]:
    if (folder / "annotation_dict.json").is_file():
        return _load_files(folder, _list_spacejam(folder), labels)
    return _load_files(folder, _list_label_folders(folder, aliases), labels)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    label: str
    group: str


def _load_files(folder: Path, files: Sequence[_File], labels: Sequence[str]) -> list[LabelledClip]:
    strange = sorted({f.label for f in files} - set(labels))
    if strange:
        raise ClipError(f"{folder}: {', '.join(strange)} is none of the labels {', '.join(labels)}")
    clips: list[LabelledClip] = []
    bad: list[str] = []
    for file in files:
        try:
            clips += _read_file(file)
        except ClipError as error:
            bad.append(str(error))
    if not clips or len(bad) > _MAX_BAD * len(files):
        shown = f"; the first: {bad[0]}" if bad else ""
        raise ClipError(f"{folder}: {len(bad)} of {len(files)} clips cannot be read{shown}")
    for message in bad:
        _log.warning("left out: %s", message)
    return clips


def _list_spacejam(folder: Path) -> list[_File]:
    """Clips of a folder in SpaceJam's layout; a mirrored twin is in its original's group."""
    annotations, names = _read_json(folder / "annotation_dict.json"), _read_json(folder / "labels_dict.json")
    unknown = sorted({str(v) for v in annotations.values()} - set(names))
    if unknown:
        raise ClipError(f"{folder / 'annotation_dict.json'}: label {unknown[0]} is not in labels_dict.json")
    sources = _read_sources(folder / "clips.csv")
    return [
        _File(folder / "examples" / f"{clip}.mp4", names[str(label)], sources.get(clip, spacejam_group(clip)))
        for clip, label in sorted(annotations.items())
        if names[str(label)] != DISCARD
    ]


def spacejam_group(clip: str) -> str:
    """The original that a SpaceJam clip was made from: ``0006103_flipped`` -> ``0006103``."""
    return clip.removesuffix("_flipped")


def _read_sources(path: Path) -> dict[str, str]:
    """clip_id -> source, where a table beside the clips tells what each was made from."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["clip_id"]: row["source"] for row in csv.DictReader(file)}


def _list_label_folders(folder: Path, aliases: Mapping[str, str]) -> list[_File]:
    """Files of a folder per label, grouped by contiguous parts of their numbering, the same in every label."""
    files: list[_File] = []
    for label_folder in sorted(p for p in folder.iterdir() if p.is_dir()):
        paths = sorted((p for p in label_folder.iterdir() if p.suffix in _VIDEO_SUFFIXES | {".npy"}), key=_number)
        label = aliases.get(label_folder.name, label_folder.name)
        files += [_File(p, label, f"{folder.name}/{i * _NUM_PARTS // len(paths)}") for i, p in enumerate(paths)]
    return files


def _number(path: Path) -> tuple[int, str]:
    """Sort key: the last number in the name, then the name."""
    numbers = re.findall(r"\d+", path.stem)
    return (int(numbers[-1]) if numbers else -1, path.name)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ClipError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(value, dict):
        raise ClipError(f"{path}: expected an object that maps ids to labels")
    return value


def _read_file(file: _File) -> Iterator[LabelledClip]:
    if file.path.suffix != ".npy":
        return iter([LabelledClip(file.path.name, file.label, file.group, read_video(file.path))])
    arrays = _read_array(file.path)
    names = (f"{file.path.name}[{i}]" for i in range(len(arrays)))
    return iter([LabelledClip(n, file.label, file.group, a) for n, a in zip(names, arrays, strict=True)])


def _read_array(path: Path) -> Frames:
    """uint8 (N, T, 176, 128, 3), mapped into memory: read when it is used."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ClipError(f"{path}: not an array of frames ({error})") from error
    array = array[None] if array.ndim == 4 else array
    if array.dtype != np.uint8 or array.ndim != 5 or array.shape[2:] != (CLIP_HEIGHT, CLIP_WIDTH, 3) or not array.size:
        raise ClipError(f"{path}: expected uint8 (N, T, 176, 128, 3), not {array.dtype} {array.shape}")
    return array


def read_video(path: Path) -> Frames:
    """A short video of one player -> uint8 (T, 176, 128, 3) RGB, at about 25 frames per second.

    Of faster video every second, third ... frame is taken; a header below 25 is not believed (SpaceJam's says 10 and
    means 25). Raises ClipError when nothing can be decoded.
    """
    capture = cv2.VideoCapture(str(path))
    step = max(1, round(capture.get(cv2.CAP_PROP_FPS) / CLIP_PACE))
    frames: list[Frames] = []
    index = 0
    while capture.grab():
        if index % step == 0:
            ok, image = capture.retrieve()
            if not ok:
                break
            frames.append(fit_frame(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)))
        index += 1
    capture.release()
    if not frames:
        raise ClipError(f"{path}: no frame can be decoded")
    return np.stack(frames)


def fit_frame(image: Frames) -> Frames:
    """uint8 (H, W, 3) of any size -> (176, 128, 3): aspect kept, in the middle, black bars around it."""
    height, width = image.shape[:2]
    if (height, width) == (CLIP_HEIGHT, CLIP_WIDTH):
        return image
    scale = min(CLIP_HEIGHT / height, CLIP_WIDTH / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (CLIP_HEIGHT - size[1]) // 2, (CLIP_WIDTH - size[0]) // 2
    framed = np.zeros((CLIP_HEIGHT, CLIP_WIDTH, 3), np.uint8)
    framed[top : top + size[1], left : left + size[0]] = resized
    return framed


def sixteen(frames: Frames, start: int | None = None) -> Frames:
    """(T, ...) of any length -> (16, ...): a window of a longer clip, or a shorter one played to and fro.

    start: first frame; None takes the middle of a longer clip and the beginning of a shorter one. To and fro keeps
    the pace and the direction of each step possible, which stretching (slow motion) and holding the last frame
    (standing still) do not.
    """
    length = len(frames)
    if length >= CLIP_LENGTH:
        first = (length - CLIP_LENGTH) // 2 if start is None else start
        return np.asarray(frames[first : first + CLIP_LENGTH])
    period = max(1, 2 * length - 2)
    index = (np.arange(CLIP_LENGTH) + (start or 0)) % period
    return np.asarray(frames[np.where(index < length, index, period - index)])
