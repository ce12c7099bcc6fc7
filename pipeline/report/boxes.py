"""Boxes and ball, a file for each minute, which the page loads as the playhead comes near."""

from __future__ import annotations

import json
from collections.abc import Iterator

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
    frames, tracks, ball = analysis.frames, analysis.tracks, analysis.ball
    version, minute_of = version_of(tracks), np.floor(frames.time / _MINUTE).astype(np.int64)
    ids, number = np.unique(tracks.track_id, return_inverse=True)
    rows = np.searchsorted(frames.index, tracks.frame_index)
    ball_rows = np.zeros(0, np.intp) if ball is None else np.searchsorted(frames.index, ball.frame_index)
    for minute in np.unique(minute_of).tolist():
        first, end = np.searchsorted(minute_of, [minute, minute + 1]).tolist()
        low, high = np.searchsorted(rows, [first, end]).tolist()
        order = low + np.lexsort((rows[low:high], number[low:high]))
        units = np.round(tracks.xyxy[order].astype(np.float64) * _PER_PIXEL).astype(np.int64)
        seen = slice(*np.searchsorted(ball_rows, [first, end]).tolist())
        at = np.zeros((0, 2)) if ball is None else ball.xy[seen].astype(np.float64)
        if not len(order) and not len(at):
            continue
        columns = {
            "id": ids[number[order]],
            "row": rows[order],
            "left": units[:, 0],
            "top": units[:, 1],
            "width": units[:, 2] - units[:, 0],
            "height": units[:, 3] - units[:, 1],
            "filled": ~tracks.observed[order],
            "ball_row": ball_rows[seen],
            "ball_x": np.round(at[:, 0] * _PER_PIXEL),
            "ball_y": np.round(at[:, 1] * _PER_PIXEL),
            "ball_state": [] if ball is None else ball.state[seen],
        }
        content = json.dumps({"version": version, "minute": minute, **pack(columns)}, separators=(",", ":"))
        yield minute, f"(self.courtscribeBoxes??=[]).push({content});\n"
