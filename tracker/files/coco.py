"""COCO-style JSON (cocodataset.org) with tracks, read.

An image per frame with its ``frame_index`` (from 0), an annotation per box with ``track_id``, ``bbox`` (left, top,
width, height), ``score``, and ``attributes``: ``action``, ``team``, and ``occluded`` for a box that was not observed.
Names of players stand in ``tracks``, as in TAO. Of others: ``frame_id`` (MMTracking from 0, ByteTrack from 1), numbers
in file names (CVAT from 0, FFmpeg and MOTChallenge from 1), ``instance_id``, several videos in one file. Files are read
whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast

import numpy as np

from ground.disk.files import read_text
from ground.errors import InputError
from tracker.boxes import xywh_to_xyxy
from tracker.files.classes import left_out, people
from tracker.files.track_file import Boxes, TrackFile, sorted_boxes, texts

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_EXPECTED = "expected image_id, track_id and bbox [left, top, width, height]"
_WHOLE = re.compile(r"[0-9]{1,15}")
_Entry = Mapping[str, Any]


def read_coco(path: Path, video: str = "", wanted: Sequence[str] = ()) -> TrackFile:
    """Tracks of one video, of people only; crowds are left out.

    video: its name or id, where the file is about several. wanted: categories to take instead of people.
    Raises InputError, with the line or the entry's number, for what is no such file.
    """
    content = _load(path)
    try:
        images, source = _of_video(path, content, video)
        numbering = _numbering(images)
        frames = {_key(image["id"]): numbering.frame(image) for image in images}
        categories = {_key(c["id"]): _text(c["name"]) for c in _entries(content, "categories")}
        names = {_whole(t["id"]): _text(t["name"]) for t in _entries(content, "tracks") if t.get("name")}
        elsewhere = {_key(image["id"]) for image in _entries(content, "images")} - set(frames)
        size = next(((_whole(i.get("width") or 0), _whole(i.get("height") or 0)) for i in images), (0, 0))
        labels = tuple(_text(label) for label in _list(content, "actions"))
        kept = people(set(categories.values()), wanted)
    except InputError as error:
        raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}", error.setting) from error
    except _MALFORMED as error:
        raise InputError(f"{path}: expected COCO's images, categories and annotations ({_reason(error)})") from error
    boxes = [(n, e) for n, e in _boxes(path, content) if e["image_id"] not in elsewhere]
    classes = [_class(path, n, e, categories) for n, e in boxes]
    chosen = [row for row, name in zip(boxes, classes, strict=True) if not categories or name in kept]
    rows = [_row(path, number, entry, frames) for number, entry in chosen]
    teams = {row[1]: team for row, (_, entry) in zip(rows, chosen, strict=True) if (team := _team(entry))}
    tracks, actions = sorted_boxes(_columns(rows), lambda number: f"{path}: annotation {number}")
    covered = range(min(frames.values(), default=0), max(frames.values(), default=-1) + 1)
    return TrackFile(
        tracks=tracks,
        names={i: name for i, name in names.items() if i in tracks.track_id},
        teams=teams,
        actions=actions if labels or (actions != "").any() else None,
        labels=labels,
        size=size,
        frames=covered,
        source=source,
        notes=(*numbering.notes, *(left_out(classes, kept) if categories else ())),
    )


def _load(path: Path) -> dict[str, Any]:
    text = read_text(path)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"{path}: not JSON text ({_reason(error)})") from error
    if not isinstance(content, dict) or not {"images", "annotations"} <= set(cast("dict[str, Any]", content)):
        raise InputError(f"{path}: expected COCO's images and annotations")
    return cast("dict[str, Any]", content)


def _of_video(path: Path, content: _Entry, wanted: str) -> tuple[list[_Entry], str]:
    """The images of one video, and its name. Raises InputError where there are several and none is chosen."""
    images = _entries(content, "images")
    names = {str(_key(v["id"])): _text(v.get("name") or "") for v in _entries(content, "videos")}
    videos = _videos(images)
    there = list(dict.fromkeys(videos))
    if len(there) < 2 and not wanted:
        return images, names.get(there[0], "") if there else next(iter(names.values()), "")
    called = {video: names.get(video) or video for video in there}
    matching = [video for video in there if wanted and wanted in (called[video], video, PurePosixPath(video).name)]
    if len(matching) != 1:
        listed = ", ".join(list(called.values())[:8]) + (", ..." if len(called) > 8 else "")
        example = f"{path.name}#{next(iter(called.values()), 'NAME')}"
        raise InputError(f"{path}: holds the videos {listed}; choose one, as in {example}")
    return [image for image, video in zip(images, videos, strict=True) if video == matching[0]], called[matching[0]]


def _videos(images: list[_Entry]) -> list[str]:
    """What tells the video of each image: its ``video_id``; else, where frames come twice, the folder it lies in."""
    if any("video_id" in image for image in images):
        return [str(_key(image.get("video_id", ""))) for image in images]
    numbering = _numbering(images)
    if len({numbering.frame(image) for image in images}) == len(images):
        return [""] * len(images)
    names = (_text(image.get("file_name") or "").replace("\\", "/") for image in images)
    return [str(PurePosixPath(name).parent).removesuffix("/img1") for name in names]


class _Numbering(NamedTuple):
    """How a file numbers its frames."""

    field: str
    """``frame_index``, ``frame_id``, or ``file_name``."""
    first: int
    """The number of the video's first frame."""
    notes: tuple[str, ...]

    def frame(self, image: _Entry) -> int:
        """The frame of an image, 0-based."""
        return _number(image, self.field) - self.first


