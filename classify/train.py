"""Teach a network the actions: fine-tuning on labelled clips, resumable, the same result for the same seed."""

from __future__ import annotations

import copy
import hashlib
import io
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from classify.augment import Augmentation, augment, vary_time
from classify.checkpoint import (
    CheckpointInfo,
    Origin,
    kinetics_weights,
    load_plain,
    load_start,
    save_checkpoint,
    write_whole,
)
from classify.classifier import pick_device
from classify.clips import Frames, LabelledClip, load_clips, sixteen
from classify.errors import ClipError
from classify.evaluate import Report, cross_validate, label_indices
from classify.head import embed, fit_head
from classify.models import architecture
from classify.preprocess import Profile, normalise, to_unit
from classify.types import ACTIONS

KINETICS = "kinetics"
"""What ``start_from`` is called when the published Kinetics-400 weights are meant."""

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train. The defaults suit a few hundred clips, a pre-trained start and a CPU."""

    model: str = "r2plus1d_s"
    epochs: int = 8
    pretrain_epochs: int = 4
    """Over the clips to learn from first (synthetic ones), where there are any."""
    pretrain_pace: float = 3.0
    """How many times as fast is learnt from those: they are many and teach what is far from the start."""
    head_decay: float = 1e-4
    """Before the first epoch the last layer alone is fitted to the clips, with this regularisation; 0: it is not."""
    batch: int = 16
    lr: float = 2e-4
    """Of new layers, at its highest."""
    start_lr: float = 1e-4
    """Of layers that start from weights, at its highest: raising it forgets more of what they know."""
    weight_decay: float = 0.05
    warmup: float = 0.1
    """Part of all steps over which the learning rate rises."""
    label_smoothing: float = 0.1
    balance: float = 1.0
    """1: every label is seen equally often; 0: as often as it has clips."""
    ema: float = 0.98
    """Share of the past in the average of weights that is kept; 0 keeps the last weights."""
    clip_norm: float = 1.0
    freeze: tuple[str, ...] = ()
    """Beginnings of names of layers that stay as they start, their batch norm included."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.pretrain_epochs, self.batch) < 1 or min(self.lr, self.start_lr) <= 0:
            raise ClipError("epochs, batch and learning rates are positive")


def train_actions(
    folders: Sequence[Path],
    output: Path,
    config: TrainConfig | None = None,
    *,
    start_from: Path | str | None = None,
    pretrain: Sequence[Path] = (),
    folds: int = 0,
    labels: Sequence[str] = ACTIONS,
    origin: Origin | None = None,
) -> Report | None:
    """Train on all clips in ``folders`` (see ``classify.clips``) and write a checkpoint to ``output``.

    start_from: weights to begin with (see ``classify.checkpoint.load_start``), or "kinetics".
    pretrain: folders of clips to learn from first and never judged on, such as synthetic players.
    folds: from 2 on, the same training is first cross-validated over ``folders``; the scores go into the checkpoint.
    origin: what the checkpoint shall say about where it comes from.
    Returns the cross-validated scores, None without ``folds``. A training that was killed goes on from its last
    epoch (``<output>.state.pt``). Raises ClipError for bad clips, weights or device.
    """
    config = config or TrainConfig()
    pick_device(config.device)
    clips, first_clips = load_clips(folders, labels), load_clips(pretrain, labels)
    start = begin(config, labels, start_from, first_clips, _state_path(output, "pretrain"))
    report = None
    if folds:
        report = cross_validate(clips, labels, folds, lambda part: (fit(start, part, labels, config), _profile(config)))
    model = fit(start, clips, labels, config, _state_path(output, "state"))
    scores = {"macro_f1": report.macro_f1, "accuracy": report.accuracy} if report else {}
    save_checkpoint(output, model, _info(config, labels, origin or Origin(), scores))
    for name in ("pretrain", "state"):
        _state_path(output, name).unlink(missing_ok=True)
    return report


