"""Adapting: a checkpoint like any other comes out, whatever the layout, network and head; bad examples are one line."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from classify.data.clips import LabelledClip, list_clips, read_file, sixteen
from classify.data.layouts import ClipFile
from classify.few_shot.adapt import AdaptConfig, Embedding, adapt, detector_embedding, example_files
from classify.networks.pooled import PooledBackbone, pooled_backbone
from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.run.classifier import ActionClassifier
from classify.weights.checkpoint import load_checkpoint, save_checkpoint
from classify.weights.description import CheckpointInfo, Origin
from ground.errors import InputError

pytestmark = pytest.mark.slow


@pytest.fixture
def embedding(tiny_input: Profile) -> Embedding:
    torch.manual_seed(0)
    info = CheckpointInfo("pooled_maps", ("a", "b", "c"), tiny_input, Origin("nothing", "MIT"), {"old": 1.0}, 3.0)
    return build_model("pooled_maps", 3).eval(), info


@pytest.fixture
def folder(tmp_path: Path, squares: list[LabelledClip]) -> Path:
    """A folder per label, called as nobody calls it, with four examples in each."""
    for i, clip in enumerate(squares):
        path = tmp_path / "examples" / {"run": "euro step", "walk": "Sprungwürfe"}[clip.label] / f"{i}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, clip.frames)
    return tmp_path / "examples"


@pytest.mark.parametrize("head", ["linear", "neighbours"])
def test_the_result_is_a_checkpoint_like_any_other(
    folder: Path, tmp_path: Path, embedding: Embedding, squares: list[LabelledClip], head: str
) -> None:
    before = {name: value.clone() for name, value in embedding[0].state_dict().items()}
    adapted = adapt(example_files(folder), tmp_path / "mine.safetensors", embedding, AdaptConfig(head))
    assert adapted.report.labels == ("Sprungwürfe", "euro step")
    assert [scores.support for scores in adapted.report.per_class.values()] == [4, 4]
    classifier = ActionClassifier(tmp_path / "mine.safetensors", "cpu")
    assert classifier.info == adapted.info and "old" not in adapted.info.scores
    assert adapted.info.origin.starter and "8 examples" in adapted.info.origin.note
    assert adapted.info.origin.licence == "MIT"
    predicted = classifier.probabilities(np.stack([clip.frames for clip in squares]))
    assert [classifier.labels[i] for i in predicted.argmax(1)] == ["euro step", "Sprungwürfe"] * 4
    mirrored = classifier.probabilities(np.stack([clip.frames[:, :, ::-1] for clip in squares]))
    assert (mirrored.argmax(1) == predicted.argmax(1)).all(), "mirror images were learnt from too"
    after = embedding[0].state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before) and len(before) == len(after)
    again = load_checkpoint(tmp_path / "mine.safetensors")
    assert (
        adapt(example_files(folder), tmp_path / "again.safetensors", again, AdaptConfig(head)).report == adapted.report
    )


def test_labels_that_are_there_are_corrected_and_kept(
    folder: Path, tmp_path: Path, embedding: Embedding, squares: list[LabelledClip]
) -> None:
    network, info = embedding[0], dataclasses.replace(embedding[1], labels=("euro step", "other", "Sprungwürfe"))
    adapted = adapt(example_files(folder), tmp_path / "mine.safetensors", (network, info), AdaptConfig("keep"))
    assert adapted.info.labels == info.labels and adapted.heads[0][0] == "keep"
    classifier = ActionClassifier(tmp_path / "mine.safetensors", "cpu")
    own = network.fc.weight[1] / info.temperature
    assert torch.allclose(load_checkpoint(tmp_path / "mine.safetensors")[0].fc.weight[1], own, atol=1e-5)
    clips = np.stack([clip.frames for clip in squares])
    right = [{"run": 0, "walk": 2}[clip.label] for clip in squares]
    after = classifier.probabilities(clips)[:, [0, 2]]
    save_checkpoint(tmp_path / "before.safetensors", network, info, half=False)
    before = ActionClassifier(tmp_path / "before.safetensors", "cpu").probabilities(clips)[:, [0, 2]]
    shares = [own / own.sum(1, keepdims=True) for own in (before, after)]
    gain = (shares[1] - shares[0])[np.arange(8), np.array(right) // 2]
    assert gain.mean() > 0.01
    with pytest.raises(InputError, match="euro step: none of the labels of the network") as error:
        few = dataclasses.replace(info, labels=("other", "Sprungwürfe", "third"))
        adapt(example_files(folder), tmp_path / "no.safetensors", (network, few), AdaptConfig("keep"))
    assert error.value.setting == "head" and not (tmp_path / "no.safetensors").exists()


def test_only_the_last_layer_is_new(folder: Path, tmp_path: Path, embedding: Embedding) -> None:
    adapt(example_files(folder), tmp_path / "mine.safetensors", embedding)
    own, mine = embedding[0].state_dict(), load_checkpoint(tmp_path / "mine.safetensors")[0].state_dict()
    assert all(torch.equal(own[name], mine[name]) for name in own if not name.startswith("fc."))


def test_a_long_example_gives_several_windows_but_counts_once(
    folder: Path, tmp_path: Path, embedding: Embedding
) -> None:
    path = folder / "euro step" / "0.npy"
    np.save(path, np.concatenate([np.load(path)] * 3))
    adapted = adapt(example_files(folder), tmp_path / "mine.safetensors", embedding)
    assert adapted.report.per_class["euro step"].support == 4


def test_of_too_many_examples_some_from_all_over_are_used(
    folder: Path, tmp_path: Path, embedding: Embedding, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "courtscribe")
    frames = np.load(folder / "euro step" / "0.npy")
    for i in range(96):
        np.save(folder / "euro step" / f"{100 + i}.npy", np.roll(frames, i, 2)[:2])
    files = example_files(folder)
    chosen = [int(file.path.stem) for file in files if file.label == "euro step"]
    assert len(set(chosen)) == 50 and (chosen[0], chosen[-1]) == (0, 195) and max(np.diff(chosen)[4:]) <= 3
    assert "euro step: 50 of 100 examples are used" in caplog.text
    adapted = adapt(files, tmp_path / "mine.safetensors", embedding)
    assert adapted.info.origin.data.startswith("54 examples")


def test_one_file_of_many_clips_is_cut_off(folder: Path, tmp_path: Path, embedding: Embedding) -> None:
    frames = np.load(folder / "euro step" / "0.npy")
    np.save(folder / "euro step" / "9.npy", np.stack([frames[:2]] * 60))
    adapted = adapt(example_files(folder), tmp_path / "mine.safetensors", embedding)
    assert adapted.report.per_class["euro step"].support == 50


def test_examples_of_the_same_footage_are_left_out_together(
    folder: Path, tmp_path: Path, embedding: Embedding, caplog: pytest.LogCaptureFixture
) -> None:
    """One label's pictures are alike within a game only: they are not known when the game is left out."""
    caplog.set_level(logging.WARNING, "courtscribe")
    rng = np.random.default_rng(0)
    lines = ["clip,label,group"]
    for i in range(12):
        frames = np.random.default_rng(i % 3).integers(0, 255, (16, 176, 128, 3), np.uint8)
        frames[:, :40] = rng.integers(0, 255, (16, 40, 128, 3))
        np.save(tmp_path / f"{i}.npy", np.roll(frames, i // 6, 0))
        lines.append(f"{i}.npy,{'jump' if i % 3 else 'spin'},game {i % 3}")
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    adapted = adapt(example_files(tmp_path / "clips.csv"), tmp_path / "mine.safetensors", embedding)
    assert adapted.report.per_class["jump"].recall < 0.5 and adapted.report.per_class["spin"].recall == 1
    assert "spin: all examples are of the same footage" in caplog.text


def test_what_is_there_to_test_on_is_not_learnt_from(folder: Path, tmp_path: Path, embedding: Embedding) -> None:
    for part in ("train", "test"):
        for label in ("euro step", "Sprungwürfe"):
            (tmp_path / "split" / part / label).mkdir(parents=True)
            for i in range(4):
                source = next(iter(sorted((folder / label).iterdir())))
                twin = {"train": "same.npy", "test": "same_flipped.npy"}[part]  # a relative is in the test part
                name = f"{part}{i}.npy" if i else twin
                (tmp_path / "split" / part / label / name).write_bytes(source.read_bytes())
    adapted = adapt(example_files(tmp_path / "split"), tmp_path / "mine.safetensors", embedding)
    assert [scores.support for scores in adapted.report.per_class.values()] == [3, 3]


def test_examples_of_no_known_footage_are_left_out_evenly(
    folder: Path, tmp_path: Path, embedding: Embedding, caplog: pytest.LogCaptureFixture
) -> None:
    """Two labels of three: without one of them, the other would be taken to be commoner."""
    caplog.set_level(logging.WARNING, "courtscribe")
    paths = [path for label in sorted(folder.iterdir()) for path in sorted(label.iterdir())[:3]]
    lines = ["clip,label", *(f"{path},{path.parent.name}" for path in paths)]
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    adapted = adapt(example_files(tmp_path / "clips.csv"), tmp_path / "mine.safetensors", embedding)
    assert adapted.report.accuracy > 0.8 and not caplog.text


def _layers(path: Path) -> Path:
    torch.manual_seed(1)
    save_file(PooledBackbone(2).spatial.state_dict(prefix="spatial."), path)
    return path


def test_the_detectors_layers_are_an_embedding(folder: Path, tmp_path: Path) -> None:
    embedding = detector_embedding(_layers(tmp_path / "layers.safetensors"), "players.pt")
    adapted = adapt(example_files(folder), tmp_path / "mine.safetensors", embedding)
    assert adapted.info.model == "pooled" and "players.pt" in adapted.info.origin.data
    assert ActionClassifier(tmp_path / "mine.safetensors", "cpu").labels == ("Sprungwürfe", "euro step")


def test_where_something_is_matters_and_when_it_moves(tmp_path: Path) -> None:
    model = pooled_backbone(_layers(tmp_path / "layers.safetensors"))
    still = torch.zeros(1, 3, 4, 96, 64)
    still[..., :32, :32] = 1
    moving = still.clone()
    moving[:, :, 2:] = still[:, :, 2:].flip(-1)
    seen: list[torch.Tensor] = []
    model.fc.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        for clip in (still, still.flip(-2), moving):
            model(clip)
    mean, spread, change = torch.stack(seen)[:, 0].unflatten(1, (3, -1)).unbind(1)
    assert (mean[0] - mean[1]).abs().max() > 0.01
    assert spread[0].max() < 0.01 < spread[2].max() and change[0].max() == 0 < change[2].max()


def _spoil(folder: Path, how: str) -> Path:
    """``folder`` with something wrong in it."""
    steps, jumps = folder / "euro step", folder / "Sprungwürfe"
    if how in ("one", "none"):
        for path in sorted(steps.iterdir())[how == "one" :]:
            path.unlink()
    if how == "one label":
        steps.rename(folder.parent / "away")
    if how == "corrupt":
        for path in list(jumps.iterdir())[:2]:
            path.write_bytes(b"no array")
    if how in ("too long", "one frame"):
        frames = np.lib.format.open_memmap(
            jumps / "1.npy", "w+", np.uint8, (10_000 if how == "too long" else 1, 176, 128, 3)
        )
        del frames  # a file with holes: it takes no room
    if how == "odd label":
        steps.rename(folder / "euro\nstep")
    if how == "flat":
        return steps
    if how == "nothing":
        return folder / "nowhere"
    return folder


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("one", "examples: there is 1 example of 'euro step'; it takes 3 to 50 of each, and 2 labels or more"),
        ("none", "there are 0 examples of 'euro step'"),
        ("one label", "examples: all are of 'Sprungwürfe'; it takes 3 to 50 of each, and 2 labels"),
        ("corrupt", "2 of 8 clips cannot be read; the first"),
        ("too long", "has more than 250 frames, not 2 to 250"),
        ("one frame", "has 1 frame, not 2 to 250"),
        ("odd label", r"a label is one line of up to 80 characters, not 'euro\\nstep'"),
        ("flat", "0 of 0 clips"),
        ("nothing", "nowhere: no such folder"),
    ],
)
def test_examples_that_cannot_be_learnt_from(
    folder: Path, tmp_path: Path, embedding: Embedding, how: str, says: str
) -> None:
    for path in [path for path in folder.rglob("*.npy") if how == "one"]:  # counted before they are read
        _as_video(path)
    with pytest.raises(InputError, match=says) as error:
        adapt(example_files(_spoil(folder, how)), tmp_path / "mine.safetensors", embedding)
    assert "\n" not in str(error.value) and not (tmp_path / "mine.safetensors").exists()


