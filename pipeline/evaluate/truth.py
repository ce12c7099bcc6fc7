"""What players really did, as a person wrote it down: beside boxes, or as a timeline like ours."""

from __future__ import annotations

from pathlib import Path

from ground.disk.tables import Row, read_rows
from ground.errors import InputError
from tracker.files.formats import read_tracks_file
from tracker.files.mot import read_truth
from tracker.types import Tracks

BOXES, ACTIONS = "gt.txt", "actions.csv"
"""Files of a folder of truth: MOTChallenge boxes, and what is done in which frames."""
_COLUMNS = ("player", "action", "start_frame", "end_frame")


def read_truth_folder(folder: Path) -> tuple[Tracks, list[str]]:
    """The boxes in ``gt.txt``, and the action of each from ``actions.csv``, empty where that says nothing.

    ``actions.csv`` has the columns player, action, start_frame and end_frame; players are the identities of the
    boxes, and frames count from 1, the last one exclusive.
    Raises InputError, with the line, for what cannot be read, and for an unknown player.
    """
    truth = read_truth(folder / BOXES)
    spans = _read_spans(folder / ACTIONS, {int(player) for player in truth.ids})
    rows = zip(truth.track_id.tolist(), truth.frame_index.tolist(), strict=True)
    return truth, [
        next((action for first, last, action in spans.get(player, ()) if first <= frame + 1 < last), "")
        for player, frame in rows
    ]


def read_truth_file(path: Path) -> tuple[Tracks, list[str]]:
    """Boxes and the action of each from a file of tracks that has both, such as CVAT's XML.

    Raises InputError where it cannot be read or says nothing about actions.
    """
    file = read_tracks_file(path)
    if file.actions is None:
        raise InputError(f"{path}: says where players are and not what they do")
    return file.tracks, [str(action) for action in file.actions]


def _read_spans(path: Path, players: set[int]) -> dict[int, list[tuple[int, int, str]]]:
    spans: dict[int, list[tuple[int, int, str]]] = {}
    for line, row in read_rows(path, _COLUMNS):
        player, action, first, last = _parse(row, players, f"{path}: line {line}")
        spans.setdefault(player, []).append((first, last, action))
    return spans


def _parse(row: Row, players: set[int], where: str) -> tuple[int, str, int, int]:
    try:
        span = int(row["player"]), row["action"], int(row["start_frame"]), int(row["end_frame"])
    except ValueError as error:
        raise InputError(f"{where}: expected {','.join(_COLUMNS)} ({error!s:.80})") from error
    if span[0] not in players or not 1 <= span[2] < span[3]:
        raise InputError(f"{where}: player {span[0]} has no boxes, or frames {span[2]} to {span[3]} are none")
    return span
