"""Training learns, goes on after a kill to the same result, stops in time, and leaves frozen layers alone."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import classify.train.fit
from classify.data.augment import Augmentation
from classify.data.clips import LabelledClip
from classify.evaluate.judgement import evaluate
from classify.networks.profile import Profile
from classify.networks.registry import MODELS
from classify.train.config import BY_LOSS, TrainConfig
from classify.train.fit import Embedded, Epoch, fit
from classify.train.optimise import choose_layers, train_mode
from classify.train.processes import Team, team
from classify.train.run import begin
from classify.weights.checkpoint import load_checkpoint
from ground.errors import InputError
from tests.classify.small import short_mc3

STILL = Augmentation(0, 0, 0, 0, 0, 0, 0)
CONFIG = TrainConfig(epochs=30, batch=4, ema=0.5, lr=1e-3, start_lr=1e-3, device="cpu", augmentation=STILL)
LABELS = ("run", "walk")

pytestmark = pytest.mark.usefixtures("tiny_input")


def _train(clips: list[LabelledClip], config: TrainConfig, state: Path | None = None, **more: object) -> nn.Module:
    return fit(begin(config, LABELS, None), clips, LABELS, config, state, **more)  # type: ignore[arg-type]


def _same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.slow
@pytest.mark.parametrize("balance_by", ["sampling", BY_LOSS])
def test_eight_clips_are_learnt_by_heart(squares: list[LabelledClip], balance_by: str, tiny_input: Profile) -> None:
    model = _train(squares, replace(CONFIG, epochs=30, head_epochs=2, head_decay=0, balance_by=balance_by))
    assert not model.training and all(p.requires_grad for p in model.parameters())
    assert evaluate(model, tiny_input, squares, LABELS).accuracy == 1.0


class _KilledError(Exception):
    pass


@pytest.fixture
def killed_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    epoch = classify.train.fit._Run.epoch

    def arm(last: int) -> None:
        def killed(self: object, number: int) -> None:
            if number == last:
                raise _KilledError
            epoch(self, number)  # type: ignore[arg-type]

        monkeypatch.setattr(classify.train.fit._Run, "epoch", killed)

    return arm


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_result(
    squares: list[LabelledClip], tmp_path: Path, killed_in: Callable[[int], None]
) -> None:
    config = replace(CONFIG, epochs=3, augmentation=Augmentation(), head_epochs=1)
    seen: dict[str, list[Epoch]] = {}
    judged = squares[6:]
    whole = _train(
        squares[:6], config, tmp_path / "whole.pt", validation=judged, watch=lambda e: seen.update(whole=list(e))
    )
    killed_in(2)
    with pytest.raises(_KilledError):
        _train(squares[:6], config, tmp_path / "state.pt", validation=judged)
    killed_in(99)
    torch.rand(7)
    resumed = _train(
        squares[:6], config, tmp_path / "state.pt", validation=judged, watch=lambda e: seen.update(resumed=list(e))
    )
    assert _same(whole, resumed)
    histories = [[(e.epoch, e.loss, e.macro_f1, e.learning_rate) for e in seen[name]] for name in ("whole", "resumed")]
    assert histories[0] == histories[1] and len(histories[0]) == 3, "the history, too"
    assert not _same(whole, _train(squares[:6], replace(config, seed=1), validation=judged))
    assert load_checkpoint(tmp_path / "state.pt")[1].labels == LABELS, "a state is a checkpoint, too"


@pytest.mark.slow
def test_training_stops_when_it_gets_no_better_and_keeps_the_best(
    squares: list[LabelledClip], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scores = iter([(0.2, 0.2), (0.6, 0.5), (0.5, 0.9), (0.6, 0.9), (0.9, 0.9)])
    monkeypatch.setattr(classify.train.fit._Run, "_scores", lambda self: next(scores))
    epochs: list[Epoch] = []
    kept: list[dict[str, torch.Tensor]] = []
    run_save = classify.train.fit._Run.save

    def save(self: classify.train.fit._Run, state: Path | None) -> None:
        kept.append({k: v.clone() for k, v in self.average.module.state_dict().items()})
        run_save(self, state)

    monkeypatch.setattr(classify.train.fit._Run, "save", save)
    config = replace(CONFIG, epochs=9, patience=2, augmentation=Augmentation())
    model = _train(
        squares[:6],
        config,
        tmp_path / "s.pt",
        validation=squares[6:],
        watch=lambda e: epochs.__setitem__(slice(None), e),
    )
    assert [e.macro_f1 for e in epochs] == [0.2, 0.6, 0.5, 0.6], "two epochs after the best one"
    assert all(torch.equal(v, kept[1][k]) for k, v in model.state_dict().items())
    again = _train(squares[:6], config, tmp_path / "s.pt", validation=squares[6:])
    assert _same(model, again), "a training that stopped is not gone on with"


@pytest.mark.slow
def test_a_state_of_another_training_is_refused(squares: list[LabelledClip], tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1)
    _train(squares, config, tmp_path / "state.pt")
    with pytest.raises(InputError, match=r"state\.pt: is of a training with other clips or settings"):
        _train(squares[:6], config, tmp_path / "state.pt")
    other = squares[3].frames.copy()
    other[7, 90, 60] ^= 1
    touched = [*squares[:3], replace(squares[3], frames=other), *squares[4:]]
    with pytest.raises(InputError, match="other clips or settings"):
        _train(touched, config, tmp_path / "state.pt")


@pytest.mark.slow
def test_where_and_with_how_many_threads_a_training_runs_does_not_matter(
    squares: list[LabelledClip], tmp_path: Path
) -> None:
    config = replace(CONFIG, epochs=1, device="cpu:0")
    first = _train(squares, config, tmp_path / "state.pt")
    resumed = _train(squares, replace(config, loaders=5, device="cpu"), tmp_path / "state.pt")
    assert _same(first, resumed), "there was nothing left to learn"


def test_a_damaged_state_is_said(squares: list[LabelledClip], tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"half a file")
    with pytest.raises(InputError, match=r"state\.pt"):
        _train(squares, replace(CONFIG, epochs=1), tmp_path / "state.pt")


def test_a_loss_that_is_no_number_is_said(squares: list[LabelledClip]) -> None:
    start = begin(CONFIG, LABELS, None)
    with torch.no_grad():
        start.fc.weight.fill_(float("nan"))
    with pytest.raises(InputError, match="no number any more in epoch 1; try a lower learning rate"):
        fit(start, squares, LABELS, replace(CONFIG, head_decay=0))


def test_frozen_layers_and_their_batch_norm_stay() -> None:
    model = nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4), nn.BatchNorm3d(4))
    choose_layers(model, replace(CONFIG, freeze=("0.", "1.")), 0)
    train_mode(model)
    assert not model[1].training and model[2].training


@pytest.mark.slow
def test_batch_norm_of_a_frozen_r2plus1d_keeps_its_statistics(
    squares: list[LabelledClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "mc3_18", replace(MODELS["mc3_18"], profile=Profile(24, 24, 4), factory=short_mc3))
    config = replace(CONFIG, model="mc3_18", epochs=2, head_epochs=1, freeze=("stem.", "layer1."))
    start = begin(config, LABELS, None)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    after = fit(start, squares, LABELS, config).state_dict()
    frozen = [name for name in before if name.startswith(("stem.", "layer1."))]
    assert any("running_mean" in name for name in frozen)
    assert all(torch.equal(before[n], after[n]) for n in frozen)
    assert not torch.equal(before["layer2.0.conv1.1.running_mean"], after["layer2.0.conv1.1.running_mean"])
    only_head = fit(start, squares, LABELS, replace(config, epochs=1, freeze=())).state_dict()
    changed = [name for name in before if not torch.equal(before[name], only_head[name])]
    assert changed == ["fc.weight", "fc.bias"], "in head epochs all else stays, statistics too"


def test_frozen_names_do_not_learn(squares: list[LabelledClip]) -> None:
    config = replace(CONFIG, epochs=1, freeze=("spatial.0.", "spatial.1."))
    start = begin(config, LABELS, None)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    after = fit(start, squares, LABELS, config).state_dict()
    frozen = [name for name in before if name.startswith(config.freeze)]
    assert frozen and all(torch.equal(before[n], after[n]) for n in frozen)
    assert not torch.equal(before["fc.weight"], after["fc.weight"])
    assert all(torch.equal(before[n], v) for n, v in start.state_dict().items()), "the start stays as it is"


@pytest.mark.slow
def test_of_many_clips_some_are_enough_for_the_last_layers_start(
    squares: list[LabelledClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classify.train.fit._HEAD_CLIPS", len(squares) // 2)
    start = begin(CONFIG, LABELS, None)
    some: Embedded = {}
    fit(start, squares, LABELS, replace(CONFIG, epochs=1), embedded=some)
    every: Embedded = {}
    fit(start, squares, LABELS, replace(CONFIG, epochs=0), embedded=every)
    assert 2 <= len(some) <= len(squares) // 2 and set(every) == set(squares), "alone it learns from all"
    before = {clip: value.clone() for clip, value in every.items()}
    fit(start, squares[2:], LABELS, replace(CONFIG, epochs=0), embedded=every)
    assert all(torch.equal(value, every[clip]) for clip, value in before.items())


@pytest.mark.parametrize("labels", [("run",), ()])
def test_too_few_labels_to_learn_from(squares: list[LabelledClip], labels: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="at least 2 labels"):
        _train([c for c in squares if c.label in labels], CONFIG)


_SHARED_TRAINING = """
import sys
import numpy as np
from dataclasses import replace
from classify.data.augment import Augmentation
from classify.data.clips import LabelledClip
from classify.train.fit import fit
from classify.networks.pooled_maps import PooledMaps
from classify.networks.registry import MODELS
from classify.train.processes import team
from classify.networks.profile import Profile
from classify.train.run import begin
from classify.train.config import TrainConfig

