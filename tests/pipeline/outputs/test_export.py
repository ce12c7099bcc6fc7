"""Tracks for other programs: what is written is read again, by us and by others' readers."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from pipeline.analysis.folder import save_analysis
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.outputs.export import tracks_of
from pipeline.runners.cli import main
from tracker.evaluate.scores import evaluate_tracks
from tracker.files.coco_writer import write_coco
from tracker.files.cvat import UNLABELLED
from tracker.files.cvat_writer import cvat_labels, write_cvat
from tracker.files.formats import WRITERS, read_tracks_file
from tracker.files.mot import read_truth
from tracker.files.track_file import TrackFile, texts
from tracker.teams.teams import Member, Teams
from tracker.types import Tracks

LABELS = ("run", 'pass & "go" <x>', "ball in hand")
NUM_FRAMES = 25
NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="￾￿"), min_size=1
).filter(lambda name: name.strip() == name)  # fmt: skip


@st.composite
def track_files(draw: st.DrawFn) -> TrackFile:
    """A few players who come and go, with names and actions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    ids = np.array(draw(st.lists(st.integers(1, 99), unique=True, min_size=1, max_size=4)))
    there = rng.random((NUM_FRAMES, len(ids))) < draw(st.sampled_from([0.1, 0.7, 0.95, 1.0]))
    there[rng.integers(NUM_FRAMES), 0] = True
    frames, players = np.nonzero(there)
    steps = rng.normal(0, draw(st.sampled_from([0.0, 0.3, 8.0])), (NUM_FRAMES, len(ids), 4)).cumsum(axis=0)
    xywh = np.array([-20.0, 300, 40, 90]) + 37.3 * np.arange(len(ids))[:, None] + steps
    xywh[..., 2:] = np.maximum(xywh[..., 2:], 0.5)
    xyxy = np.concatenate([xywh[..., :2], xywh[..., :2] + xywh[..., 2:]], axis=-1)[frames, players]
    observed = rng.random(len(frames)) < 0.8
    words = np.array(["", *LABELS], dtype=object)
    actions = words[rng.integers(0, 4, (NUM_FRAMES // 5 + 1, len(ids)))][frames // 5, players]
    tracks = Tracks.of(frames, ids[players], xyxy, np.where(observed, 0.75, 0), observed)
    order = np.lexsort((ids[players], frames))
    names = draw(st.dictionaries(st.sampled_from(sorted(set(tracks.ids.tolist()))), NAMES))
    teams = draw(st.dictionaries(st.sampled_from(sorted(set(tracks.ids.tolist()))), st.sampled_from(["A & <B>", "É"])))
    source = "gäme & more.mp4"
    return TrackFile(tracks, names, actions[order], LABELS, (1280, 720), range(NUM_FRAMES), source, teams=teams)


def assert_same(again: TrackFile, file: TrackFile, tolerance: float) -> None:
    np.testing.assert_array_equal(again.tracks.frame_index, file.tracks.frame_index)
    np.testing.assert_array_equal(again.tracks.track_id, file.tracks.track_id)
    np.testing.assert_array_equal(again.tracks.observed, file.tracks.observed)
    np.testing.assert_allclose(again.tracks.xyxy, file.tracks.xyxy, atol=tolerance, rtol=0)
    if again.actions is not None and file.actions is not None:
        assert again.actions.tolist() == file.actions.tolist()


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(track_files(), st.sampled_from([0.0, 0.5, 5.0]))
def test_cvat_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, file: TrackFile, tolerance: float
) -> None:
    path = tmp_path_factory.mktemp("cvat") / "a.xml"
    write_cvat(path, file, tolerance)
    again = read_tracks_file(path)
    assert_same(again, file, tolerance + 0.0105)
    assert (again.names, again.labels, again.size) == (file.names, file.labels, file.size)
    assert again.teams == file.teams
    assert (again.frames, again.source) == (file.frames, file.source)
    boxes = list(ET.parse(path).getroot().iter("box"))
    assert max(int(box.attrib["frame"]) for box in boxes) < NUM_FRAMES, "CVAT refuses frames that are not there"
    if not tolerance:
        first = path.read_bytes()
        write_cvat(path, again, tolerance)
        assert path.read_bytes() == first


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(track_files())
def test_coco_gives_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, file: TrackFile) -> None:
    path = tmp_path_factory.mktemp("coco") / "a.json"
    write_coco(path, file)
    again = read_tracks_file(path)
    assert_same(again, file, 0.0105)
    np.testing.assert_array_equal(again.tracks.confidence, file.tracks.confidence)
    assert (again.names, again.labels, again.size) == (file.names, file.labels, file.size)
    assert again.teams == file.teams
    assert (again.frames, again.source) == (file.frames, file.source)
    first = path.read_bytes()
    write_coco(path, again)
    assert path.read_bytes() == first


def as_cvat_dumps_it(path: Path) -> None:
    """What CVAT makes of a file when it takes it and hands it out again: tracks numbered anew, every frame written."""
    root = ET.parse(path).getroot()
    for number, track in enumerate(root.findall("track")):
        track.set("id", str(number))
        keys = {int(box.attrib["frame"]): box for box in track}
        shown = None
        for frame in range(NUM_FRAMES):
            key = shown = keys.get(frame, shown)
            if key is None or frame in keys or key.get("outside") == "1":
                continue
            after = min((f for f in keys if f > frame), default=None)
            start = int(key.attrib["frame"])
            share = 0.0 if after is None else (frame - start) / (after - start)
            between = ET.SubElement(track, "box", key.attrib | {"frame": str(frame), "keyframe": "0"})
            between.extend(key)
            for side in ("xtl", "ytl", "xbr", "ybr") if after is not None else ():
                low, high = float(key.attrib[side]), float(keys[after].attrib[side])
                between.set(side, f"{low + share * (high - low):.2f}")
        track[:] = sorted(track, key=lambda box: int(box.attrib["frame"]))
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(track_files())
def test_a_way_through_cvat_changes_nothing(tmp_path_factory: pytest.TempPathFactory, file: TrackFile) -> None:
    path = tmp_path_factory.mktemp("cvat") / "a.xml"
    write_cvat(path, file)
    before = read_tracks_file(path)
    as_cvat_dumps_it(path)
    after = read_tracks_file(path)
    assert_same(after, before, 0.0055)
    assert (after.names, after.labels, after.frames) == (before.names, before.labels, before.frames)


def test_nobody_is_a_file_too(tmp_path: Path) -> None:
    write_coco(tmp_path / "a.json", TrackFile(Tracks.empty()))
    assert len(read_tracks_file(tmp_path / "a.json").tracks) == 0
    write_cvat(tmp_path / "a.xml", TrackFile(Tracks.empty()))
    assert ET.parse(tmp_path / "a.xml").getroot().findall("track") == []


def test_hand_checked_tracks_survive_cvat_with_fewer_boxes(shared: Path, tmp_path: Path) -> None:
    truth = read_truth(shared / "truth/IND-NYK/gt.txt")
    write_cvat(tmp_path / "a.xml", TrackFile(truth, frames=range(309)))
    scores = evaluate_tracks(truth, read_tracks_file(tmp_path / "a.xml").tracks)
    assert (scores.idf1, scores.num_result) == (1, len(truth))
    assert scores.motp > 0.98
    assert len(list(ET.parse(tmp_path / "a.xml").getroot().iter("box"))) < len(truth)


def test_key_frames_are_where_a_line_bends(tmp_path: Path) -> None:
    x = np.concatenate([np.arange(0, 50, 5.0), np.full(10, 50.0)])
    boxes = np.stack([x, x * 0, x + 30, x * 0 + 80], axis=1)
    actions = texts([""] * 15 + ["run"] * 5)
    tracks = Tracks.of(np.arange(20), np.ones(20), boxes, observed=np.arange(20) != 4)
    write_cvat(tmp_path / "a.xml", TrackFile(tracks, {1: "Ann"}, actions, ("run",), frames=range(30), teams={1: "A"}))
    rows = [
        (int(b.attrib["frame"]), b.attrib["outside"], b.attrib["occluded"], *(a.text for a in b))
        for b in ET.parse(tmp_path / "a.xml").getroot().iter("box")
    ]
    assert rows == [
        (0, "0", "0", UNLABELLED, "1", "Ann", "A"),
        (4, "0", "1", UNLABELLED, "1", "Ann", "A"),
        (5, "0", "0", UNLABELLED, "1", "Ann", "A"),
        (10, "0", "0", UNLABELLED, "1", "Ann", "A"),
        (15, "0", "0", "run", "1", "Ann", "A"),
        (19, "0", "0", "run", "1", "Ann", "A"),
        (20, "1", "0", "run", "1", "Ann", "A"),
    ]


def small_analysis() -> Analysis:
    frames = np.arange(10, 16, dtype=np.int32)
    tracks = Tracks.of([10, 11, 12, 12], [1, 1, 1, 2], [[0, 0, 10.25, 20]] * 3 + [[50, 0, 60, 20]])
    segment = ActionSegment(1, "run", 0.4, 0.48, 10, 12, 0.8)
    return Analysis(
        video=VideoFacts("/videos/game.mp4", 640, 360, "25", 9.0, "h264"), settings={},
        frames=Frames(frames, frames / 25),
        players=Players(tracks, names={2: "Bo"}, teams=Teams(members={2: Member("B", 0.9)})),
        timeline=Timeline(LABELS, (segment,)),
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "suffix"), [("mot", ".txt"), ("coco", ".json"), ("cvat", ".xml")])
def test_export_writes_an_analysis(tmp_path: Path, kind: str, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    analysis = small_analysis()
    save_analysis(analysis, tmp_path / "game.courtscribe")
    out = tmp_path / f"game{suffix}"
    assert main(["export", str(tmp_path / "game.courtscribe"), "--format", kind, "-o", str(out)]) == 0
    assert f"2 players, 4 boxes: {out}" in capsys.readouterr().out
    again = read_tracks_file(out)
    assert_same(again, tracks_of(analysis), 0.0105)
    if kind != "mot":
        assert again.actions is not None and again.actions.tolist() == ["run", "run", "", ""]
        assert again.teams == {2: "B"}
        assert (again.names, again.source, again.frames) == ({2: "Bo"}, "game.mp4", range(10, 16))
    assert (tmp_path / "game.labels.json").exists() == (kind == "cvat")


def test_coco_is_read_by_the_reference_reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    WRITERS["coco"](tmp_path / "a.json", tracks_of(small_analysis()))
    coco = COCO(str(tmp_path / "a.json"))
    assert capsys.readouterr().err == ""
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == ["player"]
    (image,) = (i for i in coco.loadImgs(coco.getImgIds()) if i["frame_index"] == 12)
    boxes = coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))
    assert [(b["track_id"], b["bbox"], b["attributes"]) for b in boxes] == [
        (1, [0, 0, 10.25, 20], {"occluded": False, "action": ""}),
        (2, [50, 0, 10, 20], {"occluded": False, "action": "", "team": "B"}),
    ]


def test_labels_for_cvat_match_the_file(tmp_path: Path) -> None:
    (label,) = cvat_labels(LABELS)
    write_cvat(tmp_path / "a.xml", tracks_of(small_analysis()))
    specs = list(ET.parse(tmp_path / "a.xml").getroot().iter("attribute"))[:4]
    assert [spec.findtext("name") for spec in specs] == [a["name"] for a in label["attributes"]]
    assert [spec.findtext("values", "").split("\n") for spec in specs] == [a["values"] for a in label["attributes"]]
    assert label["attributes"][0]["values"] == [UNLABELLED, *LABELS]
    json.dumps(label)


@pytest.mark.slow
def test_formats_are_those_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in WRITERS:
        assert main(["export", str(tmp_path), "--format", kind, "-o", str(tmp_path / "x")]) == 2
        assert "not a whole analysis" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["export", str(tmp_path), "--format", "yolo", "-o", "x"])
    save_analysis(small_analysis(), tmp_path)
    (tmp_path / "folder").mkdir()
    assert main(["export", str(tmp_path), "--format", "cvat", "-o", str(tmp_path / "folder")]) == 2
    assert "is a folder" in capsys.readouterr().err
