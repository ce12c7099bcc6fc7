"""Examples out of an analysed video: the right player at the right moment, and nothing where that cannot be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.data.clips import read_video
from ground.errors import InputError
from ground.frames import Image
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts, find_player
from pipeline.training.cut_examples import Span, cut_examples
from pipeline.video.encode import write_video
from tracker.types import Tracks

_FRAMES = 100
_LEFT = {4: 40, 7: 220}
"""Where each player's box begins; player 4 is out of sight from frame 40 to 70."""


def _pictures() -> Iterator[tuple[float, Image]]:
    """Player 4 in red, player 7 in blue, brighter with time."""
    for t in range(_FRAMES):
        image = np.full((240, 320, 3), 40, np.uint8)
        image[60:180, 40:110, 0] = image[60:180, 220:290, 2] = 100 + t
        yield t / 25, image


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("game")
    video = folder / "game.mp4"
    write_video(video, _pictures(), frame_rate=Fraction(25))
    rows = [
        (t, i, (x, 60, x + 70, 180)) for t in range(_FRAMES) for i, x in _LEFT.items() if i == 7 or not 40 <= t < 70
    ]
    frame, player, boxes = zip(*rows, strict=True)
    frames = Frames(np.arange(_FRAMES, dtype=np.int32), np.arange(_FRAMES) / 25)
    facts = VideoFacts(str(video), 320, 240, "25", _FRAMES / 25, "h264")
    timeline = Timeline(("run",), ())
    players = Players(Tracks.of(frame, player, boxes), names={7: "Ann"})
    save_analysis(Analysis(facts, {}, frames, players, timeline), folder / "game.courtscribe")
    return folder / "game.courtscribe"


def _colours(path: Path) -> np.ndarray:
    """Red, green and blue in the middle of each picture."""
    return read_video(path)[:, 60:120, 50:80].mean((1, 2))


def test_the_right_player_at_the_right_moment(analysis: Path, tmp_path: Path) -> None:
    spans = [Span(analysis, "4", 0.2, 1.0, "euro step"), Span(analysis, "ann", 2.0, 2.8, "Wurf")]
    red, blue = cut_examples(spans, tmp_path / "examples")
    assert red == tmp_path / "examples/euro step/game_player4_00000200.mp4"
    assert blue == tmp_path / "examples/Wurf/game_player7_00002000.mp4"
    assert len(_colours(red)) == len(_colours(blue)) == 20
    np.testing.assert_allclose(_colours(red)[:, 0], 100 + np.arange(5, 25), atol=6)
    np.testing.assert_allclose(_colours(blue)[:, 2], 100 + np.arange(50, 70), atol=6)
    assert _colours(red)[:, 2].max() < 60 and _colours(blue)[:, 0].max() < 60


def test_a_player_out_of_sight_for_a_while_gives_a_file_for_each_part(analysis: Path, tmp_path: Path) -> None:
    before, after = cut_examples([Span(analysis, "4", 1.0, 3.4, "run")], tmp_path)
    assert [len(read_video(path)) for path in (before, after)] == [15, 15]
    assert _colours(before)[-1, 0] == pytest.approx(139, abs=6) and _colours(after)[0, 0] == pytest.approx(170, abs=6)


def test_no_example_leads_over_a_cut(analysis: Path, tmp_path: Path) -> None:
    whole = load_analysis(analysis)
    cut = np.arange(_FRAMES) == 50
    frames = Frames(whole.frames.index, whole.frames.time, np.zeros((_FRAMES, 2)), np.ones(_FRAMES), cut)
    save_analysis(dataclasses.replace(whole, frames=frames), tmp_path / "cut.courtscribe")
    parts = cut_examples([Span(tmp_path / "cut.courtscribe", "7", 1.6, 2.4, "run")], tmp_path)
    assert [len(read_video(path)) for path in parts] == [10, 10]


def test_the_same_moment_twice_is_one_example(analysis: Path, tmp_path: Path) -> None:
    for _ in range(2):
        cut_examples([Span(analysis, "7", 0.0, 0.8, "run")], tmp_path)
    assert len(list(tmp_path.rglob("*.mp4"))) == 1