MODELS["pooled_maps"] = replace(
    MODELS["pooled_maps"], profile=Profile(44, 32, 4), factory=lambda n: PooledMaps(n, dropout=0.0)
)
data = np.load(sys.argv[1])
clips = [LabelledClip(str(i), ("run", "walk")[i % 2], str(i), f) for i, f in enumerate(data)]
still = Augmentation(0, 0, 0, 0, 0, 0, 0)
config = TrainConfig(epochs=2, batch=4, ema=0.5, lr=1e-3, start_lr=1e-3, device="cpu", augmentation=still)
config = replace(config, head_epochs=1, balance_by="loss")
with team("cpu") as (mates, device):
    fit(begin(config, ("run", "walk"), None), clips[:6], ("run", "walk"), config, validation=clips[6:], team=mates)
"""


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(
    squares: list[LabelledClip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six clips in batches of four: the second batch is one clip for each process. The first process is this one."""
    np.save(tmp_path / "clips.npy", np.stack([c.frames for c in squares]))
    (tmp_path / "shared.py").write_text(_SHARED_TRAINING)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    own = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3]), "RANK": "1", "LOCAL_RANK": "1"}
    clips = [replace(c, name=str(i), group=str(i)) for i, c in enumerate(squares)]
    config = replace(CONFIG, epochs=2, head_epochs=1, balance_by=BY_LOSS)
    monkeypatch.setattr("classify.train.processes._PATIENCE", timedelta(minutes=2))  # should the second one fail
    with ExitStack() as stack:
        command = [sys.executable, str(tmp_path / "shared.py"), str(tmp_path / "clips.npy")]
        told = os.environ | shared | own
        second = stack.enter_context(subprocess.Popen(command, env=told, stderr=subprocess.PIPE, text=True))
        stack.callback(second.kill)
        for name, value in (shared | {"RANK": "0", "LOCAL_RANK": "0"}).items():
            monkeypatch.setenv(name, value)
        with team("cpu") as (mates, _):
            two = _train(clips[:6], config, validation=clips[6:], team=mates).state_dict()
        _, error = second.communicate(timeout=120)
    assert mates == Team(0, 2) and second.returncode == 0, error[-2000:]
    one = _train(clips[:6], config, validation=clips[6:]).state_dict()
    start = begin(config, LABELS, None).state_dict()
    for name, value in one.items():
        # Adam divides by the gradient's size: where a gradient is rounding alone, its steps are, too.
        assert (two[name] - value).norm() <= 0.01 * (value - start[name]).norm() + 5e-3, name
    assert any((one[name] - start[name]).abs().max() > 1e-3 for name in one), "something was learnt"


def test_what_is_logged_says_how_it_goes(squares: list[LabelledClip], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "courtscribe"):
        _train(squares[:6], replace(CONFIG, epochs=1), validation=squares[6:])
    assert "epoch 1 of 1: loss" in caplog.text and "macro-F1" in caplog.text
