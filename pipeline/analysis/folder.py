"""The folder of an analysis: ``analysis.json`` for facts, settings and timeline, compact tables beside it.

A table's file is named by its content and never changes. ``analysis.json`` names the tables and is written last: it is
the commit, and what it does not name is then removed. So a folder that was killed while it was written holds the old
analysis whole, or the new one.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from classify.types import ActionScores
from ground.disk.files import PART_PREFIX, PART_SUFFIX, write_text
from ground.disk.lock import claim
from ground.errors import InputError, unwritable
from pipeline.analysis.tables import DAMAGE, TABLE_PATTERN, Columns, Table, read_table, write_table
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import (
    Analysis,
    ClassifierFacts,
    DetectionTable,
    Drawn,
    Frames,
    Players,
    Scores,
    VideoFacts,
    player_name,
)
from tracker.ball.path import BallPath
from tracker.by_hand.court_outline import CourtPolygon
from tracker.by_hand.rois import Roi
from tracker.court.known import KnownCourt
from tracker.court.landmarks import CourtLandmarks
from tracker.court.positions import distances
from tracker.numbers.reader import TEXTS
from tracker.numbers.votes import Number
from tracker.teams.teams import Member, Teams
from tracker.types import Detections, Tracks

FORMAT = 2
"""Version of the folder's format."""
JSON_NAME = "analysis.json"
_TRACK_COLUMNS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "frame_index": ("<i4", ()), "track_id": ("<i4", ()), "xyxy": ("<f4", (4,)), "confidence": ("<f4", ()),
    "observed": ("|b1", ()),
}  # fmt: skip
_COLUMNS: Mapping[str, Mapping[str, tuple[str, tuple[int, ...]]]] = {
    "frames": {
        "index": ("<i4", ()), "time": ("<f8", ()), "shift": ("<f8", (2,)), "zoom": ("<f8", ()), "is_cut": ("|b1", ()),
    },
    "detections": {
        "frame_index": ("<i4", ()), "xyxy": ("<f4", (4,)), "confidence": ("<f4", ()), "class_id": ("<i8", ()),
        "floor": ("<f4", ()),
    },
    "things": {
        "frame_index": ("<i4", ()), "xyxy": ("<f4", (4,)), "confidence": ("<f4", ()), "class_id": ("<i8", ()),
    },
    "ball": {"frame_index": ("<i4", ()), "xy": ("<f4", (2,)), "state": ("|u1", ()), "holder": ("<i4", ())},
    "tracks": _TRACK_COLUMNS,
    "leftout": _TRACK_COLUMNS,
    "scores": {
        "track_id": ("<i4", ()), "start": ("<f8", ()), "end": ("<f8", ()), "probabilities": ("<f4", (-1,)),
    },
    "court": {"frame_index": ("<i4", ()), "homography": ("<f8", (3, 3))},
}  # fmt: skip
"""Of each table: columns, with the type and the shape of an entry; -1: one per label."""
_EARLIER_SCORES = "scores of an earlier version are left out, as speed is mixed into them; track again for others"


def is_analysis(folder: Path) -> bool:
    """Whether ``folder`` holds an analysis, of this or another version."""
    return (folder / JSON_NAME).is_file()


def save_analysis(analysis: Analysis, folder: Path, outdated: Sequence[str] = ()) -> None:
    """Write the analysis to ``folder``, which then holds no table of another.

    outdated: files there that show the analysis before this one; they are removed before the new one counts.
    Raises InputError when the folder cannot be written, or another run writes there.
    """
    try:
        with claim(folder):
            tables = {name: write_table(folder, name, columns) for name, columns in _tables(analysis).items()}
            content = json.dumps(_to_json(analysis, tables), indent=1, allow_nan=False)
            before = _tables_of_first_format(folder)
            for name in outdated:
                (folder / name).unlink(missing_ok=True)
            write_text(folder / JSON_NAME, content + "\n")
            _sweep(folder, {table.file for table in tables.values()}, before)
    except OSError as error:
        raise unwritable(folder, error) from error


def load_analysis(folder: Path) -> Analysis:
    """Read a folder that ``save_analysis`` wrote, in this version or the one before.

    Raises InputError when it is not one, or when a file of it is missing, damaged, or not the one that was written.
    """
    path = folder / JSON_NAME
    try:
        content = json.loads(path.read_bytes())
        version = content["format"]
        if version == 1:
            content = _migrated(content)
        elif version != FORMAT:
            raise InputError(f"{path}: format {version!s:.20}, this version reads 1 to {FORMAT}")
        tables = {
            name: read_table(folder, Table(**content["tables"][name]), columns)
            for name, columns in _COLUMNS.items()
            if name in content["tables"]
        }
        if version == 1:
            del tables["scores"]
        return _from_json(content, tables)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{error.filename or path}: not found; {folder} is not a whole analysis") from error
    except InputError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: damaged ({type(error).__name__}: {reason:.200})") from error


