"""Copies for other programs say what the checkpoint says, or are not there."""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from classify.networks.neighbours import Neighbours
from classify.networks.profile import Profile
from classify.networks.registry import MODELS, build_model
from classify.run.backends import KEY, Logits, open_onnxruntime, open_openvino, probabilities
from classify.run.export import FORMATS, PARITY, _max_in_cells, export_checkpoint, write_copy
from classify.run.pytorch import torch_logits
from classify.weights.checkpoint import load_checkpoint, save_checkpoint
from classify.weights.description import CheckpointInfo, Origin
from ground.errors import InputError
from tests.classify.small import short_pooled

SHIPPED = Path(__file__).parents[3] / "weights" / "actions.safetensors"
LABELS = ("block", "euro step", "Sprungwürfe")
PROFILES = {
    "pooled_maps": Profile(44, 32, 4),
    "pooled": Profile(48, 48, 3, colour="BGR", mean=(0.4, 0.4, 0.4)),
}


def _lacks(*packages: str) -> pytest.MarkDecorator:
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed")


EVERY = ["torch", "openvino", pytest.param("onnx", marks=_lacks("onnx", "onnxscript"))]


def _network(name: str) -> tuple[nn.Module, CheckpointInfo]:
    """A network that is sure of different things about different clips, though it was never trained."""
    torch.manual_seed(0)
    model = build_model(name, len(LABELS)).eval()
    info = CheckpointInfo(name, LABELS, PROFILES[name], Origin("noise", starter=True), {"macro_f1": 0.4}, 1.7, 0.3)
    found: list[torch.Tensor] = []
    model.fc.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    torch_logits(model, info.profile)(_clips(16))
    model.fc._forward_pre_hooks.clear()
    spread = found[0].std(0) + 1e-3
    with torch.no_grad():
        model.fc.weight.copy_(torch.randn_like(model.fc.weight) / spread / model.fc.in_features**0.5 * 3)
        model.fc.bias.copy_(-(model.fc.weight @ found[0].mean(0)))
    return model, info


def _clips(number: int) -> np.ndarray:
    """Noise of different contrast, so that clips differ as wholes."""
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (number, 16, 22, 16, 3)) * rng.uniform(0.1, 1, (number, 16, 1, 1, 3))
    return noise.astype(np.uint8).repeat(8, 2).repeat(8, 3)


def _open(path: Path, info: CheckpointInfo) -> dict[str, Logits]:
    """By library, the copy at work."""
    if path.suffix == ".pt2":
        return {"torch": torch_logits(_as_module(torch.export.load(path)), info.profile)}
    opened = {"openvino": open_openvino(path)}
    if path.suffix == ".onnx" and importlib.util.find_spec("onnxruntime"):
        opened["onnxruntime"] = open_onnxruntime(path, "cpu")
    assert all(o.info == info and o.runtime == name for name, o in opened.items())
    return {name: o.logits for name, o in opened.items()}


def _as_module(program: torch.export.ExportedProgram) -> nn.Module:
    return program.module()


def _probabilities(logits: Logits, info: CheckpointInfo, clips: np.ndarray) -> np.ndarray:
    return probabilities(logits(clips), info.temperature)


