"""Which clips there are on disk, what they show, and which were made from the same footage; nothing is decoded here.

Three layouts: SpaceJam's (see ``classify.data.spacejam``), a folder per label, and a CSV with the columns ``clip``,
``label`` and, where wanted, ``split`` and ``group``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ground.disk.files import visible
from ground.disk.tables import Row, read_rows
from ground.errors import InputError

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

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".mts", ".ts", ".flv", ".ogv", ".3gp"}
)
ARRAY_SUFFIX = ".npy"
TRAIN, VALIDATION, TEST = "train", "validation", "test"
"""Parts of a data set that says itself what each clip is for."""

_PARTS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
_NUM_GROUPS = 5
"""A numbered folder is cut into this many groups: neighbours in number come from the same game, often the same play."""
_TWIN = "_flipped"


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A video of one player, or a ``.npy`` file of one or many clips."""

    path: Path
    label: str
    group: str
    """Clips of one group were made from the same footage: all of them are learnt from, or all are judged on."""
    part: str = ""
    """What the data set says that it is for: "train", "validation", "test", or nothing."""
    length: int | None = None
    """Frames that it must have, where the data set says so."""

    @property
    def is_array(self) -> bool:
        """Whether it holds frames as they are, and maybe many clips."""
        return self.path.suffix.lower() == ARRAY_SUFFIX


def original(clip: str) -> str:
    """The clip that a mirrored twin was made from: ``0006103_flipped`` -> ``0006103``; other names stay."""
    return clip.removesuffix(_TWIN)


def list_label_folders(folder: Path, aliases: Mapping[str, str] = ALIASES) -> list[ClipFile]:
    """Files of a folder per label, or of such folders in ``train``, ``validation`` (or ``val``) and ``test``.

    Where the folder does not say what each clip is for, groups are contiguous parts of each label's numbering, the
    same part of every label in one group. Where it does, every file is its own group, with its mirrored twin.
    """
    parts = [p for p in _folders(folder) if p.name.lower() in _PARTS]
    if not any(_PARTS[p.name.lower()] == TRAIN for p in parts):
        return [file for label in _folders(folder) for file in _numbered(label, folder.name, aliases)]
    found = [(part, label, path) for part in parts for label in _folders(part) for path in _clips_in(label)]
    with_twin = {(label.name, original(path.stem)) for _, label, path in found if original(path.stem) != path.stem}
    files: list[ClipFile] = []
    for part, label, path in found:
        # Each part may number its own clips from 0 on: only a mirrored twin says that a name means the same everywhere.
        of_all = (label.name, original(path.stem)) in with_twin
        group = f"{label.name}/{original(path.stem)}" if of_all else f"{part.name}/{label.name}/{path.stem}"
        files.append(ClipFile(path, aliases.get(label.name, label.name), group, _PARTS[part.name.lower()]))
    return files


def _folders(folder: Path) -> list[Path]:
    return [p for p in visible(folder) if p.is_dir()]


def _clips_in(folder: Path) -> list[Path]:
    clips = (p for p in visible(folder) if p.suffix.lower() in VIDEO_SUFFIXES | {ARRAY_SUFFIX} and not p.is_dir())
    return sorted(clips, key=_number)


def _numbered(folder: Path, source: str, aliases: Mapping[str, str]) -> list[ClipFile]:
    paths, label = _clips_in(folder), aliases.get(folder.name, folder.name)
    return [ClipFile(p, label, f"{source}/{i * _NUM_GROUPS // len(paths)}") for i, p in enumerate(paths)]


def _number(path: Path) -> tuple[int, str]:
    """Sort key: the last number in the name, then the name."""
    numbers = re.findall(r"\d+", path.stem)
    return (int(numbers[-1]) if numbers else -1, path.name)


def list_csv(path: Path, aliases: Mapping[str, str] = ALIASES) -> list[ClipFile]:
    """Clips that a CSV names: columns ``clip`` (a path, relative to the CSV's folder), ``label``, ``split``, ``group``.

    split: "train", "validation" (or "val") or "test"; left out or empty: whatever the training makes of it. group: left
    out, every clip is its own, with its mirrored twin.
    Raises InputError, naming the line, for what cannot be read.
    """
    rows = read_rows(path)
    if not rows or not {"clip", "label"} <= set(rows[0][1]):
        raise InputError(f"{path}: expected a CSV with the columns clip, label, split, and rows")
    files = [_from_row(path, number, row, aliases) for number, row in rows]
    _check_once(path, (f.path for f in files))
    return files


def _from_row(path: Path, number: int, row: Row, aliases: Mapping[str, str]) -> ClipFile:
    clip, label, part = (row.get(name, "") for name in ("clip", "label", "split"))
    if not clip or not label:
        raise InputError(f"{path}, line {number}: expected a clip and its label, found {clip!r} and {label!r}")
    part = part.lower()
    if part and part not in _PARTS:
        raise InputError(f"{path}, line {number}: split is train, validation or test, not {part!r}")
    if "\0" in clip:
        raise InputError(f"{path}, line {number}: {clip!r} is no name of a file")
    where = Path(os.path.normpath(path.parent / clip))
    group = row.get("group") or original(str(where.with_suffix("")))
    return ClipFile(where, aliases.get(label, label), group, _PARTS.get(part, ""))


def _check_once(path: Path, clips: Iterable[Path]) -> None:
    seen: set[Path] = set()
    for clip in clips:
        if clip in seen:
            raise InputError(f"{path}: names {clip} more than once")
        seen.add(clip)


def check_labels(source: Path, files: Sequence[ClipFile], labels: Sequence[str]) -> None:
    """Raises InputError when ``files`` show something that is none of ``labels``."""
    strange = sorted({f.label for f in files} - set(labels))
    if strange:
        raise InputError(f"{source}: {', '.join(strange)} is none of the labels {', '.join(labels)}")
