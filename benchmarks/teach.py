"""What a person's corrections of one game bring: macro-F1 before and after, on the rest of it and on another game.

    python benchmarks/teach.py IND.courtscribe truth/IND-NYK NYK.courtscribe truth/NYK-BOS --output FILE.md

Each analysis with its hand-checked truth; the first is corrected, both are judged. The truth's labels, brought to the
boxes of the analysis, stand for the corrections; they become clips by `courtscribe clips export`, of which each draw
takes some of every label, and a last layer is learnt from them as `courtscribe adapt` learns it. Then all clips of both
games are labelled by it and joined into timelines, as `analyze` does it, with speed and ball.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from provenance import SHIPPED, write_result

from classify.data.clips import read_file, sixteen
from classify.data.layouts import ClipFile
from classify.few_shot.adapt import MIN_EXAMPLES, AdaptConfig, Embedding, adapt
from classify.few_shot.heads import AUTO, Examples, Head, fit_heads
from classify.few_shot.kept import KEEP, STIFFNESS, fit_kept
from classify.networks.preprocess import to_tensor
from classify.train.last_layer import embed
from classify.types import CLIP_LENGTH, CLIP_PACE, ActionScores
from classify.weights.kinetics import load_classifier
from ground.video.source import open_video
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import PERSON, ActionSegment, Timeline, TimelineConfig, frame_ends
from pipeline.analysis.values import Analysis, Scores
from pipeline.evaluate.actions import LabelledFrames, agree, match_boxes, segments_of
from pipeline.evaluate.truth import read_truth_folder
from pipeline.shipped import WEIGHTS
from pipeline.stages.label import join
from pipeline.stages.windows import ClipCutter, WindowConfig, plan_windows
from pipeline.training.export_clips import export_clips
from tracker.assignment import assign
from tracker.boxes import iou
from tracker.types import Tracks

_COUNTS = (5, 10, 20)
_WAYS = ("first half", "anywhere")
_HEADS = (AUTO, KEEP)
_STIFF = (0.02, 2.0)
_CLIP = CLIP_LENGTH / CLIP_PACE
"""Seconds."""
_NEVER_UNSURE = TimelineConfig(min_confidence=0.0)
_NOTES = """\
Mean and standard deviation over draws of clips. *First half*: clips are taken from the first half of the corrected
game, and its second half is judged. *Anywhere*: from all of it, and all is judged but the moments that the clips show;
a player's next second is much like his last one, so this flatters, and it is how a person would do it. Of a label with
fewer clips all are taken; labels with fewer than three cannot be learnt, and count as 0 where the truth has them.
Macro-F1 and accuracy are over boxes whose label is clear, before → after; nothing is left unsure. Head `auto` is what
`adapt` does unless told otherwise: a last layer for the labels of the clips alone. `keep` is `adapt --head keep`: the
shipped last layer, corrected; labels without clips stay."""


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """An analysis, its truth, and all its clips as the network sees them."""

    analysis: Analysis
    truth: Tracks
    actions: list[str | None]
    windows: tuple[ActionScores, ...]
    """As the shipped classifier answered."""
    features: torch.Tensor
    """float32 (N, C), of ``windows``."""


@dataclass(frozen=True, slots=True)
class Options:
    """How it is measured."""

    draws: int
    stiffness: float = STIFFNESS


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """The corrections as clips."""

    files: list[ClipFile]
    player: np.ndarray
    """(M,), track_id in the analysis."""
    start: np.ndarray
    """(M,), seconds."""
    features: torch.Tensor
    """float32 (M, 2, C): as they are, and mirrored."""


def main() -> None:
    """Measure, print, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("analysis", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("other_truth", type=Path)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    game, other = (
        read_game(*pair) for pair in ((options.analysis, options.truth), (options.other, options.other_truth))
    )
    with tempfile.TemporaryDirectory() as work:
        taught = corrections(game, Path(work))
        check(taught, Path(work))
    names = options.truth.name, options.other_truth.name
    figures = " | ".join(f"{figure} {name}" for name in names for figure in ("macro-F1", "accuracy"))
    heads = [f"| clips from | of each label | clips, labels | head | {figures} |", "|---" * 8 + "|"]
    table = [
        row(game, other, taught, way, count, kind, Options(options.draws))
        for way in _WAYS for count in _COUNTS for kind in _HEADS
    ]  # fmt: skip
    stiff = [
        row(game, other, taught, _WAYS[0], _COUNTS[-1], KEEP, Options(options.draws, stiffness)).replace(
            f"| {KEEP} |", f"| {KEEP}, stiffness {stiffness:g} |"
        )
        for stiffness in _STIFF
    ]
    lines = [
        f"{options.draws} draws; {names[0]} corrected, {len(taught.files)} clips in all: {_counts(taught)}.",
        *("", _NOTES, "", *heads, *table, ""),
        *(f"How stiff `keep` is, beside the {STIFFNESS:g} that `adapt` takes:", "", *heads, *stiff),
    ]
    write_result(options.output, f"Teaching by correcting: {names[0]}", lines, SHIPPED)


def read_game(folder: Path, truth_folder: Path) -> Game:
    """Cut every clip that was labelled once more, and look at it."""
    analysis = load_analysis(folder)
    truth, actions = read_truth_folder(truth_folder)
    frames, settings = analysis.frames, analysis.settings["windows"]
    kept = np.flatnonzero(np.isin(truth.frame_index, frames.index))
    labels = analysis.timeline.labels
    known = [actions[i] if actions[i] in labels else None for i in kept]
    plan = plan_windows(analysis.tracks, frames.index, frames.time, WindowConfig(**settings), frames.shot())
    network, info = shipped()
    cutter, seen = ClipCutter(plan), dict[tuple[int, float], torch.Tensor]()
    with open_video(analysis.video.source, end=float(frames.time[-1]) + 0.001) as video:
        for frame in video:
            for clip in cutter.update(frame):
                seen[clip.track_id, clip.start] = embed(network, [to_tensor(clip.frames[None], info.profile)])[0]
    windows = analysis.scores.windows
    return Game(analysis, truth[kept], known, windows, torch.stack([seen[w.track_id, w.start] for w in windows]))


def corrections(game: Game, work: Path) -> Taught:
    """The truth at the boxes of the analysis, as a person's labels, exported as clips."""
    analysis = game.analysis
    wanted = np.full(len(analysis.tracks), "", dtype=object)
    for frame in np.unique(game.truth.frame_index):
        mine, theirs = (np.flatnonzero(tracks.frame_index == frame) for tracks in (game.truth, analysis.tracks))
        overlap = iou(game.truth.xyxy[mine].astype(np.float64), analysis.tracks.xyxy[theirs].astype(np.float64))
        rows, columns = assign(overlap, 0.5)
        for row, column in zip(mine[rows], theirs[columns], strict=True):
            wanted[column] = game.actions[row] or ""
    segments = tuple(s for i in analysis.tracks.ids.tolist() for s in _spans(analysis, wanted, i))
    ordered = tuple(sorted(segments, key=lambda s: (s.start, s.track_id)))
    corrected = dataclasses.replace(analysis, timeline=Timeline(analysis.timeline.labels, ordered))
    save_analysis(
        dataclasses.replace(corrected, players=dataclasses.replace(corrected.players, names={})), work / "game"
    )
    export_clips(work / "game", work / "clips")
    with (work / "clips/clips.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    files = [ClipFile(work / "clips" / r["clip"], r["label"], r["group"]) for r in rows]
    network, info = shipped()
    features: list[torch.Tensor] = []
    for file in files:
        (clip,) = read_file(file)
        x = to_tensor(sixteen(clip.frames)[None], info.profile)
        features.append(embed(network, (x, x.flip(-1))))
    start = np.array([float(r["start_s"]) for r in rows])
    return Taught(files, np.array([int(r["player"]) for r in rows]), start, torch.stack(features))


def _spans(analysis: Analysis, wanted: np.ndarray, player: int) -> list[ActionSegment]:
    """Stretches of one label of a player."""
    frames, ends = analysis.frames, frame_ends(analysis.frames.time)
    dense = np.full(len(frames), "", dtype=object)
    mine = analysis.tracks.track_id == player
    dense[np.searchsorted(frames.index, analysis.tracks.frame_index[mine])] = wanted[mine]
    return [
        ActionSegment(player, action, float(frames.time[a]), float(ends[b - 1]), int(frames.index[a]),
                      int(frames.index[b - 1]) + 1, 1.0, PERSON)
        for a, b, action in segments_of(dense)
    ]  # fmt: skip


@cache
def shipped() -> Embedding:
    """The shipped network."""
    return load_classifier(WEIGHTS / "actions.safetensors")


def learn(taught: Taught, chosen: np.ndarray, kind: str, stiffness: float = STIFFNESS) -> tuple[Head, tuple[str, ...]]:
    """The last layer that ``adapt --head`` would write, and its labels."""
    network, info = shipped()
    labels = info.labels if kind == KEEP else tuple(sorted({taught.files[i].label for i in chosen}))
    targets = np.array([labels.index(taught.files[i].label) for i in chosen])
    turns = np.array([int((targets[:i] == target).sum()) for i, target in enumerate(targets)])
    features = taught.features[chosen].flatten(0, 1).double().numpy()
    examples = Examples(features, np.repeat(np.arange(len(chosen)), 2), targets, turns, len(labels))
    if kind == KEEP and isinstance(network.fc, torch.nn.Linear):
        return fit_kept(examples, network.fc, info.temperature, stiffness), labels
    return fit_heads(examples, kind)[0], labels


def check(taught: Taught, work: Path) -> None:
    """``learn`` is what ``adapt`` does: the same figure on left-out examples. Fails where it is not."""
    chosen = draw(taught, "anywhere", 5, np.random.default_rng(0), np.inf)
    for kind in _HEADS:
        files = [taught.files[i] for i in chosen]
        adapted = adapt(files, work / "mine.safetensors", shipped(), AdaptConfig(kind))
        head, labels = learn(taught, chosen, kind)
        targets = np.array([labels.index(file.label) for file in files])
        accuracy = float((head.probabilities.argmax(1) == targets).mean())
        if (head.kind, round(accuracy, 6)) != (adapted.heads[0][0], round(adapted.report.accuracy, 6)):
            raise AssertionError(f"learnt another way than adapt does: {accuracy} and {adapted.report.accuracy}")


def draw(taught: Taught, way: str, count: int, rng: np.random.Generator, half: float) -> np.ndarray:
    """Clips to learn from: up to ``count`` of each label that has enough."""
    allowed = taught.start + _CLIP <= half if way == "first half" else np.ones(len(taught.files), np.bool_)
    of_label = [
        np.flatnonzero(allowed & np.array([file.label == label for file in taught.files]))
        for label in sorted({file.label for file in taught.files})
    ]
    return np.concatenate([rng.permutation(rows)[:count] for rows in of_label if len(rows) >= MIN_EXAMPLES])


def row(game: Game, other: Game, taught: Taught, way: str, count: int, kind: str, options: Options) -> str:
    """A line of the table."""
    rng, half = np.random.default_rng(count), float(np.median(game.analysis.frames.time))
    figures: list[list[float]] = []
    sizes: list[tuple[int, int]] = []
    for _ in range(options.draws):
        chosen = draw(taught, way, count, rng, half)
        head, labels = learn(taught, chosen, kind, options.stiffness)
        hidden = [(int(taught.player[i]), float(taught.start[i]), float(taught.start[i]) + _CLIP) for i in chosen]
        spared = (half, []) if way == "first half" else (-np.inf, hidden)
        scored = [
            judge(which, answers, *asked)
            for which, asked in ((game, spared), (other, (-np.inf, [])))
            for answers in ((which.windows, which.analysis.timeline.labels), (answer(which, head, labels), labels))
        ]
        figures.append([figure for pair in scored for figure in pair])
        sizes.append((len(chosen), len({taught.files[i].label for i in chosen})))
    mean, spread = np.mean(figures, 0), np.std(figures, 0)
    cells = [f"{mean[i]:.3f} → {mean[i + 2]:.3f} ± {spread[i + 2]:.3f}" for i in (0, 1, 4, 5)]
    clips, labels = np.mean(sizes, 0)
    return f"| {way} | {count} | {clips:.0f} of {labels:.0f} | {kind} | {' | '.join(cells)} |"


def answer(game: Game, head: Head, labels: Sequence[str]) -> tuple[ActionScores, ...]:
    """What the new last layer says of every clip."""
    with torch.inference_mode():
        logits = head.layer(game.features.float()) / head.temperature
        probabilities = logits.double().softmax(1).numpy()
    return tuple(
        dataclasses.replace(window, probabilities=tuple(own.tolist()))
        for window, own in zip(game.windows, probabilities, strict=True)
    )


def judge(
    game: Game,
    answers: tuple[tuple[ActionScores, ...], Sequence[str]],
    since: float,
    hidden: Sequence[tuple[int, float, float]],
) -> tuple[float, float]:
    """Macro-F1 and accuracy of the timeline that ``answers`` give, from ``since`` on, without ``hidden`` moments of
    players of the analysis."""
    analysis, (windows, labels) = game.analysis, answers
    size = analysis.video.width, analysis.video.height
    timeline = join(
        Scores(windows),
        labels,
        0.0,
        analysis.tracks,
        analysis.frames,
        size,
        _NEVER_UNSURE,
        analysis.court,
        analysis.ball,
    )
    known = list(game.actions)
    times = dict(zip(analysis.frames.index.tolist(), analysis.frames.time.tolist(), strict=True))
    seen = np.array([times[f] for f in analysis.tracks.frame_index.tolist()])
    for i, frame in enumerate(game.truth.frame_index.tolist()):
        if times[frame] < since:
            known[i] = None
    for player, start, end in hidden:
        rows = np.flatnonzero((analysis.tracks.track_id == player) & (seen >= start) & (seen < end))
        for at in rows:
            same = np.flatnonzero(game.truth.frame_index == analysis.tracks.frame_index[at])
            overlap = iou(
                game.truth.xyxy[same].astype(np.float64), analysis.tracks.xyxy[at : at + 1].astype(np.float64)
            )
            if len(same) and overlap.max() >= 0.5:
                known[int(same[int(overlap.argmax())])] = None
    players: dict[int, LabelledFrames] = match_boxes(game.truth, known, analysis.tracks, timeline)
    agreement = agree(players)
    return agreement.macro_f1, agreement.accuracy


def _counts(taught: Taught) -> str:
    names = sorted({file.label for file in taught.files})
    return ", ".join(f"{sum(file.label == name for file in taught.files)} {name}" for name in names)


if __name__ == "__main__":
    main()
