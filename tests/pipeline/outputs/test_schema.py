"""The schema of the analysis folder is that of the types, and what is saved is as it says.

After a change of the types: `COURTSCRIBE_WRITE_GOLDEN=1 python -m pytest tests/pipeline/outputs/test_schema.py`.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
import numpy as np
import pytest

from classify.types import ACTIONS, ActionScores
from pipeline.analysis.folder import JSON_NAME, save_analysis
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
)
from pipeline.config import PipelineConfig
from pipeline.outputs.schema import analysis_schema, schema_text
from tracker.by_hand.court_outline import CourtPolygon
from tracker.by_hand.rois import Roi
from tracker.numbers.votes import Number
from tracker.teams.teams import Member, Teams
from tracker.types import Detections, Tracks

_KEPT = Path(__file__).resolve().parents[3] / "docs/analysis.schema.json"
_VIDEO = VideoFacts("/x/game.mp4", 640, 360, "30000/1001", 1.5, "h264", "abc")
_INDEX = np.arange(4, dtype=np.int32)
_TRACKS = Tracks.of(_INDEX, [7] * 4, np.tile([10, 10, 40, 90], (4, 1)))
_TEAMS = Teams(("A", "B"), ((240, 240, 240), (20, 90, 40)), {7: Member("A", 0.98), 9: Member("", 0.7)})


def _nobody() -> Analysis:
    settings = json.loads(json.dumps(dataclasses.asdict(PipelineConfig())))
    return Analysis(_VIDEO, settings, Frames.empty(), Players(Tracks.empty()), Timeline(ACTIONS, ()))


def _everything() -> Analysis:
    """With all that an analysis can have."""
    boxes = Detections.of(_TRACKS.xyxy)
    return dataclasses.replace(
        _nobody(),
        frames=Frames(_INDEX, _INDEX / 25, np.zeros((4, 2)), np.ones(4), np.zeros(4, np.bool_), ("odd",)),
        players=Players(
            _TRACKS, {7: "Ann"}, {7: 3}, {9: "a referee"}, ("hidden",), teams=_TEAMS, numbers={7: Number("23", 0.99)}
        ),
        timeline=Timeline(ACTIONS, (ActionSegment(7, "walk", 0.0, 0.16, 0, 4, 0.7),)),
        scores=Scores((ActionScores(7, 0.0, 0.16, np.full(10, 0.1, np.float32)),), ("short",)),
        detections=DetectionTable(_INDEX, boxes, np.full(4, np.nan, np.float32), ("player",)),
        drawn=Drawn(
            (Roi((10, 10, 30, 80), "Ann"), Roi((1.5, 2, 9, 9), time=0.5)),
            (CourtPolygon(((0, 0), (9, 0), (9, 9)), 2),),
        ),
        classifier=ClassifierFacts("pooled_maps", "clips", True, "a first guess", 0.3),
    )


def _saved(analysis: Analysis, folder: Path) -> Any:
    save_analysis(analysis, folder)
    return json.loads((folder / JSON_NAME).read_bytes())


@pytest.mark.slow
def test_the_schema_in_the_documents_is_that_of_the_types() -> None:
    if os.environ.get("COURTSCRIBE_WRITE_GOLDEN"):
        _KEPT.write_text(schema_text(), encoding="utf-8")
    assert _KEPT.read_text(encoding="utf-8") == schema_text()


@pytest.mark.slow
@pytest.mark.parametrize("make", [_nobody, _everything])
def test_what_is_saved_is_as_the_schema_says(make: Callable[[], Analysis], tmp_path: Path) -> None:
    fastjsonschema.compile(analysis_schema())(_saved(make(), tmp_path))


def _places(content: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all values within ``content``."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [found for key, value in pairs for found in [(*path, key), *_places(value, (*path, key))]]


def test_a_value_of_another_type_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    content, check = _saved(_everything(), tmp_path), fastjsonschema.compile(analysis_schema())
    places = _places(content)
    assert len(places) > 100
    for *path, last in places:
        inside = content
        for key in path:
            inside = inside[key]
        before, inside[last] = inside[last], {"what": [None]}
        with pytest.raises(fastjsonschema.JsonSchemaException):
            check(content)
        inside[last] = before
    check(content)
