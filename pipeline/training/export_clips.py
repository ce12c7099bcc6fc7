"""Labelled clips out of analyses that a person corrected, in SpaceJam's layout: what the next training learns from.

``examples/ID.mp4`` are clips of 16 pictures, cut as for labelling; ``annotation_dict.json`` and ``labels_dict.json``
say what they show, and ``clips.csv`` of which game each is: all clips of a game are learnt from, or judged on.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from classify.data.spacejam import ANNOTATIONS, LABELS, is_spacejam, read_names, read_object
from classify.types import CLIP_LENGTH, CLIP_PACE, Clip
from ground.disk.files import visible, write_atomically, write_text
from ground.disk.tables import read_rows
from ground.errors import InputError
from ground.video.source import open_video
from pipeline.analysis.timeline import PERSON, UNSURE, ActionSegment
from pipeline.analysis.values import Analysis, player_name
from pipeline.edits.current import load_current
from pipeline.stages.windows import ClipCutter, WindowConfig, WindowPlan, plan_windows
from pipeline.training.cut_examples import check_video
from pipeline.video.encode import write_video
from tracker.types import Tracks

TABLE, CLIPS = "clips.csv", "examples"
COLUMNS: tuple[str, ...] = ("clip", "label", "group", "clip_id", "source", "video", "player", "start_s")
"""clip, label, group: as ``classify.data.layouts`` takes them; clip_id, source: as ``classify.data.spacejam`` does;
video: the fingerprint of the game's; player, start_s: whom it shows, and from which second."""
_STRIDE = CLIP_LENGTH
"""Samples between clips of one segment: they share none, but for the last one, which ends where the segment ends."""
_TICK = 1e-3
"""Seconds by which reading begins earlier and ends later than the first and last picture: times are rounded."""
_OF_TRACKS = ("frame_index", "xyxy", "confidence", "observed")
_DIGITS = 7
"""Of an id, as in SpaceJam."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    clips: Mapping[str, int]
    """Number of clips by label."""
    notes: tuple[str, ...]
    """What was left out, a line each."""


@dataclass(slots=True)
class _Collection:
    """A folder of clips: what is in it, and what is to be."""

    folder: Path
    rows: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """Of ``TABLE``."""
    labels: list[str] = field(default_factory=list[str])
    """By number."""

    @staticmethod
    def open(folder: Path) -> _Collection:
        """Raises InputError for a folder with other things in it."""
        if not is_spacejam(folder):
            if folder.exists() and (not folder.is_dir() or visible(folder)):
                raise InputError(f"{folder}: is there and holds no clips of courtscribe; choose another folder with -o")
            return _Collection(folder)
        rows = [row for _, row in read_rows(folder / TABLE, COLUMNS)] if (folder / TABLE).is_file() else []
        annotations, names = read_object(folder / ANNOTATIONS), read_names(folder / LABELS)
        if {row["clip_id"] for row in rows} != set(annotations) or sorted(names) != sorted(map(str, range(len(names)))):
            raise InputError(f"{folder}: holds clips that courtscribe did not write; choose another folder with -o")
        return _Collection(folder, rows, [names[str(number)] for number in range(len(names))])

    def forget(self, game: str, video: str) -> list[str]:
        """Leave out what is there of a game, which is cut anew; returns ids. Raises InputError for another's clips."""
        own = [row for row in self.rows if row["source"] == game]
        if any(row["video"] != video for row in own):
            raise InputError(
                f"{self.folder}: has clips of another game called {game}; give this analysis' folder another name"
            )
        self.rows = [row for row in self.rows if row["source"] != game]
        return [row["clip_id"] for row in own]

    def next_id(self) -> int:
        """After all that are there."""
        return max((int(row["clip_id"]) for row in self.rows if row["clip_id"].isdecimal()), default=0) + 1

    def save(self) -> None:
        """Write the tables; the last one makes it a folder of clips."""
        numbers = {label: place for place, label in enumerate(self.labels)}
        with write_atomically(self.folder / TABLE) as part, part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
        write_text(self.folder / LABELS, json.dumps({str(i): label for label, i in numbers.items()}, indent=1) + "\n")
        annotations = {row["clip_id"]: numbers[row["label"]] for row in self.rows}
        write_text(self.folder / ANNOTATIONS, json.dumps(annotations, indent=1) + "\n")


