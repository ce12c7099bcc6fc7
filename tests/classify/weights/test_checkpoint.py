"""Checkpoints come back as they were, and nothing else is taken for one."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.types import ACTIONS
from classify.weights.checkpoint import (
    kinetics_weights,
    load_checkpoint,
    load_plain,
    load_start,
    read_info,
    rewrite_info,
    save_checkpoint,
)
from classify.weights.description import CheckpointInfo, Origin
from ground.errors import InputError

INFO = CheckpointInfo(
    "pooled_maps",
    ACTIONS,
    Profile(112, 80, 8, colour="BGR", mean=(0.1, 0.2, 0.3)),
    Origin("clips of a test", "AGPL-3.0", starter=True, note="not to be trusted"),
    {"macro_f1": 0.5},
    temperature=1.4,
    unsure_below=0.25,
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "actions.safetensors", build_model("pooled_maps", 10), INFO)
    return tmp_path / "actions.safetensors"


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    model = build_model("pooled_maps", 10)
    path = tmp_path / "new folder" / "a.safetensors"
    save_checkpoint(path, model, INFO, half=False)
    loaded, info = load_checkpoint(path)
    assert info == INFO == read_info(path)
    assert not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])


def test_half_precision_halves_the_file_and_still_runs_in_float32(saved: Path) -> None:
    model, _ = load_checkpoint(saved)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert saved.stat().st_size < 2.1 * sum(p.numel() for p in model.parameters()) + 20_000
    assert not list(saved.parent.glob("*.part"))


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (("run", "Unsure"), "'Unsure' is what this program says where there is no label"),
        (("run", " unlabelled"), "where there is no label"),
        (("run", "=1+1"), "would be a formula"),
        (("run", ""), "a label is one line"),
        (("run", "two\nlines"), "a label is one line"),
        (("run", "RUN"), "'run' and 'RUN' are the same"),
    ],
)
def test_labels_that_no_checkpoint_can_have(saved: Path, labels: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        replace(INFO, labels=labels)
    metadata = json.loads(INFO.to_json()) | {"labels": labels}
    with pytest.raises(InputError, match=says):
        CheckpointInfo.from_json(json.dumps(metadata))


def test_a_checkpoint_from_before_temperatures_has_none(saved: Path) -> None:
    metadata = json.loads(INFO.to_json())
    del metadata["temperature"], metadata["unsure_below"]
    _rewrite(saved, json.dumps(metadata))
    assert (read_info(saved).temperature, read_info(saved).unsure_below) == (1.0, 0.0)


def test_another_description_leaves_every_tensor_as_it_is(saved: Path, tmp_path: Path) -> None:
    rewrite_info(saved, tmp_path / "new.safetensors", replace(INFO, temperature=2.0))
    before, after = load_file(saved), load_file(tmp_path / "new.safetensors")
    assert read_info(tmp_path / "new.safetensors") == replace(INFO, temperature=2.0)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) and before[k].dtype == after[k].dtype for k in before)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 100)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _rewrite(path: Path, text: str | None, tensors: dict[str, torch.Tensor] | None = None) -> None:
    save_file(tensors or load_file(path), path, None if text is None else {"courtscribe": text})


def _drop_tensor(path: Path) -> None:
    tensors = load_file(path)
    del tensors["spatial.0.conv.bias"]
    _rewrite(path, INFO.to_json(), tensors)


def _wrong_shape(path: Path) -> None:
    _rewrite(path, INFO.to_json(), load_file(path) | {"spatial.0.conv.bias": torch.zeros(3)})


def _strange_tensor(path: Path) -> None:
    _rewrite(path, INFO.to_json(), load_file(path) | {"extra": torch.zeros(3)})


def _replace(old: str, new: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        assert old in INFO.to_json()
        _rewrite(path, INFO.to_json().replace(old, new))

    return damage


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (Path.unlink, "no such file"),
    "empty": (_empty, "damaged"),
    "truncated": (_truncate, "damaged"),
    "noise": (_noise, "damaged"),
    "no description": (lambda p: _rewrite(p, None), "no classifier of this program"),
    "no JSON": (lambda p: _rewrite(p, "{"), "damaged"),
    "JSON of something else": (lambda p: _rewrite(p, "[1]"), "damaged"),
    "unknown network": (_replace("pooled_maps", "r2plus1d_xl"), "r2plus1d_18, pooled_maps"),
    "other network": (_replace("pooled_maps", "r2plus1d_18"), "not those of its network"),
    "fewer labels": (_replace('"walk"]', '"jog", "walk"]'), "names 11 labels, but its network tells 10"),
    "double label": (_replace('"walk"]', '"run"]'), "must be different"),
    "bad profile": (_replace('"BGR"', '"CMYK"'), "RGB or BGR"),
    "no profile": (_replace('"profile"', '"profil"'), "damaged"),
    "cold": (_replace('"temperature": 1.4', '"temperature": 0'), "positive number"),
    "no temperature": (_replace('"temperature": 1.4', '"temperature": "hot"'), "damaged"),
    "always unsure": (_replace('"unsure_below": 0.25', '"unsure_below": 2'), "0 to 1"),
    "bad score": (_replace("0.5}", '"good"}'), "damaged"),
    "missing tensor": (_drop_tensor, "spatial.0.conv.bias"),
    "wrong shape": (_wrong_shape, "spatial.0.conv.bias"),
    "strange tensor": (_strange_tensor, "extra"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_said_in_one_line_that_names_the_file(
    saved: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(saved)
    with pytest.raises(InputError, match=message) as caught:
        load_checkpoint(saved)
    assert "\n" not in str(caught.value) and str(saved) in str(caught.value)


class _Malicious:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (Path.write_text, (Path("/tmp/courtscribe-pwned"), "x"))  # type: ignore[return-value]


def test_a_pickle_with_code_is_not_run(tmp_path: Path) -> None:
    victim = Path("/tmp/courtscribe-pwned")
    victim.unlink(missing_ok=True)
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps({"weights": _Malicious()}, protocol=2))
    with pytest.raises(InputError, match="could run code"):
        load_checkpoint(path)
    assert not victim.exists()


def test_damaged_pickles_are_said_in_one_line(tmp_path: Path) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "a.pt"
    for zipped in (True, False):
        torch.save({"weights": {"a": torch.zeros(40)}, "n": [1, 2.5]}, path, _use_new_zipfile_serialization=zipped)
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        refused = 0
        for _ in range(60):
            damaged = whole.copy()[: rng.integers(1, len(whole)) if rng.random() < 0.3 else None]
            damaged[rng.integers(len(damaged), size=4)] = rng.integers(0, 256, 4)
            path.write_bytes(damaged.tobytes())
            try:
                load_plain(path)
            except InputError as error:
                refused += "\n" not in str(error)
        assert refused > 20


def test_a_pickle_without_description_is_no_classifier(tmp_path: Path) -> None:
    torch.save(build_model("pooled_maps", 10).state_dict(), tmp_path / "bare.pt")
    with pytest.raises(InputError, match="no classifier of this program"):
        load_checkpoint(tmp_path / "bare.pt")


def test_starting_from_a_checkpoint_of_other_labels_keeps_all_but_the_last_layer(saved: Path) -> None:
    model = load_start(saved, "pooled_maps", 4)
    own, old = model.state_dict(), load_file(saved)
    assert own["fc.weight"].shape[0] == 4
    assert all(torch.equal(own[k], old[k].float()) for k in own if not k.startswith("fc."))


@pytest.mark.slow
def test_starting_from_weights_of_another_network_is_refused(saved: Path) -> None:
    with pytest.raises(InputError, match="not weights to start r2plus1d_18 from"):
        load_start(saved, "r2plus1d_18", 10)


@pytest.mark.slow
def test_kinetics_weights_that_cannot_be_had_name_the_file_and_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError(OSError("no route to host"))

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("ground.disk.download.urlopen", offline)
    place = tmp_path / "hub" / "checkpoints" / "mc3_18-a90a0ba3.pth"
    with pytest.raises(InputError, match=str(place)):
        kinetics_weights("mc3_18")
    with pytest.raises(InputError, match="no Kinetics-400 weights for pooled_maps"):
        kinetics_weights("pooled_maps")
    torch.save(build_model("mc3_18", 400).state_dict(), place)
    assert load_start(kinetics_weights("mc3_18"), "mc3_18", 10).state_dict()["fc.bias"].shape == (10,)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder is needed")
    with pytest.raises(InputError, match="cannot be written"):
        save_checkpoint(tmp_path / "taken" / "x.safetensors", build_model("pooled_maps", 10), INFO)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        save_checkpoint(tmp_path / "folder", build_model("pooled_maps", 10), INFO)
    assert not list(tmp_path.glob("*.part"))
