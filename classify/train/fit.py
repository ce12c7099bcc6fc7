"""One training: a network and clips in, a trained network out; resumable, the same result for the same seed."""

from __future__ import annotations

import copy
import hashlib
import io
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from classify.data.augment import augment
from classify.data.clips import Frames, LabelledClip, sixteen
from classify.evaluate.judgement import label_indices, predict_clips, score
from classify.networks.pooled_maps import PooledMaps
from classify.networks.preprocess import normalise, to_unit
from classify.networks.registry import architecture
from classify.train.config import TrainConfig
from classify.train.distillation import rescale
from classify.train.last_layer import embed, fit_head
from classify.train.loader import Batch, batches, draw, label_weights, steps_per_epoch
from classify.train.optimise import choose_layers, learning_rate, parameter_groups, train_mode
from classify.train.processes import ALONE, Team
from classify.weights.checkpoint import load_plain
from classify.weights.description import CheckpointInfo
from ground.compute.devices import torch_device
from ground.disk.files import write_atomically
from ground.errors import InputError

_HEAD_CLIPS = 4000
"""Clips to which the last layer is fitted where training goes on after that. More take memory (60 kB each in the small
network) and are learnt from anyway."""

_log = logging.getLogger("courtscribe")


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch was like."""

    epoch: int
    """From 1 on."""
    loss: float
    """Mean over the epoch's batches."""
    learning_rate: float
    """Of new layers, at the end."""
    macro_f1: float | None
    """On the validation part, where there is one; so is ``accuracy``."""
    accuracy: float | None
    seconds: float
    data_wait: float
    """Part of the time in which the network waited for clips."""


Embedded = dict[LabelledClip, torch.Tensor]
"""What a network makes of clips, float32 (views, C) each: of the clip, and of its mirror image."""
Watch = Callable[[Sequence[Epoch]], None]
"""Told all epochs so far, after each."""


