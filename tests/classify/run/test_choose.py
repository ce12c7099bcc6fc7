"""Whatever library runs a classifier, it says the same, and a file that is no classifier is one clear line."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.run import choose
from classify.run.backends import KEY, open_openvino, read_openvino
from classify.run.choose import RUNTIMES, cache_folder, open_classifier
from classify.run.classifier import ActionClassifier
from classify.run.export import write_copy
from classify.weights.checkpoint import rewrite_info, save_checkpoint
from classify.weights.description import CheckpointInfo
from ground.errors import InputError

CPU = "cpu"
LABELS = ("run", "walk", "shoot")
INFO = CheckpointInfo("pooled", LABELS, Profile(48, 48, 2), temperature=0.2)
HAS_ONNX = all(importlib.util.find_spec(package) for package in ("onnx", "onnxscript", "onnxruntime"))
pytestmark = pytest.mark.usefixtures("pooled_is_small")
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason="onnx, onnxscript or onnxruntime not installed")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "actions"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """An untrained network whose answers depend on the clip."""
    torch.manual_seed(1)
    save_checkpoint(tmp_path / "a.safetensors", build_model("pooled", 3), INFO)
    return tmp_path / "a.safetensors"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, pooled_is_small: None) -> Path:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("copy") / "a.xml"
    write_copy(build_model("pooled", 3).eval(), INFO, "openvino", path)
    return path


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.integers(0, 256, (11, 16, 60, 40, 3)) * rng.uniform(0.1, 1, (11, 1, 1, 1, 1))).astype(np.uint8)


def _files(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["openvino", pytest.param("onnxruntime", marks=needs_onnx)])
def test_the_same_probabilities_as_torch(checkpoint: Path, clips: np.ndarray, runtime: str, cache: Path) -> None:
    wanted = ActionClassifier(checkpoint, "cpu")
    assert wanted.runtime == "torch" and not cache.exists(), "PyTorch converts nothing"
    given = ActionClassifier(checkpoint, "cpu", batch=4, runtime=runtime)
    assert given.runtime == runtime and given.info == wanted.info == INFO
    for number in (1, 4, 11):
        ours, theirs = given.probabilities(clips[:number]), wanted.probabilities(clips[:number])
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert np.ptp(theirs, axis=0).max() > 0.01


@pytest.mark.slow
def test_auto_is_openvino_and_converts_once(checkpoint: Path, clips: np.ndarray, cache: Path) -> None:
    first = open_classifier(checkpoint, CPU, "auto")
    made = _files(cache)
    assert first.runtime == "openvino" and {name[-4:] for name in made} == {".xml", ".bin"}
    again = open_classifier(checkpoint, CPU, "auto")
    assert _files(cache) == made
    assert np.array_equal(first.logits(clips), again.logits(clips))


@pytest.mark.slow
def test_other_weights_in_the_same_file_replace_the_copy(checkpoint: Path, clips: np.ndarray, cache: Path) -> None:
    open_classifier(checkpoint, CPU, "auto")
    before = set(_files(cache))
    torch.manual_seed(2)
    save_checkpoint(checkpoint, build_model("pooled", 3), replace(INFO, temperature=0.5))
    opened = open_classifier(checkpoint, CPU, "auto")
    assert opened.info.temperature == 0.5
    np.testing.assert_allclose(opened.logits(clips), open_classifier(checkpoint, CPU, "torch").logits(clips),
                               atol=1e-4, rtol=0)  # fmt: skip
    assert len(_files(cache)) == 2 and not before & set(_files(cache)), "the old copy is gone"
    elsewhere = checkpoint.with_name("b.safetensors")
    shutil.copyfile(checkpoint, elsewhere)
    open_classifier(elsewhere, CPU, "auto")
    assert len(_files(cache)) == 4, "other files keep theirs"


@pytest.mark.slow
def test_a_damaged_copy_is_made_anew(checkpoint: Path, clips: np.ndarray, cache: Path) -> None:
    wanted = open_classifier(checkpoint, CPU, "auto").logits(clips)
    weights = next(cache.glob("*.bin"))
    whole = weights.stat().st_size
    weights.write_bytes(weights.read_bytes()[: whole // 2])
    assert np.array_equal(open_classifier(checkpoint, CPU, "auto").logits(clips), wanted)
    assert weights.stat().st_size == whole


def test_without_room_for_a_copy_auto_is_torch(checkpoint: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache.parent.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING, "courtscribe"):
        assert open_classifier(checkpoint, CPU, "auto").runtime == "torch"
    assert "labelling goes on with PyTorch" in caplog.text
    with pytest.raises(InputError, match="cannot be written"):
        open_classifier(checkpoint, CPU, "openvino")


def test_without_openvino_auto_is_torch(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "_is_installed", lambda package: False)
    assert open_classifier(checkpoint, CPU, "auto").runtime == "torch"


@pytest.mark.slow
def test_an_exported_file_is_used_like_a_checkpoint(copy: Path, clips: np.ndarray, cache: Path) -> None:
    classifier = ActionClassifier(copy, "cpu", runtime="auto")
    assert classifier.runtime == "openvino" and classifier.labels == LABELS and classifier.info == INFO
    torch.manual_seed(1)
    save_checkpoint(cache.parent / "same.safetensors", build_model("pooled", 3), INFO, half=False)
    wanted = ActionClassifier(cache.parent / "same.safetensors", "cpu").probabilities(clips)
    np.testing.assert_allclose(classifier.probabilities(clips), wanted, atol=1e-3)
    assert not cache.exists(), "it needs no copy"


@needs_onnx
def test_both_libraries_run_an_onnx_file(tmp_path: Path, clips: np.ndarray) -> None:
    torch.manual_seed(1)
    write_copy(build_model("pooled", 3).eval(), INFO, "onnx", tmp_path / "a.onnx")
    opened = {name: open_classifier(tmp_path / "a.onnx", CPU, name) for name in RUNTIMES if name != "torch"}
    assert {name: o.runtime for name, o in opened.items() if name != "auto"} == {n: n for n in opened if n != "auto"}
    logits = [o.logits(clips) for o in opened.values()]
    assert all(np.allclose(logits[0], other, atol=1e-3) for other in logits)


@pytest.mark.parametrize(
    ("name", "runtime", "says"),
    [
        ("a.pt2", "auto", "opening a .pt2 could run code, so it is for other programs; give its checkpoint"),
        ("a.safetensors", "tensorrt", "no runtime is called 'tensorrt'; there are auto, torch, openvino, onnxruntime"),
        ("a.xml", "torch", "a .xml file is run by openvino, not by torch"),
        ("a.onnx", "torch", "a .onnx file is run by openvino or onnxruntime, not by torch"),
        ("none.xml", "auto", "none.xml: no such file"),
        ("none.onnx", "openvino", "none.onnx: no such file"),
        ("none.safetensors", "auto", "none.safetensors: no such file"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, name: str, runtime: str, says: str) -> None:
    if name.startswith("a."):
        (tmp_path / name).write_bytes(b"\0" * 99)
    with pytest.raises(InputError) as raised:
        open_classifier(tmp_path / name, CPU, runtime)
    assert says in str(raised.value) and "\n" not in str(raised.value)


def test_openvino_is_for_the_cpu(checkpoint: Path) -> None:
    with pytest.raises(
        InputError, match="the runtime openvino runs on the CPU, not on cuda; choose the device cpu"
    ) as caught:
        open_classifier(checkpoint, "cuda", "openvino")
    assert caught.value.setting == "device"


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_missing_package_is_named(checkpoint: Path, monkeypatch: pytest.MonkeyPatch, runtime: str) -> None:
    monkeypatch.setitem(sys.modules, runtime, None)
    with pytest.raises(InputError, match=f"the runtime {runtime} needs {runtime}: pip install {runtime}"):
        open_classifier(checkpoint, CPU, runtime)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _cut_weights(path: Path) -> None:
    _cut(path.with_suffix(".bin"))


def _no_weights(path: Path) -> None:
    path.with_suffix(".bin").unlink()


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(5000))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _web_page(path: Path) -> None:
    path.write_text("<html><body>Sign in</body></html>")


def _renamed(path: Path) -> None:
    path.write_text(path.read_text().replace(KEY, "somebody"))


def _other_labels(path: Path) -> None:
    path.write_text(path.read_text().replace("&quot;walk&quot;, ", "").replace('"walk", ', ""))


def _bad_json(path: Path) -> None:
    path.write_text(path.read_text().replace("temperature", "temperatur3").replace("profile", "profil3"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_cut, "not an OpenVINO model, or damaged"),
        (_cut_weights, "not an OpenVINO model, or damaged"),
        (_no_weights, "not an OpenVINO model, or damaged"),
        (_noise, "not an OpenVINO model, or damaged"),
        (_empty, "not an OpenVINO model, or damaged"),
        (_web_page, "does not say its labels; export it with: courtscribe weights export"),
        (_renamed, "does not say its labels; export it with: courtscribe weights export"),
        (_other_labels, "but its description says"),
        (_bad_json, "its description is damaged"),
    ],
)
def test_damaged_copies(
    copy: Path, tmp_path: Path, damage: Callable[[Path], None], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for part in (copy, copy.with_suffix(".bin")):
        shutil.copyfile(part, tmp_path / part.name)
    damage(tmp_path / copy.name)
    with pytest.raises(InputError) as raised:
        open_classifier(tmp_path / copy.name, CPU, "auto")
    assert says in str(raised.value) and str(tmp_path / copy.name) in str(raised.value)
    assert "\n" not in str(raised.value) and capfd.readouterr() == ("", "")


@pytest.mark.parametrize("runtime", ["openvino", pytest.param("onnxruntime", marks=needs_onnx)])
@pytest.mark.parametrize("damage", [_noise, _empty, _web_page])
def test_damaged_onnx_files(
    tmp_path: Path, damage: Callable[[Path], None], runtime: str, capfd: pytest.CaptureFixture[str]
) -> None:
    damage(tmp_path / "a.onnx")
    with pytest.raises(InputError, match=r"a\.onnx: not an ONNX model, or damaged|does not say its labels") as raised:
        open_classifier(tmp_path / "a.onnx", CPU, runtime)
    assert "\n" not in str(raised.value) and capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_nothing_reports_home(copy: Path) -> None:
    open_openvino(copy)
    read_openvino(copy)
    assert sys.modules.get("openvino_telemetry") is None


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache" / "actions"
    monkeypatch.delenv("COURTSCRIBE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "courtscribe" / "actions"


@pytest.mark.slow
def test_a_new_temperature_is_believed(checkpoint: Path, clips: np.ndarray, tmp_path: Path) -> None:
    rewrite_info(checkpoint, tmp_path / "calm.safetensors", replace(INFO, temperature=5.0))
    sure, calm = (ActionClassifier(path, "cpu", runtime="auto").probabilities(clips).max(1)
                  for path in (checkpoint, tmp_path / "calm.safetensors"))  # fmt: skip
    assert (calm < sure).all()
