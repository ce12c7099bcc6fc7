"""CVAT's format for tracks in videos ("CVAT for video 1.1", docs.cvat.ai), read.

A track is a list of boxes. Between two of them it moves in a straight line; ``outside`` ends it until the next box.
Each player carries four attributes: ``action``, which changes over time, and ``number``, ``name`` and ``team``, which
do not (CVAT numbers tracks anew when it writes them). Frames count from 0, as in memory; coordinates have two decimals.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from ground.disk.xml import LINE, read_xml
from ground.errors import InputError
from tracker.boxes import Float64Array
from tracker.files.classes import left_out, people
from tracker.files.track_file import LAST_FRAME, Boxes, Texts, TrackFile, sorted_boxes, texts

UNLABELLED = "unlabelled"
"""The choice that says nothing about what a player does."""
_FEW_ROWS, _ROWS_PER_BOX, _MOST_ROWS = 500_000, 100, 10_000_000
"""What a file may become: so many boxes anyway, so many for each that it holds, and never more. A box takes some 250
bytes while it is read, so a hostile file of a few lines stays below 150 MB; ten players for two hours are 2 million."""
_NUMBER = re.compile(r"#?\s*0*([1-9][0-9]{0,8})", re.ASCII)


def read_cvat(path: Path, wanted: Sequence[str] = ()) -> TrackFile:
    """Tracks as CVAT shows them: straight between key frames, none where outside; occluded is not ``observed``.

    Players with the same ``number`` are one, if they are never there at the same time; those without get the next free
    numbers. Only people are read. wanted: labels to take instead.
    Raises InputError, with the line, for what is no such file.
    """
    meta, tracks = _parse(path)
    if not tracks:
        raise InputError(f'{path}: holds no tracks; export the task from CVAT as "CVAT for video 1.1"')
    if len({track.task for track in tracks}) > 1:
        raise InputError(f"{path}: holds several tasks; export one at a time")
    try:
        kept = people({track.label for track in tracks}, wanted)
    except InputError as error:
        raise InputError(f"{path}: {error}", error.setting) from error
    players = [_checked(path, track) for track in tracks if track.label in kept]
    frames = _frames(meta)
    spans = [_span(track, frames) for track in players]
    _check_rows(path, spans, sum(len(track.boxes) for track in players))
    ids, notes = _numbers(players, spans)
    boxes = [_fill(*part) for part in zip(players, spans, ids, strict=True)]
    columns = Boxes(*(np.concatenate(parts) for parts in zip(*boxes, strict=True)))
    found, actions = sorted_boxes(columns, lambda line: f"{path}, line {line}")
    labels = _labels(meta)
    return TrackFile(
        tracks=found,
        names={i: track.name for track, i in zip(players, ids, strict=True) if track.name},
        teams={i: track.team for track, i in zip(players, ids, strict=True) if track.team},
        actions=actions if labels or (actions != "").any() else None,
        labels=labels,
        size=(_number(meta, "original_size/width"), _number(meta, "original_size/height")),
        frames=frames,
        source=meta.findtext(".//source", ""),
        notes=(*left_out([track.label for track in tracks], kept), *notes),
    )


class _Track(NamedTuple):
    """One track as it stands in the file."""

    line: int
    label: str
    task: str
    number: str
    name: str
    team: str
    boxes: Float64Array
    """(K, 9): frame, outside, occluded, key frame, left, top, right, bottom, line."""
    actions: Texts
    """(K,)"""
    other: str
    """What is in it that is no box, if anything."""


def _parse(path: Path) -> tuple[Element, list[_Track]]:
    """The element ``meta`` and the tracks; every element knows its line, and boxes are forgotten track by track."""
    tracks = list[_Track]()

    def finished(element: Element) -> None:
        if element.tag == "track":
            tracks.append(_track(path, element))
            element.clear()

    root = read_xml(path, finished=finished)
    if root.tag != "annotations":
        raise InputError(f"{path}, line {root.get(LINE)}: expected <annotations> of CVAT, not <{root.tag}>")
    meta = root.find("meta")
    return (Element("meta") if meta is None else meta), tracks


def _track(path: Path, element: Element) -> _Track:
    boxes: list[list[float]] = []
    actions: list[str] = []
    attributes, other = {"action": ""}, ""
    for box in element:
        if box.tag != "box":
            other = other or f"line {box.get(LINE)}: expected <box>, not <{box.tag}>"
        else:
            # What a box does not say is as it was before.
            attributes |= {str(a.get("name")): (a.text or "").strip() for a in box.iterfind("attribute")}
            boxes.append(_box(path, box))
            actions.append("" if attributes["action"] == UNLABELLED else attributes["action"])
    return _Track(
        line=int(element.get(LINE, 0)),
        label=element.get("label", ""),
        task=element.get("task_id", ""),
        number=attributes.get("number", ""),
        name=attributes.get("name", ""),
        team=attributes.get("team", ""),
        boxes=np.array(boxes).reshape(-1, 9),
        actions=texts(actions),
        other=other,
    )


def _box(path: Path, box: Element) -> list[float]:
    line = box.get(LINE, "0")
    try:
        if float(box.get("rotation", 0)):
            raise InputError(f"{path}, line {line}: a box is rotated; boxes must be upright")
        frame = int(box.attrib["frame"])
        if not 0 <= frame <= LAST_FRAME:
            raise InputError(f"{path}, line {line}: a frame is 0 to {LAST_FRAME}, not {frame}")
        flags = (
            int(box.get(name, default)) != 0 for name, default in (("outside", 0), ("occluded", 0), ("keyframe", 1))
        )
        return [frame, *flags, *(float(box.attrib[side]) for side in ("xtl", "ytl", "xbr", "ybr")), int(line)]
    except InputError:
        raise
    except (KeyError, ValueError) as error:
        expected = "expected a box with frame, outside, occluded, xtl, ytl, xbr, ybr"
        raise InputError(f"{path}, line {line}: {expected} ({error!s:.80})") from error


class _Span(NamedTuple):
    """The frames of a track, by key frame."""

    at: npt.NDArray[np.int64]
    """(K,), frames of its boxes, ascending."""
    boxes: Float64Array
    """(K, 9), as in the track, in that order."""
    actions: Texts
    """(K,)"""
    counts: npt.NDArray[np.int64]
    """(K,), frames from each box on in which the player is shown."""


def _checked(path: Path, track: _Track) -> _Track:
    if track.other:
        raise InputError(f"{path}, {track.other}")
    if not len(track.boxes):
        raise InputError(f"{path}, line {track.line}: a track without boxes")
    # CVAT writes some boxes twice; two that differ cannot both be right.
    order = np.argsort(track.boxes[:, 0], kind="stable")
    boxes = track.boxes[order]
    twice = np.append(False, np.diff(boxes[:, 0]) == 0)
    moves = (np.diff(boxes[:, 4:8], axis=0) != 0).any(axis=1) & (boxes[1:, 1] == 0)
    differ = twice & np.append(False, moves | (np.diff(boxes[:, 1]) != 0))
    if differ.any():
        row = int(np.flatnonzero(differ)[0])
        raise InputError(f"{path}, line {int(boxes[row, 8])}: repeats frame {int(boxes[row, 0])} of its track")
    return track._replace(boxes=boxes[~twice], actions=track.actions[order][~twice])


def _span(track: _Track, frames: range) -> _Span:
    at = track.boxes[:, 0].astype(np.int64)
    # A track that ends on a key frame goes on to the end of the video.
    stop = max(int(at[-1]), frames[-1]) if frames and track.boxes[-1, 3] else int(at[-1])
    lengths = np.diff(np.append(at, stop + 1))
    return _Span(at, track.boxes, track.actions, np.where(track.boxes[:, 1] == 0, lengths, 0))


def _check_rows(path: Path, spans: Sequence[_Span], held: int) -> None:
    """Raise InputError where a few boxes would become very many."""
    rows = sum(int(span.counts.sum()) for span in spans)
    if rows > min(_MOST_ROWS, _FEW_ROWS + _ROWS_PER_BOX * held):
        raise InputError(
            f"{path}: its {held} boxes would stand for {rows} in {len(spans)} tracks, which no game has; are the "
            "frame numbers right?"
        )


def _numbers(tracks: Sequence[_Track], spans: Sequence[_Span]) -> tuple[list[int], tuple[str, ...]]:
    """The identity of each track, and notes on numbers that cannot be one."""
    given = [int(match[1]) if (match := _NUMBER.fullmatch(track.number)) else 0 for track in tracks]
    free, ids, notes = max(given, default=0), list[int](), list[str]()
    there: dict[int, list[tuple[int, int]]] = {}
    for track, span, number in zip(tracks, spans, given, strict=True):
        shown = _stretches(span)
        meets = bool(number) and any(_meets(there.get(number, []), start, stop) for start, stop in shown)
        free += meets or not number
        ids.append(free if meets or not number else number)
        for stretch in shown:
            insort(there.setdefault(ids[-1], []), stretch)
        if meets:
            notes.append(f"two tracks have the number {number} at the same time: the second is player {ids[-1]}")
        elif track.number and not number:
            notes.append(f"the number {track.number!r:.40} is no whole one: its track is player {ids[-1]}")
    return ids, tuple(notes)


def _meets(taken: list[tuple[int, int]], start: int, stop: int) -> bool:
    """Whether frames ``start`` to ``stop`` share one with ``taken``, which are sorted and apart."""
    after = bisect_left(taken, (start, start))
    return (after < len(taken) and taken[after][0] < stop) or (after > 0 and taken[after - 1][1] > start)


def _stretches(span: _Span) -> list[tuple[int, int]]:
    """Frames from, to (exclusive) in which a track is shown without a break."""
    begins, ends = span.at[span.counts > 0], (span.at + span.counts)[span.counts > 0]
    if not len(begins):
        return []
    breaks = np.flatnonzero(begins[1:] != ends[:-1])
    starts, stops = begins[np.append(0, breaks + 1)], ends[np.append(breaks, len(ends) - 1)]
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _fill(track: _Track, span: _Span, track_id: int) -> Boxes:
    """Every box of a track, those between its key frames too."""
    state = np.repeat(np.arange(len(span.at)), span.counts)
    since = np.arange(len(state)) - np.repeat(np.cumsum(span.counts) - span.counts, span.counts)
    filled = span.at[state] + since
    xyxy = np.column_stack([np.interp(filled, span.at, span.boxes[:, side]) for side in range(4, 8)])
    observed = span.boxes[state, 2] == 0
    ids, lines = np.full(len(filled), track_id, np.int64), span.boxes[state, 8].astype(np.int64)
    return Boxes(filled, ids, xyxy, observed.astype(np.float64), observed, track.actions[state], lines)


def _frames(meta: Element) -> range:
    stop = _number(meta, "stop_frame", -1)
    if stop < 0:
        stop = _number(meta, "size") - 1
    return range(_number(meta, "start_frame"), min(stop, LAST_FRAME) + 1)


def _number(meta: Element, tag: str, default: int = 0) -> int:
    text = meta.findtext(f".//{tag}", "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else default


def _labels(meta: Element) -> tuple[str, ...]:
    for attribute in meta.iterfind(".//attribute"):
        if attribute.findtext("name") == "action":
            values = attribute.findtext("values", "").splitlines()
            return tuple(value for value in values if value and value != UNLABELLED)
    return ()
