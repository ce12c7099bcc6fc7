"""What the stages find in one video: frames, detections, players, scores, timeline; together, an Analysis.

Each is made by one stage and never changed by a later one, so a later stage can be repeated from what is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classify.types import ActionScores
from ground.errors import InputError
from ground.video.images import IMAGES
from pipeline.analysis.timeline import Timeline
from tracker.ball.path import BallPath
from tracker.by_hand.court_outline import CourtPolygon
from tracker.by_hand.rois import Roi
from tracker.court.known import KnownCourt
from tracker.court.landmarks import CourtLandmarks
from tracker.court.positions import positions
from tracker.names import clear_names, same
from tracker.numbers.votes import Number
from tracker.teams.teams import Teams
from tracker.types import BoolArray, CameraMotion, Detections, FloatArray, IntArray, Tracks, camera_in_shot

NOBODY = "nobody was found: the result is empty"
NO_COURT = "the court's lines are not known: no positions, distances and speeds in metres"


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The frames that were analysed."""

    index: IntArray
    """int32 (F,), 0-based in the video, ascending."""
    time: npt.NDArray[np.float64]
    """float64 (F,), seconds, ascending."""
    shift: npt.NDArray[np.float64] | None = None
    """float64 (F, 2), zoom and is_cut: the CameraMotion of each frame, as columns. None: nobody looked at the
    camera."""
    zoom: npt.NDArray[np.float64] | None = None
    """float64 (F,)"""
    is_cut: BoolArray | None = None
    """bool (F,)"""
    notes: tuple[str, ...] = ()
    """What was odd about the video, a line each."""

    def __post_init__(self) -> None:
        if self.index.ndim != 1 or self.index.shape != self.time.shape or not np.isfinite(self.time).all():
            raise ValueError("frames have an index and a finite time each")
        if (np.diff(self.index) <= 0).any() or (np.diff(self.time) <= 0).any():
            raise ValueError("frames ascend in index and time")
        columns = [column for column in (self.shift, self.zoom, self.is_cut) if column is not None]
        if len(columns) not in (0, 3) or any(len(column) != len(self.index) for column in columns):
            raise ValueError("frames have a view each, or none has")

    def __len__(self) -> int:
        return len(self.index)

    @staticmethod
    def empty() -> Frames:
        """No frames."""
        return Frames(np.zeros(0, np.int32), np.zeros(0))

    def camera(self) -> npt.NDArray[np.float64] | None:
        """float64 (F, 3): shift x, y in pixels and zoom, about the middle of the picture, since the shot began."""
        if self.shift is None or self.zoom is None or self.is_cut is None:
            return None
        return camera_in_shot(self.shift, self.zoom, self.is_cut)

    def shot(self) -> IntArray | None:
        """int32 (F,): number of the shot, from 0."""
        return None if self.is_cut is None else np.cumsum(self.is_cut, dtype=np.int32)

    def shots(self) -> list[slice]:
        """The rows of each shot; there is one where nobody looked for cuts."""
        cuts = [] if self.is_cut is None else (np.flatnonzero(self.is_cut[1:]) + 1).tolist()
        return [slice(a, b) for a, b in pairwise([0, *cuts, len(self)])]

    def camera_motions(self) -> list[CameraMotion] | None:
        """How the camera moved before each frame."""
        if self.shift is None or self.zoom is None or self.is_cut is None:
            return None
        columns = zip(self.shift.tolist(), self.zoom.tolist(), self.is_cut.tolist(), strict=True)
        return [CameraMotion((x, y), zoom, is_cut) for (x, y), zoom, is_cut in columns]


