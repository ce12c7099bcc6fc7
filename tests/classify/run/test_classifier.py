"""The classifier keeps its protocol: order, labels, probabilities, one answer per clip whatever the batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from classify.evaluate.calibration import with_temperature
from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.run.classifier import ActionClassifier
from classify.types import ACTIONS, Classifier, Clip
from classify.weights.checkpoint import read_info, rewrite_info, save_checkpoint
from classify.weights.description import CheckpointInfo
from ground.compute.devices import torch_device
from ground.errors import InputError


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "actions.safetensors"
    torch.manual_seed(0)
    save_checkpoint(path, build_model("pooled_maps", 10), CheckpointInfo("pooled_maps", ACTIONS, Profile(48, 32, 8)))
    return path


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (16, 176, 128, 3), dtype=np.uint8) for _ in range(5)]
    return [Clip(10 + i, i * 0.3, i * 0.3 + 0.64, f) for i, f in enumerate(frames)]


def test_keeps_order_and_labels(checkpoint: Path, clips: list[Clip]) -> None:
    classifier: Classifier = ActionClassifier(checkpoint, "cpu", batch=2)
    scores = classifier.classify(clips)
    assert classifier.labels == ACTIONS
    assert [(s.track_id, s.start, s.end) for s in scores] == [(c.track_id, c.start, c.end) for c in clips]
    assert all(s.probabilities.dtype == np.float32 and abs(s.probabilities.sum() - 1) < 1e-5 for s in scores)
    backwards = classifier.classify(clips[::-1])[::-1]
    for one, other in zip(scores, backwards, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-4)


@pytest.mark.slow
def test_batch_size_changes_nothing(checkpoint: Path, clips: list[Clip]) -> None:
    single, together = (ActionClassifier(checkpoint, "cpu", batch=n).classify(clips) for n in (1, 5))
    for one, other in zip(single, together, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-4)


def test_no_clips_no_scores(checkpoint: Path) -> None:
    assert ActionClassifier(checkpoint, "cpu").classify([]) == []


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "metal"])
def test_devices_that_are_not_there(checkpoint: Path, name: str) -> None:
    with pytest.raises(InputError, match="cpu"):
        ActionClassifier(checkpoint, name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_without_cuda_says_so() -> None:
    with pytest.raises(InputError, match="use cpu"):
        torch_device("cuda")
    assert torch_device("auto").type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA on this machine")
def test_half_precision_on_cuda_agrees(checkpoint: Path, clips: list[Clip]) -> None:
    on_cpu, on_cuda = (ActionClassifier(checkpoint, d).classify(clips) for d in ("cpu", "cuda"))
    for one, other in zip(on_cpu, on_cuda, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-2)


def test_the_checkpoints_temperature_changes_how_sure_it_is_and_not_what_it_says(
    checkpoint: Path, clips: list[Clip], tmp_path: Path
) -> None:
    calm = tmp_path / "calm.safetensors"
    rewrite_info(checkpoint, calm, replace(read_info(checkpoint), temperature=2.5))
    before, after = (np.stack([s.probabilities for s in ActionClassifier(p, "cpu").classify(clips)])
                     for p in (checkpoint, calm))  # fmt: skip
    np.testing.assert_allclose(after, with_temperature(before, 2.5), atol=1e-5)
    assert (after.argmax(1) == before.argmax(1)).all() and (after.max(1) < before.max(1)).all()
