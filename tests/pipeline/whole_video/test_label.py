"""A video as a whole: every sample in a window, answers averaged over time, one answer for a short clip."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from classify.data.clips import list_clips, read_video, sixteen
from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.run.classifier import ActionClassifier
from classify.run.pytorch import torch_logits
from classify.types import ActionScores
from classify.weights.checkpoint import save_checkpoint
from classify.weights.description import CheckpointInfo
from ground.errors import InputError
from ground.video.source import open_video
from pipeline.shipped import WEIGHTS
from pipeline.video.encode import write_video
from pipeline.whole_video.label import NOBODY, WholeVideoConfig, classify_video, moving_average

LABELS = ("dark", "bright")


class _Brightness(nn.Module):
    """Says "bright" of clips whose pictures are brighter than grey, and counts the clips."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(40.0))
        self.seen: list[tuple[int, ...]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += [tuple(clip.shape) for clip in x]
        value = self.scale * (x.mean((1, 2, 3, 4)) - 0.5)
        return torch.stack([-value, value], 1)


@pytest.fixture
def classifier(tmp_path: Path) -> ActionClassifier:
    info = CheckpointInfo("pooled_maps", LABELS, Profile(44, 32, 8))
    save_checkpoint(tmp_path / "a.safetensors", build_model("pooled_maps", 2), info)
    made = ActionClassifier(tmp_path / "a.safetensors", "cpu", batch=4)
    made._model = _Brightness()
    made._logits = torch_logits(made._model, info.profile)
    return made


def _video(path: Path, levels: list[int], rate: int = 25, size: tuple[int, int] = (64, 88)) -> Path:
    """A frame of ``size`` (width, height) pixels per level."""
    width, height = size
    pictures = ((i / rate, np.full((height, width, 3), level, np.uint8)) for i, level in enumerate(levels))
    write_video(path, pictures, frame_rate=Fraction(rate))
    return path


def test_a_long_video_has_a_timeline(tmp_path: Path, classifier: ActionClassifier) -> None:
    with open_video(_video(tmp_path / "v.mp4", [20] * 100 + [230] * 100)) as video:
        answer = classify_video(video, classifier, WholeVideoConfig(average=0.5))
    assert [s.action for s in answer.timeline.segments] == ["dark", "bright"]
    assert answer.timeline.segments[0].end == pytest.approx(4.0, abs=0.3)
    assert answer.timeline.segments[-1].end_frame == 200, "the last window ends where the video ends"
    assert answer.probabilities == pytest.approx([0.5, 0.5], abs=0.05)
    assert [label for label, _ in answer.top(answer.scores_at(1.0).probabilities, 1)] == ["dark"]
    assert [label for label, _ in answer.top(answer.scores_at(7.0).probabilities, 1)] == ["bright"]
    assert set(classifier._model.seen) == {(3, 8, 44, 32)}, "pictures come in the profile's size"
    # 200 samples: windows end at 16, 24, ... 200.
    assert len(classifier._model.seen) == len(answer.scores) == 24


def test_a_short_video_has_one_answer(tmp_path: Path, classifier: ActionClassifier) -> None:
    with open_video(_video(tmp_path / "v.mp4", [20] * 60 + [230] * 20)) as video:
        answer = classify_video(video, classifier)
    assert [(s.action, s.start_frame, s.end_frame) for s in answer.timeline.segments] == [("dark", 0, 80)]
    for scores in answer.scores:
        np.testing.assert_allclose(scores.probabilities, answer.probabilities, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 15, 16, 17, 23, 24, 25])
