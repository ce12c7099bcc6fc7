"""How to train, in one value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from classify.data.augment import Augmentation
from ground.errors import InputError

BY_SAMPLING, BY_LOSS = "sampling", "loss"
"""Two ways to make rare labels count: they are drawn more often, or each of their clips weighs more."""

SMALL = "pooled_maps"
"""The network for machines without a GPU, which the defaults suit."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train. The defaults suit a few hundred clips, a pre-trained start and a CPU."""

    model: str = SMALL
    epochs: int = 8
    """At most; fewer where ``patience`` runs out. 0: only the last layer is fitted (see ``head_decay``)."""
    pretrain_epochs: int = 4
    """Over the clips to learn from first (synthetic ones), where there are any."""
    pretrain_pace: float = 3.0
    """How many times as fast is learnt from those: they are many and teach what is far from the start."""
    head_decay: float = 1e-4
    """Before the first epoch the last layer alone is fitted to the clips, with this regularisation; 0: it is not."""
    head_epochs: int = 0
    """First epochs in which new layers learn alone, on changed clips; the others join in after them."""
    batch: int = 16
    """Clips in a step, over all GPUs together."""
    lr: float = 2e-4
    """Of new layers, at its highest."""
    start_lr: float = 1e-4
    """Of layers that start from weights, at its highest: raising it forgets more of what they know."""
    weight_decay: float = 0.05
    warmup: float = 0.1
    """Part of all steps over which the learning rate rises."""
    label_smoothing: float = 0.1
    balance: float = 1.0
    """1: every label counts as much as any other; 0: as much as it has clips."""
    balance_by: str = BY_SAMPLING
    """"sampling": clips of rare labels are drawn more often; "loss": they weigh more."""
    ema: float = 0.98
    """Share of the past in the average of weights that is kept; 0 keeps the last weights."""
    clip_norm: float = 1.0
    """Longest gradient; longer ones are shortened to it."""
    validation: float | None = None
    """Part of the clips, by groups, that is kept to choose the best epoch by; None: a tenth where that is enough."""
    patience: int = 5
    """Epochs without a better macro-F1 on the validation part after which training stops; 0: never."""
    freeze: tuple[str, ...] = ()
    """Beginnings of names of layers that stay as they start, their batch norm included."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    loaders: int = 2
    """Threads that get batches ready. Raising it helps where the disk is slow, and takes memory."""
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        numbers = [value for value in (getattr(self, f.name) for f in fields(self)) if isinstance(value, float)]
        if not all(map(math.isfinite, numbers)) or self.seed >= 2**63:
            raise InputError("settings of a training are finite numbers, and the seed is under 2 ** 63")
        if min(self.pretrain_epochs, self.batch, self.loaders) < 1 or min(self.lr, self.start_lr) <= 0:
            raise InputError("pretrain epochs, batch, loaders and learning rates are positive")
        if self.epochs == self.head_decay == 0:
            raise InputError("without epochs and without a decay of the last layer nothing is learnt")
        if (
            min(
                self.epochs,
                self.head_epochs,
                self.patience,
                self.head_decay,
                self.weight_decay,
                self.balance,
                self.seed,
            )
            < 0
        ):
            raise InputError("epochs, head epochs, patience, decays, balance and seed are 0 or more")
        if not (0 <= self.ema < 1 and 0 <= self.label_smoothing < 1 and 0 <= self.warmup < 1 and self.clip_norm > 0):
            raise InputError("ema, label smoothing and warm-up are from 0 to under 1, and clip norm is positive")
        if self.validation is not None and not 0 <= self.validation <= 0.5:
            raise InputError(f"the validation part is from 0 to 0.5, not {self.validation}")
        if self.balance_by not in (BY_SAMPLING, BY_LOSS):
            raise InputError(f"labels are balanced by sampling or loss, not {self.balance_by!r}")


def suited(model: str) -> TrainConfig:
    """Settings to begin with for the network called ``model``.

    Larger networks are for larger data sets and a GPU: longer, in larger batches, until the validation part says stop.
    These have not been tuned here, where there is no GPU; the small network's have.
    """
    return TrainConfig(model) if model == SMALL else TrainConfig(model, epochs=20, batch=32, loaders=4)
