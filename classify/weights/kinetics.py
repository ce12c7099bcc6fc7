"""Published Kinetics-400 weights as a classifier: what torchvision's file says, in four hundred labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from classify.networks.profile import Profile
from classify.networks.registry import MODELS, architecture
from classify.weights.checkpoint import load_checkpoint, load_whole
from classify.weights.description import CheckpointInfo, Origin

KINETICS_MODEL = "r2plus1d_18"
"""The network that is meant where only Kinetics is named."""
_PACE, _PACE_OF = 15.0, {"mvit_v2_s": 7.5}
"""Frames per second of the clips that torchvision's video networks were trained on."""


def read_kinetics(path: Path, model: str) -> tuple[nn.Module, CheckpointInfo]:
    """The network called ``model`` with the published weights in ``path``. Raises InputError when they do not fit."""
    published = _published(path.name, model)
    labels = tuple(str(label) for label in published.meta["categories"])
    origin = Origin(f"Kinetics-400, published by torchvision as {path.name}", "BSD-3-Clause (torchvision)")
    return load_whole(path, model, len(labels)), CheckpointInfo(model, labels, _profile(model, published), origin)


def load_classifier(path: Path) -> tuple[nn.Module, CheckpointInfo]:
    """A checkpoint of ours, or a file that torchvision published, told by its name; as ``load_checkpoint``."""
    model = kinetics_model(path)
    return load_checkpoint(path) if model is None else read_kinetics(path, model)


def kinetics_model(path: Path) -> str | None:
    """The network whose published weights are called like ``path``; None where there is none."""
    published = {url.rsplit("/", 1)[-1]: name for name in MODELS if (url := architecture(name).kinetics_url)}
    return published.get(path.name)


def _published(file_name: str, model: str) -> Any:
    """What torchvision says about weights by the name of their file, else about its default ones."""
    from torchvision.models import get_model_weights

    known: Any = get_model_weights(model)
    return next((weights for weights in known if weights.url.endswith(file_name)), known.DEFAULT)


def _profile(model: str, published: Any) -> Profile:
    """The input that the published weights were trained with, whole pictures instead of their middle."""
    seen = published.transforms()
    side = int(seen.crop_size[0])
    mean, std = tuple(map(float, seen.mean)), tuple(map(float, seen.std))
    return Profile(side, side, pace=_PACE_OF.get(model, _PACE), mean=mean, std=std)  # type: ignore[arg-type]