def _as_video(path: Path) -> None:
    frames = np.load(path)
    writer = cv2.VideoWriter(str(path.with_suffix(".avi")), cv2.VideoWriter.fourcc(*"MJPG"), 25, frames.shape[2:0:-1])
    for frame in frames:
        writer.write(frame)
    writer.release()
    path.unlink()


def test_another_detectors_layers_are_refused(tmp_path: Path) -> None:
    save_file({"spatial.0.conv.weight": torch.zeros(80, 3, 3, 3)}, tmp_path / "layers.safetensors")
    with pytest.raises(InputError, match="holds other layers than a YOLO11n's"):
        pooled_backbone(tmp_path / "layers.safetensors")


def test_neighbours_of_another_network_are_refused(folder: Path, tmp_path: Path, embedding: Embedding) -> None:
    path = tmp_path / "mine.safetensors"
    adapted = adapt(example_files(folder), path, embedding, AdaptConfig("neighbours"))
    network = load_checkpoint(path)[0]
    network.fc.examples = torch.nn.Buffer(torch.zeros(4, 7))
    save_checkpoint(path, network, adapted.info)
    with pytest.raises(InputError, match=r"its tensors are not those of its network \(.*fc\.examples"):
        load_checkpoint(path)


def _read(files: list[ClipFile]) -> list[LabelledClip]:
    return [clip for file in files if isinstance(clips := read_file(file), list) for clip in clips]


