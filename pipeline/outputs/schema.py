"""The JSON schema of ``analysis.json``, made from the types: ``docs/analysis.schema.json``, for readers of the folder.

It says what this version writes. Descriptions are the docstrings of the fields.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pipeline.analysis.folder import FORMAT
from pipeline.analysis.tables import Table
from pipeline.analysis.timeline import ActionSegment
from pipeline.analysis.values import ClassifierFacts, VideoFacts
from pipeline.config import PipelineConfig
from tracker.by_hand.court_outline import CourtPolygon
from tracker.by_hand.rois import Roi
from tracker.court.landmarks import CourtLandmarks
from tracker.numbers.votes import Number
from tracker.teams.teams import Teams

_PLAIN: Mapping[object, str] = {
    str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables beside ``analysis.json``."""

    frames: Table
    tracks: Table
    scores: Table
    leftout: Table | None = None
    """Tracks of those whom a rule left out, columns as of ``tracks``; not there where there is none."""
    court: Table | None = None
    """Homographies of the court; not there where it is not known."""
    detections: Table | None = None
    """Left out where nothing was detected: boxes drawn by hand, tracks from a file."""
    things: Table | None = None
    """What may be the ball or a hoop; left out where ``detections`` is, and in earlier versions."""
    ball: Table | None = None
    """The ball's path; left out where nobody looked for it."""


@dataclass(frozen=True, slots=True)
class Player:
    """One player's facts, made of the tracks for readers."""

    player: str
    """Name, or number where he has none."""
    team: str
    """Empty: of neither, or not known."""
    track_id: int
    first_frame: int
    last_frame: int
    """Inclusive."""
    start_s: float
    end_s: float
    """Seconds, of the last frame."""
    num_boxes: int
    num_observed: int
    """Boxes that were detected and not filled in."""
    distance_m: float | None
    """Metres that he goes while he is in the picture and the court is known; null: it never is."""
    lost_at_frame: int | None
    """From where CSRT had lost him; null: it had not."""
    lost_at_s: float | None


@dataclass(frozen=True, slots=True)
class Notes:
    """What was odd, a line each, by stage."""

    frames: tuple[str, ...]
    players: tuple[str, ...]
    scores: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What ``analysis.json`` holds."""

    format: Literal[2]
    """Version of the folder's format."""
    video: VideoFacts
    settings: PipelineConfig
    tables: Tables
    detector_classes: tuple[str, ...]
    """The detector's names in the order of ``class_id``."""
    classifier: ClassifierFacts | None
    """null: the labels are those of a file of tracks."""
    players: tuple[Player, ...]
    names: Mapping[str, str]
    """Names given to players, by track_id."""
    teams: Teams
    rois: tuple[Roi, ...]
    """Boxes drawn by hand in a video in which everybody is detected."""
    court: tuple[CourtPolygon, ...]
    landmarks: tuple[CourtLandmarks, ...]
    """Points of the court that a person told."""
    court_type: Literal["nba", "fiba", "ncaa", "high-school", "other", ""]
    """Which court it is; other: told by points of a person; empty: it is not known."""
    lost_at: Mapping[str, int]
    """The frame from which a player followed by hand was lost, by track_id."""
    dropped: Mapping[str, str]
    """Why a track was left out, by the track_id that it had."""
    notes: Notes
    labels: tuple[str, ...]
    """All actions that the classifier knows, in the order of its probabilities."""
    timeline: tuple[ActionSegment, ...]
    numbers: Mapping[str, Number]
    """What is written on players' shirts, by track_id, of those of whom it is sure; not there where none was read."""


def analysis_schema() -> dict[str, Any]:
    """The schema (JSON Schema, draft 7)."""
    definitions: dict[str, Any] = {}
    root = _object(Record, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"analysis.json of courtscribe, format {FORMAT}",
        **root,
        "definitions": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The schema as it stands in ``docs/analysis.schema.json``."""
    return json.dumps(analysis_schema(), indent=1, ensure_ascii=False) + "\n"


def _schema(wanted: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a type's JSON; dataclasses are added to ``definitions``."""
    if wanted in _PLAIN:
        return {"type": _PLAIN[wanted]}
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        if wanted.__name__ not in definitions:
            definitions[wanted.__name__] = {}  # its place, before it can name itself
            definitions[wanted.__name__] = _object(wanted, definitions)
        return {"$ref": f"#/definitions/{wanted.__name__}"}
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Literal:
        return {"enum": list(arguments)}
    parts = [_schema(part, definitions) for part in arguments if part is not Ellipsis]
    if origin in (Union, types.UnionType):
        return {"anyOf": parts}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": parts[1]}
    if origin is not tuple:
        raise TypeError(f"no JSON is known for {wanted}")
    fixed = {"items": parts, "minItems": len(parts), "maxItems": len(parts)}
    return {"type": "array", **({"items": parts[0]} if Ellipsis in arguments else fixed)}


def _object(wanted: type, definitions: dict[str, Any]) -> dict[str, Any]:
    texts, hints = _descriptions(wanted), get_type_hints(wanted)
    fields = dataclasses.fields(wanted)
    absent = {f.name for f in fields if wanted is Tables and f.default is None}
    properties: dict[str, Any] = {}
    for field in fields:
        found = _schema(hints[field.name], definitions)
        if field.name in absent:
            found = found["anyOf"][0]
        # beside a $ref nothing else counts in draft 7
        described = {"allOf": [found]} if "$ref" in found and field.name in texts else found
        properties[field.name] = described | ({"description": texts[field.name]} if field.name in texts else {})
    return {
        "description": inspect.cleandoc(wanted.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "required": [f.name for f in fields if f.name not in absent and (wanted, f.name) != (Record, "numbers")],
        "additionalProperties": False,
    }


def _descriptions(wanted: type) -> dict[str, str]:
    """The docstring below each field of a dataclass, in one line."""
    body = ast.parse(inspect.cleandoc(inspect.getsource(wanted))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            found[field.target.id] = " ".join(below.value.value.split())
    return found
