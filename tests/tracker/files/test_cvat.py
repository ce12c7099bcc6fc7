"""CVAT's XML as CVAT writes it: interpolation, outside, attributes; and files that are none."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from tracker.files.cvat import read_cvat
from tracker.files.track_file import TrackFile

META = """<meta>
<task><id>7</id><name>game</name><size>10</size><mode>interpolation</mode><start_frame>0</start_frame>
<stop_frame>9</stop_frame><labels><label><name>player</name><color>#83e070</color><type>any</type><attributes>
<attribute><name>action</name><mutable>True</mutable><input_type>select</input_type>
<default_value>unlabelled</default_value><values>unlabelled
run
ball in hand</values></attribute></attributes></label></labels>
<original_size><width>640</width><height>360</height></original_size><source>game.mp4</source></task>
<dumped>2024-05-05 10:00:00.000000+00:00</dumped></meta>"""


def box(
    frame: object, xyxy: str = "10 20 30 60", *, outside: int = 0, occluded: int = 0, key: int = 1, **attributes: str
) -> str:
    sides = " ".join(f'{n}="{v}"' for n, v in zip(("xtl", "ytl", "xbr", "ybr"), xyxy.split(), strict=True))
    children = "".join(f'<attribute name="{name}">{text}</attribute>\n' for name, text in attributes.items())
    flags = f'keyframe="{key}" outside="{outside}" occluded="{occluded}"'
    return f'<box frame="{frame}" {flags} {sides} z_order="0">\n{children}</box>\n'


def track(*boxes: str, label: str = "player", **more: str) -> str:
    rest = "".join(f' {name}="{value}"' for name, value in more.items())
    return f'<track id="0" label="{label}" source="manual"{rest}>\n{"".join(boxes)}</track>\n'


def parsed(folder: Path, *tracks: str, meta: str = META) -> TrackFile:
    path = folder / "annotations.xml"
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n{meta}\n{"".join(tracks)}</annotations>\n')
    return read_cvat(path)


def test_boxes_move_in_a_straight_line_and_stop_outside(tmp_path: Path) -> None:
    found = parsed(
        tmp_path,
        track(box(1), box(3, "20 20 50 60"), box(5, "20 20 50 60", outside=1), box(8, "0 0 5 5"), box(9, outside=1)),
    ).tracks
    assert found.frame_index.tolist() == [1, 2, 3, 4, 8]
    assert found.xyxy.tolist() == [
        [10, 20, 30, 60], [15, 20, 40, 60], [20, 20, 50, 60], [20, 20, 50, 60], [0, 0, 5, 5],
    ]  # fmt: skip
    assert found.observed.all() and (found.confidence == 1).all()


def test_a_track_that_does_not_end_goes_on_to_the_last_frame_as_in_cvat(tmp_path: Path) -> None:
    assert parsed(tmp_path, track(box(6))).tracks.frame_index.tolist() == [6, 7, 8, 9]
    shown = parsed(tmp_path, track(box(6), box(7, key=0)))
    assert shown.tracks.frame_index.tolist() == [6, 7], "CVAT itself writes every frame"
    assert parsed(tmp_path, track(box(6)), meta="").tracks.frame_index.tolist() == [6]
    old = "<meta><task><size>8</size></task></meta>"
    assert parsed(tmp_path, track(box(6)), meta=old).tracks.frame_index.tolist() == [6, 7]


def test_what_the_file_says_beside_boxes(tmp_path: Path) -> None:
    file = parsed(
        tmp_path,
        track(
            box(0, action="run", number="4", name="Ann &amp; Bo"),
            box(2, action="unlabelled", number="4", name="Ann &amp; Bo", occluded=1),
            box(4, number="4", action="ball in hand"),
            box(5, number="4", outside=1),
        ),
        track(box(0, action="run"), box(1, outside=1)),
        track(box(7, number="4"), box(8, outside=1)),
    )
    assert (file.size, file.frames, file.source) == ((640, 360), range(10), "game.mp4")
    assert file.labels == ("run", "ball in hand")
    assert file.names == {4: "Ann & Bo"}
    mine = file.tracks.track_id == 4
    assert file.tracks.frame_index[mine].tolist() == [0, 1, 2, 3, 4, 7], "two tracks with one number are one player"
    assert file.tracks.track_id[~mine].tolist() == [5], "a track without a number gets a new one"
    assert file.tracks.observed[mine].tolist() == [True, True, False, False, True, True]
    assert file.actions is not None
    assert file.actions[mine].tolist() == ["run", "run", "", "", "ball in hand", ""]


def test_tracks_of_other_things_are_left_out(tmp_path: Path) -> None:
    player, ball = track(box(0, outside=0), box(1, outside=1)), track(box(0), box(1, outside=1), label="ball")
    hoop = '<track id="3" label="hoop"><polygon frame="0" points="1,1;2,2;1,3"/></track>'
    assert len(parsed(tmp_path, player, ball, hoop).tracks) == 1
    both = parsed(tmp_path, ball, track(box(0), box(1, outside=1), label="person"), meta="")
    assert both.tracks.track_id.tolist() == [1], "a person is one, a ball is none"
    assert both.notes == ("only person are followed, left out: ball (1)",)
    assert both.actions is None
    with pytest.raises(InputError, match="holds no people, only ball, hoop; name the classes"):
        parsed(tmp_path, ball, hoop)
    teams = [track(box(0), box(1, outside=1), label=label) for label in ("rot", "blau")]
    assert len(parsed(tmp_path, *teams, ball).tracks) == 2, "words that are not known may be people"


def test_numbers_as_people_fill_them_in(tmp_path: Path) -> None:
    seven, other = box(0, number="7") + box(5, number="7", outside=1), box(0, "90 9 99 60") + box(5, outside=1)
    home, away = track(seven), track(seven, team="away")
    file = parsed(tmp_path, home, away, track(other))
    assert file.tracks.ids.tolist() == [7, 8, 9]
    assert file.notes == ("two tracks have the number 7 at the same time: the second is player 8",)
    file = parsed(tmp_path, track(box(0, number="#23")), track(box(0, number="unknown")), track(box(0, number="-3")))
    assert file.tracks.ids.tolist() == [23, 24, 25] and len(file.notes) == 2


def test_what_cvat_writes_twice_counts_once(tmp_path: Path) -> None:
    out = box(3, outside=1)
    assert parsed(tmp_path, track(box(0), out, out)).tracks.frame_index.tolist() == [0, 1, 2]


def test_names_are_shown_as_the_one_rule_has_them(tmp_path: Path) -> None:
    names = ("=1+1", "2", "Ann", "Ann")
    file = parsed(tmp_path, *(track(box(0, name=name)) for name in names))
    assert file.names == {1: "1+1", 2: "2", 3: "Ann", 4: "Ann (4)"} and len(file.notes) == 2


def test_a_few_boxes_do_not_become_millions(tmp_path: Path) -> None:
    meta = "<meta><task><size>2000001</size></task></meta>"
    tracemalloc.start()
    with pytest.raises(InputError, match="its 8 boxes would stand for 16000008"):
        parsed(tmp_path, *[track(box(0))] * 8, meta=meta)
    assert tracemalloc.get_traced_memory()[1] < 1e7
    tracemalloc.stop()
    digits = meta.replace("2000001", "9" * 5000)
    assert len(parsed(tmp_path, track(box(0), box(9)), meta=digits).tracks) == 10


def test_jobs_and_frames_that_begin_late(tmp_path: Path) -> None:
    meta = "<meta><job><id>1</id><size>4</size><start_frame>20</start_frame><stop_frame>23</stop_frame></job></meta>"
    file = parsed(tmp_path, track(box(21)), meta=meta)
    assert (file.frames, file.tracks.frame_index.tolist()) == (range(20, 24), [21, 22, 23])


BOMB = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]>'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: not XML"),
        ("<annotations>\n<track>\n", "line 3: not XML"),
        ("<html>\n</html>", "line 1: expected <annotations> of CVAT, not <html>"),
        (f'<?xml version="1.0"?>\n{BOMB}\n<annotations>&y;</annotations>', "line 2: has a DOCTYPE"),
        ("<annotations>\n<image id='0' name='a'/></annotations>", 'no tracks; .*"CVAT for video 1.1"'),
        (f"<annotations>\n{track(task_id='1')}{track(task_id='2')}</annotations>", "several tasks"),
        (f"<annotations>\n{track()}</annotations>", "line 2: a track without boxes"),
        ("<annotations>\n<track label='player'>\n<points frame='0'/></track></annotations>", "line 3: expected <box>"),
        (f"<annotations>\n{track(box('one'))}</annotations>", "line 3: expected a box with frame"),
        (f"<annotations>\n{track(box(0), box(-1))}</annotations>", "line 5: a frame is 0 to"),
        (f"<annotations>\n{track(box(2_000_000_000))}</annotations>", "line 3: a frame is 0 to"),
        (f"<annotations>\n{track(box(5), box(5, '1 1 5 5'))}</annotations>", "line 5: repeats frame 5"),
        (f"<annotations>\n{track(box(0, '1 1 nan 5'))}</annotations>", "line 3: a number is not finite"),
        (f"<annotations>\n{track(box(0, '9 1 9 5'))}</annotations>", "line 3: a box has no size"),
        (f"<annotations>\n{track(box(0, '0 0 1e9 5'))}</annotations>", "line 3: a box lies a million pixels away"),
        ('<?xml version="1.0" encoding="rot13"?>\n<annotations/>', "line 1: not XML"),
        ("<annotations><track label='player'><box frame='0'/></track></annotations>", "line 1: expected a box .*xtl"),
        (f"<annotations>{track(box(0).replace('z_order', 'rotation=' + chr(34) + '30' + chr(34) + ' z_order'))}"
         "</annotations>", "line 2: a box is rotated"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as error:
        read_cvat(path)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.xml: cannot be read"):
        read_cvat(tmp_path / "none.xml")


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32))
def test_damaged_files_are_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = random.Random(seed)
    text = list(
        f"<annotations>\n{META}\n{track(box(0, action='run', number='2'), box(4), box(8, outside=1))}</annotations>"
    )
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        text[at : at + rng.choice((0, 1, 1, 9))] = rng.choice(("", "<", '"', "9", "-", "x", "\0", "é", "&"))
    path = tmp_path_factory.mktemp("damaged") / "a.xml"
    path.write_text("".join(text))
    try:
        file = read_cvat(path)
    except InputError as error:
        assert str(path) in str(error)
    else:
        assert len(file.tracks) < 100_000


def test_a_gap_costs_no_memory_that_lasts(tmp_path: Path) -> None:
    tracemalloc.start()
    file = parsed(tmp_path, track(box(0), box(1, outside=1), box(1_999_998), box(1_999_999, outside=1)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert file.tracks.frame_index.tolist() == [0, 1_999_998]
    assert peak < 1e8
    assert np.isfinite(file.tracks.xyxy).all()
