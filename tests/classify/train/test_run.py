"""From folders to a checkpoint and a folder that tells how it went; what is wrong is said, and nothing is lost."""

from __future__ import annotations

import csv
import json
import logging
import resource
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import classify.train.fit
from classify.data.augment import Augmentation
from classify.data.clips import LabelledClip
from classify.data.spacejam import ANNOTATIONS, TEST_LIST
from classify.data.spacejam import LABELS as LABELS_FILE
from classify.networks.profile import Profile
from classify.networks.registry import MODELS, build_model
from classify.train.config import TrainConfig, suited
from classify.train.dataset import DataConfig
from classify.train.run import KINETICS, begin, train_actions
from classify.types import ACTIONS
from classify.weights.checkpoint import load_checkpoint, save_checkpoint
from classify.weights.description import CheckpointInfo, Origin
from ground.errors import InputError
from tests.classify.small import short_mc3

STILL = Augmentation(0, 0, 0, 0, 0, 0, 0)
CONFIG = TrainConfig(epochs=2, batch=4, ema=0.5, lr=1e-3, start_lr=1e-3, device="cpu", augmentation=STILL)

pytestmark = pytest.mark.usefixtures("tiny_input")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are made and left blank: drawing them takes half of the time, and one test has them drawn."""
    monkeypatch.setattr("classify.train.plots.print_png", lambda _figure, _file: None)


def _write_video(path: Path, frames: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (128, 176))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()


@pytest.fixture
def folders(squares: list[LabelledClip], tmp_path: Path) -> Path:
    """A folder per label, five clips each."""
    for i in range(10):
        clip = squares[i % 8]
        _write_video(tmp_path / "data" / ("run", "walk")[i % 2] / f"{i}.mp4", clip.frames)
    return tmp_path / "data"


@pytest.fixture
def spacejam(squares: list[LabelledClip], tmp_path: Path) -> Path:
    """Twelve originals in SpaceJam's layout and twins of six of them; some are on the test list without their twin."""
    ids = [f"{i:07d}" for i in range(12)]
    annotations: dict[str, int] = {}
    for i, name in enumerate(ids):
        frames = squares[i % 8].frames
        _write_video(tmp_path / "sj" / "examples" / f"{name}.mp4", frames)
        annotations[name] = i % 2
        if i < 6:
            _write_video(tmp_path / "sj" / "examples" / f"{name}_flipped.mp4", frames[:, :, ::-1])
            annotations[f"{name}_flipped"] = i % 2
    (tmp_path / "sj" / ANNOTATIONS).write_text(json.dumps(annotations))
    (tmp_path / "sj" / LABELS_FILE).write_text(json.dumps({"0": "run", "1": "walk", "10": "discard"}))
    (tmp_path / "sj" / TEST_LIST).write_text(json.dumps(["0000000", "0000001_flipped", "0000006", "0000007"]))
    return tmp_path / "sj"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_one_command_leaves_a_checkpoint_and_a_folder_that_tells_about_it(
    spacejam: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    origin = Origin("squares", "none", starter=True)
    with caplog.at_level(logging.INFO, "courtscribe"):
        judged = train_actions(
            DataConfig((spacejam,)), tmp_path / "run", replace(CONFIG, validation=0.25), origin=origin
        )
    assert list(judged) == ["list", "twin-free"]
    assert (
        sum(map(sum, judged["list"].report.confusion)) == 4 and sum(map(sum, judged["twin-free"].report.confusion)) == 2
    )
    names = {p.name for p in (tmp_path / "run").iterdir()}
    pictures = {f"{test}_{what}.png" for test in ("list", "twin-free") for what in ("confusion", "recall")}
    assert names - {"list_mistakes.png", "twin-free_mistakes.png"} == pictures | {
        "actions.safetensors", "clips.csv", "config.json", "curves.png", "metrics.csv", "report.json",
    }  # fmt: skip
    assert all(cv2.imread(str(tmp_path / "run" / name)).std() > 5 for name in pictures | {"curves.png"}), "not blank"
    clips = _rows(tmp_path / "run" / "clips.csv")
    learnt = {row["group"] for row in clips if row["part"] in ("train", "validation")}
    assert not learnt & {row["group"] for row in clips if row["part"] in ("list", "twin-free")} and len(learnt) == 8
    assert [row["epoch"] for row in _rows(tmp_path / "run" / "metrics.csv")] == ["1", "2"]
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["scores"]["list"]["macro_f1"] == judged["list"].report.macro_f1
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["split"] == "twin-free" and config["training"]["epochs"] == 2 and config["clips"]["list"] == 4
    _, info = load_checkpoint(tmp_path / "run" / "actions.safetensors")
    assert info.labels == ("run", "walk") and info.origin == origin and info.temperature > 0
    assert info.scores == {
        f"{prefix}{figure}": getattr(judged[name].report, figure)
        for name, prefix in (("list", ""), ("twin-free", "twin-free "))
        for figure in ("macro_f1", "accuracy")
    }
    assert "split twin-free" in caplog.text


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_the_public_split_says_what_it_leaks(spacejam: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "courtscribe"):
        judged = train_actions(DataConfig((spacejam,), split="public"), tmp_path / "run", replace(CONFIG, epochs=1))
    assert "2 test clips have a mirrored twin that is learnt from" in caplog.text
    assert set(judged) == {"list", "twin-free"}


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_folds_then_all_clips_and_the_checkpoint_where_it_was_asked_for(folders: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "mine.safetensors"
    judged = train_actions(
        DataConfig((folders,), pretrain=(folders,)), output, replace(CONFIG, pretrain_epochs=1), folds=2
    )
    assert list(judged) == ["folds"] and sum(map(sum, judged["folds"].report.confusion)) == 10
    assert {p.name for p in output.parent.iterdir()} == {"mine.safetensors", "mine.run"}
    assert output.read_bytes() == (output.with_suffix(".run") / "actions.safetensors").read_bytes()
    info = load_checkpoint(output)[1]
    assert info.scores["macro_f1"] == judged["folds"].report.macro_f1
    assert info.temperature == pytest.approx(judged["folds"].temperature)
    assert not list(output.parent.rglob("*.pt")), "no state is left behind"


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_csv_tells_what_is_for_what(folders: Path, tmp_path: Path) -> None:
    places = [(["running", "walking"][i % 2], f"data/{('run', 'walk')[i % 2]}/{i}.mp4") for i in range(10)]
    rows = [f"{clip},{label},{'test' if i > 5 else 'train'}" for i, (label, clip) in enumerate(places)]
    lines = ["clip,label,split", *rows]
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    judged = train_actions(DataConfig((tmp_path / "clips.csv",), split="csv"), tmp_path / "run", CONFIG)
    assert sum(map(sum, judged["held out"].report.confusion)) == 4


class _KilledError(Exception):
    pass


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_killed_run_is_refused_and_resumed_to_the_same_bytes(
    spacejam: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, config = DataConfig((spacejam,)), replace(CONFIG, epochs=3, validation=0.25, augmentation=Augmentation())
    train_actions(data, tmp_path / "whole", config)
    save = classify.train.fit._Run.save

    def killed(self: classify.train.fit._Run, state: Path | None) -> None:
        save(self, state)
        if len(self.history) == 2:
            raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr(classify.train.fit._Run, "save", killed)
        with pytest.raises(_KilledError):
            train_actions(data, tmp_path / "run", config)
    with pytest.raises(InputError, match=r"run: holds a training; name another folder, or resume it") as caught:
        train_actions(data, tmp_path / "run", config)
    assert caught.value.setting == "resume"
    torch.rand(3)
    train_actions(data, tmp_path / "run", config, resume=True)
    name = "actions.safetensors"
    assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len(_rows(tmp_path / "run" / "metrics.csv")) == 3
    with pytest.raises(InputError, match="holds a training that is finished"):
        train_actions(data, tmp_path / "run", config, resume=True)


def test_a_folder_of_something_else_is_left_alone(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for resume in (False, True):
        with pytest.raises(InputError, match="mine: is there already and is no training"):
            train_actions(DataConfig((folders,)), tmp_path / "mine", CONFIG, resume=resume)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_bad_clips_are_listed_and_too_many_are_refused(
    folders: Path, squares: list[LabelledClip], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folders / "run" / "90.mp4").write_bytes(b"no video")
    _write_video(folders / "walk" / "91.mp4", squares[0].frames[:1])
    np.save(folders / "walk" / "92.npy", np.broadcast_to(np.uint8(7), (10_000, 1, 1, 1)))
    np.save(folders / "walk" / "93.npy", np.zeros((300, 176, 128, 3), np.uint8))
    data = DataConfig((folders,))
    with pytest.raises(
        InputError, match=r"4 of 14 clips cannot be used \(2 of another length, 2 unreadable\).*raise the limit"
    ) as caught:
        train_actions(data, tmp_path / "run", CONFIG)
    assert caught.value.setting == "max_bad"
    rows = {Path(row["clip"]).name: row["reason"] for row in _rows(tmp_path / "run" / "left_out.csv")}
    assert set(rows) == {"90.mp4", "91.mp4", "92.npy", "93.npy"}
    assert rows["91.mp4"] == "has 1 frame, not 2 to 250" and rows["93.npy"] == "has more than 250 frames, not 2 to 250"
    with caplog.at_level(logging.WARNING, "courtscribe"):
        train_actions(replace(data, max_bad=0.4), tmp_path / "run", CONFIG)
    assert "4 of 14 clips are left out" in caplog.text
    assert load_checkpoint(tmp_path / "run" / "actions.safetensors")[1].labels == ("run", "walk")


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_spacejam_clips_have_sixteen_frames(spacejam: Path, squares: list[LabelledClip], tmp_path: Path) -> None:
    _write_video(spacejam / "examples" / "0000011.mp4", squares[0].frames[:12])
    (spacejam / "examples" / "0000010.mp4").unlink()
    data = DataConfig((spacejam,), max_bad=0.2)
    train_actions(data, tmp_path / "run", replace(CONFIG, epochs=1))
    rows = [(Path(r["clip"]).stem, r["kind"], r["reason"]) for r in _rows(tmp_path / "run" / "left_out.csv")]
    assert rows == [("0000010", "missing", "no such file"), ("0000011", "length", "has 12 frames, not 16")]


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_labels_that_do_not_fit(spacejam: Path, folders: Path, tmp_path: Path) -> None:
    def train(data: DataConfig) -> None:
        train_actions(data, tmp_path / "run", replace(CONFIG, epochs=1))

    (spacejam / LABELS_FILE).write_text(json.dumps({"0": "run", "1": "walk", "2": "pick"}))
    with pytest.raises(
        InputError, match=r"no clips of pick to learn from; add some, or do without: run,walk"
    ) as caught:
        train(DataConfig((spacejam,)))
    assert caught.value.setting == "labels"
    with pytest.raises(InputError, match="at least 2 labels to learn from; there are run"):
        train(DataConfig((spacejam,), labels=("run", "pick")))
    (folders / "run").rename(folders / "juggle")
    with pytest.raises(InputError, match=r"juggle is none of the labels block, .*name all labels: juggle,walk"):
        train(DataConfig((folders,)))
    assert not (tmp_path / "run").exists(), "nothing was begun"
    with pytest.raises(InputError, match=r"nowhere\.safetensors: no such file"):
        train_actions(
            DataConfig((folders,), labels=("walk", "juggle")),
            tmp_path / "run",
            CONFIG,
            start_from="nowhere.safetensors",
        )
    train(DataConfig((folders,), labels=("walk", "juggle")))
    assert load_checkpoint(tmp_path / "run" / "actions.safetensors")[1].labels == ("walk", "juggle")


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_disk_that_fills_leaves_earlier_checkpoints_as_they_are(folders: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.safetensors"
    train_actions(DataConfig((folders,)), output, replace(CONFIG, epochs=1))
    before, info = output.read_bytes(), load_checkpoint(output)[1]
    (tmp_path / "mine.run").rename(tmp_path / "first.run")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))  # writing fails in the system, as on a full disk
    try:
        with pytest.raises(InputError, match=r"training\.state\.pt: cannot be written .*free some space"):
            train_actions(DataConfig((folders,)), output, replace(CONFIG, epochs=1))
        with pytest.raises(InputError, match="cannot be written"):
            save_checkpoint(output, load_checkpoint(output)[0], info)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert output.read_bytes() == before and not list(tmp_path.rglob("*.part"))
    train_actions(DataConfig((folders,)), output, replace(CONFIG, epochs=1), resume=True)
    assert output.read_bytes() == before, "the same training gives the same weights"


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_published_weights_that_are_there_are_started_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import video

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    published = video.s3d(num_classes=400).state_dict()
    torch.save(published, tmp_path / "checkpoints" / "s3d-d76dad2f.pth")
    model = begin(TrainConfig("s3d"), ACTIONS, KINETICS)
    key = "features.0.0.0.weight"
    assert torch.equal(model.state_dict()[f"body.{key}"], published[key]) and model.fc.out_features == 10


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_random_start_is_not_thrown_off_by_its_last_layer(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fitted to a random network whose batch norms have seen nothing, the last layer makes a loss of a hundred."""
    monkeypatch.setitem(MODELS, "mc3_18", replace(MODELS["mc3_18"], profile=Profile(24, 24, 4), factory=short_mc3))
    data = DataConfig((folders,), pretrain=(folders,))
    train_actions(data, tmp_path / "run", replace(CONFIG, model="mc3_18", epochs=1, pretrain_epochs=1))
    train_actions(DataConfig((folders,)), tmp_path / "bare", replace(CONFIG, model="mc3_18", epochs=1))
    for name in ("run", "bare"):
        assert float(_rows(tmp_path / name / "metrics.csv")[0]["loss"]) < 5


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_without_epochs_only_the_last_layer_and_its_scale_are_fitted(folders: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    start = build_model("pooled_maps", 2)
    save_checkpoint(
        tmp_path / "start.safetensors", start,
        CheckpointInfo("pooled_maps", ("run", "walk"), MODELS["pooled_maps"].profile), half=False,
    )  # fmt: skip
    config = replace(CONFIG, epochs=0, ema=0.9)
    train_actions(DataConfig((folders,)), tmp_path / "run", config, start_from=tmp_path / "start.safetensors")
    trained, info = load_checkpoint(tmp_path / "run" / "actions.safetensors")
    changed = {
        name for name, value in trained.state_dict().items()
        if not torch.allclose(value, start.state_dict()[name], atol=1e-2)
    }  # fmt: skip
    assert {"fc.weight", "norm.gain", "norm.offset"} <= changed <= {"fc.weight", "fc.bias", "norm.gain", "norm.offset"}
    assert info.temperature > 0 and not (tmp_path / "run" / "metrics.csv").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_without_epochs_clips_to_learn_from_first_are_learnt_from_beside(folders: Path, tmp_path: Path) -> None:
    """They move the last layer, never what is judged or what the network sees."""
    config = replace(CONFIG, epochs=0)
    start = tmp_path / "start.safetensors"
    info = CheckpointInfo("pooled_maps", ("run", "walk"), MODELS["pooled_maps"].profile)
    save_checkpoint(start, build_model("pooled_maps", 2), info, half=False)
    swapped = tmp_path / "swapped"
    for label, other in (("run", "walk"), ("walk", "run")):
        shutil.copytree(folders / label, swapped / other)
    alone = train_actions(DataConfig((folders,)), tmp_path / "alone", config, start_from=start, folds=2)
    data = DataConfig((folders,), pretrain=(swapped,))
    misled = train_actions(data, tmp_path / "misled", config, start_from=start, folds=2)
    assert sum(map(sum, misled["folds"].report.confusion)) == sum(map(sum, alone["folds"].report.confusion))
    assert misled["folds"].report.accuracy < alone["folds"].report.accuracy
    a, b = (load_checkpoint(tmp_path / name / "actions.safetensors")[0].state_dict() for name in ("alone", "misled"))
    assert torch.equal(a["norm.gain"], b["norm.gain"]) and not torch.equal(a["fc.weight"], b["fc.weight"])


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_run_without_epochs_can_be_resumed(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, start = replace(CONFIG, epochs=0), tmp_path / "start.safetensors"
    info = CheckpointInfo("pooled_maps", ("run", "walk"), MODELS["pooled_maps"].profile)
    save_checkpoint(start, build_model("pooled_maps", 2), info)

    def killed(*_: object) -> None:
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr("classify.train.run.save_checkpoint", killed)
        with pytest.raises(_KilledError):
            train_actions(DataConfig((folders,)), tmp_path / "run", config, start_from=start, folds=2)
    (tmp_path / "run" / "config.json.77.part").touch()
    with pytest.raises(InputError, match=r"run: holds a training; name another folder, or resume it") as caught:
        train_actions(DataConfig((folders,)), tmp_path / "run", config, start_from=start, folds=2)
    assert caught.value.setting == "resume"
    train_actions(DataConfig((folders,)), tmp_path / "run", config, start_from=start, folds=2, resume=True)
    assert (tmp_path / "run" / "actions.safetensors").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_run_goes_on_only_from_where_it_began_and_tells_of_all_its_epochs(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr("classify.train.run.save_checkpoint", killed)
        with pytest.raises(_KilledError):
            train_actions(DataConfig((folders,)), tmp_path / "run", CONFIG)
    torch.manual_seed(9)
    info = CheckpointInfo("pooled_maps", ("run", "walk"), MODELS["pooled_maps"].profile)
    save_checkpoint(tmp_path / "other.safetensors", build_model("pooled_maps", 2), info)
    with pytest.raises(InputError, match="of a training with other clips or settings"):
        other = replace(CONFIG, head_decay=0.0)
        train_actions(
            DataConfig((folders,)), tmp_path / "run", other, start_from=tmp_path / "other.safetensors", resume=True
        )
    train_actions(DataConfig((folders,)), tmp_path / "run", CONFIG, resume=True)
    assert len(json.loads((tmp_path / "run" / "report.json").read_text())["epochs"]) == CONFIG.epochs


def test_settings_that_cannot_be() -> None:
    for bad in (
        {"epochs": -1}, {"lr": float("nan")}, {"weight_decay": float("inf")}, {"seed": 2**70},
        {"epochs": 0, "head_decay": 0.0}, {"lr": 0.0}, {"batch": 0}, {"ema": 1.0},
        {"validation": 0.9}, {"balance_by": "luck"},
        {"patience": -1}, {"warmup": 1.0}, {"loaders": 0},
    ):  # fmt: skip
        with pytest.raises(InputError):
            replace(CONFIG, **bad)
    assert suited("pooled_maps") == TrainConfig() and suited("r2plus1d_18").epochs == 20
