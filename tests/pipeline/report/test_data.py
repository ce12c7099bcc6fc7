"""What a page is told, without a browser: columns, boxes, addresses, the bundle."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts, noted
from pipeline.report import bundle
from pipeline.report.boxes import box_files
from pipeline.report.bundle import page, source
from pipeline.report.columns import LIMIT, pack
from pipeline.report.data import Surroundings, report_data
from pipeline.report.write import remove_report, write_report
from tracker.types import Tracks

_NUMBERS = st.lists(st.integers(1 - LIMIT, LIMIT - 1) | st.integers(-300, 300), max_size=40)


def _unpack(packed: Mapping[str, Any]) -> dict[str, list[int]]:
    """As the format's description says, and not as the page does it."""
    content, at, found = zlib.decompress(base64.b64decode(packed["data"]), -15), 0, dict[str, list[int]]()
    for name, length in packed["columns"]:
        planes = [content[at + plane * length : at + (plane + 1) * length] for plane in range(6)]
        steps = [int.from_bytes(row, "little", signed=True) for row in zip(*planes, strict=True)]
        found[name] = np.cumsum(np.array(steps, object)).tolist() if steps else []
        at += 6 * length
    assert at == len(content)
    return found


@given(st.dictionaries(st.sampled_from("abc"), _NUMBERS))
def test_columns_are_read_back(columns: dict[str, list[int]]) -> None:
    assert _unpack(pack(columns)) == columns


def test_a_number_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        pack({"a": [LIMIT]})


@pytest.mark.slow
@pytest.mark.browser
def test_a_page_reads_columns_as_they_were(browser: Browser) -> None:
    rng = np.random.default_rng(0)
    columns = {
        "small": rng.integers(-5, 5, 200).tolist(),
        "large": rng.integers(1 - LIMIT, LIMIT - 1, 200).tolist(),
        "none": [],
        "edges": [LIMIT - 1, 1 - LIMIT, 0, LIMIT - 1],
    }
    opened = browser.new_page()
    code = source("game/columns.js").replace("export async function", "async function")
    read = opened.evaluate(
        f"(packed) => {{ {code}\n return unpack(packed).then((found) => "
        "Object.fromEntries(Object.entries(found).map(([name, values]) => [name, [...values]]))); }",
        pack(columns),
    )
    opened.close()
    assert read == columns


def _analysis(times: list[float], boxes: list[tuple[int, int]], segments: tuple[ActionSegment, ...] = ()) -> Analysis:
    """boxes: frame and player of each."""
    index = np.arange(len(times), dtype=np.int32) + 100
    frames = Frames(index, np.array(times))
    xyxy = [[10.26 + f, 20.74, 40.5 + f, 90.0 + p] for f, p in boxes]
    tracks = Tracks.of(
        [100 + f for f, _ in boxes], [p for _, p in boxes], xyxy, observed=[f % 3 != 1 for f, _ in boxes]
    )
    facts = VideoFacts("video.mp4", 640, 360, "25", 9.0, "h264")
    return Analysis(facts, {"start": 4.0}, frames, Players(tracks, {7: "Ann"}), Timeline(("walk", "run"), segments))