def test_every_length_is_covered_to_the_end(tmp_path: Path, classifier: ActionClassifier, frames: int) -> None:
    with open_video(_video(tmp_path / "v.mp4", [230] * frames)) as video:
        answer = classify_video(video, classifier)
    assert [(s.action, s.start_frame, s.end_frame) for s in answer.timeline.segments] == [("bright", 0, frames)]
    assert len(answer.scores) == 1 + max(0, -(-(frames - 16) // 8))


def test_fast_video_is_sampled_at_the_pace_of_the_network(tmp_path: Path, classifier: ActionClassifier) -> None:
    with open_video(_video(tmp_path / "v.mp4", [230] * 64, rate=50)) as video:
        answer = classify_video(video, classifier)
    assert len(answer.scores) == 3, "32 samples, windows ending at 16, 24 and 32"
    assert answer.scores[0].end - answer.scores[0].start == pytest.approx(16 / 25)


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "step"), [("spacejam_mini", 12), ("university", 40)])
def test_of_a_clip_it_says_what_evaluation_says(shared: Path, folder: str, step: int) -> None:
    """The same pictures at the same pace, SpaceJam's slow headers included: so answers are the same, too."""
    classifier = ActionClassifier(WEIGHTS / "actions.safetensors", "cpu")
    judged = 0
    for file in list_clips([shared / "clips" / folder])[::step]:
        frames = read_video(file.path)
        if len(frames) > 16:
            continue  # evaluation takes the middle of a longer clip
        with open_video(file.path) as video:
            answer = classify_video(video, classifier)
        np.testing.assert_allclose(answer.probabilities, classifier.probabilities(sixteen(frames)[None])[0], atol=1e-5)
        judged += 1
    assert judged >= 5


@pytest.mark.parametrize(
    ("rate", "size", "is_noted"), [(2, (64, 88), True), (10, (64, 88), False), (5, (128, 176), False)]
)
def test_too_few_frames_a_second_are_said(
    tmp_path: Path,
    classifier: ActionClassifier,
    caplog: pytest.LogCaptureFixture,
    rate: int,
    size: tuple[int, int],
    is_noted: bool,
) -> None:
    with open_video(_video(tmp_path / "v.mp4", [230] * 20, rate, size)) as video, caplog.at_level("WARNING"):
        answer = classify_video(video, classifier)
    assert [(s.action, s.end_frame) for s in answer.timeline.segments] == [("bright", 20)]
    assert ("too few to see how people move" in caplog.text) == is_noted


def test_memory_does_not_grow_with_what_is_averaged() -> None:
    """Four hundred labels for a quarter hour: one row is made of the rows around it, never a table of them all."""

    def scores() -> Iterator[ActionScores]:
        for i in range(2000):
            yield ActionScores(NOBODY, i * 0.5, i * 0.5 + 0.6, np.full(400, 1 / 400, np.float32))

    tracemalloc.start()
    assert sum(float(s.probabilities.sum()) for s in moving_average(scores(), 2.0)) == pytest.approx(2000, rel=1e-4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.slow
def test_thousands_of_frames_are_one_video(tmp_path: Path, classifier: ActionClassifier) -> None:
    with open_video(_video(tmp_path / "v.mp4", [20, 20, 230, 230] * 750)) as video:
        answer = classify_video(video, classifier)
    assert len(answer.scores) == 374 and answer.timeline.segments[-1].end_frame == 3000


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 12))
def test_a_moving_average_is_the_mean_of_the_neighbours(values: list[float], seconds: float) -> None:
    scores = [ActionScores(0, float(i), i + 1.0, np.array([v, 1 - v], np.float32)) for i, v in enumerate(values)]
    averaged = list(moving_average(scores, seconds))
    assert len(averaged) == len(scores)
    for i, own in enumerate(averaged):
        near = [v for j, v in enumerate(values) if abs(i - j) <= seconds / 2 + 1e-9]
        assert own.probabilities[0] == pytest.approx(np.mean(near), abs=1e-5)
        assert (own.start, own.end) == (scores[i].start, scores[i].end)


def test_impossible_averages() -> None:
    for seconds in (-1.0, float("nan")):
        with pytest.raises(InputError, match="averaged over 0 s or more"):
            WholeVideoConfig(seconds)
