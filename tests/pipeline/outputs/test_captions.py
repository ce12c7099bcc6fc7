"""captions.vtt, read back by a strict little parser of the format and by FFmpeg."""

from __future__ import annotations

import html
import re
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.outputs.captions import write_captions

_TIMING = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})")


def parse(path: Path) -> list[tuple[int, int, str]]:
    """Cues as start and end in milliseconds and text."""
    text = path.read_text(encoding="utf-8")
    header, *blocks = text.rstrip("\n").split("\n\n")
    assert header == "WEBVTT"
    cues: list[tuple[int, int, str]] = []
    for block in blocks:
        timing, payload = block.split("\n")
        match = _TIMING.fullmatch(timing)
        assert match is not None
        numbers = [int(g) for g in match.groups()]
        start, end = (((n[0] * 60 + n[1]) * 60 + n[2]) * 1000 + n[3] for n in (numbers[:4], numbers[4:]))
        assert not re.search(r"<|>|&(?!amp;|lt;|gt;)", payload)
        cues.append((start, end, html.unescape(payload)))
    return cues


names = st.dictionaries(st.integers(1, 4), st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
spans = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 10**8), st.integers(1, 10**5)), max_size=8)


@settings(deadline=None, max_examples=50)
@given(spans, names)
def test_every_segment_is_a_cue_in_order(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[int, int, int]], names: dict[int, str]
) -> None:
    segments = tuple(
        ActionSegment(i, "no <action> -->", start / 1000, (start + length) / 1000, 0, 1, 0.5)
        for i, (_, start, length) in enumerate(spans, 1)
    )
    path = tmp_path_factory.mktemp("captions") / "c.vtt"
    write_captions(Timeline(("no <action> -->",), segments), names, path)
    cues = parse(path)
    assert cues == sorted(cues)
    expected = sorted(
        (start, start + length, " ".join(f"{names.get(i, i)} no <action> -->".split()))
        for i, (_, start, length) in enumerate(spans, 1)
    )
    assert cues == expected


def test_a_name_with_line_breaks_stays_in_its_cue(tmp_path: Path) -> None:
    timeline = Timeline(("run",), (ActionSegment(4, "run", 0.0, 1.0, 0, 25, 1.0),))
    write_captions(timeline, {4: "A\n\n00:00.000 --> 1"}, tmp_path / "c.vtt")
    assert parse(tmp_path / "c.vtt") == [(0, 1000, "A 00:00.000 --> 1 run")]


def test_times_count_from_where_the_video_begins(tmp_path: Path) -> None:
    segments = tuple(ActionSegment(4, "run", float(t), t + 2.0, 25 * t, 25 * t + 50, 1.0) for t in (0, 2, 4))
    write_captions(Timeline(("run",), segments), {}, tmp_path / "c.vtt", start=3.0)
    assert parse(tmp_path / "c.vtt") == [(0, 1000, "4 run"), (1000, 3000, "4 run")]


def test_ffmpeg_reads_it_and_an_empty_one_is_valid(tmp_path: Path) -> None:
    segments = (ActionSegment(4, "run", 3661.5, 3662.25, 91537, 91556, 1.0),)
    write_captions(Timeline(("run",), segments), {4: "A & B"}, tmp_path / "c.vtt")
    with av.open(str(tmp_path / "c.vtt")) as container:
        packets = [p for p in container.demux() if p.size]
    assert [(p.pts, p.duration, bytes(p)) for p in packets] == [(3661500, 750, b"A &amp; B run")]
    write_captions(Timeline((), ()), {}, tmp_path / "empty.vtt")
    assert (tmp_path / "empty.vtt").read_text() == "WEBVTT\n"
