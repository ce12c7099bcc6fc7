from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.runners.cli import main
from tests.pipeline.web.conftest import Site

_PAGE = '<html><head><title>Final/7</title></head><body><video src="/game.mp4"></video></body></html>'


@pytest.mark.slow
def test_a_page_is_analysed_and_its_video_kept_for_what_is_shown_later(
    site: Site, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    site.content["/game.mp4"] = ("video/mp4", video.read_bytes())
    page = site.page("/watch", _PAGE)
    assert main(["analyze", page, "--no-video", "--imgsz", "320"]) == 0
    assert f"fetched from {page}" in capsys.readouterr().out
    [folder] = tmp_path.glob("Final*.courtscribe")
    assert (folder / "fetched.mp4").read_bytes() == video.read_bytes()
    facts = json.loads((folder / "analysis.json").read_text())
    assert Path(facts["video"]["source"]) == folder / "fetched.mp4" and facts["video"]["title"] == "Final/7"
    assert page in (folder / "analysis.json").read_text()


@pytest.mark.slow
def test_what_is_wrong_is_a_line_and_leaves_nothing(
    site: Site, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    nothing = site.page("/nothing", "<html>no video here</html>")
    site.content["/game.mp4"] = ("video/mp4", video.read_bytes())
    page = site.page("/watch", _PAGE)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/timeline.csv").write_text("mine")
    for arguments in ([nothing], [f"{site.url}/gone.mp4"], [page, "-o", "mine"]):
        site.asked.clear()
        assert main(["analyze", *arguments]) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert "/game.mp4" not in {path for path, _ in site.asked[2:]}
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["timeline.csv"]
