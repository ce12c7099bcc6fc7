"""The classifier in eight bits: taken where it is of these weights, and it says what float32 says."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from classify.data.clips import list_clips, read_file
from classify.run.classifier import ActionClassifier
from classify.run.int8 import chosen_file, int8_copy, int8_file
from ground.errors import InputError
from pipeline.shipped import WEIGHTS

_ACTIONS = WEIGHTS / "actions.safetensors"


def test_the_shipped_copy_is_of_the_shipped_weights_and_is_what_a_processor_takes() -> None:
    shipped = int8_copy(_ACTIONS)
    assert shipped == int8_file(_ACTIONS)
    assert chosen_file(_ACTIONS, "cpu") == chosen_file(_ACTIONS, "cpu", precision="int8") == shipped
    assert chosen_file(_ACTIONS, "cpu", precision="float32") == _ACTIONS
    for runtime in ("torch", "openvino", "onnxruntime"):
        assert chosen_file(_ACTIONS, "cpu", runtime) == _ACTIONS
    assert chosen_file(_ACTIONS, "cuda") == _ACTIONS
    assert ActionClassifier(_ACTIONS, "cpu", runtime="auto").info == ActionClassifier(_ACTIONS, "cpu").info


def test_a_copy_of_other_weights_or_a_damaged_one_is_not_taken(tmp_path: Path) -> None:
    mine = tmp_path / "mine.safetensors"
    shutil.copy(_ACTIONS, mine)
    with pytest.raises(InputError, match="has no INT8 copy") as refusal:
        chosen_file(mine, "cpu", precision="int8")
    assert refusal.value.setting == "classifier.precision"
    for suffix in (".xml", ".bin"):
        shutil.copy(int8_file(_ACTIONS).with_suffix(suffix), int8_file(mine).with_suffix(suffix))
    assert int8_copy(mine) == int8_file(mine)
    with mine.open("ab") as file:
        file.write(b"trained again")
    assert int8_copy(mine) is None
    shutil.copy(_ACTIONS, mine)
    int8_file(mine).write_text("no network", encoding="utf-8")
    assert chosen_file(mine, "cpu") == mine


@pytest.mark.parametrize("name", ["a.xml", "a.onnx", "a.safetensors"])
def test_a_precision_that_there_is_not_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="precision is auto, int8, float32"):
        chosen_file(tmp_path / name, "cpu", precision="int4")
    with pytest.raises(InputError, match="has no INT8 copy"):
        chosen_file(tmp_path / name, "cpu", precision="int8")


@pytest.mark.slow
def test_it_says_what_float32_says(shared: Path) -> None:
    """On clips of which it was fitted to some; where it differs, float32 was not sure either."""
    files = list_clips([shared / "clips" / "spacejam_mini"])[::2]
    clips = np.stack([clip.frames for file in files for clip in read_file(file)])  # type: ignore[union-attr]
    exact, rounded = (
        ActionClassifier(_ACTIONS, "cpu", runtime="auto", precision=p).probabilities(clips) for p in ("float32", "int8")
    )
    agree = exact.argmax(1) == rounded.argmax(1)
    assert agree.mean() > 0.85
    assert np.abs(exact - rounded).mean() < 0.02
    assert exact.max(1)[~agree].mean() < exact.max(1)[agree].mean()
