"""The ball on broadcasts with truth: who has it, where it is, what happens to it; and the training of its second look.

python -m benchmarks.ball train SHARED -o WEIGHTS [--hold-out GROUP,GROUP]
python -m benchmarks.ball judge SHARED --part WEIGHTS GROUP,GROUP [--part WEIGHTS GROUP,GROUP] [-o RESULT]

Groups are games: what is judged was never learnt from. ``IND-NYK`` and ``NYK-BOS`` are the clips with truth, the others
are the games of ``ball_nba`` and ``nba_events``; ``frames`` and ``videos`` are the halves of Basketball Players v17;
``made`` are games that this project draws, others than the demo's.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.provenance import write_result
from ground.disk.tables import read_rows
from ground.frames import Frame, Image
from ground.video.source import open_video
from pipeline.analysis.timeline import Timeline
from pipeline.analysis.values import Analysis, Drawn, VideoFacts
from pipeline.analyze import track_players
from pipeline.config import PipelineConfig
from pipeline.evaluate.ball import EventCount, agree_on_ball, count_events
from pipeline.models import Models
from pipeline.progress import Silent
from pipeline.stages.ball import events_found, follow_ball
from pipeline.stages.detect import detect_players
from pipeline.synthetic.game import SyntheticGame
from tracker.ball.events import PASS, SHOT
from tracker.detect.detector import BALLS, YoloDetector
from tracker.detect.train_ball_look import Patches, patches_of, train_ball_look
from tracker.types import Detections, FloatArray

CLIPS = ("IND-NYK", "NYK-BOS")
_STRETCHED = (1138, 640)
_WEAKEST = 0.003
_BALL = 0
"""Class of balls in Basketball Players v17."""
_SIDE = 20.0
"""Pixels of a ball in the clips with truth."""
_SEEDS = range(1, 13)
"""Of made games to learn from; the demo's is 0."""
_HIDDEN, _PLAIN = 0.2, 0.6
"""Share of a drawn ball in sight up to which it is none to learn from, and from which it is one."""
_BEFORE = 3
"""Frames before a release in which the ball is surely in hand."""
_COLUMNS = "right | wrong | missed | holder right before it"


def pictures(shared: Path) -> Iterator[tuple[str, Image, FloatArray]]:
    """Group, picture and the balls in it (B, 3): middle and side, pixels."""
    yield from _made()
    yield from _players_17(shared / "detection" / "basketball_players_17")
    folder = shared / "detection" / "ball_nba"
    for _, row in read_rows(folder / "labels.csv", ("file", "group", "x", "y", "w", "h")):
        x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
        yield row["group"], _read(folder / row["file"]), np.array([[x + w / 2, y + h / 2, (w * h) ** 0.5]], np.float32)
    for name in CLIPS:
        rows = read_rows(shared / "truth" / name / "ball.csv", ("frame", "x", "y", "visible"))
        places = {int(r["frame"]) - 1: (float(r["x"]), float(r["y"]), _SIDE) for _, r in rows if r["visible"] == "1"}
        with open_video(shared / "videos" / f"netba_{name}.mp4") as video:
            for frame in video:
                if frame.index in places:
                    yield name, frame.image, np.array([places[frame.index]], np.float32)
                if frame.index >= max(places):
                    break


def _made() -> Iterator[tuple[str, Image, FloatArray]]:
    """A picture a second of drawn games; those where the ball is half hidden are left out."""
    for seed in _SEEDS:
        game = SyntheticGame(seed, 20.0)
        truth = game.truth
        for index in range(7, game.num_frames, round(game.fps)):
            share = truth.ball_visibility[index]
            if not _HIDDEN < share < _PLAIN:
                balls = truth.ball[index : index + 1] if share >= _PLAIN else np.empty((0, 3), np.float32)
                yield "made", game.frame(index).image, balls


def _players_17(folder: Path) -> Iterator[tuple[str, Image, FloatArray]]:
    for path in sorted(folder.rglob("*.jpg")):
        image = cv2.resize(_read(path), _STRETCHED)
        label = path.parents[1].with_name("labels") / path.parent.name / f"{path.stem}.txt"
        rows = [[float(value) for value in line.split()] for line in label.read_text(encoding="utf-8").splitlines()]
        boxes = np.array([row[1:5] for row in rows if row[0] == _BALL and len(row) == 5], np.float32).reshape(-1, 4)
        scaled = boxes * np.array([*_STRETCHED, *_STRETCHED], np.float32)
        side = np.sqrt(scaled[:, 2] * scaled[:, 3])
        yield "frames" if path.name.startswith("frame") else "videos", image, np.column_stack([scaled[:, :2], side])


def _read(path: Path) -> Image:
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


def train(options: argparse.Namespace) -> None:
    """Cut patches, train, and write the weights."""
    torch.set_num_threads(1)
    config = dataclasses.replace(PipelineConfig().detector, thing_confidence=_WEAKEST, ball_weights="")
    held_out, rng = set(options.hold_out.split(",")), np.random.default_rng(0)
    detector = YoloDetector(config)
    found = [
        patches_of(image, _spots(detector, image), balls, rng)
        for group, image, balls in pictures(options.shared)
        if group not in held_out
    ]
    patches = Patches(np.concatenate([p.images for p in found]), np.concatenate([p.is_ball for p in found]))
    print(f"{len(patches.images)} patches, {int(patches.is_ball.sum())} of balls")
    train_ball_look(patches, options.output)


