"""court.json and positions.csv: where on the court everybody is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ground.disk.files import write_text
from ground.disk.tables import write_rows
from pipeline.analysis.values import Analysis, player_name
from tracker.court.known import KnownCourt

POSITION_COLUMNS = ("frame", "time_s", "player", "team", "x_m", "y_m")
"""frame: 0-based; seconds with 3 decimals; player: as in the timeline; metres from the court's centre, x along it."""
UNKNOWN_COURT = "unknown"


def write_court_json(court: KnownCourt, path: Path) -> None:
    """Write the kind of the court and, by frame, the homography (3, 3) from pixels to metres, a frame a line.

    Frames in which it is not known are absent; where it never is, the kind is ``unknown``. Raises InputError.
    """
    frames = zip(court.frame_index.tolist(), court.homography, strict=True)
    lines = ",\n".join(f'  "{frame}": {json.dumps(homography.tolist())}' for frame, homography in frames)
    kind = json.dumps(court.kind or UNKNOWN_COURT)
    inner = f"{{\n{lines}\n }}" if lines else "{}"
    write_text(path, f'{{\n "court": {kind},\n "homography": {inner}\n}}\n')


def write_positions_csv(analysis: Analysis, path: Path) -> None:
    """Write where each player stands in each frame, in metres; where it is not known there is no line.

    Raises InputError.
    """
    write_rows(path, POSITION_COLUMNS, _positions(analysis))


def _positions(analysis: Analysis) -> Iterator[Sequence[object]]:
    metres, tracks, frames = analysis.positions(), analysis.tracks, analysis.frames
    times = frames.time[np.searchsorted(frames.index, tracks.frame_index)]
    for row in np.flatnonzero(np.isfinite(metres[:, 0])).tolist():
        player, (x, y) = int(tracks.track_id[row]), metres[row].tolist()
        name, team = player_name(analysis.names, player), analysis.teams.team(player)
        yield int(tracks.frame_index[row]), f"{times[row]:.3f}", name, team, f"{x:.2f}", f"{y:.2f}"
