"""One contract for every network, and what is special about the small one."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from classify.networks.pooled_maps import PooledMaps
from classify.networks.preprocess import to_tensor
from classify.networks.profile import Profile
from classify.networks.recurrent import ConvLstmCell
from classify.networks.registry import MODELS, architecture, build_model
from classify.networks.torchvision_nets import rename
from classify.run.pytorch import predict, prepare
from classify.train.last_layer import embed
from classify.weights.checkpoint import load_checkpoint, load_start, save_checkpoint
from classify.weights.description import CheckpointInfo
from tests.classify.small import has_seen
from tracker.detect.features import export_backbone

pytestmark = pytest.mark.slow


@cache
def _network(name: str) -> nn.Module:
    """Made when it is asked for: tests of one network may run in one process, and those of another in another."""
    torch.manual_seed(0)
    return prepare(build_model(name, 10), torch.device("cpu"))


@pytest.fixture(scope="module", params=list(MODELS))
def model(request: pytest.FixtureRequest) -> tuple[nn.Module, Profile]:
    return _network(request.param), replace(architecture(request.param).profile, frames=8, height=32, width=32)


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    noise = np.random.default_rng(1).integers(0, 128, (3, 16, 176, 128, 3), dtype=np.uint8)
    noise[1, :, :88] += 127
    noise[2, 8:] += 127
    return noise


@pytest.fixture(scope="module")
def probabilities(model: tuple[nn.Module, Profile], clips: np.ndarray) -> np.ndarray:
    """What the network says of all clips at once."""
    return predict(model[0], clips, model[1])


@pytest.fixture(scope="module")
def features(model: tuple[nn.Module, Profile], clips: np.ndarray) -> torch.Tensor:
    """What goes into its last layer, of two clips and then of one."""
    batch = to_tensor(clips, model[1])
    return embed(model[0], [batch[:2], batch[2:]])


def test_gives_a_probability_per_label(probabilities: np.ndarray) -> None:
    assert probabilities.shape == (3, 10) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_a_batch_gives_what_single_clips_give(
    model: tuple[nn.Module, Profile], clips: np.ndarray, probabilities: np.ndarray, features: torch.Tensor
) -> None:
    alone = predict(model[0], clips[1:2], model[1])
    np.testing.assert_allclose(probabilities[1:2], alone, atol=1e-4)
    assert (features[0] - features[1]).abs().max() > 0.01 * features.abs().max(), "different clips, different answers"


def test_any_clip_length_and_size_of_picture(model: tuple[nn.Module, Profile]) -> None:
    network, _ = model
    with torch.no_grad():
        logits = network(torch.rand(1, 3, 8, 70, 46))
        assert logits.shape == (1, 10) and logits.isfinite().all()


def test_saved_and_loaded_says_the_same(
    request: pytest.FixtureRequest,
    model: tuple[nn.Module, Profile],
    clips: np.ndarray,
    probabilities: np.ndarray,
    tmp_path: Path,
) -> None:
    name = request.node.callspec.params["model"]
    info = CheckpointInfo(name, tuple("abcdefghij"), model[1])
    save_checkpoint(tmp_path / "it.safetensors", model[0], info, half=False)
    loaded, loaded_info = load_checkpoint(tmp_path / "it.safetensors")
    assert loaded_info == info
    again = predict(prepare(loaded, torch.device("cpu")), clips[:1], model[1])
    np.testing.assert_allclose(again, probabilities[:1], atol=1e-5)
    (tmp_path / "it.safetensors").unlink()  # up to 130 MB


def test_the_last_layer_reads_the_embedding(
    model: tuple[nn.Module, Profile], probabilities: np.ndarray, features: torch.Tensor
) -> None:
    assert features.shape == (3, model[0].fc.in_features)
    with torch.no_grad():
        said = model[0].fc(features).log_softmax(1)
    torch.testing.assert_close(said, torch.from_numpy(probabilities).log(), atol=1e-4, rtol=1e-3)


def test_published_weights_fit_strictly_under_our_names() -> None:
    import torchvision

    for name, known in MODELS.items():
        if known.kinetics_url is None:
            continue
        weights = torchvision.models.get_model_weights(name).DEFAULT
        assert known.kinetics_url == weights.url
        assert known.profile.mean == tuple(weights.transforms().mean), name
        assert known.profile.std == tuple(weights.transforms().std), name
        with torch.device("meta"):
            theirs = torchvision.models.get_model(name, num_classes=400).state_dict()
            ours = build_model(name, 400).state_dict()
        renamed = rename(theirs, ours)
        assert {k: v.shape for k, v in renamed.items()} == {k: v.shape for k, v in ours.items()}, name


@pytest.mark.parametrize(("name", "size"), [("s3d", 64), ("mvit_v2_s", 32), ("swin3d_t", 32)])
def test_headed_networks_compute_what_torchvision_computes(name: str, size: int) -> None:
    from torchvision.models import video

    x = torch.rand(2, 3, 16, size, size)
    theirs, ours = getattr(video, name)(num_classes=10), has_seen(copy.deepcopy(_network(name)), x)
    if name == "mvit_v2_s":
        assert (theirs.pos_encoding.temporal_size, theirs.pos_encoding.spatial_size) == (8, (56, 56))
        theirs.pos_encoding.spatial_size = (8, 8)  # it is told, and made for 224x224, which takes long
    if name == "s3d":
        theirs.avgpool = nn.AvgPool3d(2, stride=1)  # its own window is all that is left of 224x224
    own = ours.state_dict()
    same = {key: own[next(iter(rename({key: v}, own)))].reshape(v.shape) for key, v in theirs.state_dict().items()}
    theirs.load_state_dict(same)
    with torch.no_grad():
        said = ours(x)
        torch.testing.assert_close(said, theirs.eval()(x), atol=2e-3, rtol=1e-3)
    assert (said[0] - said[1]).abs().max() > 2e-2, "different clips, different answers"


@pytest.mark.parametrize("name", ["lrcn", "conv_lstm"])
def test_recurrent_networks_see_order_and_keep_clips_apart(name: str) -> None:
    torch.manual_seed(0)
    network = build_model(name, 5).eval()
    x = torch.rand(2, 3, 6, 64, 64)
    with torch.no_grad():
        forward, backward = network(x), network(x.flip(2))
        assert (forward - backward).abs().max() > 1e-4
        x[1] = 0
        torch.testing.assert_close(forward[0], network(x)[0], atol=1e-5, rtol=1e-5)


def test_conv_lstm_on_one_pixel_is_an_lstm() -> None:
    torch.manual_seed(0)
    cell = ConvLstmCell(5, 4, kernel=1)
    lstm = nn.LSTM(5, 4, batch_first=True)
    with torch.no_grad():  # torch has the gates in the same order: input, forget, new, output
        lstm.weight_ih_l0.copy_(cell.gates.weight[:, :5, 0, 0])
        lstm.weight_hh_l0.copy_(cell.gates.weight[:, 5:, 0, 0])
        lstm.bias_ih_l0.copy_(cell.gates.bias)
        lstm.bias_hh_l0.zero_()
        x = torch.rand(3, 7, 5)
        torch.testing.assert_close(cell(x[..., None, None])[..., 0, 0], lstm(x)[0])
        plain = cell(x[..., None, None])
        cell.peephole.fill_(0.5)
        assert (cell(x[..., None, None]) - plain).abs().max() > 1e-3, "gates see the memory"


def test_recurrent_networks_start_from_a_detector(shared: Path, tmp_path: Path) -> None:
    export_backbone(shared / "weights" / "yolo11n.pt", tmp_path / "backbone.safetensors")
    for name in ("lrcn", "conv_lstm"):
        network = load_start(tmp_path / "backbone.safetensors", name, 10)
        small = load_start(tmp_path / "backbone.safetensors", "pooled_maps", 10)
        assert torch.equal(network.spatial[8].cv2.conv.weight, small.spatial[8].cv2.conv.weight)


def test_every_parameter_learns(model: tuple[nn.Module, Profile]) -> None:
    network, profile = model
    x = torch.rand(2, 3, profile.frames, profile.height, profile.width)
    network.zero_grad()
    torch.nn.functional.cross_entropy(network(x), torch.tensor([0, 1])).backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not silent


def test_pooling_mixes_only_pictures_of_the_same_clip_and_sees_how_fast_they_change() -> None:
    torch.manual_seed(0)
    network = PooledMaps(5).eval()
    x = torch.rand(2, 3, 8, 48, 32)
    with torch.no_grad():
        both = network.embed(x)
        torch.testing.assert_close(both, network.embed(x.flip(2)), atol=1e-4, rtol=1e-4)
        assert (both - network.embed(x[:, :, [0, 4, 1, 5, 2, 6, 3, 7]])).abs().max() > 1e-3, "order, but for direction"
        x[1] = 0
        torch.testing.assert_close(both[0], network.embed(x)[0], atol=1e-5, rtol=1e-5)


def test_spatial_half_computes_what_the_detector_computes(shared: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file
    from ultralytics import YOLO

    checkpoint = shared / "weights" / "yolo11n.pt"
    export_backbone(checkpoint, tmp_path / "backbone.safetensors")
    network = PooledMaps(10)
    outcome = network.load_state_dict(load_file(tmp_path / "backbone.safetensors"), strict=False)
    assert not outcome.unexpected_keys and not [k for k in outcome.missing_keys if k.startswith("spatial.")]
    ours = theirs = torch.rand(1, 3, 96, 64)
    detector = YOLO(checkpoint).model.eval()
    with torch.no_grad():
        for i, stage in enumerate(network.spatial):
            ours, theirs = stage(ours), detector.model[i](theirs)
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_small_network_has_a_25th_of_the_operations_and_a_few_megabytes() -> None:
    operations: dict[str, int] = {}
    for name in ("r2plus1d_18", "pooled_maps"):
        profile = architecture(name).profile
        with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
            build_model(name, 10)(torch.zeros(1, 3, profile.frames, profile.height, profile.width))
        operations[name] = counter.get_total_flops()
    assert operations["pooled_maps"] * 25 < operations["r2plus1d_18"], operations
    assert sum(p.numel() for p in build_model("pooled_maps", 10).parameters()) * 2 < 6e6, "two bytes each: a few MB"
