"""Boxes chosen by hand: what is read is what was written, and what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import InputError
from ground.frames import Frame
from tracker.by_hand.rois import MIN_SIDE, Roi, parse_roi, read_roi_file, validate_rois, write_roi_file
from tracker.names import clear_names

corner = st.floats(-500, 5000)
side = st.floats(0.01, 5000)
boxes = st.tuples(corner, corner, side, side)
names = st.none() | st.text(min_size=1, max_size=70).filter(lambda name: clear_names({99: name})[0] == {99: name})


@st.composite
def rois(draw: st.DrawFn) -> Roi:
    box, name = draw(boxes), draw(names)
    if draw(st.booleans()):
        return Roi(box, name, time=draw(st.floats(0, 1e5)))
    return Roi(box, name, frame=draw(st.integers(0, 2**31 - 1)))


@pytest.mark.slow
@given(st.lists(rois(), min_size=1, max_size=12, unique_by=lambda r: r.name or object()))
def test_file_round_trip(tmp_path_factory: pytest.TempPathFactory, given_rois: list[Roi]) -> None:
    path = tmp_path_factory.mktemp("roi") / "players.json"
    write_roi_file(path, given_rois)
    assert read_roi_file(path) == given_rois


@given(boxes)
def test_flag_round_trip(box: tuple[float, float, float, float]) -> None:
    assert parse_roi(",".join(map(repr, box))) == Roi(box)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,0,4", "1,2,3,-4", "nan,1,2,3", "1,2,inf,3"])
def test_bad_flag_is_named(text: str) -> None:
    with pytest.raises(InputError, match=r"expected x,y,width,height") as error:
        parse_roi(text)
    assert text in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[\n  {"box": [1, 2, 3, 4]},\n  {"box": [1, 2, 3 4]}\n]', "line 3, column 20: not JSON"),
        ("", "line 1, column 1: not JSON"),
        ("[" * 100_000, "not a JSON text file"),
        ("{}", "a list of at least one box"),
        ("[]", "a list of at least one box"),
        ("[3]", "entry 1: expected an object"),
        ('[{"box": [1, 2, 3, 4]}, {"name": "A"}]', 'entry 2: "box" must be four numbers'),
        ('[{"box": [1, 2, 3, "4"]}]', 'entry 1: "box" must be four numbers'),
        ('[{"box": [1, 2, 3, true]}]', 'entry 1: "box" must be four numbers'),
        ('[{"box": [1, 2, 3, NaN]}]', 'entry 1: "box" must be four numbers'),
        ('[{"box": [1, 2, 3, 1e999]}]', 'entry 1: "box" must be four numbers'),
        ('[{"box": [1, 2, 0, 4]}]', "positive width and height, not 0 and 4"),
        ('[{"box": [1, 2, 3, 4], "nmae": "A"}]', "unknown key 'nmae'; known are box, name, frame, time"),
        ('[{"box": [1, 2, 3, 4], "name": 7}]', 'entry 1: "name" must be a text'),
        ('[{"box": [1, 2, 3, 4], "frame": -1}]', 'entry 1: "frame" must be a whole number'),
        ('[{"box": [1, 2, 3, 4], "frame": 1.5}]', 'entry 1: "frame" must be a whole number'),
        ('[{"box": [1, 2, 3, 4], "time": "4"}]', 'entry 1: "time" must be seconds'),
        ('[{"box": [1, 2, 3, 4], "time": 4, "frame": 3}]', '"frame" or "time", not both'),
        (
            '[{"box": [1, 2, 3, 4], "name": "A"}, {"box": [1, 2, 3, 4], "name": "A"}]',
            "entries 1 and 2 have the same name 'A'",
        ),
    ],
)
def test_bad_file_is_named(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / "players.json"
    path.write_text(content)
    with pytest.raises(InputError) as error:
        read_roi_file(path)
    assert expected in str(error.value)
    assert "players.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x80")
    for name in ("missing.json", "binary.json", "."):
        with pytest.raises(InputError):
            read_roi_file(tmp_path / name)
    with pytest.raises(InputError, match="cannot be written"):
        write_roi_file(tmp_path / "binary.json" / "a.json", [Roi((1, 2, 3, 4))])


@pytest.mark.slow
def test_any_json_gives_boxes_or_one_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda v: st.lists(v, max_size=5) | st.dictionaries(st.sampled_from(["box", "name", "frame", "time"]), v),
    )
    path = tmp_path_factory.mktemp("any") / "players.json"

    @given(st.lists(st.dictionaries(st.sampled_from(["box", "name", "frame", "time"]), values), max_size=3))
    def check(entries: object) -> None:
        path.write_text(json.dumps(entries))
        try:
            read = read_roi_file(path)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert all(roi.box[2] > 0 and roi.box[3] > 0 for roi in read)

    check()


@given(boxes, st.integers(4, 4000), st.integers(4, 4000))
def test_clipped_boxes_lie_inside(box: tuple[float, float, float, float], width: int, height: int) -> None:
    try:
        [roi] = validate_rois([Roi(box, "A", frame=3)], width, height)
    except InputError as error:
        assert f"{width}x{height}" in str(error)
        assert max(box[0], 0) + MIN_SIDE > min(box[0] + box[2], width) - 1e-6 or (
            max(box[1], 0) + MIN_SIDE > min(box[1] + box[3], height) - 1e-6
        )
        return
    x, y, w, h = roi.box
    assert x >= 0 and y >= 0 and x + w <= width + 1e-6 and y + h <= height + 1e-6
    assert (roi.name, roi.frame) == ("A", 3)
    inside = box[0] >= 0 and box[1] >= 0 and box[0] + box[2] <= width and box[1] + box[3] <= height
    assert not inside or roi.box == box


def test_nothing_to_follow_and_equal_names_are_errors() -> None:
    with pytest.raises(InputError, match="no boxes to follow") as error:
        validate_rois([], 640, 360)
    assert error.value.setting == "roi"
    with pytest.raises(InputError, match="same name 'A'"):
        validate_rois([Roi((0, 0, 9, 9), "A"), Roi((9, 9, 9, 9), "A")], 640, 360)


def test_starts_at_the_first_frame_at_hand_a_later_frame_or_a_time() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    frames = [Frame(index, index / 29.97, image) for index in range(300, 330)]
    first = [
        next(f.index for f in frames if roi.starts_by(f))
        for roi in (Roi((0, 0, 9, 9)), Roi((0, 0, 9, 9), frame=310), Roi((0, 0, 9, 9), time=10.5))
    ]
    assert first == [300, 310, 315]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["2", None], "entry 1: the name '2' cannot be kept.*; write '#2'"),
        (["=cmd"], "spreadsheet runs; write 'cmd'"),
        (["\ud800"], "one short line"),
        (["x" * 65], "one short line"),
    ],
)
def test_a_name_is_not_a_number_of_someone_else_and_not_a_formula(names: list[str | None], says: str) -> None:
    rois = [Roi((10.0 + 60 * i, 10, 50, 50), name) for i, name in enumerate(names)]
    with pytest.raises(InputError, match=says):
        validate_rois(rois, 640, 360)
