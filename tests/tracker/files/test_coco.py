"""COCO-style JSON from others: CVAT's and TAO's ways to say frames and tracks; and files that are none."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from tracker.files.coco import read_coco
from tracker.files.formats import read_tracks_file
from tracker.files.track_file import TrackFile

IMAGES: list[dict[str, Any]] = [
    {"id": 11, "file_name": "frame_000004.PNG", "width": 640, "height": 360},
    {"id": 12, "file_name": "a/7.jpg", "frame_index": 5, "width": 640, "height": 360},
]


def box(**more: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": 11, "category_id": 1, "track_id": 3, "bbox": [10, 20, 30, 40]} | more


def parsed(folder: Path, *annotations: Any, **more: Any) -> TrackFile:
    path = folder / "a.json"
    path.write_text(json.dumps({"images": IMAGES, "annotations": annotations} | more))
    return read_coco(path)


def test_frames_come_from_frame_index_or_from_the_name(tmp_path: Path) -> None:
    file = parsed(tmp_path, box(image_id=12), box(), box(track_id=1, score=0.25))
    assert file.tracks.frame_index.tolist() == [4, 4, 5]
    assert file.tracks.track_id.tolist() == [1, 3, 3]
    assert file.tracks.xyxy[0].tolist() == [10, 20, 40, 60]
    assert file.tracks.confidence.tolist() == [0.25, 1, 1]
    assert (file.size, file.frames, file.actions, file.names) == ((640, 360), range(4, 6), None, {})


def test_attributes_as_cvat_writes_them(tmp_path: Path) -> None:
    entry = box(attributes={"track_id": 8, "occluded": True, "action": "run"})
    del entry["track_id"]
    file = parsed(tmp_path, entry, box(), tracks=[{"id": 3, "name": "Ann"}, {"id": 4}])
    assert file.tracks.track_id.tolist() == [3, 8]
    assert file.tracks.observed.tolist() == [True, False]
    assert file.actions is not None and file.actions.tolist() == ["", "run"]
    assert file.names == {3: "Ann"}


def test_other_categories_and_crowds_are_left_out_where_there_are_players(tmp_path: Path) -> None:
    kinds = [{"id": 1, "name": "Player"}, {"id": 2, "name": "ball"}]
    boxes = (box(), box(track_id=4, category_id=2), box(track_id=5, iscrowd=1))
    assert parsed(tmp_path, *boxes, categories=kinds).tracks.track_id.tolist() == [3]
    with pytest.raises(InputError, match="holds no people, only ball; name the classes"):
        parsed(tmp_path, *boxes, categories=kinds[1:])
    assert parsed(tmp_path, *boxes, categories=kinds).notes == ("only Player are followed, left out: ball (1)",)
    assert parsed(tmp_path, *boxes).tracks.track_id.tolist() == [3, 4]


def test_no_boxes_are_no_tracks(tmp_path: Path) -> None:
    assert len(parsed(tmp_path).tracks) == 0
    assert len(parsed(tmp_path, images=[]).tracks) == 0


def _film(**image: Any) -> list[dict[str, Any]]:
    """Ten images, with fields made from their number from 0."""
    return [{"id": i + 1, "width": 640, "height": 360} | {k: make(i) for k, make in image.items()} for i in range(10)]


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"frame_id": lambda i: i, "file_name": lambda i: f"SEQ/img1/{i + 1:06d}.jpg"}, "frames go by frame_id"),
        ({"frame_id": lambda i: i + 1, "file_name": lambda i: f"SEQ/img1/{i + 1:06d}.jpg"}, "from 1 (frame_id)"),
        ({"frame_index": lambda i: i, "file_name": lambda i: f"{i + 1:06d}.jpg"}, None),
        ({"frame_id": lambda i: i}, None),
        ({"file_name": lambda i: f"{i + 1:04d}.jpg"}, "from 1 (file_name)"),
        ({"file_name": lambda i: f"frame_{i:06d}.PNG"}, None),
    ],
)
def test_the_file_tells_how_it_numbers_frames(tmp_path: Path, fields: dict[str, Any], note: str | None) -> None:
    """MMTracking, ByteTrack, TAO, a file without names, pictures of FFmpeg, CVAT."""
    file = parsed(tmp_path, *(box(image_id=i + 1) for i in range(10)), images=_film(**fields))
    assert file.tracks.frame_index.tolist() == list(range(10)) and file.frames == range(10)
    assert (note is None) == (not file.notes) and (note or "") in "".join(file.notes)


def _two_videos(**field: Any) -> dict[str, Any]:
    images = [{"id": 10 * v + f, "frame_index": f} | {k: make(v) for k, make in field.items()}
              for v in (1, 2) for f in range(3)]  # fmt: skip
    return {"images": images, "annotations": [box(image_id=i["id"], track_id=i["id"] // 10) for i in images]}


@pytest.mark.parametrize(
    "content",
    [
        _two_videos(video_id=lambda v: v) | {"videos": [{"id": 1, "name": "home"}, {"id": 2, "name": "away"}]},
        _two_videos(video_id=lambda v: ("home", "away")[v - 1]),
        _two_videos(file_name=lambda v: f"set/{('home', 'away')[v - 1]}/img1/000001.jpg"),
    ],
)
def test_of_several_videos_one_is_chosen(tmp_path: Path, content: dict[str, Any]) -> None:
    path = tmp_path / "two.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"holds the videos .*home, .*away; choose one, as in two.json#") as error:
        read_coco(path)
    assert "\n" not in str(error.value)
    for name, track_id in (("home", 1), ("away", 2)):
        file = read_tracks_file(tmp_path / f"two.json#{name}")
        assert (file.tracks.ids.tolist(), file.tracks.frame_index.tolist()) == ([track_id], [0, 1, 2])
    with pytest.raises(InputError, match="choose one"):
        read_tracks_file(tmp_path / "two.json#nobody")
    (tmp_path / "boxes.txt").write_text("1,1,10,20,30,40,1,-1,-1,-1\n")
    with pytest.raises(InputError, match=r"boxes\.txt is no COCO file with videos to choose from"):
        read_tracks_file(tmp_path / "boxes.txt#home")


def test_identities_as_others_call_them(tmp_path: Path) -> None:
    entry = box(instance_id=6)
    del entry["track_id"]
    assert parsed(tmp_path, entry).tracks.track_id.tolist() == [6]
    assert parsed(tmp_path, box(instance_id=6)).tracks.track_id.tolist() == [3]
    (tmp_path / "a.json").write_text(json.dumps({"images": IMAGES, "annotations": [box(track_id=0), box()]}))
    file = read_tracks_file(tmp_path / "a.json")
    assert (file.tracks.track_id.tolist(), file.notes) == ([3, 4], ("track 0 of the file is player 4 here",))


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (box(category_id=[1]), "annotation 2: category_id"),
        (box(image_id=[1]), "annotation 2: expected"),
        (box(score=float("nan")), "annotation 2: a score is no number"),
        (box(score="0.5"), "annotation 2: expected"),
        (box(track_id=True), "annotation 2: expected"),
        (box(bbox=[1, 2, True, 4]), "annotation 2: expected"),
        (box(bbox=[1, 2, 3]), "annotation 2: expected image_id, track_id and bbox"),
        (box(bbox="1234x"), "annotation 2: expected"),
        (box(track_id=None), "annotation 2: expected"),
        (box(image_id=5), "annotation 2: expected"),
        (box(attributes=[]), "annotation 2: expected"),
        ([], "annotation 2: expected"),
        (box(bbox=[1, 2, 0, 4]), "annotation 2: a box has no size"),
        (box(bbox=[1, 2, float("nan"), 4]), "annotation 2: a number is not finite"),
        (box(bbox=[1e9, 2, 3, 4]), "annotation 2: a box lies a million pixels away"),
        (box(track_id=-1), "annotation 2: a track's number is 0 to"),
        (box(track_id=2.5), "annotation 2: expected"),
        (box(track_id=2**70), "annotation 2: expected"),
        (box(), "annotation 2: a player has two boxes in one frame"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, entry: Any, says: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        parsed(tmp_path, box(), entry)
    assert str(error.value).startswith(str(tmp_path / "a.json")) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: not JSON"),
        ('{"images": [],\n"annotations": [}', "line 2: not JSON"),
        ("[]", "expected COCO's images and annotations"),
        ('{"images": []}', "expected COCO's images and annotations"),
        ('{"images": [{"id": 1, "file_name": "x"}], "annotations": []}', "image 1 has no frame_index"),
        ('{"images": [{"id": 1, "frame_index": 3000000000}], "annotations": [{"image_id": 1, "track_id": 1, '
         '"bbox": [1, 1, 2, 2]}]}', "annotation 1: a frame is 0 to"),
        ('{"images": 5, "annotations": []}', "expected COCO's"),
        ("[" * 100_000, "not JSON"),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_coco(path)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32))
def test_damaged_files_are_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = random.Random(seed)
    kinds, players = [{"id": 1, "name": "player"}], [{"id": 3, "name": "Ann"}]
    content = {"images": IMAGES, "annotations": [box(score=0.5)], "categories": kinds, "tracks": players}
    text = list(json.dumps(content))
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text))
        text[at : at + rng.choice((0, 1, 1, 9))] = rng.choice(("", "[", '"', "9", "-", "null", "{}", "1e999", "],"))
    path = tmp_path_factory.mktemp("damaged") / "a.json"
    path.write_text("".join(text))
    try:
        read_coco(path)
    except InputError as error:
        assert str(path) in str(error)


def test_the_name_says_which_format(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("3,5,10,20,30,40,0.9,-1,-1,-1\n")
    file = read_tracks_file(tmp_path / "t.txt")
    assert (file.tracks.frame_index.tolist(), file.names, file.actions) == ([2], {}, None)
    (tmp_path / "t.JSON").write_text(json.dumps({"images": IMAGES, "annotations": [box()]}))
    assert len(read_tracks_file(tmp_path / "t.JSON").tracks) == 1
    (tmp_path / "t.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="unpack it"):
        read_tracks_file(tmp_path / "t.zip")


def test_what_a_file_holds_says_its_format_and_a_flag_has_the_last_word(tmp_path: Path) -> None:
    (tmp_path / "t.xml").write_text("1,1,1,1,9,9\n")
    assert len(read_tracks_file(tmp_path / "t.xml").tracks) == 1
    with pytest.raises(InputError, match="not XML"):
        read_tracks_file(tmp_path / "t.xml", "cvat")
    (tmp_path / "t.txt").write_bytes(json.dumps({"images": IMAGES, "annotations": [box()]}).encode("utf-16"))
    assert len(read_tracks_file(tmp_path / "t.txt").tracks) == 1
    with pytest.raises(InputError, match="expected frame,id"):
        read_tracks_file(tmp_path / "t.txt", "mot")
