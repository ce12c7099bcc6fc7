"""Networks are loaded once in a process, however many videos it analyses."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import pipeline.models
from pipeline.analyze import analyze_video
from pipeline.config import PipelineConfig, with_settings
from pipeline.models import Models
from tests.conftest import Once
from tests.pipeline.short_games import short_games


@pytest.mark.slow
@pytest.mark.loads
def test_two_videos_load_nothing_twice_and_find_what_one_alone_finds(
    once: Once, monkeypatch: pytest.MonkeyPatch
) -> None:
    game = short_games(once) / "game2.mp4"
    loaded = Counter[str]()

    def counted(name: str) -> Any:
        load = getattr(pipeline.models, name)

        def once(*arguments: Any) -> Any:
            loaded[name] += 1
            return load(*arguments)

        return once

    names = ("YoloDetector", "ActionClassifier", "make_describers")
    for name in names:
        monkeypatch.setattr(pipeline.models, name, counted(name))
    config = with_settings(
        PipelineConfig(device="cpu"),
        {"selection": {"min_confidence": 0.0}, "detector": {"imgsz": 320}, "court": {"find": False}},
    )
    models = Models()
    first, second = (analyze_video(game, config, models=models) for _ in range(2))
    assert loaded == dict.fromkeys(names, 1)
    assert first.detections is not None and second.detections is not None
    np.testing.assert_array_equal(first.detections.boxes.xyxy, second.detections.boxes.xyxy)
    np.testing.assert_array_equal(first.tracks.xyxy, second.tracks.xyxy)
    assert first.timeline == second.timeline
