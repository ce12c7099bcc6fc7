"""One contract for every network, and what is special about the small one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from classify.classifier import predict, prepare
from classify.models import MODELS, SmallR2Plus1d, architecture, build_model
from classify.preprocess import Profile
from tracker.backbone import export_backbone


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {name: prepare(build_model(name, 10), torch.device("cpu")) for name in MODELS}


@pytest.fixture(scope="module", params=list(MODELS))
def model(request: pytest.FixtureRequest, networks: dict[str, nn.Module]) -> tuple[nn.Module, Profile]:
    return networks[request.param], replace(architecture(request.param).profile, height=48, width=32)


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, 16, 176, 128, 3), dtype=np.uint8)


def test_gives_a_probability_per_label(model: tuple[nn.Module, Profile], clips: np.ndarray) -> None:
    probabilities = predict(model[0], clips, model[1])
    assert probabilities.shape == (3, 10) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_a_batch_gives_what_single_clips_give(model: tuple[nn.Module, Profile], clips: np.ndarray) -> None:
    together = predict(model[0], clips, model[1])
    alone = np.concatenate([predict(model[0], clip[None], model[1]) for clip in clips])
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert np.abs(together[0] - together[1]).max() > 1e-4, "different clips, different answers"


def test_every_parameter_learns(model: tuple[nn.Module, Profile]) -> None:
    network, profile = model
    x = torch.rand(2, 3, profile.frames, profile.height, profile.width)
    network.zero_grad()
    torch.nn.functional.cross_entropy(network(x), torch.tensor([0, 1])).backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not silent


def test_temporal_convolutions_begin_as_identity_and_then_see_order() -> None:
    torch.manual_seed(0)
    network = SmallR2Plus1d(5).eval()
    x = torch.rand(2, 3, 8, 48, 32)
    with torch.no_grad():
        plain = network.embed(x)
        torch.testing.assert_close(plain, network.embed(x.flip(2)), atol=1e-4, rtol=1e-4)
        for layer in network.temporal.values():
            nn.init.normal_(layer.over_time.weight, std=0.1)
        moved = network.embed(x)
        assert (moved - plain).abs().max() > 1e-2
        assert (moved - network.embed(x.flip(2))).abs().max() > 1e-2


def test_time_mixes_only_frames_of_the_same_clip() -> None:
    torch.manual_seed(0)
    network = SmallR2Plus1d(5).eval()
    for layer in network.temporal.values():
        nn.init.normal_(layer.over_time.weight, std=0.1)
    x = torch.rand(2, 3, 8, 48, 32)
    with torch.no_grad():
        both = network.embed(x)
        x[1] = 0
        torch.testing.assert_close(both[0], network.embed(x)[0], atol=1e-5, rtol=1e-5)


def test_spatial_half_computes_what_the_detector_computes(shared: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file
    from ultralytics import YOLO

    checkpoint = shared / "weights" / "yolo11n.pt"
    export_backbone(checkpoint, tmp_path / "backbone.safetensors")
    network = SmallR2Plus1d(10)
    outcome = network.load_state_dict(load_file(tmp_path / "backbone.safetensors"), strict=False)
    assert not outcome.unexpected_keys and not [k for k in outcome.missing_keys if k.startswith("spatial.")]
    ours = theirs = torch.rand(1, 3, 96, 64)
    detector = YOLO(checkpoint).model.eval()
    with torch.no_grad():
        for i, stage in enumerate(network.spatial):
            ours, theirs = stage(ours), detector.model[i](theirs)
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_small_network_has_a_25th_of_the_operations_and_a_few_megabytes(networks: dict[str, nn.Module]) -> None:
    operations: dict[str, int] = {}
    for name in ("r2plus1d_18", "r2plus1d_s"):
        profile = architecture(name).profile
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            networks[name](torch.zeros(1, 3, profile.frames, profile.height, profile.width))
        operations[name] = counter.get_total_flops()
    assert operations["r2plus1d_s"] * 25 < operations["r2plus1d_18"], operations
    assert sum(p.numel() for p in networks["r2plus1d_s"].parameters()) * 2 < 6e6, "two bytes each: a few MB"
