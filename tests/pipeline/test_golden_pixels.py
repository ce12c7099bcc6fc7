"""One whole analysis, kept: from the pixels of a game to its timeline, with the weights that ship.

Networks differ in the last digits between processors, so a few frames and hundredths of confidence are free; a player
or a label that comes or goes is not. After a change that is meant to change it: `make golden`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classify.types import ACTIONS
from pipeline.analysis.timeline import UNSURE, Timeline
from pipeline.analyze import analyze_video
from pipeline.config import PipelineConfig
from pipeline.evaluate.actions import agree, match_timelines
from pipeline.outputs.table import write_timeline_csv
from pipeline.synthetic.game import SyntheticGame
from tests.pipeline.timelines import read_timeline

pytestmark = pytest.mark.slow

_GOLDEN = Path(__file__).with_name("golden_pixels.csv")
_SECONDS, _RATE, _SIZE = 1.5, 30, (960, 540)


def _with_unsure(timeline: Timeline) -> Timeline:
    """``UNSURE`` as a label like others, so that it is compared too."""
    return Timeline((*timeline.labels, UNSURE), timeline.segments)


def test_the_analysis_is_the_one_that_was_kept(tmp_path: Path) -> None:
    game = SyntheticGame(seed=5, seconds=_SECONDS, size=_SIZE)
    for frame in game.frames():  # as pictures: an encoder may round otherwise elsewhere
        Image.fromarray(frame.image).save(tmp_path / f"game_{frame.index:03d}.png", compress_level=0)
    analysis = analyze_video(tmp_path, PipelineConfig(device="cpu", image_rate=_RATE))
    if os.environ.get("COURTSCRIBE_WRITE_GOLDEN"):
        write_timeline_csv(analysis.timeline, {}, _GOLDEN)
    kept = _with_unsure(read_timeline(_GOLDEN, ACTIONS))
    now = _with_unsure(analysis.timeline)
    assert {s.track_id for s in now.segments} == {s.track_id for s in kept.segments}
    assert len(kept.segments) > 10 and len({s.action for s in kept.segments}) > 3
    agreement = agree(match_timelines(kept, now, np.arange(round(_SECONDS * _RATE), dtype=np.int32)))
    assert agreement.num_compared > 0.97 * agreement.num_boxes and agreement.accuracy > 0.97, agreement
    means = [
        np.average([s.confidence for s in t.segments], weights=[s.end - s.start for s in t.segments])
        for t in (kept, now)
    ]
    assert abs(means[0] - means[1]) < 0.02, means
