"""CVAT's format for tracks in videos ("CVAT for video 1.1", docs.cvat.ai), read.

A track is a list of boxes. Between two of them it moves in a straight line; ``outside`` ends it until the next box.
Each player carries three attributes: ``action``, which changes over time, and ``number`` and ``name``, which do not
(CVAT numbers tracks anew when it writes them). Frames count from 0, as in memory; coordinates have two decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np

from ground.errors import InputError
from tracker.boxes import Float64Array
from tracker.track_file import LAST_FRAME, PLAYER, Boxes, Texts, TrackFile, sorted_boxes, texts

UNLABELLED = "unlabelled"
"""The choice that says nothing about what a player does."""
_LINE = "line"


def read_cvat(path: Path) -> TrackFile:
    """Tracks as CVAT shows them: straight between key frames, none where outside; occluded is not ``observed``.

    Players with the same ``number`` are one; those without get the next free numbers. Where the file has tracks
    labelled ``player``, others are left out. Raises InputError, with the line, for what is no such file.
    """
    meta, tracks = _parse(path)
    if not tracks:
        raise InputError(f'{path}: holds no tracks; export the task from CVAT as "CVAT for video 1.1"')
    if len({track.task for track in tracks}) > 1:
        raise InputError(f"{path}: holds several tasks; export one at a time")
    players = [track for track in tracks if track.label.lower() == PLAYER] or tracks
    frames = _frames(meta)
    ids = _numbers(path, players)
    boxes = [_fill(path, track, track_id, frames) for track, track_id in zip(players, ids, strict=True)]
    columns = Boxes(*(np.concatenate(parts) for parts in zip(*boxes, strict=True)))
    found, actions = sorted_boxes(columns, lambda line: f"{path}, line {line}")
    labels = _labels(meta)
    return TrackFile(
        tracks=found,
        names={i: track.name for track, i in zip(players, ids, strict=True) if track.name},
        actions=actions if labels or (actions != "").any() else None,
        labels=labels,
        size=(_number(meta, "original_size/width"), _number(meta, "original_size/height")),
        frames=frames,
        source=meta.findtext(".//source", ""),
    )


class _Track(NamedTuple):
    """One track as it stands in the file."""

    line: int
    label: str
    task: str
    number: str
    name: str
    boxes: Float64Array
    """(K, 9): frame, outside, occluded, key frame, left, top, right, bottom, line."""
    actions: Texts
    """(K,)"""


def _parse(path: Path) -> tuple[Element, list[_Track]]:
    """The element ``meta`` and the tracks; every element knows its line, and boxes are forgotten track by track."""
    parser, builder, tracks = expat.ParserCreate(), TreeBuilder(), list[_Track]()

    def start(tag: str, attributes: dict[str, str]) -> None:
        builder.start(tag, attributes | {_LINE: str(parser.CurrentLineNumber)})

    def end(tag: str) -> None:
        element = builder.end(tag)
        if tag == "track":
            tracks.append(_track(path, element))
            element.clear()

    def refuse(*_: object) -> None:
        # Entities are declared there, and a few of them can fill the memory.
        raise InputError(f"{path}, line {parser.CurrentLineNumber}: has a DOCTYPE, which CVAT does not write")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
        root = builder.close()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except expat.ExpatError as error:
        raise InputError(f"{path}, line {error.lineno}: not XML ({expat.ErrorString(error.code)})") from error
    if root.tag != "annotations":
        raise InputError(f"{path}, line {root.get(_LINE)}: expected <annotations> of CVAT, not <{root.tag}>")
    meta = root.find("meta")
    return (Element("meta") if meta is None else meta), tracks


def _track(path: Path, element: Element) -> _Track:
    boxes: list[list[float]] = []
    actions: list[str] = []
    said = {"action": ""}
    for box in element:
        if box.tag != "box" and element.get("label", "").lower() == PLAYER:
            raise InputError(f"{path}, line {box.get(_LINE)}: expected <box>, not <{box.tag}>")
        if box.tag == "box":
            # What a box does not say is as it was before.
            said |= {str(a.get("name")): (a.text or "").strip() for a in box.iterfind("attribute")}
            boxes.append(_box(path, box))
            actions.append("" if said["action"] == UNLABELLED else said["action"])
    return _Track(
        line=int(element.get(_LINE, 0)),
        label=element.get("label", ""),
        task=element.get("task_id", ""),
        number=said.get("number", ""),
        name=said.get("name", ""),
        boxes=np.array(boxes).reshape(-1, 9),
        actions=texts(actions),
    )


def _box(path: Path, box: Element) -> list[float]:
    line = box.get(_LINE, "0")
    try:
        if float(box.get("rotation", 0)):
            raise InputError(f"{path}, line {line}: a box is rotated; boxes must be upright")
        frame = int(box.attrib["frame"])
        if not 0 <= frame <= LAST_FRAME:
            raise InputError(f"{path}, line {line}: a frame is 0 to {LAST_FRAME}, not {frame}")
        flags = (int(box.get(name, default)) for name, default in (("outside", 0), ("occluded", 0), ("keyframe", 1)))
        return [frame, *flags, *(float(box.attrib[side]) for side in ("xtl", "ytl", "xbr", "ybr")), int(line)]
    except InputError:
        raise
    except (KeyError, ValueError) as error:
        expected = "expected a box with frame, outside, occluded, xtl, ytl, xbr, ybr"
        raise InputError(f"{path}, line {line}: {expected} ({error})") from error


def _numbers(path: Path, tracks: Sequence[_Track]) -> list[int]:
    """The identity of each track."""
    given = [track.number for track in tracks]
    for track in tracks:
        if track.number and not (track.number.isdecimal() and len(track.number) < 10):
            raise InputError(f"{path}, line {track.line}: a player's number is a whole one, not {track.number!r}")
    free = max((int(number) for number in given if number), default=0)
    ids: list[int] = []
    for number in given:
        free += not int(number or 0)
        ids.append(int(number or 0) or free)
    return ids


def _fill(path: Path, track: _Track, track_id: int, frames: range) -> Boxes:
    """Every box of a track, those between its key frames too."""
    order = np.argsort(track.boxes[:, 0], kind="stable")
    boxes, at = track.boxes[order], track.boxes[order, 0].astype(np.int64)
    lines = boxes[:, 8].astype(np.int64)
    if (repeated := np.flatnonzero(np.diff(at) == 0)).size:
        raise InputError(f"{path}, line {lines[repeated[0] + 1]}: repeats frame {at[repeated[0]]} of its track")
    if not len(at):
        raise InputError(f"{path}, line {track.line}: a track without boxes")
    # A track that ends on a key frame goes on to the end of the video.
    stop = max(int(at[-1]), frames[-1]) if frames and boxes[-1, 3] else int(at[-1])
    filled = np.arange(at[0], stop + 1)
    state = np.searchsorted(at, filled, "right") - 1
    shown = boxes[state, 1] == 0
    filled, state = filled[shown], state[shown]
    xyxy = np.column_stack([np.interp(filled, at, boxes[:, side]) for side in range(4, 8)])
    observed = boxes[state, 2] == 0
    ids = np.full(len(filled), track_id, np.int64)
    return Boxes(filled, ids, xyxy, observed.astype(np.float64), observed, track.actions[order][state], lines[state])


def _frames(meta: Element) -> range:
    stop = _number(meta, "stop_frame", -1)
    if stop < 0:
        stop = _number(meta, "size") - 1
    return range(_number(meta, "start_frame"), min(stop, LAST_FRAME) + 1)


def _number(meta: Element, tag: str, default: int = 0) -> int:
    text = meta.findtext(f".//{tag}", "").strip()
    return int(text) if text.isdecimal() else default


def _labels(meta: Element) -> tuple[str, ...]:
    for attribute in meta.iterfind(".//attribute"):
        if attribute.findtext("name") == "action":
            values = attribute.findtext("values", "").splitlines()
            return tuple(value for value in values if value and value != UNLABELLED)
    return ()
