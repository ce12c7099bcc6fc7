"""A checkpoint on data sets: which clips are judged, and what happens to clips that cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from classify.data.clips import load_clips
from classify.data.layouts import ClipFile
from classify.evaluate.clip_folders import ALL, judge_checkpoint, judged_sets
from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.run.classifier import ActionClassifier
from classify.weights.checkpoint import save_checkpoint
from classify.weights.description import CheckpointInfo
from ground.errors import InputError

LABELS = ("run", "walk", "shoot")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> ActionClassifier:
    path = tmp_path_factory.mktemp("weights") / "a.safetensors"
    torch.manual_seed(0)
    save_checkpoint(path, build_model("pooled_maps", 3), CheckpointInfo("pooled_maps", LABELS, Profile(32, 32, 4)))
    return ActionClassifier(path, "cpu", batch=3)


def _video(path: Path, seed: int, frames: int = 16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (128, 176))
    picture = np.random.default_rng(seed).integers(0, 256, (11, 8, 3), dtype=np.uint8)
    for i in range(frames):
        writer.write(cv2.resize(np.roll(picture, i, 1), (128, 176)))
    writer.release()


@pytest.fixture(scope="module")
def spacejam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight clips, two of them mirrored twins; clip 0's twin is no test clip."""
    folder = tmp_path_factory.mktemp("spacejam")
    annotations = {f"000000{i}": i % 3 for i in range(6)} | {"0000000_flipped": 0, "0000001_flipped": 1}
    (folder / "annotation_dict.json").write_text(json.dumps(annotations))
    (folder / "labels_dict.json").write_text(json.dumps({str(i): label for i, label in enumerate(LABELS)}))
    (folder / "testset_keys_1lug2020.txt").write_text(
        json.dumps(["0000000", "0000001", "0000001_flipped", "0000002", "0000005"])
    )
    for i, clip in enumerate(annotations):
        _video(folder / "examples" / f"{clip}.mp4", i)
    return folder


@pytest.mark.slow
def test_the_test_list_is_judged_and_beside_it_its_twin_free_part(spacejam: Path, classifier: ActionClassifier) -> None:
    judged = judge_checkpoint(classifier, [spacejam])
    counts = {name: sum(map(sum, j.report.confusion)) for name, j in judged.items()}
    assert counts == {"list": 5, "twin-free": 4}
    done: list[int] = []
    everything = judge_checkpoint(classifier, [spacejam], everything=True, advance=done.append)
    assert list(everything) == [ALL] and sum(done) == 8
    clips = load_clips([spacejam], LABELS)
    predicted = [classifier.probabilities(clip.frames[None])[0].argmax() for clip in clips]
    right = sum(LABELS[p] == clip.label for p, clip in zip(predicted, clips, strict=True))
    assert everything[ALL].report.accuracy == pytest.approx(right / 8)


def test_sets_of_the_real_label_file(shared: Path) -> None:
    annotations = json.loads(next((shared / "spacejam").glob("annotation*")).read_text())
    listed = set(json.loads(next((shared / "spacejam").glob("testset*")).read_text()))
    files = [
        ClipFile(Path(f"{clip}.mp4"), str(label), clip.removesuffix("_flipped"), "test" if clip in listed else "")
        for clip, label in annotations.items()
    ]
    assert {name: len(rows) for name, rows in judged_sets(files).items()} == {"list": 11126, "twin-free": 9216}


@pytest.mark.slow
def test_folders_without_test_clips_are_judged_whole(tmp_path: Path, classifier: ActionClassifier) -> None:
    for i in range(12):
        _video(tmp_path / "data" / LABELS[i % 3] / f"{i}.mp4", i)
    (tmp_path / "data" / "run" / "99.mp4").write_bytes(b"no video")
    judged = judge_checkpoint(classifier, [tmp_path / "data"])
    assert sum(map(sum, judged[ALL].report.confusion)) == 12, "one of thirteen is left out"
    (tmp_path / "data" / "walk" / "98.mp4").write_bytes(b"")
    with pytest.raises(InputError, match="2 of 14 clips cannot be read"):
        judge_checkpoint(classifier, [tmp_path / "data"])


def test_what_cannot_be_judged(tmp_path: Path, classifier: ActionClassifier) -> None:
    with pytest.raises(InputError, match="no such folder"):
        judge_checkpoint(classifier, [tmp_path / "nowhere"])
    with pytest.raises(InputError, match="0 of 0 clips"):
        judge_checkpoint(classifier, [tmp_path])
    _video(tmp_path / "one" / "run" / "1.mp4", 0, frames=1)
    with pytest.raises(InputError, match="1 of 1 clips cannot be read"):
        judge_checkpoint(classifier, [tmp_path / "one"])
    _video(tmp_path / "other" / "juggle" / "1.mp4", 0)
    with pytest.raises(InputError, match="juggle is none of the labels run, walk, shoot"):
        judge_checkpoint(classifier, [tmp_path / "other"])
