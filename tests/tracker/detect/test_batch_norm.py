"""Preparing a checkpoint for training keeps what the network computes."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import nn

from tracker.detect.batch_norm import copy_class_outputs, restore_batch_norm


def _folded_net() -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.SiLU(), nn.Conv2d(8, 4, 3), nn.BatchNorm2d(4)
    )
    for layer in (net[1], net[4]):
        nn.init.uniform_(layer.bias, -2, 2)
    return net.eval()


def test_restored_statistics_change_nothing_and_hold_in_training() -> None:
    net = _folded_net()
    pictures = torch.rand(16, 3, 20, 20)
    before = net(pictures)
    trained_before = _folded_net().train()(pictures)
    restore_batch_norm(net, pictures.split(4))
    assert torch.allclose(net(pictures), before, atol=1e-5)
    # In training mode the batch's own statistics are used: now they are the layer's, before they were not.
    trained_after = net.train()(pictures)
    assert (trained_after - before).abs().mean() < 0.1 * (trained_before - before).abs().mean()


def test_true_statistics_stay() -> None:
    layer = nn.BatchNorm2d(3)
    layer(torch.rand(8, 3, 5, 5) * 4)
    layer.eval()
    mean = layer.running_mean.clone()  # type: ignore[union-attr]
    restore_batch_norm(nn.Sequential(layer), [torch.rand(2, 3, 5, 5)])
    assert torch.equal(layer.running_mean, mean)  # type: ignore[arg-type]


def test_new_classes_begin_as_their_sources() -> None:
    head = nn.Module()
    head.cv3 = nn.ModuleList([nn.Sequential(nn.Conv2d(6, 3, 1))])  # type: ignore[assignment]
    head.nc, head.reg_max, head.no = 3, 16, 67  # type: ignore[assignment]
    old = head.cv3[0][-1]  # type: ignore[index]
    model = SimpleNamespace(model=[head], names={0: "person", 1: "car", 2: "sports ball"}, yaml={"nc": 3}, nc=3)
    copy_class_outputs(model, ("player", "referee", "ball"), ("person", "person", "sports ball"))  # type: ignore[arg-type]
    new = head.cv3[0][-1]  # type: ignore[index]
    assert torch.equal(new.weight, old.weight[[0, 0, 2]])
    assert new.bias[0] == old.bias[0] and new.bias[1] < old.bias[0]
    assert (head.nc, head.no, model.nc, model.yaml["nc"]) == (3, 67, 3, 3)
    copy_class_outputs(model, ("player", "referee", "ball"), ("person", "person", "sports ball"))  # type: ignore[arg-type]
    assert head.cv3[0][-1] is new, "a model that has the classes is left alone"  # type: ignore[index]
