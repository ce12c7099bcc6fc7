"""A YOLO data set as people have them -> pictures and boxes of our classes, in a folder of our own.

What is read: ``data.yaml`` for the names, pictures anywhere below it, label files in ``labels/`` where the picture is
in ``images/``, or beside it. Nothing of the data set is changed, and nothing is removed that was not made here.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from ground.disk.files import read_text, visible, write_text
from ground.errors import InputError, unwritable
from ground.pixels import read_picture

CLASSES = ("player", "referee", "ball", "hoop")
"""Classes of the shipped detector, in the order of their class_id."""

_ALIASES = {"ref": "referee", "rim": "hoop", "basket": "hoop", "basketball": "ball", "person": "player"}
_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}
_WIDEST = 1280
"""Images are stored at most this wide (pixels): more is never read by a training at 960."""
_MARK = ".courtscribe-training"
"""A file that says that a folder was made here and may be written to and emptied."""
_FARTHEST = 2.0
"""In parts of the picture's sides: a label beyond it is in pixels."""


@dataclass(frozen=True, slots=True)
class _Names:
    """What ``data.yaml`` says."""

    path: Path
    count: int
    ours: dict[int, int]
    """The data set's class ids that mean one of ours -> our class id."""
    has_joints: bool
    """Whether numbers behind a box are joints and no outline."""


def prepare_dataset(source: Path, target: Path, hold_out: Sequence[str], aspect: float | None) -> tuple[Path, int]:
    """Copy a YOLO-labelled folder to ``target`` with our classes, split and picture shape.

    target: new, empty, or made by this before: then what it holds is replaced.
    hold_out: patterns of file names or of paths below ``source``. aspect: as in ``train_detector``.
    Returns the path of the new ``data.yaml`` and the number of held-out images.
    Raises InputError for a data set that cannot be learnt from, before anything is written.
    """
    if target.resolve() in (source.resolve(), *source.resolve().parents):
        raise InputError(f"{target}: would be replaced, and {source} is in it; name another folder", "work")
    _check_ours(target)
    names = _read_names(source)
    labelled = [
        (image, _read_labels(label, names))
        for image in _images(source, target)
        if (label := _label_of(image, source)) is not None
    ]
    if not labelled:
        raise InputError(f"{source}: no images with YOLO label files in it (images/NAME.jpg with labels/NAME.txt)")
    held = [_matches(image.relative_to(source), hold_out) for image, _ in labelled]
    if all(held):
        raise InputError(f"{source}: every image is held out by {', '.join(hold_out)}, none is left to train on")
    if not any(row.startswith("0 ") for (_, rows), out in zip(labelled, held, strict=True) if not out for row in rows):
        raise InputError(f"{source}: no player is labelled in the images to train on")
    _empty(target)
    taken: set[str] = set()
    for (image, rows), out in zip(labelled, held, strict=True):
        stem, split = _free_name(image.stem, taken), "val" if out else "train"
        _copy_image(image, target / "images" / split / f"{stem}{image.suffix.lower()}", aspect)
        write_text(target / "labels" / split / f"{stem}.txt", "".join(rows))
    data, val = target / "data.yaml", "val" if any(held) else "train"
    content = {"path": str(target.resolve()), "train": "images/train", "val": f"images/{val}"}
    write_text(data, yaml.safe_dump(content | {"names": dict(enumerate(CLASSES))}, allow_unicode=True))
    return data, sum(held)


def claim(folder: Path) -> None:
    """Make sure that ``folder`` is there and ours: new, empty, or made here before.

    Raises InputError where it holds anything else, which would be overwritten.
    """
    _check_ours(folder)
    write_text(folder / _MARK, "Made by courtscribe train players, which replaces what is in here.\n")


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """BGR uint8 (H, W, 3). Raises InputError for a file that is no picture."""
    image = read_picture(path)
    if image is None:
        raise InputError(f"{path}: not a readable image")
    return image


def _check_ours(folder: Path) -> None:
    if not (folder / _MARK).is_file() and os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: holds what no training made; name a new or empty folder", "work")


def _empty(target: Path) -> None:
    claim(target)
    for name in ("images", "labels"):
        if (target / name).is_dir():
            shutil.rmtree(target / name)


def _images(source: Path, target: Path) -> Iterator[Path]:
    """Pictures below ``source``, sorted, but those that we made; links to folders are followed, once."""
    seen = {os.path.realpath(target)}
    folders = [source]
    while folders:
        folder = folders.pop()
        real = os.path.realpath(folder)
        if real in seen or (folder / _MARK).is_file():
            continue
        seen.add(real)
        found = visible(folder)
        yield from (p for p in found if p.suffix.lower() in _IMAGE_SUFFIXES and p.is_file())
        folders += [p for p in reversed(found) if p.is_dir()]


