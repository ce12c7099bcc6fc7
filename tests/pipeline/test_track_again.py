"""Tracking again: names stay with their players, notes are said once, raw scores are kept, another video is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from classify.types import ACTIONS, ActionScores, Clip
from ground.errors import InputError
from ground.video.fingerprint import fingerprint
from pipeline.analysis.timeline import UNSURE, Timeline
from pipeline.analysis.values import Analysis, DetectionTable, Drawn, Frames, Players, VideoFacts
from pipeline.analyze import saved_config, track_again
from pipeline.config import PipelineConfig, with_settings
from pipeline.models import Models
from pipeline.video.encode import write_video
from tracker.by_hand.rois import Roi
from tracker.types import Detections, Tracks

_FRAMES, _SIZE = 50, (320, 180)
_EASY = {
    "looks": {"describe": "none"},
    "selection": {"drop_outside": False, "drop_still": False, "min_confidence": 0.0},
}


class _Ignorant:
    """A classifier to whom every label is as likely as any other."""

    labels, batch, unsure_below = ACTIONS, 8, 0.35
    info = SimpleNamespace(model="none", origin=SimpleNamespace(data="", starter=False, note=""))

    def classify(self, clips: Sequence[Clip]) -> list[ActionScores]:
        return [ActionScores(c.track_id, c.start, c.end, np.full(10, 0.1, np.float32)) for c in clips]


def _write(path: Path, size: tuple[int, int] = _SIZE, grey: int = 90, count: int = _FRAMES) -> None:
    def pictures() -> Iterator[tuple[float, np.ndarray]]:
        for i in range(count):
            yield i / 25, np.full((size[1], size[0], 3), grey, np.uint8)

    write_video(path, pictures(), frame_rate=Fraction(25))


@pytest.fixture
def analysis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Analysis:
    """Two players who walk side by side, detected in every frame, and not tracked yet."""
    monkeypatch.setattr(Models, "classifier", lambda _models, _config: _Ignorant())
    _write(tmp_path / "game.mp4")
    index = np.arange(_FRAMES, dtype=np.int32)
    frames = Frames(index, index / 25, np.zeros((_FRAMES, 2)), np.ones(_FRAMES), np.zeros(_FRAMES, bool), ("odd file",))
    left = np.concatenate([20 + 2 * index, 180 + 2 * index])
    boxes = np.stack([left, np.full(len(left), 40), left + 30, np.full(len(left), 130)], axis=1)
    order = np.argsort(np.tile(index, 2), kind="stable")
    found = Detections.of(boxes[order], np.full(len(left), 0.9), np.zeros(len(left)))
    facts = VideoFacts(str(tmp_path / "game.mp4"), *_SIZE, "25", 2.0, "h264", fingerprint(tmp_path / "game.mp4"))
    return Analysis(
        facts, {}, frames, Players(Tracks.empty()), Timeline(ACTIONS, ()),
        detections=DetectionTable(np.tile(index, 2)[order], found, None, ("player",)),
        drawn=Drawn((Roi((300.0, 10.0, 12.0, 30.0), name="Nobody there", frame=0),)),
    )  # fmt: skip


def _config() -> PipelineConfig:
    return with_settings(PipelineConfig(device="cpu"), _EASY)


@pytest.mark.slow
def test_again_and_again_is_as_once(analysis: Analysis) -> None:
    once = track_again(analysis, _config())
    twice = track_again(track_again(once, _config()), _config())
    assert len(once.tracks.ids) >= 2 and once.notes[0] == "odd file" and len(once.notes) == len(set(once.notes)) > 1
    assert twice.notes == once.notes and twice.timeline == once.timeline
    assert np.array_equal(twice.tracks.xyxy, once.tracks.xyxy)


def test_scores_are_kept_as_the_classifier_gave_them_and_knowing_nothing_is_unsure(analysis: Analysis) -> None:
    found = track_again(analysis, _config())
    assert len(found.scores.windows) > 4
    assert all(window.probabilities.tolist() == [np.float32(0.1)] * 10 for window in found.scores.windows)
    assert {segment.action for segment in found.timeline.segments} == {UNSURE}


@pytest.mark.slow
def test_a_name_goes_to_the_track_that_covers_its_player(analysis: Analysis) -> None:
    plain = dataclasses.replace(analysis, drawn=Drawn())
    once = track_again(plain, _config())
    by_place = {int(t.xyxy[0, 0]) > 100: i for i, t in once.tracks.by_id()}
    named = dataclasses.replace(once, players=dataclasses.replace(once.players, names={by_place[True]: "Ann"}))
    sort = with_settings(_config(), {"tracker": {"name": "sort", "min_hits": 0}})
    for config in (_config(), sort):
        again = track_again(named, config)
        ((ann, name),) = again.names.items()
        assert name == "Ann" and again.tracks[again.tracks.track_id == ann].xyxy[0, 0] > 100
    few = with_settings(_config(), {"selection": {"min_confidence": 1.0}})
    gone = track_again(named, few)
    assert not gone.names and any("no track is that of Ann" in note for note in gone.notes)


@pytest.mark.parametrize("other", [{"size": (160, 90)}, {"grey": 91}, {"count": 7}])
def test_another_video_under_the_old_path_is_refused(analysis: Analysis, other: dict[str, int]) -> None:
    path = Path(analysis.video.source)
    moved = path.with_name("moved.mp4")
    path.rename(moved)
    with pytest.raises(InputError, match="no such file"):
        track_again(analysis, _config())
    _write(path, **other)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"video that was analysed[^\n]*$"):
        track_again(analysis, _config())
    found = track_again(analysis, _config(), video=str(moved))
    assert found.video.source == str(moved.resolve())


def test_settings_of_older_analyses_are_found_in_their_new_places(analysis: Analysis) -> None:
    old = {
        "roster": {"players": 7},
        "tracker": {"name": "sport", "offline": False, "looks": "none", "reid": "", "max_gap": 2.0, "max_absence": 3.0},
    }
    config = saved_config(dataclasses.replace(analysis, settings=old))
    assert (config.selection.players, config.linking.offline, config.looks.describe) == (7, False, "none")
    assert (config.smoothing.max_gap, config.linking.max_absence) == (2.0, 3.0)
    assert saved_config(dataclasses.replace(analysis, settings=dataclasses.asdict(config))) == config