@dataclass(frozen=True, slots=True, eq=False)
class DetectionTable:
    """Detections of all frames, as columns sorted by frame."""

    frame_index: IntArray
    """int32 (N,), 0-based in the video."""
    boxes: Detections
    floor: FloatArray | None = None
    """float32 (N,): share of the court's floor at the feet, NaN where it cannot be told. None: nobody looked."""
    classes: tuple[str, ...] = ()
    """The detector's names in the order of class_id."""

    def __post_init__(self) -> None:
        if len(self.frame_index) != len(self.boxes) or (self.floor is not None and len(self.floor) != len(self.boxes)):
            raise ValueError("detections have a frame each, and a share of floor each or none")
        if (np.diff(self.frame_index) < 0).any():
            raise ValueError("detections are sorted by frame")

    def at(self, frame_index: int) -> Detections:
        """The detections of one frame."""
        low, high = np.searchsorted(self.frame_index, [frame_index, frame_index + 1])
        return self.boxes[int(low) : int(high)]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a person drew before the analysis."""

    rois: tuple[Roi, ...] = ()
    """Players' boxes in a video in which everybody is detected: they begin tracks and give names."""
    court: tuple[CourtPolygon, ...] = ()
    """The court's outline."""
    landmarks: tuple[CourtLandmarks, ...] = ()
    """Points of the court, in pixels and in metres."""


