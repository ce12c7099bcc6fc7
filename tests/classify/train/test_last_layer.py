"""The last layer fitted alone: right on what can be told apart, fair to rare labels.

What it reads of each network is among the contract of networks.
"""

from __future__ import annotations

import torch
from torch import nn

from classify.train.last_layer import fit_head


def _blobs(sizes: tuple[int, ...], spread: float) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    targets = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    centres = 3 * torch.randn(len(sizes), 20, generator=generator) + 100
    return centres[targets] + spread * torch.randn(len(targets), 20, generator=generator), targets


def test_blobs_are_told_apart_whatever_their_scale() -> None:
    features, targets = _blobs((30, 30, 30), spread=1.0)
    scale = torch.logspace(-3, 3, 20)
    fc = nn.Linear(20, 3)
    fit_head(fc, features * scale, targets)
    assert (fc(features * scale).argmax(1) == targets).all()


def test_rare_labels_count_as_much_as_common_ones() -> None:
    features, targets = _blobs((300, 6), spread=12.0)
    fc = nn.Linear(20, 2)
    fit_head(fc, features, targets, decay=1e-2)
    predicted = fc(features).argmax(1)
    recall = [float((predicted[targets == c] == c).float().mean()) for c in (0, 1)]
    assert min(recall) > 0.6, recall


def test_a_label_without_clips_is_never_said() -> None:
    features, targets = _blobs((20, 20), spread=1.0)
    fc = nn.Linear(20, 3)
    fit_head(fc, features, targets)
    assert not (fc(features).argmax(1) == 2).any() and fc.weight.isfinite().all()


def test_weights_count_like_copies() -> None:
    generator = torch.Generator().manual_seed(0)
    features, targets = torch.randn(60, 4, generator=generator), torch.arange(60) % 3
    copies = torch.arange(60) % 4 + 1
    weighted, copied, plain = (nn.Linear(4, 3) for _ in range(3))
    fit_head(weighted, features, targets, 1e-6, copies.float())
    fit_head(copied, features.repeat_interleave(copies, 0), targets.repeat_interleave(copies), 1e-6)
    fit_head(plain, features, targets, 1e-6)
    with torch.no_grad():
        a, b, c = (fc(features).softmax(1) for fc in (weighted, copied, plain))
    torch.testing.assert_close(a, b, atol=5e-3, rtol=0)
    assert (a - c).abs().max() > 0.02
