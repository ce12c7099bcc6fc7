"""Training learns, goes on after a kill to the same result, and leaves frozen layers alone."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import classify.train
from classify.augment import Augmentation, augment, vary_time
from classify.checkpoint import Origin, load_checkpoint
from classify.clips import LabelledClip
from classify.errors import ClipError
from classify.evaluate import evaluate
from classify.models import MODELS, SmallR2Plus1d
from classify.preprocess import Profile
from classify.train import TrainConfig, begin, fit, train_actions
from classify.types import ACTIONS

STILL = Augmentation(0, 0, 0, 0, 0, 0, 0)
CONFIG = TrainConfig(epochs=30, batch=4, ema=0.5, lr=1e-3, start_lr=1e-3, device="cpu", augmentation=STILL)


@pytest.fixture(autouse=True)
def tiny_input(monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(MODELS["r2plus1d_s"], profile=Profile(44, 32, 4), factory=lambda n: SmallR2Plus1d(n, dropout=0.0))
    monkeypatch.setitem(MODELS, "r2plus1d_s", small)


@pytest.fixture(scope="module")
def clips() -> list[LabelledClip]:
    """Four clips of a square that moves down, four of the same that moves right."""
    made: list[LabelledClip] = []
    for i in range(8):
        frames = np.full((16, 176, 128, 3), 20 * i, np.uint8)
        for t in range(16):
            along, across = 6 * t, 40
            top, left = (along, across) if i % 2 else (across, along)
            frames[t, top : top + 36, left : left + 36] = 255 - 20 * i
        made.append(LabelledClip(f"clip {i}", ("run", "walk")[i % 2], str(i // 2), frames))
    return made


def _train(clips: list[LabelledClip], config: TrainConfig, state: Path | None = None) -> nn.Module:
    return fit(begin(config, ("run", "walk"), None), clips, ("run", "walk"), config, state)


def _same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_eight_clips_are_learnt_by_heart(clips: list[LabelledClip]) -> None:
    model = _train(clips, CONFIG)
    assert not model.training
    assert evaluate(model, Profile(44, 32, 4), clips, ("run", "walk")).accuracy == 1.0


class _KilledError(Exception):
    pass


def test_a_killed_training_goes_on_to_the_same_result(
    clips: list[LabelledClip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, epochs=4, augmentation=Augmentation())
    whole = _train(clips, config, tmp_path / "whole.pt")
    epoch = classify.train._Run.epoch

    def killed(self: object, number: int) -> float:
        if number == 2:
            raise _KilledError
        return epoch(self, number)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(classify.train._Run, "epoch", killed)
        with pytest.raises(_KilledError):
            _train(clips, config, tmp_path / "state.pt")
    torch.rand(7)
    resumed = _train(clips, config, tmp_path / "state.pt")
    assert _same(whole, resumed)
    assert not _same(whole, _train(clips, replace(config, seed=1)))
    assert load_checkpoint(tmp_path / "state.pt")[1].labels == ("run", "walk"), "a state is a checkpoint, too"


def test_a_state_of_another_training_is_refused(clips: list[LabelledClip], tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1)
    _train(clips, config, tmp_path / "state.pt")
    with pytest.raises(ClipError, match=r"state\.pt: is of a training with other clips or settings"):
        _train(clips[:6], config, tmp_path / "state.pt")


def test_a_damaged_state_is_said(clips: list[LabelledClip], tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"half a file")
    with pytest.raises(ClipError, match=r"state\.pt"):
        _train(clips, replace(CONFIG, epochs=1), tmp_path / "state.pt")


def test_frozen_layers_and_their_batch_norm_stay() -> None:
    model = nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4), nn.BatchNorm3d(4))
    for parameter in model[:2].parameters():
        parameter.requires_grad_(False)
    classify.train._train_mode(model)
    assert not model[1].training and model[2].training


def test_frozen_names_do_not_learn(clips: list[LabelledClip]) -> None:
    config = replace(CONFIG, epochs=1, freeze=("spatial.0.", "spatial.1."))
    start = begin(config, ("run", "walk"), None)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    after = fit(start, clips, ("run", "walk"), config).state_dict()
    frozen = [name for name in before if name.startswith(config.freeze)]
    assert frozen and all(torch.equal(before[n], after[n]) for n in frozen)
    assert not torch.equal(before["fc.weight"], after["fc.weight"])
    assert all(torch.equal(before[n], v) for n, v in start.state_dict().items()), "the start stays as it is"


@pytest.mark.parametrize("labels", [("run",), ()])
def test_too_few_labels_to_learn_from(clips: list[LabelledClip], labels: tuple[str, ...]) -> None:
    with pytest.raises(ClipError, match="at least 2 labels"):
        _train([c for c in clips if c.label in labels], CONFIG)


def test_from_folders_to_a_checkpoint_with_scores(
    clips: list[LabelledClip], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for label in ("run", "walk"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for clip in (c for c in clips if c.label == label):
            np.save(tmp_path / "data" / label / f"{clip.name}.npy", clip.frames)
    output, origin = tmp_path / "out" / "actions.safetensors", Origin("squares", "none", starter=True)
    config = replace(CONFIG, epochs=2, pretrain_epochs=1)
    with caplog.at_level(logging.WARNING):
        report = train_actions(
            [tmp_path / "data"], output, config, pretrain=[tmp_path / "data"], folds=2, origin=origin
        )
    _, info = load_checkpoint(output)
    assert report is not None and info.scores == {"macro_f1": report.macro_f1, "accuracy": report.accuracy}
    assert info.labels == ACTIONS and info.origin == origin and info.model == "r2plus1d_s"
    assert "no clips of block, pass" in caplog.text
    assert [p.name for p in output.parent.iterdir()] == ["actions.safetensors"], "no state is left behind"


def test_augmentation_changes_all_frames_of_a_clip_alike() -> None:
    still = torch.rand(3, 3, 1, 44, 32).expand(3, 3, 5, 44, 32)
    changed = augment(still, Augmentation(), np.random.default_rng(0))
    assert changed.shape == still.shape and changed.min() >= 0 and changed.max() <= 1
    torch.testing.assert_close(changed, changed[:, :, :1].expand_as(changed), atol=1e-5, rtol=0)
    assert (changed - still).abs().mean() > 0.05
    assert (changed[0] - changed[1]).abs().mean() > 0.05


def test_augmentation_of_nothing_is_the_identity() -> None:
    x = torch.rand(2, 3, 4, 44, 32)
    torch.testing.assert_close(augment(x, STILL, np.random.default_rng(0)), x, atol=1e-4, rtol=0)
    mirrored = augment(x, replace(STILL, mirror=1.0), np.random.default_rng(0))
    torch.testing.assert_close(mirrored, x.flip(-1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("length", [1, 2, 7, 15, 16, 17, 40])
def test_time_is_varied_within_the_clip(length: int) -> None:
    frames = np.broadcast_to(np.arange(length, dtype=np.uint8)[:, None, None, None], (length, 2, 2, 3))
    rng = np.random.default_rng(0)
    for _ in range(50):
        varied = vary_time(frames, Augmentation(), rng)[:, 0, 0, 0].astype(int)
        assert len(varied) == 16 and varied.max() < length and np.abs(np.diff(varied)).max() <= 2