def _tables_of_first_format(folder: Path) -> set[str]:
    """The tables of an analysis of format 1 in ``folder``, by what it says: files of anybody's may have such names."""
    try:
        content = json.loads((folder / JSON_NAME).read_bytes())
        named = set(map(str, content["files"])) if content["format"] == 1 else set[str]()
    except DAMAGE:
        return set()
    return {f"{name}.npz" for name in _COLUMNS if name in named}


def _sweep(folder: Path, named: set[str], before: set[str]) -> None:
    """Remove tables that nothing names any more, ``before`` too, and what a killed writer left half-written."""
    for path in folder.iterdir():
        is_table = TABLE_PATTERN.fullmatch(path.name) or path.name in before
        is_part = path.name.startswith(PART_PREFIX) and path.name.endswith(PART_SUFFIX)
        if (is_table and path.name not in named) or is_part:
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _tables(analysis: Analysis) -> dict[str, Columns]:
    frames, scores, found = analysis.frames, analysis.scores.windows, analysis.detections
    num_labels = len(analysis.timeline.labels)
    tables: dict[str, Columns] = {
        "frames": {name: column for name in _COLUMNS["frames"] if (column := getattr(frames, name)) is not None},
        "tracks": {name: getattr(analysis.tracks, name) for name in _TRACK_COLUMNS},
        "scores": {
            "track_id": np.array([s.track_id for s in scores], np.int32),
            "start": np.array([s.start for s in scores], np.float64),
            "end": np.array([s.end for s in scores], np.float64),
            "probabilities": np.array([s.probabilities for s in scores], np.float32).reshape(-1, num_labels),
        },
    }
    if len(analysis.players.left_out):
        tables["leftout"] = {name: getattr(analysis.players.left_out, name) for name in _TRACK_COLUMNS}
    if len(analysis.court):
        tables["court"] = {name: getattr(analysis.court, name) for name in _COLUMNS["court"]}
    for name, table in (("detections", found), ("things", analysis.things)):
        if table is not None:
            tables[name] = _box_columns(table)
    if analysis.ball is not None:
        tables["ball"] = {name: getattr(analysis.ball, name) for name in _COLUMNS["ball"]}
    return tables


def _box_columns(table: DetectionTable) -> Columns:
    boxes = {name: getattr(table.boxes, name) for name in ("xyxy", "confidence", "class_id")}
    floor = {} if table.floor is None else {"floor": table.floor}
    return {"frame_index": table.frame_index, **boxes, **floor}


def _to_json(analysis: Analysis, tables: Mapping[str, Table]) -> dict[str, Any]:
    players, found, frames = analysis.players, analysis.detections or analysis.things, analysis.frames
    gone = distances(analysis.tracks, analysis.positions(), frames.index, frames.time)
    return {
        "format": FORMAT,
        "video": dataclasses.asdict(analysis.video),
        "settings": analysis.settings,
        "tables": {name: dataclasses.asdict(table) for name, table in tables.items()},
        "detector_classes": [] if found is None else found.classes,
        "classifier": None if analysis.classifier is None else dataclasses.asdict(analysis.classifier),
        "players": [_player(analysis, track_id, track, gone) for track_id, track in analysis.tracks.by_id()],
        "names": {str(k): v for k, v in players.names.items()},
        "teams": dataclasses.asdict(players.teams),
        **_numbers(players),
        "rois": [dataclasses.asdict(roi) for roi in analysis.drawn.rois],
        "court": [dataclasses.asdict(polygon) for polygon in analysis.drawn.court],
        "landmarks": [dataclasses.asdict(marks) for marks in analysis.drawn.landmarks],
        "court_type": analysis.court.kind,
        "lost_at": {str(k): v for k, v in players.lost_at.items()},
        "dropped": {str(k): v for k, v in players.dropped.items()},
        "notes": {
            "frames": analysis.frames.notes, "players": players.notes, "scores": analysis.scores.notes,
        },
        "labels": analysis.timeline.labels,
        "timeline": [dataclasses.asdict(segment) for segment in analysis.timeline.segments],
    }  # fmt: skip


def _numbers(players: Players) -> dict[str, Any]:
    """What is said of numbers; nothing where none was read."""
    numbers = {str(k): dataclasses.asdict(v) for k, v in players.numbers.items()}
    return {"numbers": numbers} if numbers else {}


