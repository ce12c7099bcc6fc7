"""CVAT's format for tracks in videos, to correct them by hand; ``tracker.files.cvat`` reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from ground.disk.files import write_atomically
from tracker.boxes import Float64Array
from tracker.files.cvat import UNLABELLED
from tracker.files.track_file import PLAYER, Texts, TrackFile, texts
from tracker.types import BoolArray

TOLERANCE = 1.0
"""Pixels by which a straight line may miss a box that is left out. Higher: fewer key frames to correct by hand."""
_ILLEGAL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)))
"""Characters that XML cannot hold, not even escaped."""


def cvat_labels(labels: Sequence[str]) -> list[dict[str, Any]]:
    """What CVAT must know of a player before it takes a file: the "Raw" labels of a new task, as JSON content."""
    none: Sequence[str] = [""]
    specs = [("action", "select", True, [UNLABELLED, *labels]), ("number", "text", False, none),
             ("name", "text", False, none), ("team", "text", False, none)]  # fmt: skip
    attributes = [
        {"name": name, "input_type": kind, "mutable": mutable, "default_value": values[0], "values": values}
        for name, kind, mutable, values in specs
    ]
    return [{"name": PLAYER, "attributes": attributes}]


def write_cvat(path: Path, content: TrackFile, tolerance: float = TOLERANCE) -> None:
    """Write tracks for CVAT; ``read_cvat`` gives them back to ``tolerance`` and 0.01 pixel.

    tolerance: pixels; 0 keeps every box. A box that is not observed is written as occluded; confidences are not kept.
    The file appears whole or not at all.
    """
    tracks = content.tracks
    actions = texts([""] * len(tracks)) if content.actions is None else content.actions
    order = np.argsort(tracks.track_id, kind="stable")
    starts = np.searchsorted(tracks.track_id[order], tracks.ids)
    with write_atomically(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n')
        _write_meta(file, content)
        for rows in np.split(order, starts[1:]) if len(order) else ():
            track_id = int(tracks.track_id[rows[0]])
            told = {"number": f"{track_id}", "name": content.names.get(track_id, "")}
            fixed = told | {"team": content.teams.get(track_id, "")}
            file.write(f'<track id="{track_id}" label="{PLAYER}" source="manual">\n')
            file.writelines(_boxes(content, rows, actions[rows], fixed, tolerance))
            file.write("</track>\n")
        file.write("</annotations>\n")


def _write_meta(file: TextIO, content: TrackFile) -> None:
    frames = content.frames or range(int(content.tracks.frame_index.max(initial=0)) + 1)
    (label,) = cvat_labels(content.labels)
    attributes = "".join(
        f"<attribute><name>{a['name']}</name><mutable>{a['mutable']}</mutable><input_type>{a['input_type']}"
        f"</input_type><default_value>{a['default_value']}</default_value><values>{_text(chr(10).join(a['values']))}"
        "</values></attribute>\n"
        for a in label["attributes"]
    )
    file.write(
        f"<meta><task><name>{_text(content.source)}</name><size>{len(frames)}</size><mode>interpolation</mode>"
        f"<start_frame>{frames[0]}</start_frame><stop_frame>{frames[-1]}</stop_frame>\n"
        f"<labels><label><name>{PLAYER}</name><attributes>\n{attributes}</attributes></label></labels>\n"
        f"<original_size><width>{content.size[0]}</width><height>{content.size[1]}</height></original_size>"
        f"<source>{_text(content.source)}</source></task></meta>\n"
    )


def _boxes(
    content: TrackFile, rows: npt.NDArray[np.intp], actions: Texts, fixed: Mapping[str, str], tolerance: float
) -> Iterator[str]:
    """The boxes of one track: key frames, and an outside one after each stretch that is not the video's last.

    fixed: attributes that do not change.
    """
    frames = content.tracks.frame_index[rows].astype(np.int64)
    occluded = ~content.tracks.observed[rows]
    xyxy = np.round(content.tracks.xyxy[rows].astype(np.float64), 2)
    xyxy[:, 2:] = np.maximum(xyxy[:, 2:], xyxy[:, :2] + 0.01)  # one that rounds to no width could not be read again
    ends = np.append(np.diff(frames) > 1, True)
    keep = _key_frames(frames, xyxy, ends, (np.diff(occluded) != 0) | (actions[1:] != actions[:-1]), tolerance)
    last = content.frames[-1] if content.frames else int(content.tracks.frame_index[-1])
    same = "".join(f'<attribute name="{name}">{_text(value)}</attribute>' for name, value in fixed.items())
    for row in np.flatnonzero(keep).tolist():
        left, top, right, bottom = (f"{value:.2f}" for value in xyxy[row])
        rest = (
            f'occluded="{occluded[row]:d}" xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}" z_order="0">'
            f'<attribute name="action">{_text(actions[row] or UNLABELLED)}</attribute>{same}</box>\n'
        )
        frame = int(frames[row])
        yield f'<box frame="{frame}" keyframe="1" outside="0" {rest}'
        # CVAT refuses a file that names a frame which the video does not have.
        if ends[row] and frame < last:
            yield f'<box frame="{frame + 1}" keyframe="1" outside="1" {rest}'


def _key_frames(
    frames: npt.NDArray[np.int64], xyxy: Float64Array, ends: BoolArray, changes: BoolArray, tolerance: float
) -> BoolArray:
    """Which boxes (N,) must be written so that straight lines give the others (Ramer 1972, Douglas & Peucker 1973)."""
    keep = ends.copy()
    keep[0] = True
    keep[1:] |= changes | ends[:-1]
    spans = list(pairwise(np.flatnonzero(keep).tolist()))
    while spans:
        low, high = spans.pop()
        if high - low < 2:
            continue
        share = (frames[low : high + 1] - frames[low]) / (frames[high] - frames[low])
        line = xyxy[low] + share[:, None] * (xyxy[high] - xyxy[low])
        miss = np.abs(line - xyxy[low : high + 1]).max(axis=1)
        worst = low + int(miss.argmax())
        if miss[worst - low] > tolerance + 0.005:  # coordinates are written to 0.01
            keep[worst] = True
            spans += [(low, worst), (worst, high)]
    return keep


def _text(text: str) -> str:
    return escape(text.translate(_ILLEGAL), {"\r": "&#13;"})
