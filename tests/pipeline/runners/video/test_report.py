"""``courtscribe report``, and the report among what other commands write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks.report.numbered import analysis_of, write_numbered
from pipeline.outputs.write import write_outputs
from pipeline.runners.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An analysis with its report, as ``analyze`` leaves it."""
    video = tmp_path / "game.mp4"
    write_numbered(video, "cfr", 12)
    write_outputs(analysis_of(video), tmp_path / "game.courtscribe", with_video=False)
    return tmp_path / "game.courtscribe"


def test_the_report_is_one_of_the_outputs(folder: Path) -> None:
    page, boxes = folder / "report.html", folder / "report" / "boxes-0000.js"
    assert page.is_file() and boxes.is_file()
    first = page.read_bytes()
    assert b'"../game.mp4"' in first and b'"timeline.csv"' in first and b'"annotated":{"url":""' in first
    assert main(["edit", str(folder), "--rename", "1=Ann", "--quiet"]) == 0
    assert page.read_bytes() != first and b'"Ann"' in page.read_bytes()
    assert main(["edit", str(folder), "--undo", "--quiet", "--no-report"]) == 0
    assert not page.exists() and not boxes.parent.exists()
    assert main(["report", str(folder), "--quiet"]) == 0
    assert page.read_bytes() == first


def test_it_is_written_elsewhere_and_finds_its_video(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "shown" / "for the team.html"
    assert main(["report", str(folder), "-o", str(output), "--quiet"]) == 0
    text = output.read_text(encoding="utf-8")
    assert '"../game.mp4"' in text and '"for%20the%20team"' in text and '"../game.courtscribe/timeline.csv"' in text
    assert (tmp_path / "shown" / "for the team" / "boxes-0000.js").is_file()
    moved = (tmp_path / "game.mp4").rename(tmp_path / "moved.mp4")
    assert main(["report", str(folder), "-o", str(output), "--video", str(moved), "--quiet"]) == 0
    assert '"../moved.mp4"' in output.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "nowhere"], "not a whole analysis"),
        (["report", "game.courtscribe", "--video", "other.mp4"], "another content"),
        (["report", "game.courtscribe", "--video", "none.mp4"], "none.mp4"),
        (["report", "game.courtscribe", "-o", "game.courtscribe/analysis.json"], "would be overwritten"),
        (["report", "game.courtscribe", "-o", "game.courtscribe"], "is a folder"),
    ],
)
def test_bad_input_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(folder.parent)
    write_numbered(Path("other.mp4"), "cfr", 9)
    kept = (folder / "analysis.json").read_bytes(), (folder / "report.html").read_bytes()
    assert main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0]
    assert kept == ((folder / "analysis.json").read_bytes(), (folder / "report.html").read_bytes())


def test_a_full_disk_leaves_the_page_of_before(
    folder: Path, files_at_most: Callable[[int], AbstractContextManager[None]], capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "report.html").read_bytes()
    with files_at_most(2000):
        assert main(["report", str(folder), "--quiet"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert (folder / "report.html").read_bytes() == before