def fit(
    start: nn.Module,
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    config: TrainConfig,
    state: Path | None = None,
    *,
    validation: Sequence[LabelledClip] = (),
    beside: Sequence[LabelledClip] = (),
    embedded: Embedded | None = None,
    watch: Watch | None = None,
    team: Team = ALONE,
) -> nn.Module:
    """A copy of ``start`` trained on ``clips``, on the CPU and in evaluation mode; ``start`` stays as it is.

    state: file that keeps the training after each epoch; where it is there, training goes on from it to the same
        result as if it had never stopped.
    validation: clips by which the best epoch is chosen (macro-F1), and by which training ends early.
    beside: clips, such as synthetic ones, to which the last layer is fitted as well, before the first epoch. Those of
        a label count as much as all others of it together; nothing else is learnt from them.
    embedded: kept between trainings from the same ``start``, so that it looks at each clip once; filled here.
    team: the processes that train together; the result is the same in each.
    Raises InputError when there are fewer than two labels among the clips, when ``state`` is of another training, or
    when the loss is no number any more.
    """
    targets = label_indices(clips, labels)
    if len(set(targets.tolist())) < 2:
        raise InputError(f"training needs clips of at least 2 labels; there are {len(clips)} clips of one or none")
    info = CheckpointInfo(config.model, tuple(labels), architecture(config.model).profile)
    run = _Run(start, clips, targets, config, info, validation, team)
    done = run.resume(state)
    if done and team.first and watch is not None:
        watch(run.history)
    if done == 0 and config.head_decay > 0 and team.first:
        run.fit_head(beside, {} if embedded is None else embedded)
    bars = None if _log.isEnabledFor(logging.INFO) and team.first else True
    for number in tqdm(range(done, config.epochs), desc="epochs", disable=bars, leave=False):
        if run.finished():
            break
        run.epoch(number)
        if team.first:
            run.save(state)
            if watch is not None:
                watch(run.history)
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
        validation: Sequence[LabelledClip],
        team: Team,
    ) -> None:
        self.clips, self.targets, self.config, self.info = clips, targets, config, info
        self.validation, self.team = validation, team
        self.device = torch_device(config.device)
        self.model = copy.deepcopy(start).to(self.device)
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, config), weight_decay=config.weight_decay)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.device.type == "cuda")
        weights = label_weights(targets, len(info.labels), config)
        self.weights = None if weights is None else weights.to(self.device)
        self.steps = steps_per_epoch(len(clips), config, team)
        self.parallel: nn.Module | None = None
        self.history: list[Epoch] = []
        self.begun_from = _digest(start)
        self.best: dict[str, torch.Tensor] | None = None

    def fit_head(self, beside: Sequence[LabelledClip], embedded: Embedded) -> None:
        """Fit the last layer alone, and what brings features to its scale; to mirror images of the clips, too."""
        small = self.model if isinstance(self.model, PooledMaps) else None
        if small is not None:
            small.norm.reset()
        every = -(-len(self.clips) // _HEAD_CLIPS) if self.config.epochs else 1
        clips, targets = self.clips[::every], torch.from_numpy(self.targets[::every].copy())
        self._embed([clip for clip in (*clips, *beside) if clip not in embedded], embedded)
        features = _stacked(clips, embedded)
        weights = torch.ones(len(targets))
        if beside:
            more = torch.from_numpy(label_indices(beside, self.info.labels))
            own, added = (torch.bincount(t, minlength=len(self.info.labels)).clamp(min=1) for t in (targets, more))
            weights = torch.cat([weights, (own / added)[more]])
            features, targets = torch.cat([features, _stacked(beside, embedded)], 1), torch.cat([targets, more])
        if small is not None:
            rescale(small, features[:, : len(clips)].flatten(0, 1))
            features = copy.deepcopy(small.norm).cpu()(features).detach()
        head, views = cast(nn.Linear, self.model.fc), len(features)
        fitted = copy.deepcopy(head).cpu()
        fit_head(fitted, features.flatten(0, 1), targets.repeat(views), self.config.head_decay, weights.repeat(views))
        head.load_state_dict(fitted.state_dict())

    def _embed(self, clips: Sequence[LabelledClip], embedded: Embedded) -> None:
        """Add what goes into the last layer for ``clips`` to ``embedded``."""
        if not clips:
            return
        profile, views = self.info.profile, (1, -1) if self.config.augmentation.mirror > 0 else (1,)
        seen = torch.stack(
            [
                embed(
                    self.model,
                    (
                        normalise(to_unit(frames[:, :, :, ::view], profile, self.device), profile)
                        for frames in _in_batches(clips, self.config.batch)
                    ),
                )
                for view in views
            ],
            1,
        )
        embedded.update(zip(clips, seen, strict=True))

    def epoch(self, number: int) -> None:
        """Train for one epoch, judge, and add both to the history."""
        begun = time.monotonic()
        self._take_turns(number)
        rng = np.random.default_rng((self.config.seed, number))
        order = draw(self.targets, self.config, rng, self.team.size)
        seed = int(rng.integers(2**31))
        waits: list[float] = []
        with torch.random.fork_rng():
            torch.manual_seed(seed + self.team.rank)
            key = (self.config.seed, number)
            given = batches(self.clips, self.targets, order, self.config, key, self.team)
            with closing(given):
                losses = [self._step(b, number * self.steps + i) for i, b in enumerate(self._timed(given, waits))]
        loss = self.team.mean(float(torch.stack(losses).mean()), self.device)
        if not math.isfinite(loss):
            raise InputError(f"the loss is no number any more in epoch {number + 1}; try a lower learning rate")
        self._judge(number, loss, begun, sum(waits))

    def _take_turns(self, number: int) -> None:
        """Let the layers learn whose turn it is."""
        if self.parallel is None or number == self.config.head_epochs:
            choose_layers(self.model, self.config, number)
            self.parallel = self.team.wrap(self.model)
        train_mode(self.model)

    def _timed(self, given: Iterator[Batch], waits: list[float]) -> Iterator[Batch]:
        bars = None if _log.isEnabledFor(logging.INFO) and self.team.first else True
        for _ in tqdm(range(self.steps), desc="batches", disable=bars, leave=False):
            asked = time.monotonic()
            batch = next(given)
            waits.append(time.monotonic() - asked)
            yield batch

    def _step(self, batch: Batch, step: int) -> torch.Tensor:
        x = to_unit(batch.frames, self.info.profile, self.device)
        x = normalise(augment(x, self.config.augmentation, batch.rng), self.info.profile)
        y = torch.from_numpy(batch.targets).to(self.device)
        factor = learning_rate(step / (self.steps * self.config.epochs), self.config.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = group["highest"] * factor
        with torch.autocast(self.device.type, enabled=self.device.type == "cuda"):
            logits = cast(nn.Module, self.parallel)(x).float()
            loss = functional.cross_entropy(
                logits, y, self.weights, label_smoothing=self.config.label_smoothing, reduction="none"
            ).mean()
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update_parameters(self.model)
        return loss.detach()

    def _judge(self, number: int, loss: float, begun: float, waited: float) -> None:
        """Add the epoch to the history; keep its weights where they are the best so far."""
        macro_f1 = accuracy = None
        if self.validation:
            macro_f1, accuracy = (self.team.agree(v, self.device) for v in self._scores())
            if all(macro_f1 > (e.macro_f1 or 0) for e in self.history) or self.best is None:
                self.best = {k: v.detach().cpu().clone() for k, v in self._kept().state_dict().items()}
        seconds = time.monotonic() - begun
        rate = max(float(group["lr"]) for group in self.optimizer.param_groups)
        self.history.append(Epoch(number + 1, loss, rate, macro_f1, accuracy, seconds, waited / max(seconds, 1e-9)))
        judged = "" if macro_f1 is None else f", macro-F1 {macro_f1:.3f}"
        if self.team.first:
            _log.info("epoch %d of %d: loss %.4f%s, %.0f s", number + 1, self.config.epochs, loss, judged, seconds)

    def _scores(self) -> tuple[float, float]:
        """Macro-F1 and accuracy on the validation part, worked out by the first process alone."""
        if not self.team.first:
            return 0.0, 0.0
        predicted = predict_clips(self._kept(), self.info.profile, self.validation).argmax(1)
        report = score(label_indices(self.validation, self.info.labels), predicted, self.info.labels)
        return report.macro_f1, report.accuracy

    def _kept(self) -> nn.Module:
        return self.average.module if self.config.ema and self.average.n_averaged else self.model

    def finished(self) -> bool:
        """Whether there was nothing better for ``patience`` epochs."""
        scores = [e.macro_f1 for e in self.history if e.macro_f1 is not None]
        return (
            bool(scores and self.config.patience) and len(scores) - 1 - int(np.argmax(scores)) >= self.config.patience
        )

    def result(self) -> nn.Module:
        """The weights that are kept, on the CPU: those of the best epoch where epochs were judged."""
        best = copy.deepcopy(self._kept()).cpu()
        if self.best is not None:
            best.load_state_dict(self.best)
        return best.requires_grad_(True).eval()

    def save(self, state: Path | None) -> None:
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
            "history": [asdict(epoch) for epoch in self.history],
            "best": self.best,
            "fingerprint": self._fingerprint(),
        }
        torch.save(content, buffer)
        with write_atomically(state) as part:
            part.write_bytes(buffer.getvalue())

    def resume(self, state: Path | None) -> int:
        """Go on from ``state`` where it is there; the number of epochs that are done."""
        if state is None or not state.is_file():
            return 0
        content: Any = load_plain(state)
        if not isinstance(content, dict) or content.get("fingerprint") != self._fingerprint():
            raise InputError(f"{state}: is of a training with other clips or settings; remove it to start anew")
        self.average.module.load_state_dict(content["weights"])
        self.average.n_averaged.copy_(content["averaged"])
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.scaler.load_state_dict(content["scaler"])
        self.history = [Epoch(**epoch) for epoch in content["history"]]
        self.best = content["best"]
        _log.info("going on from %s after epoch %d", state, len(self.history))
        return len(self.history)

    def _fingerprint(self) -> str:
        """Of what the result depends on: not of where and with how many threads it is worked out."""
        settings = {key: value for key, value in asdict(self.config).items() if key not in ("device", "loaders")}
        clips = [(c.name, c.label, c.group, c.digest) for c in (*self.clips, *self.validation)]
        content = f"{settings}{self.info.to_json()}{self.team.size}{len(self.validation)}{clips}{self.begun_from}"
        return hashlib.sha256(content.encode()).hexdigest()


def _digest(model: nn.Module) -> str:
    """Of the weights: a training goes on only from where it began."""
    hasher = hashlib.sha256()
    for value in model.state_dict().values():
        hasher.update(value.detach().cpu().contiguous().numpy().tobytes())
    return hasher.hexdigest()


def _stacked(clips: Sequence[LabelledClip], embedded: Embedded) -> torch.Tensor:
    """float32 (views, N, C)."""
    return torch.stack([embedded[clip] for clip in clips], 1)


def _in_batches(clips: Sequence[LabelledClip], size: int) -> Iterator[Frames]:
    """uint8 (size or fewer, 16, H, W, 3) at a time, in order."""
    for i in range(0, len(clips), size):
        yield np.stack([sixteen(clip.frames) for clip in clips[i : i + size]])
