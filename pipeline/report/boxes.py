"""Boxes and ball, a file for each minute, which the page loads as the playhead comes near."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from pipeline.analysis.values import Analysis
from pipeline.report.columns import pack
from pipeline.report.data import version_of

PATTERN = "boxes-*.js"
"""Names of the files."""
_NAME = "boxes-{:04d}.js"
_MINUTE = 60.0
_PER_PIXEL = 2
"""Boxes are kept to half a pixel."""


def file_name(minute: int) -> str:
    """Of the file of a minute."""
    return _NAME.format(minute)


def box_files(analysis: Analysis) -> Iterator[tuple[int, str]]:
    """The minute and the text of each file, a classic script: a page that is opened from disk may load nothing else.

    Minutes are of the video, by the times of its frames; there is no file where there is neither box nor ball.
    """
    version = version_of(analysis.tracks)
    for minute in np.unique(np.floor(analysis.frames.time / _MINUTE).astype(np.int64)).tolist():
        content = boxes_in(analysis, minute, version)
        if content is not None:
            text = json.dumps(content, separators=(",", ":"))
            yield minute, f"(self.courtscribeBoxes??=[]).push({text});\n"


def boxes_in(analysis: Analysis, minute: int, version: str) -> dict[str, Any] | None:
    """Boxes and ball of a minute, as JSON takes them; None where there is neither. version: see ``version_of``."""
    frames, tracks, ball = analysis.frames, analysis.tracks, analysis.ball
    first, end = np.searchsorted(frames.time, [minute * _MINUTE, (minute + 1) * _MINUTE]).tolist()
    if first == end:
        return None
    span = [int(frames.index[first]), int(frames.index[end - 1]) + 1]
    some = tracks[slice(*np.searchsorted(tracks.frame_index, span).tolist())]
    rows = np.searchsorted(frames.index, some.frame_index)
    order = np.lexsort((rows, some.track_id))
    units = np.round(some.xyxy[order].astype(np.float64) * _PER_PIXEL).astype(np.int64)
    seen = slice(0, 0) if ball is None else slice(*np.searchsorted(ball.frame_index, span).tolist())
    at = np.zeros((0, 2)) if ball is None else ball.xy[seen].astype(np.float64)
    if not len(order) and not len(at):
        return None
    columns = {
        "id": some.track_id[order],
        "row": rows[order],
        "left": units[:, 0],
        "top": units[:, 1],
        "width": units[:, 2] - units[:, 0],
        "height": units[:, 3] - units[:, 1],
        "filled": ~some.observed[order],
        "ball_row": [] if ball is None else np.searchsorted(frames.index, ball.frame_index[seen]),
        "ball_x": np.round(at[:, 0] * _PER_PIXEL),
        "ball_y": np.round(at[:, 1] * _PER_PIXEL),
        "ball_state": [] if ball is None else ball.state[seen],
    }
    return {"version": version, "minute": minute, **pack(columns)}
