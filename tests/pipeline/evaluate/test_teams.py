"""Teams against a truth, box by box."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import InputError
from ground.video.source import open_video
from pipeline.evaluate.teams import compare_teams, read_players_teams
from tracker.files.mot import read_truth
from tracker.looks.kit import KitCollector
from tracker.teams.teams import Member, Teams, find_teams
from tracker.types import Tracks

WANTED = {1: "Knicks", 2: "Knicks", 3: "Celtics", 4: "Celtics"}


def tracks(shift: int = 0, num_frames: int = 4) -> Tracks:
    rows = [(f, i, (100 * i, 0, 100 * i + 40, 90)) for f in range(num_frames) for i in WANTED]
    frame, player, boxes = zip(*rows, strict=True)
    return Tracks.of(frame, np.array(player) + shift, boxes)


def of(*teams: str) -> Teams:
    return Teams(members={i: Member(team, 1.0) for i, team in enumerate(teams, 11) if team != "?"})


@given(st.permutations(["A", "B"]))
def test_what_the_teams_are_called_does_not_matter(names: list[str]) -> None:
    first, second = names
    found = compare_teams(tracks(), WANTED, tracks(10), of(first, first, second, second))
    assert (found.num_boxes, found.num_compared, found.accuracy) == (16, 16, 1.0)


@pytest.mark.parametrize("wrong", ["B", "", "?"])
def test_another_team_neither_and_not_known_are_wrong(wrong: str) -> None:
    found = compare_teams(tracks(), WANTED, tracks(10), of("A", wrong, "B", "B"))
    assert found.accuracy == 0.75 and found.per_player == {1: 1.0, 2: 0.0, 3: 1.0, 4: 1.0}


def test_who_is_missed_or_not_asked_about_does_not_count() -> None:
    there = tracks(10)
    found = compare_teams(tracks(), {1: "x", 3: "y", 4: ""}, there[there.track_id != 13], of("B", "A", "A", ""))
    assert (found.num_boxes, found.num_compared, found.accuracy) == (12, 8, 1.0)
    nothing = compare_teams(tracks(), WANTED, Tracks.empty(), Teams())
    assert (nothing.num_boxes, nothing.num_compared, nothing.accuracy) == (16, 0, 0.0)


def test_teams_of_players_are_read(tmp_path: Path) -> None:
    (tmp_path / "players.csv").write_text("id,name,team\n1,Ann,X\n2,Bo,\n")
    assert read_players_teams(tmp_path) == {1: "X", 2: ""}
    (tmp_path / "players.csv").write_text("id,name,team\none,Ann,X\n")
    with pytest.raises(InputError, match="line 2"):
        read_players_teams(tmp_path)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("clip", ["IND-NYK", "NYK-BOS"])
def test_ten_players_of_a_broadcast_are_of_their_teams(shared: Path, clip: str) -> None:
    truth = read_truth(shared / "truth" / clip / "gt.txt")
    worn = KitCollector()
    with open_video(shared / "videos" / f"netba_{clip}.mp4") as video:
        for frame in islice(video, 300):
            worn.add(frame, truth.at(frame.index).xyxy)
    found = find_teams(truth, worn.finish())
    assert found is not None
    agreement = compare_teams(truth, read_players_teams(shared / "truth" / clip), truth, found)
    assert agreement.accuracy == 1.0, agreement.per_player
