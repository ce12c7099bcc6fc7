"""A whole game's page: 20,000 actions of 20 players in 90 minutes, and the same in vis-timeline."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.report.numbered import LABELS, write_numbered
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.outputs.draw import color_of
from pipeline.report.write import write_report
from tracker.ball.events import PASS, SHOT, BallEvent
from tracker.ball.scene import NOBODY
from tracker.teams.teams import Member, Teams
from tracker.types import Tracks

SEGMENTS, PLAYERS, MINUTES, RATE = 20_000, 20, 90, 30
VIS = "vis-timeline@8"


def large_analysis(video: Path) -> Analysis:
    """Ten of twenty players at a time have boxes; each of them does something all the time, 5.4 s on average."""
    rng = np.random.default_rng(1)
    count = MINUTES * 60 * RATE
    index = np.arange(count, dtype=np.int32)
    frames = Frames(index, index / RATE)
    segments: list[ActionSegment] = []
    each = SEGMENTS // PLAYERS
    for player in range(1, PLAYERS + 1):
        edges = np.sort(rng.choice(np.arange(1, count), each - 1, replace=False))
        for first, end in zip([0, *edges.tolist()], [*edges.tolist(), count], strict=True):
            label = "unsure" if rng.random() < 0.1 else LABELS[int(rng.integers(len(LABELS)))]
            segments.append(
                ActionSegment(player, label, first / RATE, end / RATE, first, end, round(float(rng.uniform(0.3, 1)), 3))
            )
    segments.sort(key=lambda s: (s.start, s.track_id))
    # players change every two minutes; boxes wander
    shift = index // (120 * RATE) % 2
    ids = (np.arange(10)[None] + 1 + 10 * shift[:, None]).reshape(-1)
    phase = rng.uniform(0, 6, 10)
    x = 640 + 550 * np.sin(index[:, None] / 170 + phase[None]) + rng.normal(0, 1, (count, 10))
    y = 380 + 120 * np.cos(index[:, None] / 230 + 2 * phase[None]) + rng.normal(0, 1, (count, 10))
    boxes = np.stack([x - 30, y - 75, x + 30, y + 75], axis=-1).reshape(-1, 4)
    tracks = Tracks.of(np.repeat(index, 10), ids, boxes, observed=rng.random(10 * count) > 0.02)
    teams = Teams(
        ("Larks", "Owls"),
        ((230, 230, 230), (30, 80, 200)),
        {i + 1: Member(("Larks", "Owls")[i % 2], 0.9) for i in range(PLAYERS)},
    )
    facts = VideoFacts(str(video), 1280, 720, str(RATE), count / RATE, "h264")
    names = {i + 1: f"Player {chr(65 + i)}" for i in range(PLAYERS)}
    return Analysis(facts, {}, frames, Players(tracks, names, teams=teams), Timeline(LABELS, tuple(segments)))


def write_large(folder: Path) -> Path:
    """Write the page; its video is short, as only its head is looked at."""
    video = folder / "video.mp4"
    write_numbered(video, "cfr", 250)
    analysis = large_analysis(video)
    rng = np.random.default_rng(2)
    events = [
        BallEvent(
            SHOT if i % 6 == 5 else PASS, int(frame), 1 + i % PLAYERS, NOBODY if i % 6 == 5 else 1 + (i + 2) % 20, 0.8
        )
        for i, frame in enumerate(np.sort(rng.choice(MINUTES * 60 * RATE, 1200, replace=False)))
    ]
    page = folder / "report.html"
    write_report(analysis, page, events, colors={i: color_of(i) for i in range(1, PLAYERS + 1)})
    return page


def write_vis(folder: Path, analysis: Analysis) -> Path:
    """The same in vis-timeline, which npm puts into ``folder``: a group per player, an item per action."""
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--legacy-peer-deps", VIS], cwd=folder, check=True
    )
    items = [
        {"id": i, "group": s.track_id, "start": s.start * 1000, "end": s.end * 1000, "content": s.action}
        for i, s in enumerate(analysis.timeline.segments)
    ]
    groups = [{"id": i, "content": f"Player {i}"} for i in range(1, PLAYERS + 1)]
    built = next(folder.glob("node_modules/vis-timeline/standalone/umd/vis-timeline-graph2d.min.js"))
    style = next(folder.glob("node_modules/vis-timeline/styles/vis-timeline-graph2d.min.css"))
    page = folder / "vis.html"
    page.write_text(
        f"""<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="{style.relative_to(folder)}">
<div id="root" style="width:1400px"></div><script src="{built.relative_to(folder)}"></script><script>
const items = new vis.DataSet({json.dumps(items)}), groups = new vis.DataSet({json.dumps(groups)});
const timeline = new vis.Timeline(root, items, groups,
  {{stack: false, start: 0, end: {MINUTES * 60_000}, editable: false, showCurrentTime: false}});
timeline.on('changed', () => (document.body.dataset.ready = 'true'));
</script>""",
        encoding="utf-8",
    )
    return page
