"""Teach a network the actions: from folders of clips to a checkpoint and a folder that tells how it went."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from classify.data.clips import LabelledClip
from classify.data.splits import FOLDS
from classify.evaluate.calibration import fit_temperature, fit_threshold, with_temperature
from classify.evaluate.judgement import Judgement, judge, label_indices, predict_clips, split_folds
from classify.networks.registry import architecture
from classify.train.config import TrainConfig
from classify.train.dataset import DataConfig, TrainingData, gather
from classify.train.fit import Embedded, Epoch, fit
from classify.train.processes import ALONE, Team, team
from classify.train.run_folder import RunFolder
from classify.weights.checkpoint import kinetics_weights, load_start, save_checkpoint
from classify.weights.description import CheckpointInfo, Origin
from ground.compute.devices import torch_device
from ground.disk.files import write_atomically

__all__ = ["TrainConfig", "begin", "fit", "train_actions"]

KINETICS = "kinetics"
"""What ``start_from`` is called when the published Kinetics-400 weights are meant."""

_log = logging.getLogger("courtscribe")


def train_actions(
    data: DataConfig,
    output: Path,
    config: TrainConfig | None = None,
    *,
    start_from: Path | str | None = None,
    start_name: str = "",
    folds: int = 0,
    resume: bool = False,
    origin: Origin | None = None,
    note: str = "",
) -> dict[str, Judgement]:
    """Train on ``data``, judge on its test clips, and keep all about it in the folder ``output``.

    output: a folder, or a ``.safetensors`` file: then the folder is beside it, ends in ``.run``, and the checkpoint is
        in both places.
    start_from: weights to begin with (see ``classify.weights.checkpoint.load_start``), or "kinetics"; None: random
    ones. start_name: what the folder's settings call ``start_from``, where that is a temporary file.
    folds: where the data are split by folds, the same training is first cross-validated in so many; 0: it is not.
    resume: go on with a training that was killed, to the same result as if it had not been.
    origin: what the checkpoint shall say about where it comes from.
    note: a line for the folder's settings, such as the command.
    Returns what was judged, by name of the test set; the first one's scores go into the checkpoint.
    Raises InputError for bad clips, weights, settings or device, for a folder that is there already, for a full disk.
    """
    config, folder = config or TrainConfig(), RunFolder.of(output)
    with team(config.device) as (mates, device):
        config = replace(config, device=device)
        torch_device(device)
        folder.check(resume)
        clips = _gathered(data, config, folds, folder, mates)
        folds = folds if clips.split == FOLDS else 0
        if mates.first:
            given = {"start_from": start_name or start_from, "folds": folds, "processes": mates.size, "note": note}
            settings = {"data": asdict(data), "training": asdict(config), **given}
            folder.begin(settings, clips)
            _say_what(clips)
        if start_from is None:  # a last layer fitted to random layers, whose batch norms have seen nothing, misleads
            config = replace(config, head_decay=0.0)
        first = clips.pretrain if config.epochs else ()
        start = begin(config, clips.labels, start_from, first, folder.state("pretrain"), mates)
        training = _Training(config, clips, folder, mates)
        training.run(start, folds, output, origin or Origin())
        return training.judgements


def begin(
    config: TrainConfig,
    labels: Sequence[str],
    start_from: Path | str | None,
    first_clips: Sequence[LabelledClip] = (),
    state: Path | None = None,
    mates: Team = ALONE,
) -> nn.Module:
    """The network that fine-tuning starts from: the given weights, then trained on ``first_clips``."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        weights = kinetics_weights(config.model) if start_from == KINETICS else start_from and Path(start_from)
        model = load_start(weights or None, config.model, len(labels))
    if first_clips:
        lr, start_lr = config.lr * config.pretrain_pace, config.start_lr * config.pretrain_pace
        first = replace(config, epochs=config.pretrain_epochs, lr=lr, start_lr=start_lr)
        model = fit(model, first_clips, labels, first, state, team=mates)
    return model


def _gathered(data: DataConfig, config: TrainConfig, folds: int, folder: RunFolder, mates: Team) -> TrainingData:
    """The clips; the first process decodes them, the others then find them in the cache."""
    profile = architecture(config.model).profile
    size = profile.height, profile.width
    clips = gather(data, config, size, folds) if mates.first else None
    if clips is not None:
        folder.write_bad(clips.bad, clips.number)
        clips.check(data.max_bad)
    mates.wait()
    return clips or gather(data, config, size, folds)


def _say_what(clips: TrainingData) -> None:
    tests = ", ".join(f"{len(some)} {name}" for name, some in clips.tests.items())
    _log.info(
        "split %s: %d clips to learn from, %d to choose the best epoch by, to test on: %s",
        clips.split, len(clips.train), len(clips.validation), tests or "none",
    )  # fmt: skip
    if clips.leaks:
        _log.warning(
            "%d test clips have a mirrored twin that is learnt from, as in published results; "
            "the split twin-free leaves those out",
            clips.leaks,
        )