def _player(analysis: Analysis, track_id: int, track: Tracks, gone: Mapping[int, float]) -> dict[str, Any]:
    """One player's facts, for readers; not read back."""
    frames = analysis.frames
    rows = np.searchsorted(frames.index, track.frame_index[[0, -1]])
    lost = analysis.players.lost_at.get(track_id)
    return {
        "player": player_name(analysis.names, track_id),
        "team": analysis.teams.team(track_id),
        "track_id": track_id,
        "first_frame": int(track.frame_index[0]),
        "last_frame": int(track.frame_index[-1]),
        "start_s": round(float(frames.time[rows[0]]), 4),
        "end_s": round(float(frames.time[rows[1]]), 4),
        "num_boxes": len(track),
        "num_observed": int(track.observed.sum()),
        "distance_m": None if track_id not in gone else round(gone[track_id], 2),
        "lost_at_frame": lost,
        "lost_at_s": None if lost is None else round(float(frames.time[np.searchsorted(frames.index, lost)]), 4),
    }


def _migrated(content: Mapping[str, Any]) -> dict[str, Any]:
    """Format 1 as format 2. Its scores hold what speed says as well, and cannot be joined again."""
    named = [name for name in _COLUMNS if name in content["files"]]
    notes = [note for note in content["notes"] if isinstance(note, str)]
    return {
        **content,
        "tables": {name: {"file": f"{name}.npz", "sha256": "", "rows": -1} for name in named},
        "notes": {"frames": notes, "players": [], "scores": [_EARLIER_SCORES]},
    }


def _from_json(content: Mapping[str, Any], tables: Mapping[str, Columns]) -> Analysis:
    facts, notes = content["classifier"], {name: _lines(lines) for name, lines in content["notes"].items()}
    frames = tables["frames"]
    boxes, things = (
        _read_detections(tables[name], _lines(content["detector_classes"])) if name in tables else None
        for name in ("detections", "things")
    )
    return Analysis(
        video=VideoFacts(**content["video"]),
        settings=dict(content["settings"].items()),
        frames=Frames(**frames, notes=notes["frames"]),
        players=Players(
            Tracks(**tables["tracks"]),
            names={int(k): _text(v) for k, v in content["names"].items()},
            lost_at={int(k): int(v) for k, v in content["lost_at"].items()},
            dropped={int(k): _text(v) for k, v in content["dropped"].items()},
            notes=notes["players"],
            left_out=Tracks(**tables["leftout"]) if "leftout" in tables else Tracks.empty(),
            teams=_read_teams(content["teams"]) if "teams" in content else Teams(),
            numbers={int(k): _read_number(v) for k, v in content.get("numbers", {}).items()},
        ),
        timeline=Timeline(_lines(content["labels"]), tuple(ActionSegment(**s) for s in content["timeline"])),
        scores=Scores(_read_scores(tables.get("scores")), notes["scores"]),
        detections=boxes,
        things=things,
        ball=BallPath(**tables["ball"]) if "ball" in tables else None,
        drawn=Drawn(
            tuple(Roi(tuple(roi.pop("box")), **roi) for roi in content["rois"]),
            tuple(CourtPolygon(_corners(c["corners"]), c["frame"], c["time"]) for c in content["court"]),
            tuple(
                CourtLandmarks(_corners(c["pixels"]), _corners(c["metres"]), c["frame"], c["time"])
                for c in content.get("landmarks", ())
            ),
        ),
        court=KnownCourt(_text(content.get("court_type", "")), **tables.get("court", {})),
        classifier=None if facts is None else ClassifierFacts(**facts),
    )


def _read_detections(boxes: Columns, classes: tuple[str, ...]) -> DetectionTable:
    found = Detections(boxes["xyxy"], boxes["confidence"], boxes["class_id"])
    if len(found) and not 0 <= found.class_id.min() <= found.class_id.max() < len(classes):
        raise ValueError("detections are of a class without a name")
    return DetectionTable(boxes["frame_index"], found, boxes.get("floor"), classes)


def _read_number(content: Mapping[str, Any]) -> Number:
    text, probability = _text(content["text"]), float(content["probability"])
    if text not in TEXTS or not 0 <= probability <= 1:
        raise ValueError(f"no number: {text!r:.20}")
    return Number(text, probability)


def _read_teams(content: Mapping[str, Any]) -> Teams:
    first, second = _lines(content["names"])
    return Teams(
        (first, second),
        tuple(_color(color) for color in content["colors"]),
        {int(k): Member(_text(v["team"]), float(v["probability"])) for k, v in content["members"].items()},
    )


def _color(value: Sequence[int]) -> tuple[int, int, int]:
    if not all(type(channel) is int and 0 <= channel <= 255 for channel in value):
        raise ValueError(f"{value!r:.40} is no color")
    red, green, blue = value
    return red, green, blue


def _read_scores(table: Columns | None) -> tuple[ActionScores, ...]:
    if table is None:
        return ()
    columns = [table[name] for name in ("track_id", "start", "end", "probabilities")]
    return tuple(ActionScores(int(i), float(a), float(b), p) for i, a, b, p in zip(*columns, strict=True))


def _corners(pairs: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in pairs)


def _lines(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list of texts, not {value!r:.40}")
    return tuple(_text(line) for line in value)  # type: ignore[reportUnknownArgumentType]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, not {value!r:.40}")
    return value
