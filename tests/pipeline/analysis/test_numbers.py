"""Numbers on shirts as names: shown where no person has given one, kept in the folder, and mended by edits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.config import PipelineConfig, recorded_config, with_settings
from pipeline.edits.draft import Draft
from pipeline.edits.fold import fold
from pipeline.edits.log import effective
from pipeline.models import Models
from pipeline.outputs.captions import write_captions
from pipeline.outputs.table import write_timeline_csv
from tracker.names import clear_names
from tracker.numbers.votes import Number
from tracker.teams.teams import Member, Teams
from tracker.types import Tracks

TEAMS = {1: "A", 2: "A", 3: "B", 4: "B"}


def analysis(numbers: Mapping[int, str], names: Mapping[int, str] | None = None) -> Analysis:
    """Four players in ten frames, one after the other by pairs; every one walks."""
    frame, ids = np.repeat(np.arange(10), 2), np.tile([1, 3], 10)
    ids[10:] += 1
    left = 100.0 * ids
    tracks = Tracks.of(frame, ids, np.stack([left, 0 * left, left + 50, 0 * left + 150], axis=1))
    players = Players(
        tracks,
        names or {},
        teams=Teams(members={i: Member(team, 0.9) for i, team in TEAMS.items()}),
        numbers={i: Number(text, 0.99) for i, text in numbers.items()},
    )
    spans = {i: (0, 5) if i % 2 else (5, 10) for i in TEAMS}
    segments = tuple(ActionSegment(i, "walk", a / 10, b / 10, a, b, 0.8) for i, (a, b) in spans.items())
    frames = Frames(np.arange(10, dtype=np.int32), np.arange(10) / 10)
    video = VideoFacts("x.mp4", 640, 360, "10", 1.0, "h264")
    return Analysis(video, {}, frames, players, Timeline(("walk",), segments))


def test_a_number_is_the_name_where_no_person_gave_one() -> None:
    assert analysis({1: "23", 3: "7"}, {1: "Ann"}).names == {1: "Ann", 3: "#7"}


def test_what_both_teams_wear_is_told_apart_by_team_and_what_two_of_one_wear_by_their_own_numbers() -> None:
    assert analysis({1: "23", 3: "23"}).names == {1: "A #23", 3: "B #23"}
    assert analysis({1: "23", 2: "23"}).names == {1: "#23 (1)", 2: "#23 (2)"}
    assert analysis({1: "5"}, {2: "#5"}).names == {1: "#5 (1)", 2: "#5"}


@pytest.mark.parametrize("numbers", [{1: "0", 2: "00"}, {1: "23", 2: "23", 3: "23"}, {1: "3", 3: "3", 4: "30"}])
def test_names_by_number_are_names_that_can_be_kept(numbers: dict[int, str]) -> None:
    names = dict(analysis(numbers).names)
    assert clear_names(names) == (names, ())


def test_tables_and_captions_show_the_number(tmp_path: Path) -> None:
    shown = analysis({1: "23"})
    write_timeline_csv(shown.timeline, shown.names, tmp_path / "t.csv", shown.teams)
    write_captions(shown.timeline, shown.names, tmp_path / "t.vtt")
    assert "#23,walk" in (tmp_path / "t.csv").read_text("utf-8")
    assert "#23 walk" in (tmp_path / "t.vtt").read_text("utf-8")


def test_the_folder_keeps_numbers_and_says_nothing_where_there_are_none(tmp_path: Path) -> None:
    save_analysis(analysis({1: "00", 3: "7"}), tmp_path / "with")
    assert load_analysis(tmp_path / "with").players.numbers == {1: Number("00", 0.99), 3: Number("7", 0.99)}
    content = json.loads((tmp_path / "with" / "analysis.json").read_text("utf-8"))
    assert content["names"] == {} and content["players"][0]["player"] == "#00"
    save_analysis(analysis({}), tmp_path / "without")
    assert "numbers" not in json.loads((tmp_path / "without" / "analysis.json").read_text("utf-8"))


@pytest.mark.parametrize("text", ["x", "100", "023", ""])
def test_a_number_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    save_analysis(analysis({1: "23"}), tmp_path)
    path = tmp_path / "analysis.json"
    path.write_text(path.read_text("utf-8").replace('"23"', json.dumps(text)), "utf-8")
    with pytest.raises(Exception, match="damaged"):
        load_analysis(tmp_path)


def _edited(found: Analysis, *edits: tuple[str, str]) -> Analysis:
    draft = Draft(found, [])
    for kind, text in edits:
        draft.add(kind, text)
    return fold(found, effective(draft.edits))


def test_an_edits_name_wins_and_taking_a_number_away_leaves_the_players_own() -> None:
    found = analysis({1: "23", 3: "7"})
    assert _edited(found, ("rename", "#23=Ann")).names == {1: "Ann", 3: "#7"}
    assert _edited(found, ("rename", "#23=")).names == {3: "#7"}


def test_who_is_merged_bears_the_name_that_a_person_gave_and_a_split_gives_numbers_back() -> None:
    found = analysis({1: "23"}, {2: "Ann"})
    assert _edited(found, ("merge", "1,2")).names == {1: "Ann"}
    assert _edited(found, ("merge", "1,2"), ("split", "1@0.5")).names == {1: "#23", 2: "Ann"}


def test_nobody_reads_unless_asked() -> None:
    assert Models().number_reader(PipelineConfig()) is None
    assert not recorded_config({}).numbers.read
    asked = with_settings(PipelineConfig(), {"numbers": {"read": True}})
    assert dataclasses.asdict(asked)["numbers"] == {"read": True}