def _spots(detector: YoloDetector, image: Image) -> Detections:
    (found,) = detector.detect([Frame(0, 0.0, image)])
    things = found.weak or Detections.empty()
    return things[np.isin(things.class_id, [i for i, name in enumerate(detector.names) if name in BALLS])]


def analyzed(source: Path, config: PipelineConfig, models: Models) -> Analysis:
    """A video with players and ball, and no labels."""
    with open_video(source, config.start, config.end) as video:
        found = detect_players(video, models.detector(config), Silent())
        size = (video.info.width, video.info.height)
        players = track_players(found, Drawn(), size, config, models, video, Silent())
        facts = VideoFacts(str(source), *size, str(video.info.frame_rate), video.info.duration, video.info.codec)
    ball = follow_ball(found, players, size, config.ball, Silent())
    timeline = Timeline((), ())
    return Analysis(
        facts, {}, found.frames, players, timeline, detections=found.detections, things=found.things, ball=ball
    )


def judge(options: argparse.Namespace) -> None:
    """Print a table of clips with truth, and one of the events of each game, of each part of the games; then of all."""
    lines: list[str] = []
    events: list[_Events] = []
    for weights, groups in options.part:
        lines += [f"## {Path(weights).stem}", ""]
        events += _part(options.shared, weights, groups.split(","), lines)
    lines += ["## All games", "", f"| event | {_COLUMNS} | F1 |", "|---|---|---|---|---|---|"]
    for kind in (PASS, SHOT):
        together = sum((event for event in events if event.kind == kind), start=_Events("", kind))
        lines.append(f"| {kind} | {together.shown()} | {together.count.f1:.3f} |")
    write_result(options.output, "The ball and who has it", lines, [Path(weights) for weights, _ in options.part])


def _part(shared: Path, weights: str, groups: list[str], lines: list[str]) -> list[_Events]:
    """Games judged with ``weights``, told in ``lines``; their events."""
    base, models = PipelineConfig(), Models()
    config = dataclasses.replace(base, detector=dataclasses.replace(base.detector, ball_weights=weights))
    lines += ["| clip | frames | holder right | frames | ball within 15 px |", "|---|---|---|---|---|"]
    for name in (clip for clip in CLIPS if clip in groups):
        analysis = analyzed(shared / "videos" / f"netba_{name}.mp4", config, models)
        own = agree_on_ball(analysis, shared / "truth" / name)
        lines.append(f"| {name} | {own.num_frames} | {own.holder:.3f} | {own.num_places} | {own.recall:.3f} |")
    folder = shared / "events" / "nba_events"
    events = [event for group in groups for event in _events(folder, group, config, models)]
    lines += ["", f"| game | event | {_COLUMNS} |", "|---|---|---|---|---|---|"]
    lines += [*(f"| {event.group} | {event.kind} | {event.shown()} |" for event in events), ""]
    return events


@dataclasses.dataclass(frozen=True)
class _Events:
    """Events of a kind in the clips of a game against true ones."""

    group: str
    kind: str
    count: EventCount = dataclasses.field(default_factory=lambda: EventCount(0, 0, 0))
    before: tuple[bool, ...] = ()
    """Of each clip, whether who has the ball right before is right."""

    def __add__(self, other: _Events) -> _Events:
        own, more = self.count, other.count
        count = EventCount(own.right + more.right, own.wrong + more.wrong, own.missed + more.missed)
        return _Events(self.group, self.kind, count, self.before + other.before)

    def shown(self) -> str:
        """As cells of a table."""
        return (
            f"{self.count.right} | {self.count.wrong} | {self.count.missed} | {sum(self.before)} of {len(self.before)}"
        )


def _events(folder: Path, group: str, config: PipelineConfig, models: Models) -> list[_Events]:
    """Passes and shots of a game; empty for a group that has no clips of events."""
    found: dict[str, _Events] = {}
    for _, row in read_rows(folder / "events.csv", ("file", "label", "group", "release_frame", "actor_cx", "actor_cy")):
        if row["group"] != group or row["label"] == "unclear":
            continue
        analysis, frame = analyzed(folder / row["file"], config, models), int(row["release_frame"])
        true_kind = PASS if row["label"] == "pass" else SHOT
        counts = count_events(events_found(analysis), [(float(analysis.frames.time[frame]), true_kind)], (PASS, SHOT))
        actor = np.array([float(row["actor_cx"]), float(row["actor_cy"])])
        before = (_has(analysis, frame - _BEFORE, actor),) if frame >= _BEFORE else ()
        for kind, count in counts.items():
            own = _Events(group, kind, count, before if kind == true_kind else ())
            found[kind] = found.get(kind, _Events(group, kind)) + own
    return list(found.values())


def _has(analysis: Analysis, frame: int, actor: FloatArray) -> bool:
    """Whether who has the ball in a frame is the one in whose box ``actor`` is."""
    if analysis.ball is None:
        return False
    holder = analysis.ball.holder[analysis.ball.frame_index == frame]
    people = analysis.tracks.at(frame)
    box = people.xyxy[np.isin(people.track_id, holder)]
    return bool(len(box) and (box[0, :2] <= actor).all() and (actor <= box[0, 2:]).all())


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train")
    training.add_argument("shared", type=Path)
    training.add_argument("-o", "--output", type=Path, required=True)
    training.add_argument("--hold-out", default="")
    training.set_defaults(run=train)
    judging = commands.add_parser("judge")
    judging.add_argument("shared", type=Path)
    judging.add_argument("--part", nargs=2, action="append", required=True, metavar=("WEIGHTS", "GROUPS"))
    judging.add_argument("-o", "--output", type=Path)
    judging.set_defaults(run=judge)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
