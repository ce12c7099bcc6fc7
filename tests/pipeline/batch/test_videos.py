"""Which videos a batch is of: natural order, one folder each, and a report that is nobody else's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ground.errors import InputError
from pipeline.batch.progress import Share, one_at_a_time
from pipeline.batch.report import DONE, FAILED, WAITING, Report, Row
from pipeline.batch.videos import Video, list_videos
from pipeline.progress import ANALYZE_COSTS


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_the_videos_of_a_folder_in_natural_order_and_nothing_else(tmp_path: Path) -> None:
    _touch(tmp_path, "game10.mp4", "game2.MKV", "notes.txt", "._game3.mp4", "more/game4.mp4", "folder.mp4/x")
    assert [video.name for video in list_videos(tmp_path)] == ["game2", "game10"]
    with pytest.raises(InputError, match="there is no video in it"):
        list_videos(tmp_path / "folder.mp4")


def test_a_list_names_paths_from_its_folder_on_and_addresses(tmp_path: Path) -> None:
    games = tmp_path / "games.txt"
    games.write_text(
        f"# season\n\n a.mp4 \r\n{tmp_path / 'b.mp4'}\nhttp://club/c%20d.mp4?x=1\na.mp4\n", encoding="utf-8"
    )
    assert list_videos(games) == [
        Video(str(tmp_path / "a.mp4"), "a"), Video(str(tmp_path / "b.mp4"), "b"),
        Video("http://club/c%20d.mp4?x=1", "c d"),
    ]  # fmt: skip
    games.write_text("# none\n", encoding="utf-8")
    with pytest.raises(InputError, match="there is no video in it"):
        list_videos(games)
    with pytest.raises(InputError, match="cannot be read"):
        list_videos(tmp_path / "gone.txt")


def test_names_that_collide_are_made_distinct_whatever_their_order(tmp_path: Path) -> None:
    paths = ["a/game.mp4", "b/Game.mp4", "b/report.csv.mp4", "b/other.mp4"]
    found: list[dict[str, str]] = []
    for order in (paths, paths[::-1]):
        (tmp_path / "games.txt").write_text("\n".join(order), encoding="utf-8")
        found.append({video.source: video.name for video in list_videos(tmp_path / "games.txt")})
    assert found[0] == found[1]
    names = list(found[0].values())
    assert len({name.casefold() for name in [*names, "report.csv"]}) == 5 and names[3] == "other"
    assert names[0].startswith("game-") and names[1].startswith("Game-")


def test_a_report_is_whole_after_every_row_and_keeps_what_was_said_before(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    first = Report(path, ["a.mp4", 'b, "x"\udce9.mp4'])
    first.set("a.mp4", Row(DONE, "", "3.0", "1.50"))
    assert path.read_text().splitlines()[1:] == ["a.mp4,done,,3.0,1.50", '"b, ""x""\\udce9.mp4",waiting,,,']
    second = Report(path, ["c.mp4", "a.mp4"])
    second.keep("a.mp4")
    second.set("c.mp4", Row(FAILED, "no video"))
    rows = [line.split(",")[:2] for line in path.read_text().splitlines()[1:3]]
    assert rows == [["c.mp4", FAILED], ["a.mp4", DONE]]
    assert "a.mp4,done,,3.0,1.50" in path.read_text() and WAITING in path.read_text()


def test_a_report_takes_nobody_elses_file(tmp_path: Path) -> None:
    (tmp_path / "report.csv").write_text("player,points\nAnn,12\n", encoding="utf-8")
    with pytest.raises(InputError, match="expected video,state,reason,seconds,speed"):
        Report(tmp_path / "report.csv", ["a.mp4"])
    assert "Ann,12" in (tmp_path / "report.csv").read_text()


def test_the_stages_of_a_video_add_up_to_its_seconds() -> None:
    reported: list[int] = []
    share = Share(one_at_a_time(reported.append), 60)
    for name in (*ANALYZE_COSTS, "unheard of"):
        with share.stage(name, 300, done=100) as advance:
            for _ in range(10):
                advance(20)
        if name == "detect":
            assert sum(reported) == 60 * 46 // 100
    share.finish()
    assert sum(reported) == 60 and min(reported) >= 0
    failed = Share(reported.append, 7)
    failed.finish()
    assert sum(reported) == 67
