"""How right teams are, against a truth that says who is of which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np

from ground.disk.tables import read_rows
from ground.errors import InputError
from tracker.assignment import assign
from tracker.boxes import iou
from tracker.teams.teams import NEITHER, Teams
from tracker.types import Tracks

PLAYERS = "players.csv"
"""File of a folder of truth that names each player's team."""


@dataclass(frozen=True, slots=True)
class TeamAgreement:
    """Teams of an analysis against the truth, counted over boxes (one player in one frame)."""

    num_boxes: int
    """Boxes of the truth whose player's team it says."""
    num_compared: int
    """Of these, boxes that the analysis has a player on."""
    accuracy: float
    """Right teams among the compared boxes, 0..1; who is said to be of neither is wrong."""
    per_player: Mapping[int, float]
    """The same for each player of the truth who is compared."""


def read_players_teams(folder: Path) -> dict[int, str]:
    """Team by identity, from ``players.csv`` with the columns id and team. Raises InputError where it is none."""
    path, teams = folder / PLAYERS, dict[int, str]()
    for line, row in read_rows(path, ("id", "team")):
        try:
            teams[int(row["id"])] = row["team"]
        except ValueError as error:
            raise InputError(f"{path}: line {line}: expected id,team ({error!s:.80})") from error
    return teams


def compare_teams(
    truth: Tracks, wanted: Mapping[int, str], tracks: Tracks, teams: Teams, min_iou: float = 0.5
) -> TeamAgreement:
    """Compare teams box by box.

    wanted: the truth's team by identity; those without are not asked about. What the truth calls its two teams need not
    be what the analysis calls them: which is which is chosen so that most boxes agree. A box of the analysis belongs to
    the box of the truth that it overlaps most, one to one within a frame.
    """
    asked = np.isin(truth.track_id, list(wanted))
    mine, theirs = _pairs(truth, tracks, min_iou)
    mine, theirs = mine[asked[mine]], theirs[asked[mine]]
    players = truth.track_id[mine]
    said = np.array([teams.team(i) for i in tracks.track_id[theirs].tolist()], object)
    asked_for = ([called.get(wanted[i]) for i in players.tolist()] for called in _ways(wanted, teams))
    right = max((np.array(names, object) == said for names in asked_for), key=np.count_nonzero)
    each = {int(i): float(right[players == i].mean()) for i in np.unique(players)}
    return TeamAgreement(int(asked.sum()), len(mine), float(right.mean()) if len(right) else 0.0, each)


def _ways(wanted: Mapping[int, str], teams: Teams) -> list[dict[str, str]]:
    """What the truth's teams may be called in the analysis; who is of neither is so in both."""
    theirs = sorted(set(wanted.values()) - {NEITHER})
    ways = [dict(zip(theirs, names, strict=False)) for names in permutations(teams.names)]
    return [{**way, NEITHER: NEITHER} for way in ways]


def _pairs(truth: Tracks, tracks: Tracks, min_iou: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the truth and of the tracks that belong together."""
    rows: list[np.ndarray] = [np.empty(0, np.intp)]
    columns: list[np.ndarray] = [np.empty(0, np.intp)]
    for frame in np.unique(truth.frame_index).tolist():
        (a, b), (c, d) = (np.searchsorted(part.frame_index, [frame, frame + 1]) for part in (truth, tracks))
        overlap = iou(truth.xyxy[a:b].astype(np.float64), tracks.xyxy[c:d].astype(np.float64))
        row, column = assign(overlap, min_iou)
        rows.append(row + a)
        columns.append(column + c)
    return np.concatenate(rows), np.concatenate(columns)