class _Training:
    """One run: cross-validation where it was asked for, the training itself, and judging it."""

    def __init__(self, config: TrainConfig, data: TrainingData, folder: RunFolder, mates: Team) -> None:
        self.config, self.data, self.folder, self.mates = config, data, folder, mates
        self.profile = architecture(config.model).profile
        self.judgements: dict[str, Judgement] = {}
        self.epochs: list[Epoch] = []
        self.embedded: Embedded = {}

    def run(self, start: nn.Module, folds: int, output: Path, origin: Origin) -> None:
        """All of it; what was judged is kept in ``judgements``."""
        if folds:
            self._cross_validate(start, folds)
        model = fit(
            start, self.data.train, self.data.labels, self.config, self.folder.state("training"),
            validation=self.data.validation, beside=self._beside(), embedded=self.embedded, watch=self._watch,
            team=self.mates,
        )  # fmt: skip
        if self.mates.first:
            self._finish(model, output, origin)
        self.mates.wait()

    def _beside(self) -> Sequence[LabelledClip]:
        """Clips to learn from first that are learnt from now, as there are no epochs to do so in."""
        return () if self.config.epochs else self.data.pretrain

    def _watch(self, epochs: Sequence[Epoch]) -> None:
        self.epochs = list(epochs)
        self.folder.watch(epochs)

    def _cross_validate(self, start: nn.Module, folds: int) -> None:
        """Judge every clip by a network that learnt from none of its group."""
        clips = self.data.train
        probabilities = np.zeros((len(clips), len(self.data.labels)), np.float32)
        for number, learn, held in split_folds(clips, folds):
            _log.info("fold %d of %d", number + 1, folds)
            model = fit(
                start, [clips[i] for i in learn], self.data.labels, self.config, self.folder.state(f"fold{number + 1}"),
                beside=self._beside(), embedded=self.embedded, team=self.mates,
            )  # fmt: skip
            if self.mates.first:
                probabilities[held] = self._predict(model, [clips[i] for i in held])
        if self.mates.first:
            self._judge(FOLDS, clips, probabilities)

    def _predict(self, model: nn.Module, clips: Sequence[LabelledClip]) -> npt.NDArray[np.float32]:
        return predict_clips(model.to(torch_device(self.config.device)), self.profile, clips)

    def _judge(self, name: str, clips: Sequence[LabelledClip], probabilities: npt.NDArray[np.float32]) -> None:
        truth = label_indices(clips, self.data.labels)
        judged = judge(probabilities, truth, self.data.labels, [c.group for c in clips])
        self.judgements[name] = judged
        self.folder.judge(name, judged, clips, probabilities)
        _log.info("%s: macro-F1 %.3f, accuracy %.3f", name, judged.report.macro_f1, judged.report.accuracy)

    def _finish(self, model: nn.Module, output: Path, origin: Origin) -> None:
        """Judge, and write the checkpoint: weights, scores, and how sure to be."""
        for name, clips in self.data.tests.items():
            if clips:
                self._judge(name, clips, self._predict(model, clips))
        info = CheckpointInfo(
            self.config.model, self.data.labels, self.profile, origin, self._scores(), *self._sureness(model)
        )
        save_checkpoint(self.folder.checkpoint, model, info)
        if output != self.folder.path:
            with write_atomically(output) as part:
                shutil.copyfile(self.folder.checkpoint, part)
        self.folder.finish(self.judgements, self.epochs)
        self.folder.remove_states()

    def _scores(self) -> dict[str, float]:
        """Figures for the checkpoint: of the first test set under their own names, of others with its name before."""
        scores: dict[str, float] = {}
        for i, (name, judged) in enumerate(self.judgements.items()):
            prefix = f"{name} " if i else ""
            scores[f"{prefix}macro_f1"], scores[f"{prefix}accuracy"] = judged.report.macro_f1, judged.report.accuracy
        return scores

    def _sureness(self, model: nn.Module) -> tuple[float, float]:
        """Temperature, and the confidence to be unsure below; from clips that were not learnt from.

        Those are the validation part, or the folds; never test clips.
        """
        if self.data.validation:
            truth = label_indices(self.data.validation, self.data.labels)
            probabilities = self._predict(model, self.data.validation)
            temperature = fit_temperature(probabilities, truth)
            return temperature, fit_threshold(with_temperature(probabilities, temperature), truth)
        judged = self.judgements.get(FOLDS)
        return (judged.temperature, judged.unsure_below) if judged else (1.0, 0.0)
