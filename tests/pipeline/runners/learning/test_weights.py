"""``courtscribe weights import``: from their file to one that ``analyze`` takes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from classify.weights.checkpoint import read_info
from pipeline.runners.cli import main

NAME = "r2plus1d_multiclass_19_0.0001.pt"


class _Code:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch pwned",)


@pytest.mark.slow
def test_their_checkpoint_becomes_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from torchvision.models.video import r2plus1d_18  # takes seconds to load

    monkeypatch.chdir(tmp_path)
    torch.save({"epoch": 19, "state_dict": r2plus1d_18(num_classes=10).state_dict(), "optimizer": {}}, NAME)
    assert main(["weights", "import", NAME]) == 0
    output = Path("r2plus1d_multiclass_19_0.0001.safetensors")
    assert str(output) in capsys.readouterr().out
    profile = read_info(output).profile
    assert (profile.colour, profile.scale, profile.mean, profile.std) == ("BGR", 1.0, (0, 0, 0), (1, 1, 1))
    assert (profile.width, profile.height, profile.frames) == (128, 176, 16)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"epoch": 1, "state_dict": _Code(), "optimizer": {}}, "could run code when it is opened; refused"),
        ({"epoch": 1, "state_dict": {"fc.bias": torch.zeros(10)}, "optimizer": {}}, "missing: fc.weight"),
        ({"weights": {}}, "expected a checkpoint with epoch, state_dict and optimizer"),
    ],
)
def test_anything_else_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: object, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(content, NAME)
    assert main(["weights", "import", NAME]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
