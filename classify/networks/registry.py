"""Networks by name: frames of one player in, one logit per action out.

Every model is a plain ``nn.Module`` that maps float (N, 3, T, H, W) to (N, num_classes) and whose last layer is
called ``fc``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from classify.networks import torchvision_nets
from classify.networks.pooled import PooledBackbone
from classify.networks.pooled_maps import PooledMaps
from classify.networks.profile import KINETICS_MEAN, KINETICS_STD, Profile
from classify.networks.recurrent import ConvLstm, Lrcn
from ground.errors import InputError


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network and the input that it is made for."""

    factory: Callable[[int], nn.Module]
    """Number of classes -> untrained network."""
    profile: Profile
    kinetics_url: str | None = None
    """Where its Kinetics-400 weights are published."""


_PUBLISHED = "https://download.pytorch.org/models/"
_KINETICS = Profile(mean=KINETICS_MEAN, std=KINETICS_STD)
_HALVES = Profile(mean=(0.45, 0.45, 0.45), std=(0.225, 0.225, 0.225))
_IMAGENET = Profile(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))

MODELS: dict[str, Architecture] = {
    "r2plus1d_18": Architecture(torchvision_nets.r2plus1d_18, _KINETICS, f"{_PUBLISHED}r2plus1d_18-91a641e6.pth"),
    "pooled_maps": Architecture(PooledMaps, Profile(frames=8)),
    "r3d_18": Architecture(torchvision_nets.r3d_18, _KINETICS, f"{_PUBLISHED}r3d_18-b3b3357e.pth"),
    "mc3_18": Architecture(torchvision_nets.mc3_18, _KINETICS, f"{_PUBLISHED}mc3_18-a90a0ba3.pth"),
    "s3d": Architecture(torchvision_nets.s3d, _KINETICS, f"{_PUBLISHED}s3d-d76dad2f.pth"),
    "mvit_v2_s": Architecture(torchvision_nets.mvit_v2_s, _HALVES, f"{_PUBLISHED}mvit_v2_s-ae3be167.pth"),
    "swin3d_t": Architecture(torchvision_nets.swin3d_t, _IMAGENET, f"{_PUBLISHED}swin3d_t-7615ae03.pth"),
    "lrcn": Architecture(Lrcn, Profile(height=112, width=80)),
    "conv_lstm": Architecture(ConvLstm, Profile()),
    "pooled": Architecture(PooledBackbone, Profile(frames=8)),
}
"""Every network, by the name that checkpoints and the setting ``model`` have."""


def architecture(name: str) -> Architecture:
    """The network called ``name``. Raises InputError with the known names."""
    if name not in MODELS:
        raise InputError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    return MODELS[name]


def build_model(name: str, num_classes: int) -> nn.Module:
    """An untrained network called ``name``: float (N, 3, T, H, W) -> logits (N, num_classes).

    Raises InputError when there is no such network, or nothing to tell apart.
    """
    if num_classes < 2:
        raise InputError(f"a classifier needs at least 2 labels, not {num_classes}")
    return architecture(name).factory(num_classes)
