"""court.json and positions.csv: where on the court everybody is."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from ground.disk.files import write_atomically, write_text
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
    metres, tracks, frames = analysis.positions(), analysis.tracks, analysis.frames
    times = frames.time[np.searchsorted(frames.index, tracks.frame_index)]
    with write_atomically(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(POSITION_COLUMNS)
        for row in np.flatnonzero(np.isfinite(metres[:, 0])).tolist():
            player = player_name(analysis.names, int(tracks.track_id[row]))
            x, y = metres[row].tolist()
            writer.writerow(
                (
                    int(tracks.frame_index[row]),
                    f"{times[row]:.3f}",
                    player,
                    analysis.teams.team(int(tracks.track_id[row])),
                    f"{x:.2f}",
                    f"{y:.2f}",
                )
            )
