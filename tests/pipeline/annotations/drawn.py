"""Timelines of a game, drawn at random by hypothesis, and what they are as annotations."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from pipeline.analysis.timeline import PERSON, UNSURE, ActionSegment, Timeline, frame_ends
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.annotations.annotation_file import Annotation, AnnotationFile, event_action, sorted_annotations
from pipeline.outputs.export import annotations_of
from tracker.teams.teams import Member, Teams
from tracker.types import Tracks

LABELS = ("run", 'pass & "go" <x>', "ball in hand", "dunk 🏀")
ODD = (
    "Ann & Bo", "<b>Cy</b>", 'D"Artagnan', "'", "a: run", "👩🏽‍🦱", "A|B", "Zoë\nLong", "]]>", "ball pass", "7 to 4",
    "\u202eabc",
)  # fmt: skip
NAMES = st.one_of(st.text(min_size=1, max_size=12), st.sampled_from(ODD))
RATES = (10.0, 25.0, 30000 / 1001, 60.0, 240.0)


@st.composite
def analyses(draw: st.DrawFn) -> Analysis:
    """A few players with names of any kind; the last segment of somebody reaches the end of the video."""
    length = draw(st.integers(2, 60))
    rate = draw(st.sampled_from(RATES))
    first = draw(st.integers(0, 500))
    frames = Frames(np.arange(first, first + length, dtype=np.int32), np.arange(first, first + length) / rate)
    ids = sorted(draw(st.sets(st.integers(1, 99), min_size=1, max_size=4)))
    segments = [s for i in ids for s in _segments(draw, i, frames)]
    boxes = [(int(frame), i, (10.0 * i, 0.0, 10.0 * i + 8, 30.0)) for frame in frames.index for i in ids]
    names = draw(st.dictionaries(st.sampled_from(ids), NAMES))
    members = {i: Member(draw(st.sampled_from(["Élan & Co", "B", ""])), 0.9) for i in ids}
    ordered = tuple(sorted(segments, key=lambda s: (s.start, s.track_id)))
    end, teams = float(frame_ends(frames.time)[-1]), Teams(("Élan & Co", "B"), members=members)
    return Analysis(
        video=VideoFacts("/videos/gäme & <more>.mp4", 640, 360, f"{rate:g}", end, "h264"),
        settings={}, frames=frames, players=Players(Tracks.of(*zip(*boxes, strict=True)), names=names, teams=teams),
        timeline=Timeline(LABELS, ordered),
    )  # fmt: skip


def _segments(draw: st.DrawFn, player: int, frames: Frames) -> list[ActionSegment]:
    """Segments that touch or leave gaps; ends of neighbours differ in what is done, as a timeline's do."""
    bounds = sorted(draw(st.sets(st.integers(0, len(frames)), max_size=6)) | {0, len(frames)})
    ends, found, before = frame_ends(frames.time), list[ActionSegment](), ""
    for a, b in pairwise(bounds):
        action = draw(st.sampled_from(["", UNSURE, *LABELS]))
        if action and action != before:
            found.append(
                ActionSegment(
                    player, action, float(frames.time[a]), float(ends[b - 1]), int(frames.index[a]),
                    int(frames.index[b - 1]) + 1, draw(st.integers(0, 1000)) / 1000,
                    draw(st.sampled_from(["model", PERSON])),
                )
            )  # fmt: skip
        before = action
    return found


@st.composite
def files(draw: st.DrawFn) -> AnnotationFile:
    """The annotations of such an analysis, and some events."""
    analysis = draw(analyses())
    file = annotations_of(analysis)
    frames, ends = analysis.frames, frame_ends(analysis.frames.time)
    rows = draw(st.lists(st.integers(0, len(frames) - 1), unique=True, max_size=3))
    people = st.sampled_from(file.players)
    events = [
        Annotation(
            draw(people), event_action(draw(st.sampled_from(["pass", "shot", "rebound", "turnover"]))),
            float(frames.time[row]), float(ends[row]), (int(frames.index[row]), int(frames.index[row]) + 1),
            0.5, to=draw(st.one_of(st.just(""), people)),
        )
        for row in rows
    ]  # fmt: skip
    return dataclasses.replace(file, annotations=sorted_annotations((*file.annotations, *events)))


def game() -> Analysis:
    """Ann (4) runs, then has the ball for 0.4 s, as a person said; player 7 runs in a part of it. 25 frames, 25 fps."""
    frames = Frames(np.arange(25, dtype=np.int32), np.arange(25) / 25)
    segments = (
        ActionSegment(4, "run", 0.0, 0.6, 0, 15, 0.75),
        ActionSegment(7, "run", 0.2, 0.8, 5, 20, 0.5),
        ActionSegment(4, "ball in hand", 0.6, 1.0, 15, 25, 1.0, PERSON),
    )
    boxes = [(f, i, (10.0 * i, 0.0, 10.0 * i + 8, 30.0)) for f in range(25) for i in (4, 7) if i == 4 or 5 <= f < 20]
    return Analysis(
        VideoFacts("/videos/game.mp4", 640, 360, "25", 1.0, "h264"), {}, frames,
        Players(Tracks.of(*zip(*boxes, strict=True)), {4: "Ann"}, teams=Teams(members={4: Member("A", 0.9)})),
        Timeline(LABELS, segments),
    )  # fmt: skip
