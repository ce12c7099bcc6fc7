"""timeline.csv: columns, round trip, bad files; and files that appear whole or not at all."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.disk.files import write_atomically
from ground.errors import InputError
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.annotations.table import read_table
from pipeline.outputs.table import write_timeline_csv
from tests.pipeline.timelines import read_timeline
from tracker.teams.teams import Member, Teams

LABELS = ("run", 'odd, "quoted"\nlabel', "ball in hand")
NAMES = {2: "Dončić, Luka", 3: "<7>", 4: "2"}


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Segments with times to the millisecond, never overlapping within a player."""
    segments: list[ActionSegment] = []
    for player in draw(st.sets(st.integers(1, 5))):
        ms = frame = 0
        for gap, length in draw(st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 10**7)), max_size=4)):
            start, start_frame = ms + gap, frame + gap // 40
            ms, frame = start + length, start_frame + 1 + length // 40
            action = draw(st.sampled_from(LABELS))
            confidence = draw(st.integers(0, 1000)) / 1000
            segments.append(ActionSegment(player, action, start / 1000, ms / 1000, start_frame, frame, confidence))
    return Timeline(LABELS, tuple(sorted(segments, key=lambda s: (s.start, s.track_id))))


@settings(deadline=None, max_examples=50)
@given(timelines())
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, timeline: Timeline) -> None:
    path = tmp_path_factory.mktemp("table") / "timeline.csv"
    write_timeline_csv(timeline, NAMES, path)
    assert read_timeline(path, LABELS, NAMES) == timeline


def test_a_line_says_who_did_what_when(tmp_path: Path) -> None:
    segments = (
        ActionSegment(7, "run", 1 / 3, 2.0, 10, 60, 0.83649),
        ActionSegment(2, "ball in hand", 3599.9996, 3600.5, 107892, 107907, 1.0),
    )
    teams = Teams(("Lakers", "B"), members={7: Member("", 0.9), 2: Member("Lakers", 0.8)})
    write_timeline_csv(Timeline(LABELS, segments), NAMES, tmp_path / "t.csv", teams)
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["player", "action", "start_s", "end_s", "start_frame", "end_frame", "confidence", "team"],
            ["7", "run", "0.333", "2.000", "10", "60", "0.836", ""],
            ["Dončić, Luka", "ball in hand", "3600.000", "3600.500", "107892", "107907", "1.000", "Lakers"],
        ]


HEADER = "player,action,start_s,end_s,start_frame,end_frame,confidence\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: expected player,action"),
        ("player,action\n", "line 1: expected player,action"),
        (HEADER + "1,run,0,1,0,25,0.5\n1,run,2,x,50,75,0.5\n", "line 3: expected"),
        (HEADER + "1,run,0\n", "line 2: expected"),
        (HEADER + ",run,0,1,0,25,0.5\n", "line 2: expected"),
        (HEADER + "1,run,1,1,25,25,0.5\n", "line 2: expected"),
        (HEADER + "1,run,0,1,5,x,0.5\n", "line 2: expected"),
        (HEADER + "1,run,0,1,0,25,half\n", "line 2: expected"),
        ("\udcff", "is not text"),
    ],
)
def test_a_file_that_is_no_timeline_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError, match=reason) as error:
        read_table(path)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


@settings(deadline=None, max_examples=30)
@given(
    timelines(),
    st.dictionaries(st.integers(1, 5), st.sampled_from(["1", "2", "#2", "=1+1", "Ann", "\n", " ", "x" * 99])),
)
def test_every_line_is_read_back_to_its_player_whatever_the_names(
    tmp_path_factory: pytest.TempPathFactory, timeline: Timeline, names: dict[int, str]
) -> None:
    path = tmp_path_factory.mktemp("table") / "timeline.csv"
    write_timeline_csv(timeline, names, path)
    assert read_timeline(path, LABELS, names) == timeline


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_that_a_spreadsheet_saved_again_says_the_same(tmp_path: Path, encoding: str) -> None:
    segments = (ActionSegment(2, "run", 0.25, 2.5, 10, 60, 0.5),)
    write_timeline_csv(Timeline(("run",), segments), NAMES, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = [[cell.replace(".", ",") for cell in row] for row in csv.reader(file)]
    with (tmp_path / "de.csv").open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(rows)
    assert read_timeline(tmp_path / "de.csv", ("run",), NAMES).segments == segments


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: cannot be read"):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, OSError])
def test_nothing_half_written_and_nothing_lost(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "new" / "file.txt"
    with write_atomically(path) as part:
        part.write_text("whole")
    with pytest.raises(InputError if failure is OSError else failure), write_atomically(path) as part:
        part.write_text("ha")
        raise failure
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "t.csv", tmp_path / "folder", Path("/proc/nowhere/t.csv")):
        with pytest.raises(InputError, match=f"{path}: cannot be written"):
            write_timeline_csv(Timeline((), ()), {}, path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_errors_about_other_files_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), write_atomically(tmp_path / "t"):
        (tmp_path / "elsewhere" / "x").read_text()
