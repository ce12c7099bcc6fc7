"""YOLO data sets as people have them: what is meant is read, the rest is one line, nothing is lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.runners.cli import main
from tracker.detect.training_data import CLASSES, prepare_dataset
from tracker.detect.yolo import first_line

_BOX = "0 0.5 0.5 0.2 0.2\n"


def _make(root: Path, label: str = _BOX, names: str = "names: [player]\n", subs: tuple[str, ...] = ("train",)) -> Path:
    for i, sub in enumerate(subs):
        (root / sub / "images").mkdir(parents=True)
        (root / sub / "labels").mkdir(parents=True)
        cv2.imwrite(str(root / sub / "images" / "0001.jpg"), np.full((32, 32, 3), 50 + 100 * i, np.uint8))
        (root / sub / "labels" / "0001.txt").write_text(label)
    (root / "data.yaml").write_text(names)
    return root


def _labels(target: Path) -> list[list[float]]:
    return [list(map(float, line.split())) for p in sorted(target.rglob("labels/*/*.txt")) for line in p.open()]


def _content(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.parametrize("target", ["data", ".", "data/train", "data/train/images", "work"])
def test_nothing_that_is_not_ours_is_removed(tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _make(tmp_path / "data")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years of work")
    before = _content(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"name (a new|another)"):
        prepare_dataset(Path("data"), Path(target), (), None)
    assert _content(tmp_path) == before


@pytest.mark.parametrize("work", [".", "data", "data/train", "other"])
def test_a_training_in_a_folder_of_the_users_is_refused(
    tmp_path: Path, work: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = Path(__file__).parents[3] / "weights/players.pt"
    _make(tmp_path / "data")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "start.pt").write_text("mine")
    before = _content(tmp_path)
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "players", "data", "--start-from", str(start), "-o", "mine.pt", "--work", work]
    assert main(arguments) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert _content(tmp_path) == before


@pytest.mark.parametrize("wrong", [["--epochs", "0"], ["--batch", "-1"], ["--imgsz", "1"], ["--aspect", "inf:1"]])
def test_impossible_settings_are_one_line(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start = Path(__file__).parents[3] / "weights/players.pt"
    try:
        code = main(["train", "players", ".", "--start-from", str(start), "-o", "mine.pt", *wrong])
    except SystemExit as exit_:  # argparse's own
        code = exit_.code
    assert code == 2 and "Traceback" not in capsys.readouterr().err


def test_what_was_made_here_is_made_anew(tmp_path: Path) -> None:
    source, target = _make(tmp_path / "set"), tmp_path / "set" / "runs" / "data"
    prepare_dataset(source, target, (), None)
    (source / "train/images/0001.jpg").rename(source / "train/images/0002.jpg")
    (source / "train/labels/0001.txt").rename(source / "train/labels/0002.txt")
    prepare_dataset(source, target, (), None)
    assert [p.name for p in target.rglob("*.jpg")] == ["0002.jpg"], "and is not taken for the user's own"


def test_equal_names_in_several_folders_all_count(tmp_path: Path) -> None:
    source = _make(tmp_path / "set", subs=("train", "valid", "test"))
    (source / "valid/images/0001.jpg").rename(source / "valid/images/0001.JPG")
    _, held_out = prepare_dataset(source, tmp_path / "out", ["test/*"], None)
    assert held_out == 1 and len(_labels(tmp_path / "out")) == 3
    brightness = {round(float(np.mean(cv2.imread(str(p))))) for p in (tmp_path / "out").rglob("*.jpg")}  # type: ignore[arg-type]
    assert brightness == {50, 150, 250}
    assert len(list((tmp_path / "out/images/val").iterdir())) == 1


def test_a_folder_called_images_above_the_data_set_hides_nothing(tmp_path: Path) -> None:
    source = _make(tmp_path / "images" / "labels" / "set")
    (source / "beside").mkdir()
    cv2.imwrite(str(source / "beside/b.png"), np.zeros((32, 32, 3), np.uint8))
    (source / "beside/b.txt").write_text(_BOX)
    prepare_dataset(source, tmp_path / "out", (), None)
    assert len(_labels(tmp_path / "out")) == 2


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=9))
def test_an_outline_becomes_the_box_around_it(
    tmp_path_factory: pytest.TempPathFactory, ring: list[tuple[float, float]]
) -> None:
    folder = tmp_path_factory.mktemp("set")
    outline = "0 " + " ".join(f"{x} {y}" for x, y in ring)
    prepare_dataset(_make(folder / "set", f"{_BOX}{outline}\n"), folder / "out", (), None)
    low, high = np.min(ring, axis=0), np.max(ring, axis=0)
    _, *boxes = _labels(folder / "out")
    for _, x, y, width, height in boxes:
        assert np.allclose([x - width / 2, y - height / 2], low, atol=2e-6)
        assert np.allclose([x + width / 2, y + height / 2], high, atol=2e-6)
    assert len(boxes) == int(bool((high > low).all()))


@pytest.mark.parametrize(
    ("names", "line", "class_id", "box"),
    [
        ("names: {0: ball, 1: Player}\n", "1 0.5 0.5 0.2 0.2", 0, (0.5, 0.5, 0.2, 0.2)),
        ("names: {'0': ball, '1': Player}\n", "1.0 0.5 0.5 0.2 0.2", 0, (0.5, 0.5, 0.2, 0.2)),
        ("\ufeffpath: /no\r\nval: x\r\nnc: 1\r\nnames:\r\n- player\r\n", "0 0.5 0.5 0.2 0.2", 0, (0.5, 0.5, 0.2, 0.2)),
        ("names: [player]\n", "\ufeff0 0.5 0.5 0.2 0.2 0.93\r\n\r\n", 0, (0.5, 0.5, 0.2, 0.2)),
        ("names: [player]\n", "0\t0.5\t1.0\t0.2\t0.2", 0, (0.5, 0.95, 0.2, 0.1)),
        ("names: [player]\nkpt_shape: [2, 3]\n", "0 0.5 0.5 0.2 0.2 0.1 0.1 2 0.9 0.9 2", 0, (0.5, 0.5, 0.2, 0.2)),
        ("names: [player]\n", "0 .1 .1 .9 .1 .9 .9 .1 .9", 0, (0.5, 0.5, 0.8, 0.8)),
    ],
)  # fmt: skip
def test_every_way_to_write_a_label(
    tmp_path: Path, names: str, line: str, class_id: int, box: tuple[float, ...]
) -> None:
    source = _make(tmp_path / "set", line, names)
    (row,) = _labels(prepare_dataset(source, tmp_path / "out", (), None)[0].parent)
    assert row == pytest.approx([class_id, *box])


def test_what_systems_leave_is_passed_over_and_links_are_followed(tmp_path: Path) -> None:
    real = _make(tmp_path / "disk")
    (real / "train/images/._0001.jpg").write_bytes(b"\0\5\26\7")
    (real / "train/labels/._0001.txt").write_bytes(b"\0\5\26\7")
    (real / "train/images/Thumbs.db").write_bytes(b"x")
    (real / "train/images/unlabelled.jpg").write_bytes(b"no picture")
    (real / "train/labels/alone.txt").write_text(_BOX)
    source = tmp_path / "set"
    source.mkdir()
    (source / "data.yaml").write_text("names: [player]\n")
    (source / "train").symlink_to(real / "train")
    (real / "train" / "round").symlink_to(source)
    prepare_dataset(source, tmp_path / "out", (), None)
    assert len(_labels(tmp_path / "out")) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "label", "complaint"),
    [
        ("names: [player\n", _BOX, r"data\.yaml: not readable as YAML"),
        ("[" * 5000, _BOX, r"data\.yaml: not readable as YAML"),
        ("player\n", _BOX, "must name the classes"),
        ("names: player\n", _BOX, "must name the classes"),
        ("names: [[player]]\n", _BOX, "must name the classes"),
        ("names: {a: player}\n", _BOX, "must name the classes"),
        ("", _BOX, "must name the classes"),
        ("nc: 3\nnames: [player]\n", _BOX, "nc: 3 and names 1"),
        ("names: [cat]\n", _BOX, "no class named player"),
        ("names: [player]\n", "player 0.5 0.5 0.2 0.2\n", "line 1: expected a class number"),
        ("names: [player]\n", _BOX + "1 0.5 0.5 0.2 0.2\n", r"0001\.txt, line 2"),
        ("names: [player]\n", "-1 0.5 0.5 0.2 0.2\n", "line 1"),
        ("names: [player]\n", "0 0.5 0.5 0.2\n", "line 1"),
        ("names: [player]\n", "0 320 240 60 120\n", "parts of the picture's sides"),
        ("names: [player]\n", "0 nan 0.5 0.2 0.2\n", "line 1"),
        ("names: [player]\n", "0 .1 .1 .9 .1 .9 .9 .1\n", "line 1"),
        ("names: [player]\n", "1e999 0.5 0.5 0.2 0.2\n", "line 1"),
        ("names: [player]\n", "", "no player is labelled"),
    ],
)
def test_what_cannot_be_learnt_from_is_one_line(tmp_path: Path, names: str, label: str, complaint: str) -> None:
    source = _make(tmp_path / "set", label, names)
    with pytest.raises(InputError, match=complaint) as caught:
        prepare_dataset(source, tmp_path / "out", (), None)
    assert str(caught.value) == first_line(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_broken_picture_is_named(tmp_path: Path, content: bytes) -> None:
    source = _make(tmp_path / "set")
    (source / "train/images/0001.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"0001\.jpg: not a readable image"):
        prepare_dataset(source, tmp_path / "out", (), None)


def test_our_classes_are_those_of_the_shipped_detector() -> None:
    assert CLASSES == ("player", "referee", "ball", "hoop")