def test_ten_real_examples_tell_more_than_chance(shared: Path, tmp_path: Path) -> None:
    """Five labels: chance is 0.2. Examples and judged clips are of different footage."""
    from tracker.detect.features import export_backbone

    labels = ("defense", "dribbling", "nothing", "passing", "shooting")
    files = list_clips([shared / "clips/university"], {})
    learn: list[ClipFile] = []
    for label in labels:
        learn += [f for f in files if f.label == label and f.group.rsplit("/")[-1] in "012"][::3][:10]
    for clip in _read(learn):
        path = tmp_path / "examples" / clip.label / f"{clip.name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, clip.frames)
    export_backbone(Path(__file__).parents[3] / "weights/players.pt", tmp_path / "layers.safetensors")
    embedding = detector_embedding(tmp_path / "layers.safetensors", "players.pt")
    adapted = adapt(example_files(tmp_path / "examples"), tmp_path / "mine.safetensors", embedding)
    judged = _read([f for f in files if f.group.rsplit("/")[-1] in "34"][::4])
    classifier = ActionClassifier(tmp_path / "mine.safetensors", "cpu")
    predicted = classifier.probabilities(np.stack([sixteen(c.frames) for c in judged])).argmax(1)
    right = np.mean([classifier.labels[i] == c.label for i, c in zip(predicted, judged, strict=True)])
    assert right > 0.3, right
    assert 0.3 < adapted.report.macro_f1 < 0.8, "left-out examples are judged about as well"


def test_a_label_of_which_nothing_can_be_read_is_said(folder: Path, tmp_path: Path, embedding: Embedding) -> None:
    (folder / "broken").mkdir()
    for number in range(3):
        (folder / "broken" / f"{number}.mp4").write_bytes(b"no video")
    for number in range(40):  # so that few are bad
        shutil.copy(next(iter(sorted((folder / "euro step").iterdir()))), folder / "euro step" / f"copy{number}.npy")
    with pytest.raises(InputError, match="0 examples of 'broken'"):
        adapt(example_files(folder), tmp_path / "it.safetensors", embedding)