def _label_of(image: Path, source: Path) -> Path | None:
    """The label file: in ``labels`` where the picture is in the last ``images`` below the data set, or beside it."""
    *folders, _ = image.relative_to(source).parts
    places = [image.parent]
    for i in [i for i, part in enumerate(folders) if part.lower() == "images"]:
        places += [source.joinpath(*folders[:i], name, *folders[i + 1 :]) for name in ("Labels", "labels")]
    candidates = (place / f"{image.stem}{suffix}" for place in reversed(places) for suffix in (".txt", ".TXT"))
    return next((path for path in candidates if path.is_file()), None)


def _matches(image: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch(image.name, pattern) or fnmatch(image.as_posix(), pattern) for pattern in patterns)


def _free_name(stem: str, taken: set[str]) -> str:
    """``stem``, or with a number behind it where another folder has a picture of that name."""
    name, number = stem, 1
    while name.lower() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.lower())
    return name


def _read_names(source: Path) -> _Names:
    path = _names_file(source)
    try:
        content = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{path}: not readable as YAML ({' '.join(str(error).split())[:120]})") from error
    names: Any = content.get("names") if isinstance(content, dict) else None
    given = dict(enumerate(names)) if isinstance(names, list) else names if isinstance(names, dict) else {}
    try:
        # Only what is no container becomes text: a few lines of YAML can hold one of any size.
        flat = all(isinstance(name, (str, int, float)) for name in given.values())
        pairs = {int(i): str(name) for i, name in given.items()} if flat else {}
    except (TypeError, ValueError, OverflowError):
        pairs = {}
    if not pairs:
        raise InputError(f"{path}: must name the classes of the labels, as in: names: [player, referee, ball]")
    if content.get("nc", len(pairs)) != len(pairs):
        raise InputError(f"{path}: says nc: {content['nc']!r:.40} and names {len(pairs)} classes; correct one of them")
    plain = {i: _ALIASES.get(n.strip().lower(), n.strip().lower()) for i, n in pairs.items()}
    ours = {i: CLASSES.index(name) for i, name in plain.items() if name in CLASSES}
    if 0 not in ours.values():
        raise InputError(f"{path}: no class named player")
    return _Names(path, max(pairs) + 1, ours, "kpt_shape" in content)


def _names_file(source: Path) -> Path:
    path = source / "data.yaml"
    if source.is_dir() and not path.is_file():
        others = [p for p in visible(source) if p.suffix.lower() in (".yaml", ".yml") and p.is_file()]
        path = others[0] if len(others) == 1 else path
    if not path.is_file():
        raise InputError(f"{path}: not found; a YOLO data set names its classes there")
    return path


def _read_labels(path: Path, names: _Names) -> list[str]:
    """Lines of a label file in our classes: class, and centre and size of the box in parts of the picture's sides."""
    rows: list[str] = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            class_id, *values = (float(word) for word in line.replace(",", " ").split())
            known = class_id == int(class_id) and 0 <= class_id < names.count
            if not known or len(values) < 4 or not all(abs(value) <= _FARTHEST for value in values[:4]):
                raise ValueError
            box = _box(values, names.has_joints)
        except (ValueError, OverflowError) as error:
            raise InputError(
                f"{path}, line {number}: expected a class number of {names.path.name} and a box or outline in parts "
                f"of the picture's sides, not {line.strip()[:60]!r}"
            ) from error
        if int(class_id) in names.ours and box is not None:
            rows.append(f"{names.ours[int(class_id)]} {' '.join(f'{value:.6f}' for value in box)}\n")
    return rows


def _box(values: list[float], has_joints: bool) -> tuple[float, float, float, float] | None:
    """Centre and size of a label's box within the picture; None when nothing of it is.

    Four numbers are a box, five a box and how sure a detector was of it, six and more in pairs the outline of what
    is meant, as tools for segmentation write it. Raises ValueError for anything else.
    """
    if not has_joints and len(values) >= 6:
        if len(values) % 2 or not all(math.isfinite(v) and abs(v) <= _FARTHEST for v in values):
            raise ValueError
        edges = [min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])]
    else:
        x, y, width, height = values[:4]
        edges = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in edges)
    if not (right > left and bottom > top):
        return None
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _copy_image(source: Path, target: Path, aspect: float | None) -> None:
    image = read_image(source)
    height, width = image.shape[:2]
    if aspect is not None:
        width = round(height * aspect)
    shrink = min(1.0, _WIDEST / width)
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    if size != (image.shape[1], image.shape[0]):
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrink < 1 else cv2.INTER_CUBIC)
    _, packed = cv2.imencode(target.suffix, image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        packed.tofile(target)
    except OSError as error:
        raise unwritable(target, error) from error