@pytest.mark.slow
@pytest.mark.parametrize("to", EVERY)
@pytest.mark.parametrize("name", PROFILES)
def test_copies_say_the_same_of_any_number_of_clips(
    tmp_path: Path, name: str, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the larger one the first layers alone: the other network has all that follow, and is exported whole."""
    monkeypatch.setitem(MODELS, "pooled", replace(MODELS["pooled"], factory=short_pooled))
    model, info = _network(name)
    output = tmp_path / "new" / f"copy{FORMATS[to]}"
    made = write_copy(model, info, to, output)
    assert made.info == info and made.difference <= PARITY
    clips = _clips(5)
    wanted = _probabilities(torch_logits(model, info.profile), info, clips)
    assert np.ptp(wanted, axis=0).max() > 0.2, "a copy that always says the same would not be noticed"
    for logits in _open(output, info).values():
        for number in (1, 2, 5):
            given = _probabilities(logits, info, clips[:number])
            np.testing.assert_allclose(given, wanted[:number], atol=PARITY)
    assert {path.suffix for path in output.parent.iterdir()} <= {FORMATS[to], ".bin"}


@pytest.mark.slow
@pytest.mark.usefixtures("pooled_is_small")
@pytest.mark.parametrize("to", EVERY)
def test_the_nearest_neighbours_of_adapt_are_copied_too(tmp_path: Path, to: str) -> None:
    model, info = _network("pooled")
    model.fc = Neighbours(9, model.fc.in_features, len(LABELS), k=3)
    model.fc.examples.copy_(functional.normalize(torch.randn_like(model.fc.examples)))
    model.fc.votes.copy_(torch.eye(3).repeat(3, 1))
    save_checkpoint(tmp_path / "mine.safetensors", model, info)
    loaded, _ = load_checkpoint(tmp_path / "mine.safetensors")
    export_checkpoint(tmp_path / "mine.safetensors", to, tmp_path / f"mine{FORMATS[to]}")
    wanted = _probabilities(torch_logits(loaded, info.profile), info, _clips(4))
    for logits in _open(tmp_path / f"mine{FORMATS[to]}", info).values():
        np.testing.assert_allclose(_probabilities(logits, info, _clips(4)), wanted, atol=PARITY)


@pytest.mark.usefixtures("pooled_is_small")
@pytest.mark.slow
def test_the_description_is_in_a_torch_file_too(tmp_path: Path) -> None:
    model, info = _network("pooled")
    write_copy(model, info, "torch", tmp_path / "a.pt2")
    extra_files = {KEY: ""}
    torch.export.load(tmp_path / "a.pt2", extra_files=extra_files)
    assert CheckpointInfo.from_json(extra_files[KEY]) == info and json.loads(extra_files[KEY])["labels"] == list(LABELS)


@pytest.mark.parametrize(("size", "grid"), [((11, 8), (3, 2)), ((6, 4), (3, 2)), ((22, 16), (6, 4)), ((5, 3), (7, 3))])
def test_maxima_in_cells_are_those_of_adaptive_pooling(size: tuple[int, int], grid: tuple[int, int]) -> None:
    x = torch.randn(3, 4, *size)
    assert torch.equal(_max_in_cells(x, grid)[0], functional.adaptive_max_pool2d(x, grid))


@pytest.mark.slow
@pytest.mark.skipif(not SHIPPED.is_file(), reason="no shipped weights")
def test_the_shipped_weights_on_real_clips(shared: Path, tmp_path: Path) -> None:
    from classify.data.clips import list_clips, read_file, sixteen

    files = list_clips([shared / "clips" / "spacejam_mini"])[::40]
    clips = np.stack(
        [sixteen(clip.frames) for file in files if isinstance(read := read_file(file), list) for clip in read]
    )
    model, info = load_checkpoint(SHIPPED)
    export_checkpoint(SHIPPED, "openvino", tmp_path / "actions.xml")
    wanted = _probabilities(torch_logits(model, info.profile), info, clips)
    for logits in _open(tmp_path / "actions.xml", info).values():
        np.testing.assert_allclose(_probabilities(logits, info, clips), wanted, atol=PARITY)


@_lacks("nncf")
@pytest.mark.skipif(not SHIPPED.is_file(), reason="no shipped weights")
def test_in_eight_bits_it_says_nearly_the_same(tmp_path: Path) -> None:
    model, info = load_checkpoint(SHIPPED)
    made = write_copy(model, info, "openvino", tmp_path / "small.xml", _clips(24))
    assert made.clips == 12 and made.difference < 0.03
    assert made.agreement >= 0.5, "noise looks like no label much more than like another"
    write_copy(model, info, "openvino", tmp_path / "large.xml")
    sizes = [(tmp_path / name).stat().st_size for name in ("small.bin", "large.bin")]
    assert sizes[0] < 0.4 * sizes[1]
    assert open_openvino(tmp_path / "small.xml").info == info


class _Restless(nn.Module):
    """Says something else each time that it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, len(LABELS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x.mean((2, 3, 4))) + 5 * torch.rand(len(LABELS))


class _Choosy(_Restless):
    """Does something else with bright clips, which cannot be written down as one network."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x.mean((2, 3, 4)) if x.mean() > 0.5 else x.amax((2, 3, 4)))


@pytest.mark.slow
@pytest.mark.parametrize("to", EVERY)
@pytest.mark.parametrize(
    ("network", "says"), [(_Restless, "probabilities differ from the checkpoint's"), (_Choosy, "cannot be exported to")]
)
def test_what_comes_out_otherwise_never_gets_its_name(
    tmp_path: Path, to: str, network: type[nn.Module], says: str
) -> None:
    output = tmp_path / f"copy{FORMATS[to]}"
    output.write_text("an earlier copy")
    with pytest.raises(InputError, match=says) as raised:
        write_copy(network(), CheckpointInfo("mine", LABELS, Profile(8, 8, 2)), to, output)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == [output.name] and output.read_text() == "an earlier copy"


@pytest.mark.slow
@pytest.mark.usefixtures("pooled_is_small")
@pytest.mark.parametrize("to", EVERY)
def test_a_disk_that_fills_is_said_and_leaves_nothing(tmp_path: Path, to: str) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # writing fails in the system, as on a full disk
    try:
        with pytest.raises(InputError, match=rf"a\{FORMATS[to]}: cannot be written \(.*free some space"):
            write_copy(*_network("pooled"), to, tmp_path / f"a{FORMATS[to]}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("to", "output", "calibration", "says"),
    [
        ("tflite", "a.tflite", None, "no format is called 'tflite'; there are onnx, openvino, torch"),
        ("onnx", "a.xml", None, r"a\.xml: the name of a file for onnx ends in \.onnx"),
        ("openvino", "a.bin", None, r"a\.bin: the name of a file for openvino ends in \.xml"),
        ("torch", "a.pt2", ".", "INT8 is for the format openvino, not for torch"),
        ("openvino", "a.xml", None, r"none\.safetensors: no such file"),
    ],
)
def test_what_cannot_be_exported(tmp_path: Path, to: str, output: str, calibration: str | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        export_checkpoint(tmp_path / "none.safetensors", to, tmp_path / output, calibration and tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("pooled_is_small")
def test_too_few_clips_to_calibrate_with(tmp_path: Path) -> None:
    model, info = _network("pooled")
    save_checkpoint(tmp_path / "a.safetensors", model, info)
    folder = tmp_path / "clips" / "run"
    folder.mkdir(parents=True)
    for i in range(2):
        writer = cv2.VideoWriter(str(folder / f"{i}.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (32, 32))
        for level in range(16):
            writer.write(np.full((32, 32, 3), 10 * level, np.uint8))
        writer.release()
    with pytest.raises(InputError, match="2 clips are too few to calibrate with; give 20 or more"):
        export_checkpoint(tmp_path / "a.safetensors", "openvino", tmp_path / "a.xml", tmp_path / "clips")
    assert not (tmp_path / "a.xml").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("pooled_is_small")
@pytest.mark.parametrize(
    ("package", "to", "says"),
    [
        ("onnx", "onnx", "the format onnx needs onnx and onnxscript: pip install onnx onnxscript"),
        ("openvino", "openvino", "the format openvino needs openvino: pip install openvino"),
    ],
)
def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, to: str, says: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=says):
        write_copy(*_network("pooled"), to, tmp_path / f"a{FORMATS[to]}")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("pooled_is_small")
def test_eight_bits_need_nncf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(InputError, match="INT8 needs nncf: pip install nncf"):
        write_copy(*_network("pooled"), "openvino", tmp_path / "a.xml", _clips(4))
    assert not list(tmp_path.iterdir())