def _numbering(images: list[_Entry]) -> _Numbering:
    """What a person means who numbers from 1 is told by the lowest number; a field that is there goes before names."""
    field = next((f for f in ("frame_index", "frame_id") if any(f in i for i in images)), "file_name")
    lowest = min((_number(image, field) for image in images), default=0)
    first = 1 if lowest == 1 and field != "frame_index" else 0
    named = [int(digits) for image in images if (digits := _digits(image))]
    if first:
        return _Numbering(field, first, (f"the file numbers frames from 1 ({field}): 1 is the first of the video",))
    if field == "frame_id" and named and min(named) != lowest:
        return _Numbering(field, 0, (f"frames go by frame_id (from {lowest}), not by file names (from {min(named)})",))
    return _Numbering(field, 0, ())


def _number(image: _Entry, field: str) -> int:
    if field != "file_name" and field in image:
        return _whole(image[field])
    if digits := _digits(image):  # in some files only some images have the field
        return int(digits)
    raise ValueError(f"image {image['id']!s:.20} has no frame_index")


def _digits(image: _Entry) -> str:
    digits = re.findall(r"[0-9]{1,15}", Path(_text(image.get("file_name") or "")).stem)
    return digits[-1] if digits else ""


def _entries(content: _Entry, name: str) -> list[_Entry]:
    entries = _list(content, name)
    if not all(isinstance(entry, dict) for entry in entries):
        raise TypeError(f"{name} is a list of objects")
    return entries


def _list(content: _Entry, name: str) -> list[Any]:
    entries = content.get(name)
    if not isinstance(entries, list | None):
        raise TypeError(f"{name} is a list")
    return cast("list[Any]", entries or [])


def _key(value: Any) -> int | str:
    """An id as COCO has them; lists and truth values are none."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"an id is a number or a text, not {value!r:.40}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise TypeError(f"expected a text, not {value!r:.40}")
    return str(value)


def _whole(value: Any) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 2**53 or value != int(value):
        raise ValueError(f"{value!r:.40} is no whole number")
    return int(value)


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r:.40} is no number")
    return float(value)


def _boxes(path: Path, content: _Entry) -> Iterator[tuple[int, _Entry]]:
    """The annotations that are no crowds, with their numbers from 1."""
    entries = content["annotations"]
    if not isinstance(entries, list):
        raise InputError(f"{path}: expected COCO's images and annotations as lists")
    for number, entry in enumerate(cast("list[Any]", entries), 1):
        if not (isinstance(entry, dict) and isinstance(entry.get("image_id"), int | str)):  # type: ignore[reportUnknownMemberType]
            raise InputError(f"{path}: annotation {number}: {_EXPECTED}")
        if not entry.get("iscrowd"):  # type: ignore[reportUnknownMemberType]
            yield number, cast(_Entry, entry)


def _class(path: Path, number: int, entry: _Entry, categories: Mapping[Any, str]) -> str:
    try:
        return categories.get(_key(entry["category_id"]), "") if "category_id" in entry else ""
    except TypeError as error:
        raise InputError(f"{path}: annotation {number}: category_id: {error}") from error


def _row(path: Path, number: int, entry: _Entry, frames: Mapping[Any, int]) -> tuple[Any, ...]:
    try:
        given = entry.get("attributes")
        if not isinstance(given, dict | None):
            raise TypeError("attributes is an object")
        attributes = cast(_Entry, given or {})
        ids = [d[key] for key in ("track_id", "instance_id") for d in (entry, attributes) if d.get(key) is not None]
        left, top, width, height = (_real(value) for value in entry["bbox"])
        observed = attributes.get("occluded") in (None, False, 0)
        score = _real(entry["score"]) if "score" in entry else float(observed)
        action = _text(attributes.get("action") or "")
        box = (left, top, width, height)
        return frames[entry["image_id"]], _whole(ids[0]), box, score, observed, action, number
    except IndexError as error:
        raise InputError(f"{path}: annotation {number}: {_EXPECTED} (it has no track_id)") from error
    except _MALFORMED as error:
        raise InputError(f"{path}: annotation {number}: {_EXPECTED} ({_reason(error)})") from error


def _team(entry: _Entry) -> str:
    given = entry.get("attributes") or {}
    return str(given.get("team") or "").strip()


def _columns(rows: list[tuple[Any, ...]]) -> Boxes:
    frame, track_id, xywh, score, observed, action, number = zip(*rows, strict=True) if rows else [()] * 7
    whole = (np.array(column, np.int64) for column in (frame, track_id, number))
    frames, ids, numbers = whole
    xyxy = xywh_to_xyxy(np.array(xywh, np.float64).reshape(-1, 4))
    return Boxes(frames, ids, xyxy, np.array(score, np.float64), np.array(observed, np.bool_), texts(action), numbers)


def _reason(error: Exception) -> str:
    return f"{error!s:.120}" if isinstance(error, ValueError | TypeError) else f"{error!r:.120}"