@given(st.integers(0, 80), st.integers(6, 18))
def test_an_example_is_as_long_as_its_span(first: int, count: int) -> None:
    """Ends are exclusive, as in a timeline: neighbouring spans share no picture."""
    from pipeline.training.cut_examples import _find

    analysis = Analysis(
        VideoFacts("game.mp4", 100, 100, "25", 4.0, "h264"), {},
        Frames(np.arange(_FRAMES, dtype=np.int32), np.arange(_FRAMES) / 25),
        Players(Tracks.of(np.arange(_FRAMES), np.ones(_FRAMES), [(0, 0, 10, 20)] * _FRAMES)), Timeline(("run",), ()),
    )  # fmt: skip
    plan = _find(Span(Path("game"), "1", first / 25, (first + count) / 25, "run"), analysis).plan
    assert plan.frame_index.tolist() == list(range(first, first + count))


def test_players_go_by_name_or_number() -> None:
    tracks = Tracks.of([0, 0, 0], [4, 7, 9], [(0, 0, 9, 9)] * 3)
    names = {7: "Ann", 9: "4"}
    assert find_player(tracks.ids.tolist(), names, " ann ") == 7 and find_player(tracks.ids.tolist(), names, "7") == 7
    assert find_player(tracks.ids.tolist(), names, "4") == 9, "a name that was given wins over a number"
    with pytest.raises(InputError, match=r"there is no player 'Bo'; there is 4, Ann, 4"):
        find_player(tracks.ids.tolist(), names, "Bo")
    with pytest.raises(InputError, match=r"'ann' is the name of players 4, 7; give a number"):
        find_player(tracks.ids.tolist(), {4: "Ann", 7: "Ann"}, "ann")


@pytest.mark.parametrize(
    ("player", "start", "end", "label", "says"),
    [
        ("99", 0.0, 1.0, "run", "game.courtscribe: there is no player '99'; there is 4, Ann"),
        ("7", 50.0, 51.0, "run", "player 7 is in 0 frames from 50 to 51 s, .*; he is there from 0.00 to 3.96 s"),
        ("4", 1.64, 2.76, "run", "player 4 is in 0 frames"),
        ("7", 1.0, 1.1, "run", "player 7 is in 3 frames from 1 to 1.1 s, too few"),
        ("7", 1.0, 1.0, "run", "goes on for up to 10 s, not from 1 to 1 s"),
        ("7", 0.0, 10.5, "run", "goes on for up to 10 s"),
        ("7", float("nan"), 1.0, "run", "goes on for up to 10 s, not from nan"),
        ("7", 0.0, float("inf"), "run", "goes on for up to 10 s"),
        ("7", 0.0, 1.0, "pass/shoot", "a label is the name of a folder too, which 'pass/shoot' cannot be"),
        ("7", 0.0, 1.0, "..", "the name of a folder"),
        ("7", 0.0, 1.0, "Test", "the name of a folder"),
        ("7", 0.0, 1.0, " run", "the name of a folder"),
        ("7", 0.0, 1.0, "a\nb", "one line"),
        ("7", 0.0, 1.0, "", "one line"),
    ],
)
def test_what_cannot_be_cut_leaves_nothing(
    analysis: Path, tmp_path: Path, player: str, start: float, end: float, label: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says) as error:
        good = Span(analysis, "7", 0.0, 1.0, "run")
        cut_examples([good, Span(analysis, player, start, end, label)], tmp_path / "examples")
    assert "\n" not in str(error.value) and not (tmp_path / "examples").exists()


def test_a_video_that_is_gone_or_another(analysis: Path, tmp_path: Path) -> None:
    span, video = Span(analysis, "7", 0.0, 1.0, "run"), tmp_path / "other.mp4"
    with pytest.raises(InputError, match=r"gone\.mp4: no such file; say where it is now") as caught:
        cut_examples([span], tmp_path / "examples", str(tmp_path / "gone.mp4"))
    assert caught.value.setting == "video"
    write_video(video, [(0.0, np.zeros((50, 60, 3), np.uint8))], frame_rate=Fraction(25))
    with pytest.raises(InputError, match=r"other\.mp4: is 60x50, and the video that was analysed is 320x240"):
        cut_examples([span], tmp_path / "examples", str(video))
    write_video(video, list(_pictures())[:20], frame_rate=Fraction(25))
    with pytest.raises(InputError, match="the pictures of player 7 are not there"):
        cut_examples([Span(analysis, "7", 0.7, 1.5, "run")], tmp_path / "examples", str(video))
    with pytest.raises(InputError, match="not before the video's end"):
        cut_examples([Span(analysis, "7", 2.0, 3.0, "run")], tmp_path / "examples", str(video))
    assert not list((tmp_path).rglob("*.mp4.part")) and not (tmp_path / "examples").exists()