@pytest.mark.slow
@given(
    st.sets(st.tuples(st.integers(0, 29), st.integers(1, 4)), max_size=60),
    st.lists(st.floats(0.01, 40), min_size=30, max_size=30),
)
def test_boxes_are_read_back_to_half_a_pixel(boxes: set[tuple[int, int]], steps: list[float]) -> None:
    analysis = _analysis(np.cumsum(steps).tolist(), sorted(boxes))
    found: dict[tuple[int, int], tuple[float, ...]] = {}
    for minute, text in box_files(analysis):
        content = json.loads(text.removeprefix("(self.courtscribeBoxes??=[]).push(").removesuffix(");\n"))
        columns = _unpack(content)
        assert content["minute"] == minute
        for row, player, *box, filled in zip(
            *(columns[name] for name in ("row", "id", "left", "top", "width", "height", "filled")), strict=True
        ):
            assert int(analysis.frames.time[row] // 60) == minute
            assert filled == (row % 3 == 1)
            found[row, player] = tuple(value / 2 for value in box)
    tracks = analysis.tracks
    assert set(found) == boxes
    for frame, player, (left, top, right, bottom) in zip(
        (tracks.frame_index - 100).tolist(), tracks.track_id.tolist(), tracks.xyxy.tolist(), strict=True
    ):
        assert np.allclose(found[frame, player], (left, top, right - left, bottom - top), atol=0.51)


def test_runs_say_where_a_player_is_and_where_he_is_guessed() -> None:
    analysis = _analysis([i / 25 for i in range(10)], [(0, 3), (1, 3), (2, 3), (5, 3), (6, 3), (4, 7)])
    columns = _unpack(report_data(analysis, (), Surroundings()))
    runs = list(zip(*(columns[f"there_{name}"] for name in ("player", "row", "length")), strict=True))
    assert runs == [(0, 0, 3), (0, 5, 2), (1, 4, 1)]
    guessed = list(zip(*(columns[f"filled_{name}"] for name in ("player", "row", "length")), strict=True))
    assert guessed == [(0, 1, 1), (1, 4, 1)]


def test_segments_keep_what_the_csv_says() -> None:
    segments = (
        ActionSegment(7, "walk", 0.04, 0.1999, 101, 105, 0.8125),
        ActionSegment(3, "unsure", 0.0, 0.2, 100, 105, 0.3, "person"),
    )
    data = report_data(_analysis([i / 25 for i in range(10)], [(0, 3), (4, 7)], segments), (), Surroundings())
    columns = _unpack(data)
    assert [player["name"] for player in data["players"]] == ["3", "Ann"]
    assert columns["player"] == [0, 1]
    assert [data["labels"][a] for a in columns["action"]] == ["unsure", "walk"]
    assert (columns["start"], columns["length"]) == ([0, 40], [200, 160])
    assert (columns["start_frame"], columns["num_frames"]) == ([100, 101], [5, 4])
    assert (columns["confidence"], columns["by_person"]) == ([300, 812], [1, 0])


def test_boxes_of_before_are_removed_and_files_of_others_stay(tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    write_report(_analysis([0.0, 70.0, 130.0], [(0, 3), (1, 3), (2, 3)]), output)
    theirs = tmp_path / "report" / "mine.txt"
    theirs.write_text("x")
    assert sorted(path.name for path in theirs.parent.glob("boxes*")) == [f"boxes-000{i}.js" for i in range(3)]
    write_report(_analysis([0.0, 70.0, 130.0], [(1, 3)]), output)
    assert sorted(path.name for path in theirs.parent.iterdir()) == ["boxes-0001.js", "mine.txt"]
    remove_report(output)
    assert [path.name for path in theirs.parent.iterdir()] == ["mine.txt"]
    assert not output.exists()


@pytest.mark.parametrize(
    ("video", "address"),
    [
        ("a b%20#1?.mp4", "a%20b%2520%231%3F.mp4"),
        ("../x/é.mp4", "../x/%C3%A9.mp4"),
        ("javascript:alert(1).mp4", "javascript%3Aalert%281%29.mp4"),
        ("http://host/x.mp4", ""),
        ("rtsp://host/x", ""),
        ("device:/dev/video0", ""),
    ],
)
def test_a_video_has_an_address_relative_to_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, video: str, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_report(_analysis([0.0], []), Path("report.html"), video=video)
    assert _data(Path("report.html"))["video"]["url"] == address


def test_a_video_whose_name_is_no_text_has_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"caf\xe9.mp4")
    analysis = _analysis([0.0], [])
    facts = dataclasses.replace(analysis.video, source=name)
    write_report(dataclasses.replace(analysis, video=facts), Path("report.html"), files=[Path(name)])
    data = _data(Path("report.html"))
    assert data["video"]["url"] == "caf%E9.mp4" == data["files"][0] and data["name"] == name


@pytest.mark.parametrize("title", ["../../etc/<b>passwd</b>", "Finals, game 7", ""])
def test_a_video_is_called_by_its_title_which_is_no_path(tmp_path: Path, title: str) -> None:
    analysis = noted(_analysis([0.0], [(0, 3)]), ["odd"], title)
    write_report(analysis, tmp_path / "in" / "report.html")
    data = _data(tmp_path / "in" / "report.html")
    assert (data["name"], data["video"]["source"]) == (title or "video.mp4", "video.mp4")
    assert "<b>" not in (tmp_path / "in" / "report.html").read_text(encoding="utf-8").partition("<style>")[0]
    assert noted(analysis, []).video.title == title and "odd" in noted(analysis, []).notes
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def _data(path: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert found is not None
    return json.loads(found[1])


@given(st.text(max_size=30) | st.sampled_from(["</script>", "<!--<script>", "]]>", "${x}", "{{x}}", "\\u003c"]))
def test_whatever_a_name_is_the_page_holds_it_once_as_data(name: str) -> None:
    data = {"name": name, "players": [name]}
    text = page(data)
    inside = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert len(inside) == 1 and json.loads(inside[0]) == data
    assert text.count("<script") == 2 and text.count("</script>") == 2
    title = re.search(r"<title>(.*?)</title>", text, re.DOTALL)
    assert title is not None and html.unescape(title[1]) == f"{name} - courtscribe"


def test_the_policy_names_the_digests_of_what_is_in_the_page() -> None:
    import hashlib

    text = page({"name": "x"})
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None and "unsafe" not in policy[1] and policy[1].startswith("default-src 'none'")
    for kind in ("script", "style"):
        inside = re.search(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        assert inside is not None
        digest = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
        assert f"{kind}-src" in policy[1] and f"'sha256-{digest}'" in policy[1]
    assert not re.search(r"\sstyle=|\son\w+=", text.split("<script")[0]), "inline styles and handlers are forbidden"


def test_a_bundle_has_each_module_once_before_those_that_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {
        "main.js": 'import { a } from "./x/a.js";\nimport { b as c } from "./b.js";\nstart(a, c);\n',
        "x/a.js": 'import { b } from "../b.js";\nexport const a = b + 1;\n',
        "b.js": "export const b = 1;\nexport function twice() {}\n",
    }
    monkeypatch.setattr(bundle, "source", modules.__getitem__)
    text = bundle.bundle.__wrapped__("main.js")
    assert text.count("const b = 1;") == 1
    assert text.index("const b = 1;") < text.index("const a = b + 1;") < text.index("start(a, c);")
    assert "const { b: c } = module_b;" in text and not re.search(r"^\s*(import|export)\b", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('import x from "./x.js";', "no such line"),
        ('import { x } from "https://elsewhere/x.js";', "no such line"),
        ("export default 1;", "no such line"),
        ('const x = "</script>";', "no such line"),
        ('import { x } from "./main.js";', "import each other"),
    ],
)
def test_a_module_that_cannot_be_bundled_is_refused(monkeypatch: pytest.MonkeyPatch, text: str, reason: str) -> None:
    monkeypatch.setattr(bundle, "source", {"main.js": text}.__getitem__)
    with pytest.raises(ValueError, match=reason):
        bundle.bundle.__wrapped__("main.js")


def test_every_module_and_style_of_the_page_is_in_it() -> None:
    text, folder = page({"name": "x"}), Path(bundle.__file__).parent / "page"
    for path in folder.rglob("*.js"):
        name = re.sub(r"\W", "_", path.relative_to(folder).as_posix().removesuffix(".js"))
        assert text.count(f"const module_{name} = ") == 1, path