def begin(
    config: TrainConfig,
    labels: Sequence[str],
    start_from: Path | str | None,
    first_clips: Sequence[LabelledClip] = (),
    state: Path | None = None,
) -> nn.Module:
    """The network that fine-tuning starts from: the given weights, then trained on ``first_clips``."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        weights = kinetics_weights(config.model) if start_from == KINETICS else start_from and Path(start_from)
        model = load_start(weights or None, config.model, len(labels))
    if first_clips:
        lr, start_lr = config.lr * config.pretrain_pace, config.start_lr * config.pretrain_pace
        first = replace(config, epochs=config.pretrain_epochs, lr=lr, start_lr=start_lr)
        model = fit(model, first_clips, labels, first, state)
    return model


def fit(
    start: nn.Module,
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    config: TrainConfig,
    state: Path | None = None,
) -> nn.Module:
    """A copy of ``start`` trained on ``clips``, on the CPU and in evaluation mode; ``start`` stays as it is.

    state: file that keeps the training after each epoch; where it is there, training goes on from it to the same
        result as if it had never stopped.
    Raises ClipError when there are fewer than two labels among the clips, or when ``state`` is of another training.
    """
    targets = label_indices(clips, labels)
    if len(set(targets.tolist())) < 2:
        raise ClipError(f"training needs clips of at least 2 labels; there are {len(clips)} clips of one or none")
    missing = [label for i, label in enumerate(labels) if i not in targets]
    if missing:
        _log.warning("no clips of %s: the classifier will hardly ever say so", ", ".join(missing))
    run = _Run(start, clips, targets, config, _info(config, labels, Origin(), {}))
    done = run.resume(state)
    if done == 0 and config.head_decay > 0:
        run.fit_head()
    for epoch in tqdm(range(done, config.epochs), desc="epochs", disable=None, leave=False):
        loss = run.epoch(epoch)
        _log.info("epoch %d of %d: loss %.4f", epoch + 1, config.epochs, loss)
        run.save(state, epoch + 1)
    return run.result()


class _Run:
    """One training under way. Everything random in an epoch follows from the seed and the epoch's number."""

    def __init__(
        self,
        start: nn.Module,
        clips: Sequence[LabelledClip],
        targets: npt.NDArray[np.int64],
        config: TrainConfig,
        info: CheckpointInfo,
    ) -> None:
        self.clips, self.targets, self.config, self.info = clips, targets, config, info
        self.device = pick_device(config.device)
        self.model = copy.deepcopy(start).to(self.device)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(not name.startswith(config.freeze) if config.freeze else True)
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
        self.optimizer = torch.optim.AdamW(_parameter_groups(self.model, config), weight_decay=config.weight_decay)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.device.type == "cuda")
        self.steps = max(1, math.ceil(len(clips) / config.batch))

    def fit_head(self) -> None:
        """Fit the last layer alone, to all clips and their mirror images."""
        views = (1, -1) if self.config.augmentation.mirror > 0 else (1,)
        batches = (
            normalise(to_unit(frames[:, :, :, ::view], self.info.profile, self.device), self.info.profile)
            for view in views
            for frames in _in_batches(self.clips, self.config.batch)
        )
        features, targets = embed(self.model, batches), torch.from_numpy(self.targets).repeat(len(views))
        fit_head(cast(nn.Linear, self.model.fc), features, targets, self.config.head_decay)

    def epoch(self, number: int) -> float:
        """Train for one epoch; its mean loss."""
        rng = np.random.default_rng((self.config.seed, number))
        _train_mode(self.model)
        losses: list[float] = []
        with torch.random.fork_rng():
            torch.manual_seed(int(rng.integers(2**31)))
            for i, (x, y) in enumerate(self._batches(rng)):
                losses.append(self._step(x, y, number * self.steps + i))
        return float(np.mean(losses))

    def _batches(self, rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Clips drawn so that labels are balanced, changed at random: (B, 3, T, H, W) and labels (B,)."""
        weight = 1.0 / np.bincount(self.targets)[self.targets] ** self.config.balance
        order = rng.choice(len(self.clips), len(self.clips), p=weight / weight.sum())
        for i in tqdm(range(0, len(order), self.config.batch), desc="batches", disable=None, leave=False):
            part = order[i : i + self.config.batch]
            frames = np.stack([vary_time(self.clips[k].frames, self.config.augmentation, rng) for k in part])
            x = augment(to_unit(frames, self.info.profile, self.device), self.config.augmentation, rng)
            yield normalise(x, self.info.profile), torch.from_numpy(self.targets[part]).to(self.device)

    def _step(self, x: torch.Tensor, y: torch.Tensor, step: int) -> float:
        factor = _learning_rate(step / (self.steps * self.config.epochs), self.config.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = group["highest"] * factor
        with torch.autocast(self.device.type, enabled=self.device.type == "cuda"):
            loss = functional.cross_entropy(self.model(x).float(), y, label_smoothing=self.config.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update_parameters(self.model)
        return float(loss.detach())

    def result(self) -> nn.Module:
        """The average of the weights, on the CPU."""
        best = self.average.module if self.config.ema else self.model
        return copy.deepcopy(best).cpu().eval()

    def save(self, state: Path | None, epochs_done: int) -> None:
        """Keep everything that the next epochs depend on; the file is also a checkpoint of the average so far."""
        if state is None:
            return
        buffer = io.BytesIO()
        content = {
            "courtscribe": self.info.to_json(),
            "weights": self.average.module.state_dict(),
            "averaged": self.average.n_averaged,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "epochs_done": epochs_done,
            "fingerprint": self._fingerprint(),
        }
        torch.save(content, buffer)
        write_whole(state, buffer.getvalue())

    def resume(self, state: Path | None) -> int:
        """Go on from ``state`` where it is there; the number of epochs that are done."""
        if state is None or not state.is_file():
            return 0
        content = load_plain(state)
        if not isinstance(content, dict) or content.get("fingerprint") != self._fingerprint():
            raise ClipError(f"{state}: is of a training with other clips or settings; remove it to start anew")
        self.average.module.load_state_dict(content["weights"])
        self.average.n_averaged.copy_(content["averaged"])
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.scaler.load_state_dict(content["scaler"])
        _log.info("going on from %s after epoch %d", state, content["epochs_done"])
        return int(content["epochs_done"])

    def _fingerprint(self) -> str:
        told = f"{self.config}{self.info.to_json()}{[(c.name, c.label) for c in self.clips]}"
        return hashlib.sha256(told.encode()).hexdigest()


def _in_batches(clips: Sequence[LabelledClip], size: int) -> Iterator[Frames]:
    """uint8 (size or fewer, 16, 176, 128, 3) at a time, in order."""
    for i in range(0, len(clips), size):
        yield np.stack([sixteen(clip.frames) for clip in clips[i : i + size]])


def _parameter_groups(model: nn.Module, config: TrainConfig) -> list[dict[str, object]]:
    """New layers learn fast, pre-trained ones slowly; biases and norms are not pulled to zero."""
    groups: list[dict[str, object]] = []
    for new in (True, False):
        for vector in (True, False):
            chosen = [
                parameter
                for name, parameter in model.named_parameters()
                if parameter.requires_grad and _is_new(name) == new and (parameter.ndim < 2) == vector
            ]
            decay = {"weight_decay": 0.0} if vector else {}
            groups.append({"params": chosen, "highest": config.lr if new else config.start_lr, **decay})
    return [group for group in groups if group["params"]]


def _is_new(name: str) -> bool:
    return name.startswith(("fc.", "temporal.", "norm."))


def _learning_rate(done: float, warmup: float) -> float:
    """Part of the highest learning rate after ``done`` of all steps: a line up, then a half cosine down."""
    if done < warmup:
        return (done + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def _train_mode(model: nn.Module) -> None:
    """Training mode, except for batch norms whose weights are frozen: their statistics stay, too."""
    model.train()
    for module in model.modules():
        if isinstance(module, _BATCH_NORMS) and not any(p.requires_grad for p in module.parameters()):
            module.eval()


def _profile(config: TrainConfig) -> Profile:
    return architecture(config.model).profile


def _info(config: TrainConfig, labels: Sequence[str], origin: Origin, scores: dict[str, float]) -> CheckpointInfo:
    return CheckpointInfo(config.model, tuple(labels), _profile(config), origin, scores)


def _state_path(output: Path, name: str) -> Path:
    return output.with_name(f"{output.stem}.{name}.pt")
