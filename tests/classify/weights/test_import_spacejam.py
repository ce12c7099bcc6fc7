"""Other people's checkpoints: the same logits as their own program, and nothing but tensors taken."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from classify.networks.preprocess import to_tensor
from classify.types import ACTIONS
from classify.weights.checkpoint import load_checkpoint
from classify.weights.import_spacejam import import_spacejam
from ground.errors import InputError

NAME = "r2plus1d_multiclass_19_0.0001.pt"


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Random weights under torchvision's names; the published file itself is not at hand."""
    from torchvision.models.video import r2plus1d_18  # takes seconds to load

    torch.manual_seed(0)
    model = r2plus1d_18(num_classes=10)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_var.uniform_(0.5, 2.0)
            module.running_mean.normal_(0, 0.1)
    return model.state_dict()


def _save(path: Path, state: Any) -> Path:
    torch.save({"epoch": 19, "state_dict": state, "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]}}, path)
    return path


@pytest.mark.slow
def test_the_same_logits_as_torchvision_fed_their_way(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    from torchvision.models.video import r2plus1d_18  # takes seconds to load

    output = tmp_path / "new/theirs.safetensors"
    info = import_spacejam(_save(tmp_path / NAME, state), output)
    model, read = load_checkpoint(output)
    assert read == info and info.labels == ACTIONS and "19 epochs" in info.origin.data
    assert (info.profile.frames, info.profile.height, info.profile.width) == (16, 176, 128)
    small = replace(info.profile, frames=8, height=44, width=32)
    rgb = np.random.default_rng(0).integers(0, 256, (1, 8, 44, 32, 3), dtype=np.uint8)
    theirs = r2plus1d_18(num_classes=10).eval()
    theirs.load_state_dict(state)
    # Their program: frames as OpenCV gives them (BGR), as floats in 0..255, channels first, nothing else.
    bgr = torch.from_numpy(rgb[..., ::-1].copy()).float().permute(0, 4, 1, 2, 3)
    with torch.inference_mode():
        expected, found = theirs(bgr), model(to_tensor(rgb, small))
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def _without(state: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in state.items() if not name.startswith("layer4.1.conv2")}


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "missing": (_without, r"missing: layer4.1.conv2.0.0.weight, .* and \d+ more"),
    "unknown": (lambda s: s | {"module.fc": torch.zeros(3)}, "unknown: module.fc"),
    "other prefix": (lambda s: {f"module.{k}": v for k, v in s.items()}, "missing: .*; unknown: module."),
    "400 labels": (
        lambda s: s | {"fc.weight": torch.zeros(400, 512)},
        r"fc.weight is \(400, 512\) and not \(10, 512\)",
    ),
    "whole numbers": (lambda s: s | {"fc.bias": torch.zeros(10, dtype=torch.int64)}, "of another kind: fc.bias"),
    "no tensor": (lambda s: s | {"fc.bias": [0.0] * 10}, "fc.bias should be tensors"),
    "empty": (lambda s: {}, "expected a checkpoint with epoch, state_dict"),
    "a list": (lambda s: [1, 2], "expected a checkpoint with epoch, state_dict"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("change", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_other_tensors_are_named_in_one_line(
    tmp_path: Path, state: dict[str, torch.Tensor], change: Callable[[dict[str, Any]], Any], says: str
) -> None:
    path = _save(tmp_path / NAME, change(dict(state)))
    with pytest.raises(InputError, match=says) as caught:
        import_spacejam(path, tmp_path / "out.safetensors")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert not (tmp_path / "out.safetensors").exists()


class _Code:
    """Runs a command when it is unpickled."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.victim}",)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("place", ["epoch", "state_dict", "optimizer"])
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path: Path, protocol: int, place: str) -> None:
    victim = tmp_path / "victim"
    path = tmp_path / NAME
    path.write_bytes(pickle.dumps({"epoch": 1, "state_dict": {}, "optimizer": {}, place: _Code(victim)}, protocol))
    with pytest.raises(InputError, match=r"run code|running code") as caught:
        import_spacejam(path, tmp_path / "out.safetensors")
    assert "\n" not in str(caught.value)
    assert not victim.exists()
    pickle.loads(path.read_bytes())  # to see that it would have run
    assert victim.exists()


def test_code_in_torchs_own_archive_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    torch.save({"epoch": 1, "state_dict": {"fc.bias": _Code(victim)}, "optimizer": {}}, tmp_path / NAME)
    with pytest.raises(InputError, match=r"system\), which could run code"):
        import_spacejam(tmp_path / NAME, tmp_path / "out.safetensors")
    assert not victim.exists()


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        import_spacejam(tmp_path / "nowhere.pt", tmp_path / "out.safetensors")
    (tmp_path / "noise.pt").write_bytes(bytes(range(256)) * 50)
    with pytest.raises(InputError, match="not a file of plain tensors"):
        import_spacejam(tmp_path / "noise.pt", tmp_path / "out.safetensors")
    with pytest.raises(InputError, match=r"called something\.safetensors"):
        import_spacejam(tmp_path / "noise.pt", tmp_path / "out.pt")
