"""COCO-style JSON (cocodataset.org) with tracks, read.

An image per frame with its ``frame_index`` (from 0), an annotation per box with ``track_id``, ``bbox`` (left, top,
width, height), ``score``, and ``attributes``: ``action``, and ``occluded`` for a box that was not observed. Names of
players stand in ``tracks``, as in TAO. Files are read whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ground.errors import InputError
from tracker.boxes import xywh_to_xyxy
from tracker.track_file import PLAYER, Boxes, TrackFile, sorted_boxes, texts

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_EXPECTED = "expected image_id, track_id and bbox [left, top, width, height]"


def read_coco(path: Path) -> TrackFile:
    """Tracks of one video. Where there is a category ``player``, others are left out, as are crowds.

    Raises InputError, with the line or the entry's number, for what is no such file.
    """
    content = _load(path)
    try:
        frames = {image["id"]: _frame_of(image) for image in content["images"]}
        categories = {c["id"]: str(c["name"]).lower() for c in content.get("categories", [])}
        names = {_whole(track["id"]): str(track["name"]) for track in content.get("tracks", []) if track.get("name")}
        entries: list[Any] = list(content["annotations"])
        size = next(((int(i.get("width") or 0), int(i.get("height") or 0)) for i in content["images"]), (0, 0))
        source = next((str(video.get("name", "")) for video in content.get("videos", [])), "")
        labels = tuple(str(label) for label in content.get("actions", []))
    except _MALFORMED as error:
        raise InputError(f"{path}: expected COCO's images, categories and annotations ({error!r})") from error
    players = {i for i, name in categories.items() if name == PLAYER} or set(categories)
    rows = [_row(path, number, entry, frames) for number, entry in _players(path, entries, players)]
    tracks, actions = sorted_boxes(_columns(rows), lambda number: f"{path}: annotation {number}")
    told = range(min(frames.values(), default=0), max(frames.values(), default=-1) + 1)
    has_actions = bool(labels) or bool((actions != "").any())
    return TrackFile(tracks, names, actions if has_actions else None, labels, size, told, source)


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"{path}: not JSON text") from error
    if not isinstance(content, dict) or not {"images", "annotations"} <= set(content):
        raise InputError(f"{path}: expected COCO's images and annotations")
    return content


def _frame_of(image: Mapping[str, Any]) -> int:
    """Frame of an image: ``frame_index``, else the last number in its name, as CVAT writes it."""
    if "frame_index" in image:
        return _whole(image["frame_index"])
    digits = re.findall(r"\d+", Path(str(image["file_name"])).stem)
    if not digits:
        raise ValueError(f"image {image['id']} has no frame_index")
    return _whole(digits[-1])


def _whole(value: Any) -> int:
    number = int(value)
    if number != float(value) or abs(number) > 2**53:
        raise ValueError(f"{value} is no whole number")
    return number


def _players(path: Path, entries: list[Any], players: set[Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The annotations that count, with their numbers from 1."""
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise InputError(f"{path}: annotation {number}: {_EXPECTED}")
        if not entry.get("iscrowd") and (not players or entry.get("category_id") in players):
            yield number, entry


def _row(path: Path, number: int, entry: Mapping[str, Any], frames: Mapping[Any, int]) -> tuple[Any, ...]:
    try:
        attributes = entry.get("attributes", {})
        track_id = _whole(entry["track_id"] if "track_id" in entry else attributes["track_id"])
        left, top, width, height = (float(value) for value in entry["bbox"])
        observed = not attributes.get("occluded", False)
        score = float(entry.get("score", observed))
        action = str(attributes.get("action") or "")
        return frames[entry["image_id"]], track_id, (left, top, width, height), score, observed, action, number
    except _MALFORMED as error:
        raise InputError(f"{path}: annotation {number}: {_EXPECTED} ({error!r})") from error


def _columns(rows: list[tuple[Any, ...]]) -> Boxes:
    frame, track_id, xywh, score, observed, action, number = zip(*rows, strict=True) if rows else [()] * 7
    whole = (np.array(column, np.int64) for column in (frame, track_id, number))
    frames, ids, numbers = whole
    xyxy = xywh_to_xyxy(np.array(xywh, np.float64).reshape(-1, 4))
    return Boxes(frames, ids, xyxy, np.array(score, np.float64), np.array(observed, np.bool_), texts(action), numbers)
