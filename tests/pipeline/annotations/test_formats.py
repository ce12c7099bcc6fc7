"""Files as other programs, and people in a hurry, save them; and what is refused."""

from __future__ import annotations

import json
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ground.errors import InputError
from pipeline.annotations.annotation_file import Annotation, AnnotationFile, seconds
from pipeline.annotations.formats import WRITERS, annotation_format, read_annotations
from pipeline.annotations.sportscode import Cutting, write_sportscode
from pipeline.outputs.export import annotations_of
from tests.pipeline.annotations.drawn import game

_INSTANCE = "<instance><ID>1</ID><start>{}</start><end>{}</end><code>{}</code>{}</instance>"


def sportscode(*instances: str, head: str = "") -> str:
    return f"{head}<file><ALL_INSTANCES>{''.join(instances)}</ALL_INSTANCES></file>"


def label(text: str, group: str = "") -> str:
    return f"<label>{f'<group>{group}</group>' if group else ''}<text>{text}</text></label>"


def who_what_when(file: AnnotationFile) -> list[tuple[str, str, float, float]]:
    return [(a.player, a.action, a.start, a.end) for a in file.annotations]


@pytest.mark.parametrize("declared", ["", '<?xml version="1.0" encoding="utf-8"?>', '<?xml version="1.0"?>'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_sportscode_in_any_encoding_whatever_it_declares(tmp_path: Path, encoding: str, declared: str) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(sportscode(_INSTANCE.format(1, 2, "Zoë", label("run", "Action")), head=declared).encode(encoding))
    assert annotation_format(path) == "sportscode"
    assert who_what_when(read_annotations(path)) == [("Zoë", "run", 1.0, 2.0)]


@pytest.mark.parametrize(
    ("code", "labels", "who"),
    [
        ("Ann", label("run", "action"), ("Ann", "run")),
        ("run", label("Ann", "player"), ("Ann", "run")),
        ("x", label("Ann", "Player") + label("Run", "ACTION") + label("3", "quarter"), ("Ann", "Run")),
        ("Ann", label("late") + label("Run"), ("Ann", "Run")),
        ("RUN", label("Ann") + label("run"), ("Ann", "RUN")),
        ("Ann", label("Run", "what he does"), ("Ann", "Run")),
        ("Ann", "<label>run</label>", ("Ann", "run")),
    ],
)
def test_who_and_what_are_told_apart_with_and_without_groups(
    tmp_path: Path, code: str, labels: str, who: tuple[str, str]
) -> None:
    path = tmp_path / "a.xml"
    path.write_text(sportscode(_INSTANCE.format("0:01:02,5", "63,75", code, labels)))
    assert who_what_when(read_annotations(path, ("run", "walk"))) == [(*who, 62.5, 63.75)]


def test_instances_that_say_too_little_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(
        sportscode(
            _INSTANCE.format(1, 2, "Ann", label("run", "action")),
            _INSTANCE.format(1, 2, "Q1", ""),
            _INSTANCE.format(2, 2, "Ann", label("run", "action")),
        )
    )
    file = read_annotations(path, ("run",))
    assert len(file.annotations) == 1 and file.notes == ("2 instances left out, which do not say who does what when",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (sportscode(_INSTANCE.format(1, 2, "Q1", "")), "none of 1 instance says who does what"),
        (sportscode(_INSTANCE.format(1, "x", "A", label("run", "action"))), "line 1: expected an instance with start"),
        (sportscode(_INSTANCE.format(1, "nan", "A", label("run", "action"))), "'nan' is no time"),
        ("<file><ROWS/></file>", "line 1: expected <file> with <ALL_INSTANCES>"),
        ("<file><ALL_INSTANCES>", "line 1: not XML"),
        ('<!DOCTYPE file [<!ENTITY a "b">]><file>&a;</file>', "has a DOCTYPE"),
        ("<html></html>", "is none of boris, boris table, csv"),
        ("", "is none of"),
        ("WEBVTT\n\n00:00.000 --> 00:01.000\nAnn run\n", "is none of"),
        ("1\n00:00:00,000 --> 00:00:01,000\nhello\n", "no caption says who does what"),
        ("1\n00:00:01,000 --> 00:00:01,000\nAnn: run\n", "line 2: 1 to 1 s is no span"),
        ("player,action,start_s,end_s\nAnn,run,x,2\n", "line 2: expected player,action,start_s,end_s"),
        ("player,action,start_s,end_s\nAnn,run,2,1\n", "line 2: expected player,action,start_s,end_s (2 to 1 s"),
        ("player,action,start_s,end_s,start_frame,end_frame\nAnn,run,1,2,5,5\n", "frames 5 to 5 are none"),
        ("player,action,start_s,end_s\n,run,1,2\n", "has a player and an action"),
        (
            "Subject,Behavior,Behavior type,Start (s),Stop (s)\nAnn,run,STATE,1,NA\n",
            "line 2: expected subject, behavior",
        ),
        ('{"behaviors_conf": 1}', "not a project of BORIS"),
        ('{"behaviors_conf": {}, "subjects_conf": {}, "observations": {}}', "has 0 observations"),
    ],
)
def test_what_is_no_such_file_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "a"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_annotations(path, ("run",))
    assert says in str(error.value) and "\n" not in str(error.value)


def test_files_that_are_not_there_or_packed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_annotations(tmp_path / "none")
    (tmp_path / "a.boris.gz").write_bytes(b"\x1f\x8b\x08")
    with pytest.raises(InputError, match="is compressed"):
        read_annotations(tmp_path / "a.boris.gz")


def test_times_of_all_countries() -> None:
    assert [seconds(text) for text in ("12.5", " 12,5 ", "1:02.5", "0:01:02,5", "90:00")] == [
        12.5,
        12.5,
        62.5,
        62.5,
        5400,
    ]
    for text in ("", "-1", "1e3", "nan", "1:2:3:4", "٣", "9" * 40, "1.2.3"):
        with pytest.raises(ValueError, match="is no time"):
            seconds(text)


def test_sportscode_has_a_row_with_a_colour_per_code(tmp_path: Path) -> None:
    for code, rows in (("player", ["Ann", "7"]), ("action", ["run", 'pass & "go" <x>', "ball in hand", "dunk 🏀"])):
        write_sportscode(tmp_path / "a.xml", annotations_of(game()), Cutting(code))
        root = ET.parse(tmp_path / "a.xml").getroot()
        assert [row.findtext("code") for row in root.iterfind("ROWS/row")] == rows
        colors = {tuple(int(row.findtext(part, "")) for part in "RGB") for row in root.iterfind("ROWS/row")}
        assert len(colors) == len(rows) and all(0 <= part <= 65535 for color in colors for part in color)
        assert max(max(color) for color in colors) > 255
    assert (tmp_path / "a.xml").read_bytes().isascii()


def test_lead_and_lag_stay_in_the_video(tmp_path: Path) -> None:
    write_sportscode(tmp_path / "a.xml", annotations_of(game()), Cutting(lead=0.5, lag=0.25))
    spans = [(i.findtext("start"), i.findtext("end")) for i in ET.parse(tmp_path / "a.xml").getroot().iter("instance")]
    assert spans == [("0.000", "0.850"), ("0.000", "1.000"), ("0.100", "1.000")]
    for wrong in ({"lead": -1.0}, {"lag": float("nan")}, {"code": "team"}):
        with pytest.raises(InputError) as error:
            Cutting(**wrong)
        assert error.value.setting in wrong


def test_boris_pairs_begins_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.boris"
    WRITERS["boris"](path, annotations_of(game()))
    project = json.loads(path.read_text())
    assert project["project_format_version"] == "7.0"
    assert [s["name"] for s in project["subjects_conf"].values()] == ["Ann", "7"]
    (observation,) = project["observations"].values()
    assert observation["type"] == "MEDIA" and observation["file"]["1"] == ["/videos/game.mp4"]
    assert observation["media_info"]["length"] == {"/videos/game.mp4": 1.0}
    assert observation["media_info"]["fps"] == {"/videos/game.mp4": 25.0}
    observation["time offset"] = 10.0
    observation["events"] = [
        [11.0, "Ann", "run", "", ""], [11.5, "Ann", "run", "", ""], [11.5, "Ann", "run", "", ""],
        [12.0, "Ann", "run", "", ""], [12.5, "7", "run", "", ""], [12.6, "", "run", "", ""], [12.7, "", "run", "", ""],
        [12.8, "Ann", "note", "", ""],
    ]  # fmt: skip
    path.write_text(json.dumps(project))
    file = read_annotations(path)
    assert who_what_when(file) == [("Ann", "run", 1.0, 1.5), ("Ann", "run", 1.5, 2.0)]
    assert file.notes == (
        "2 events left out, without a player or a length",
        "run of 7 begins at 2.50 s and never ends: left out",
    )
    project["observations"]["second half"] = observation
    path.write_text(json.dumps(project))
    with pytest.raises(InputError, match=r"has 2 observations; give one as a\.boris#NAME, of game, second half"):
        read_annotations(path)
    assert read_annotations(tmp_path / "a.boris#second half").annotations == file.annotations
    with pytest.raises(InputError, match="has no observation 'x'"):
        read_annotations(tmp_path / "a.boris#x")


def test_boris_is_told_of_names_that_it_does_not_take(tmp_path: Path) -> None:
    file = AnnotationFile((Annotation("A|B", "run", 0.0, 1.0),), players=("A|B",))
    for kind in ("boris", "boris table"):
        assert WRITERS[kind](tmp_path / "a", file) == ("BORIS takes no | in a name: 'A|B' is 'A¦B' there",)
        assert read_annotations(tmp_path / "a").annotations[0].player == "A¦B"


def test_a_file_names_a_video_beside_it_by_its_name_alone(tmp_path: Path) -> None:
    file = AnnotationFile((Annotation("Ann", "run", 0.0, 1.0),), video=str(tmp_path / "a b.mp4"), duration=1.0)
    WRITERS["boris"](tmp_path / "a.boris", file)
    (observation,) = json.loads((tmp_path / "a.boris").read_text())["observations"].values()
    assert observation["file"]["1"] == ["a b.mp4"]
    WRITERS["elan"](tmp_path / "a.eaf", file)
    media = ET.parse(tmp_path / "a.eaf").getroot().find("HEADER/MEDIA_DESCRIPTOR")
    assert media is not None and media.get("RELATIVE_MEDIA_URL") == "./a%20b.mp4"
    assert media.get("MEDIA_URL") == (tmp_path / "a b.mp4").as_uri() and media.get("MIME_TYPE") == "video/mp4"


def test_elan_tiers_that_hang_on_others_and_times_that_are_none_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.eaf"
    aligned = (
        '<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{0}" TIME_SLOT_REF1="{1}" TIME_SLOT_REF2="{2}">'
        "<ANNOTATION_VALUE>{3}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
    )
    path.write_text(
        '<ANNOTATION_DOCUMENT FORMAT="2.8"><HEADER TIME_UNITS="milliseconds"/><TIME_ORDER>'
        '<TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="1500"/>'
        '<TIME_SLOT TIME_SLOT_ID="t3"/></TIME_ORDER>'
        f'<TIER TIER_ID="actions-4" PARTICIPANT="Ann">{aligned.format("a1", "t1", "t2", " ball in  hand ")}'
        f"{aligned.format('a2', 't1', 't3', 'run')}{aligned.format('a3', 't1', 't2', '')}</TIER>"
        '<TIER TIER_ID="notes" PARENT_REF="actions-4"><ANNOTATION>'
        '<REF_ANNOTATION ANNOTATION_ID="a4" ANNOTATION_REF="a1">'
        "<ANNOTATION_VALUE>good</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"
    )
    file = read_annotations(path)
    assert who_what_when(file) == [("Ann", "ball in hand", 0.0, 1.5)]
    assert file.notes == ("2 annotations left out, without a time, a text or a player",)


def test_events_that_meet_are_cut_in_elan(tmp_path: Path) -> None:
    file = AnnotationFile(
        (Annotation("Ann", "ball pass", 1.0, 1.04, to="Bo"), Annotation("Bo", "ball pass", 1.5, 1.54))
    )
    WRITERS["elan"](tmp_path / "a.eaf", file)
    again = read_annotations(tmp_path / "a.eaf")
    assert [(a.player, a.to, a.start, a.end) for a in again.annotations] == [
        ("Ann", "Bo", 1, 1.5),
        ("Bo", "", 1.5, 2.5),
    ]


def test_shorter_than_a_millisecond_is_told(tmp_path: Path) -> None:
    file = AnnotationFile((Annotation("Ann", "run", 1.0001, 1.0002), Annotation("Ann", "run", 1.0, 2.0)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind, write in WRITERS.items():
            assert write(tmp_path / "a", file) == ("1 annotation of less than a millisecond left out",), kind


def test_captions_that_somebody_typed(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text(
        "\ufeff1\r\n0:00:01.5 --> 00:00:02,500\r\nAnn: x: run\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\n"
        "What a game\r\n\r\n"
        "3\r\n00:00:05,000 --> 00:00:06,000\r\nBo: ball pass to Cy\r\n",
        encoding="utf-8", newline="",
    )  # fmt: skip
    file = read_annotations(path, ("run", "x: run"))
    assert who_what_when(file) == [("Ann", "x: run", 1.5, 2.5), ("Bo", "ball pass", 5.0, 6.0)]
    assert file.annotations[1].to == "Cy" and file.notes == ("1 caption left out, which do not say who does what",)