def export_clips(
    analysis_folder: Path,
    folder: Path,
    *,
    everything: bool = False,
    video: str | None = None,
    advance: Callable[[int], object] | None = None,
) -> Exported:
    """Cut the segments that a person labelled into clips and add them to ``folder``, which may have other games'.

    everything: those that the classifier is sure enough of to say, too. video: where the analysed video is now, if it
    has been moved. advance: told of clips as they are written. Clips of the same game are replaced.
    Raises InputError, before anything is written, where there is nothing to cut, the video is gone or another one, or
    ``folder`` holds something else.
    """
    analysis, collection = load_current(analysis_folder), _Collection.open(folder)
    game, marks = analysis_folder.resolve().stem, analysis.video.fingerprint
    outdated = collection.forget(game, marks)
    segments = [s for s in analysis.timeline.segments if s.source == PERSON or (everything and s.action != UNSURE)]
    plan = _plan(analysis, segments)
    cut = {int(i) for i in plan.track_id}
    if not cut:
        raise InputError(_nothing(analysis_folder, analysis, len(segments), everything=everything))
    check_video(analysis, video)
    collection.labels += [label for label in analysis.timeline.labels if label not in collection.labels]
    if not is_spacejam(folder):
        collection.save()  # so that a run that is stopped leaves a folder that the next one goes on with
    count, number = Counter[str](), max(collection.next_id(), *(int(i) + 1 for i in outdated if i.isdecimal()), 1)
    for clip in _clips(analysis, plan, video):
        segment, name = segments[clip.track_id], f"{number:0{_DIGITS}d}"
        pictures = ((place / CLIP_PACE, picture) for place, picture in enumerate(clip.frames))
        write_video(folder / CLIPS / f"{name}.mp4", pictures, frame_rate=Fraction(round(CLIP_PACE)))
        player = player_name(analysis.names, segment.track_id)
        values = (f"{CLIPS}/{name}.mp4", segment.action, game, name, game, marks, player, f"{clip.start:.3f}")
        collection.rows.append(dict(zip(COLUMNS, values, strict=True)))
        count[segment.action] += 1
        number += 1
        if advance is not None:
            advance(1)
    if not count:
        raise InputError(f"{video or analysis.video.source}: has none of the pictures any more; nothing was changed")
    collection.save()
    for name in outdated:
        (folder / CLIPS / f"{name}.mp4").unlink(missing_ok=True)
    short = len(segments) - len(cut)
    lost = plan.num_windows - sum(count.values())
    notes = [f"{short} of {len(segments)} segments are too short for a clip, and left out"] if short else []
    notes += [f"{lost} clips left out, whose pictures the video does not have any more"] if lost else []
    return Exported(dict(count), tuple(notes))


def _plan(analysis: Analysis, segments: Sequence[ActionSegment]) -> WindowPlan:
    """Where to cut; ``track_id`` is the place in ``segments``."""
    tracks = dict(analysis.tracks.by_id())
    parts = [(place, _inside(tracks[s.track_id], s)) for place, s in enumerate(segments) if s.track_id in tracks]
    columns = [np.concatenate([getattr(part, name) for _, part in parts]) for name in _OF_TRACKS] if parts else []
    ids = np.repeat([place for place, _ in parts], [len(part) for _, part in parts])
    whole = Tracks.of(columns[0], ids, *columns[1:]) if parts else Tracks.empty()
    frames = analysis.frames
    return plan_windows(whole, frames.index, frames.time, WindowConfig(clip_stride=_STRIDE), frames.shot())


def _inside(track: Tracks, segment: ActionSegment) -> Tracks:
    low, high = np.searchsorted(track.frame_index, [segment.start_frame, segment.end_frame])
    return track[int(low) : int(high)]


def _clips(analysis: Analysis, plan: WindowPlan, video: str | None) -> Iterator[Clip]:
    """In the order in which they end."""
    times, index = analysis.frames.time, analysis.frames.index
    first, last = times[np.searchsorted(index, plan.frame_index[[0, -1]])].tolist()
    cutter, rate = ClipCutter(plan), analysis.video.image_rate
    source = video or analysis.video.source
    with open_video(source, max(0.0, first - _TICK), last + _TICK, image_rate=rate) as opened:
        for frame in opened:
            yield from cutter.update(frame)


def _nothing(folder: Path, analysis: Analysis, number: int, *, everything: bool) -> str:
    if number:
        return f"{folder}: all of its {number} segments are too short for a clip"
    if everything or not analysis.timeline.segments:
        return f"{folder}: has no labels to make clips of"
    return f"{folder}: nobody corrected a label in it; correct some with edit --relabel, or take all with --all"
