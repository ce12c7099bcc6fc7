"""What players really did, as a person wrote it down: beside boxes, or as a timeline like ours."""

from __future__ import annotations

import csv
from pathlib import Path

from ground.errors import InputError
from tracker.formats import read_tracks_file
from tracker.mot import read_truth
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


def read_timeline_actions(path: Path) -> set[str]:
    """The actions that a timeline like ours names. Raises InputError where it cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {action for row in csv.DictReader(file) if (action := row.get("action"))}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a timeline ({error})") from error


def _read_spans(path: Path, players: set[int]) -> dict[int, list[tuple[int, int, str]]]:
    spans: dict[int, list[tuple[int, int, str]]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            if tuple(next(reader, ())) != _COLUMNS:
                raise InputError(f"{path}: line 1: expected {','.join(_COLUMNS)}")
            for row in reader:
                player, action, first, last = _parse(row, players, f"{path}: line {reader.line_num}")
                spans.setdefault(player, []).append((first, last, action))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a table of comma-separated text ({error})") from error
    return spans


def _parse(row: list[str], players: set[int], where: str) -> tuple[int, str, int, int]:
    try:
        player, action, first, last = row
        span = int(player), action, int(first), int(last)
    except ValueError as error:
        raise InputError(f"{where}: expected {','.join(_COLUMNS)} ({error})") from error
    if span[0] not in players or not 1 <= span[2] < span[3]:
        raise InputError(f"{where}: player {player} has no boxes, or frames {first} to {last} are none")
    return span
