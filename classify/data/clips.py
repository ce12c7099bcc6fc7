"""Labelled clips to learn from: videos of one player, decoded.

What there is on disk, and in which layouts, is told by ``classify.data.layouts`` and ``classify.data.spacejam``. A
video becomes frames of 176x128 pixels; ``.npy`` files hold such frames: one clip (T, H, W, 3) or many (N, T, H, W, 3),
RGB.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from classify.data.layouts import ALIASES, ClipFile, check_labels, list_csv, list_label_folders
from classify.data.spacejam import is_spacejam, list_spacejam
from classify.sampling import MAX_FRAMES, sampled, steps_of
from classify.types import CLIP_HEIGHT, CLIP_LENGTH, CLIP_WIDTH
from ground.errors import InputError
from ground.video.source import open_video

Frames = npt.NDArray[np.uint8]
Scalar = TypeVar("Scalar", bound=np.generic)

MAX_BAD = 0.1
"""A data set of which more than this part cannot be used is refused. Raised, a broken copy is trained on."""
_MIN_FRAMES = 2
"""A single picture does not move."""

_log = logging.getLogger("courtscribe")
_PLAIN = b"\x93NUMPY\x01"
"""How an array's file begins. Later versions have longer headers, as long as four gigabytes, and no use for them."""
_NO_ARRAY = (OSError, ValueError, EOFError, TypeError, OverflowError, MemoryError, SyntaxError, TokenError)
"""What NumPy raises for files that are none of its own; it parses their headers as Python."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledClip:
    """One player doing one thing."""

    name: str
    label: str
    group: str
    """Clips of one group were made from the same footage: all of them are learnt from, or all are judged on."""
    frames: Frames
    """uint8 (T, H, W, 3), RGB, at about 25 frames per second; 176x128, or the size that a network reads."""
    known_digest: str = ""
    """``digest_of`` the frames, where it has been worked out."""

    @property
    def digest(self) -> str:
        """Changes with any pixel."""
        return self.known_digest or digest_of(self.frames)


@dataclass(frozen=True, slots=True)
class BadClip:
    """A file that cannot be learnt from."""

    path: Path
    kind: str
    """"missing", "unreadable" or "length"."""
    reason: str


def digest_of(frames: Frames) -> str:
    """Of uint8 (T, H, W, 3): changes with any pixel, and with the shape."""
    hasher = hashlib.blake2b(f"{frames.shape}".encode(), digest_size=16)
    hasher.update(np.ascontiguousarray(frames).data)
    return hasher.hexdigest()


def list_clips(
    sources: Sequence[Path], aliases: Mapping[str, str] = ALIASES, test_list: Path | None = None
) -> list[ClipFile]:
    """What ``sources`` hold: folders in SpaceJam's layout or with a folder per label, or CSVs that name clips.

    test_list: SpaceJam's test ids, where they are not in its folder.
    Raises InputError when there is no such folder, or no clip in it.
    """
    return [file for source in sources for file in _list(source, aliases, test_list)]


def _list(source: Path, aliases: Mapping[str, str], test_list: Path | None) -> list[ClipFile]:
    if source.is_file():
        return list_csv(source, aliases)
    if not source.is_dir():
        raise InputError(f"{source}: no such folder")
    files = list_spacejam(source, test_list) if is_spacejam(source) else list_label_folders(source, aliases)
    if not files:
        raise InputError(f"{source}: 0 of 0 clips; expected SpaceJam's layout, or a folder per label that holds videos")
    return files


def load_clips(
    folders: Sequence[Path], labels: Sequence[str], aliases: Mapping[str, str] = ALIASES
) -> list[LabelledClip]:
    """All clips in ``folders`` (see ``list_clips``), decoded, in memory.

    Files that cannot be read are left out with a warning. Raises InputError when a folder holds no clips or a label
    that is none of ``labels``, or when more than a tenth of its files cannot be read.
    """
    clips: list[LabelledClip] = []
    for folder in folders:
        files = list_clips([folder], aliases)
        check_labels(folder, files, labels)
        read = [read_file(file) for file in files]
        bad = [outcome for outcome in read if isinstance(outcome, BadClip)]
        refuse_too_many(len(files), bad, MAX_BAD, folder)
        for outcome in bad:
            _log.warning("left out: %s: %s", outcome.path, outcome.reason)
        clips += [clip for outcome in read if not isinstance(outcome, BadClip) for clip in outcome]
    return clips


def refuse_too_many(number: int, bad: Sequence[BadClip], part: float, where: Path | str) -> None:
    """Raises InputError when none of ``number`` files is left, or more than ``part`` of them are bad."""
    if len(bad) == number or len(bad) > part * number:
        raise InputError(
            f"{where}: {len(bad)} of {number} clips cannot be read; the first: {bad[0].path}: {bad[0].reason}"
        )


def read_file(file: ClipFile) -> list[LabelledClip] | BadClip:
    """The clips in ``file``, or what is wrong with it."""
    try:
        there = file.path.is_file()
    except OSError as error:  # such as a name that is too long
        return BadClip(file.path, "missing", f"{error.strerror}")
    if not there:
        return BadClip(file.path, "missing", "no such file")
    try:
        arrays = _read_array(file.path) if file.is_array else [read_video(file.path, MAX_FRAMES)]
    except InputError as error:
        return BadClip(file.path, "unreadable", str(error).removeprefix(f"{file.path}: "))
    length = len(arrays[0])
    if length != (file.length or length) or not _MIN_FRAMES <= length <= MAX_FRAMES:
        wanted = file.length or f"{_MIN_FRAMES} to {MAX_FRAMES}"
        found = f"{length}" if length <= MAX_FRAMES else f"more than {MAX_FRAMES}"
        return BadClip(file.path, "length", f"has {found} frame{'s' * (found != '1')}, not {wanted}")
    names = [f"{file.path.name}[{i}]" for i in range(len(arrays))] if file.is_array else [file.path.name]
    return [LabelledClip(n, file.label, file.group, a) for n, a in zip(names, arrays, strict=True)]


def _read_array(path: Path) -> Frames:
    """uint8 (N, T, 176, 128, 3), mapped into memory: read when it is used."""
    try:
        with path.open("rb") as file:
            if file.read(7) != _PLAIN:
                raise ValueError("it does not begin as one")
        array = np.lib.format.open_memmap(path, mode="r")
    except _NO_ARRAY as error:
        raise InputError(f"{path}: not an array of frames ({error})") from error
    array = array[None] if array.ndim == 4 else array
    if array.dtype != np.uint8 or array.ndim != 5 or array.shape[2:] != (CLIP_HEIGHT, CLIP_WIDTH, 3) or not array.size:
        raise InputError(f"{path}: expected uint8 (N, T, 176, 128, 3), not {array.dtype} {array.shape}")
    return array


def read_video(path: Path, max_frames: int | None = None) -> Frames:
    """A short video of one player -> uint8 (T, 176, 128, 3) RGB, 25 of them a second, as ``classify.sampling`` has it.

    max_frames: reading stops one frame after so many.
    Raises InputError when nothing can be decoded.
    """
    most = None if max_frames is None else max_frames + 1
    frames: list[Frames] = []
    with open_video(path) as video:
        for frame, times in sampled(video, steps_of(video)):
            frames += [fit_frame(frame.image)] * times
            if most is not None and len(frames) >= most:
                break
    return np.stack(frames[:most])


def fit_frame(image: Frames, height: int = CLIP_HEIGHT, width: int = CLIP_WIDTH) -> Frames:
    """uint8 (H, W, 3) of any size -> (height, width, 3): aspect kept, in the middle, black bars around it."""
    if image.shape[:2] == (height, width):
        return image
    scale = min(height / image.shape[0], width / image.shape[1])
    inner = (min(width, max(1, round(image.shape[1] * scale))), min(height, max(1, round(image.shape[0] * scale))))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    framed = np.zeros((height, width, 3), np.uint8)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    framed[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=method)
    return framed


def sixteen(frames: npt.NDArray[Scalar], start: int | None = None) -> npt.NDArray[Scalar]:
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