@dataclass(frozen=True, slots=True, eq=False)
class Players:
    """Who plays, and where he is."""

    tracks: Tracks
    names: Mapping[int, str] = field(default_factory=dict[int, str])
    """Names given to players, by track_id; the others go by their number. Kept as ``tracker.names`` has them."""
    lost_at: Mapping[int, int] = field(default_factory=dict[int, int])
    """The frame from which a player followed by hand was lost, by track_id."""
    dropped: Mapping[int, str] = field(default_factory=dict[int, str])
    """Why a track was left out, by the track_id that it had."""
    notes: tuple[str, ...] = ()
    """What was odd about following them, a line each."""
    left_out: Tracks = field(default_factory=Tracks.empty)
    """The tracks of those in ``dropped`` whom a rule left out, so that a person can bring them back."""
    teams: Teams = field(default_factory=Teams)
    """Who is of which team; of those left out, too."""
    numbers: Mapping[int, Number] = field(default_factory=dict[int, Number])
    """What players wear, by track_id, where it was read and is sure."""

    def __post_init__(self) -> None:
        names, notes = clear_names(self.names)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "notes", (*self.notes, *notes))

    @property
    def called(self) -> dict[int, str]:
        """Names by track_id: those given, and of the others ``#23``, where their number was read.

        Where both teams have it, the team comes before it; who is called as another still has his own number behind it.
        """
        worn = {i: number.text for i, number in self.numbers.items() if i not in self.names}
        teams = {text: {self.teams.team(i) for i, other in worn.items() if other == text} for text in worn.values()}
        before = {i: f"{self.teams.team(i)} " if len(teams[text]) > 1 else "" for i, text in worn.items()}
        wanted = {i: f"{before[i]}#{text}" for i, text in worn.items()}
        taken = Counter([*wanted.values(), *self.names.values()])
        return {**{i: f"{name} ({i})" if taken[name] > 1 else name for i, name in wanted.items()}, **self.names}


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the classifier said of the clips, as it said it; nothing later is in here."""

    windows: tuple[ActionScores, ...] = ()
    notes: tuple[str, ...] = ()
    """What was odd about cutting clips, a line each."""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """The video that was analysed."""

    source: str
    """Path or address as given."""
    width: int
    """Pixels, as shown."""
    height: int
    """Pixels, as shown."""
    frame_rate: str
    """Frames per second as a fraction, such as 30000/1001."""
    duration: float | None
    """Seconds, as the container claims."""
    codec: str
    fingerprint: str = ""
    """See ``ground.video.fingerprint``; empty where there was no file."""
    title: str = ""
    """What people call it, for headings alone, never for a path; empty: as its file is called."""

    @property
    def called(self) -> str:
        """Its title, or the name of its file."""
        return self.title or Path(self.source).name or self.source

    @property
    def image_rate(self) -> Fraction | None:
        """Pictures per second, to read a folder of pictures again as it was read; None: a video has its own times."""
        if self.codec != IMAGES:
            return None
        try:
            return Fraction(self.frame_rate)
        except (ValueError, ZeroDivisionError) as error:
            raise InputError(f"the analysis states a frame rate that is none: {self.frame_rate[:40]!r}") from error


@dataclass(frozen=True, slots=True)
class ClassifierFacts:
    """Where the labels come from."""

    model: str
    origin: str
    """What the weights were trained on."""
    starter: bool
    """True: the weights are a first guess, and outputs say ``note`` where labels are first shown."""
    note: str
    unsure_below: float = 0.0
    """Confidence under which the weights would rather say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What was found in one video."""

    video: VideoFacts
    settings: Mapping[str, Any]
    """The configuration that gave these results, nested like PipelineConfig."""
    frames: Frames
    players: Players
    timeline: Timeline
    scores: Scores = field(default_factory=Scores)
    detections: DetectionTable | None = None
    """None: the players were followed from boxes drawn by hand, or come from a file."""
    drawn: Drawn = field(default_factory=Drawn)
    classifier: ClassifierFacts | None = None
    court: KnownCourt = field(default_factory=KnownCourt)
    things: DetectionTable | None = None
    """What may be the ball or a hoop, down to a low confidence; None: nobody looked."""
    ball: BallPath | None = None
    """Where the ball is and who has it; None: nobody looked."""

    def __post_init__(self) -> None:
        boxes = [self.tracks.frame_index, self.players.left_out.frame_index]
        boxes += [table.frame_index for table in (self.detections, self.things, self.ball) if table is not None]
        if not all(np.isin(frames, self.frames.index).all() for frames in boxes):
            raise ValueError("there are boxes on frames that were not analysed")
        if not np.isin(self.court.frame_index, self.frames.index).all():
            raise ValueError("a court is known in frames that were not analysed")

    @property
    def tracks(self) -> Tracks:
        """Of those who play."""
        return self.players.tracks

    @property
    def names(self) -> Mapping[int, str]:
        """What players are called, by track_id: by a person, else by the number that they wear."""
        return self.players.called

    def positions(self) -> npt.NDArray[np.float64]:
        """Where on the court the boxes of ``tracks`` stand, metres, float64 (N, 2); NaN where it is not known."""
        return positions(self.tracks, self.court, self.video.height)

    @property
    def teams(self) -> Teams:
        """Who is of which team."""
        return self.players.teams

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd, a line each, in the order of the stages."""
        empty = () if len(self.tracks) else (NOBODY,)
        return (*self.frames.notes, *self._notes_on_court(), *self.players.notes, *self.scores.notes, *empty)

    def _notes_on_court(self) -> tuple[str, ...]:
        share = len(self.court) / max(len(self.frames), 1)
        if not len(self.frames) or share == 1 or not self.looks_for_court:
            return ()
        if not share:
            return (NO_COURT,)
        return (f"the court is known in {share:.0%} of the frames; there alone positions are in metres",)

    @property
    def looks_for_court(self) -> bool:
        """Whether somebody looked for the court, or told where it is; nobody did in earlier versions."""
        return bool(self.drawn.landmarks) or bool(self.settings.get("court", {}).get("find", False))


def noted(analysis: Analysis, notes: Sequence[str], title: str = "") -> Analysis:
    """``analysis`` that says ``notes``, too, of a video that people call ``title``; empty: as before."""
    frames = replace(analysis.frames, notes=(*notes, *analysis.frames.notes))
    return replace(analysis, frames=frames, video=replace(analysis.video, title=title or analysis.video.title))


def player_name(names: Mapping[int, str], track_id: int) -> str:
    """What a player is called where he is shown: his name, else his track's number."""
    return names.get(track_id, str(track_id))


def find_player(ids: Iterable[int], names: Mapping[int, str], player: str) -> int:
    """Which of ``ids`` has this name, or else this number. Raises InputError when none has, or more than one."""
    known, wanted = sorted(ids), same(player)
    found = [i for i in known if same(names.get(i, "")).casefold() == wanted.casefold() != ""]
    found = found or [i for i in known if str(i) == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{player!r} is the name of players {', '.join(map(str, found))}; give a number")
    there = ", ".join(names.get(i) or str(i) for i in known) or "nobody"
    raise InputError(f"there is no player {player!r:.60}; there is {there}")
