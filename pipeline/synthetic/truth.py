"""What really happens in a made game: players, actions, teams, the ball, events and the court, and its folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classify.types import ACTIONS
from ground.disk.tables import write_rows
from pipeline.evaluate.ball import EVENTS, HOLDERS, PLACES
from pipeline.evaluate.court import LANDMARKS
from pipeline.evaluate.teams import PLAYERS
from pipeline.evaluate.truth import ACTIONS as SPANS
from pipeline.evaluate.truth import BOXES
from tracker.files.mot import write_tracks
from tracker.types import FloatArray, IntArray, Tracks

SEEN = 0.3
"""Share of a player or of the ball that must be visible to be asked for: nobody can box a player behind another."""


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """What happened to the ball."""

    time: float
    """Seconds."""
    kind: str
    """As in ``tracker.ball.events``."""
    player: int
    """Identity of who passes, shoots or gets the rebound."""


@dataclass(frozen=True, slots=True)
class TrueLandmark:
    """A point of the court in a picture."""

    frame: int
    """0-based."""
    name: str
    """As in ``tracker.court.dimensions.Court.landmarks``."""
    pixel: tuple[float, float]
    metres: tuple[float, float]
    """Origin at the court's centre, x along its length, y towards the camera."""


@dataclass(frozen=True, slots=True, eq=False)
class GameTruth:
    """What is in the pictures."""

    tracks: Tracks
    """Tight boxes of the whole drawn figure, hidden parts too, without the ball, clipped to the picture; frames
    0-based; identities 1..2 * players_per_team, the first half one team. A player outside the picture has no row."""
    visibility: FloatArray
    """float32 (N,), for each row of tracks: the share of the figure's pixels inside the picture and not hidden by
    other players."""
    actions: npt.NDArray[np.int8]
    """int8 (N,), for each row of tracks: index into classify.types.ACTIONS."""
    teams: Sequence[str]
    """(2 * players_per_team,): the team of each identity from 1."""
    holder: IntArray
    """int32 (T,): the identity of who has the ball in each frame, 0 while it flies."""
    ball: FloatArray
    """float32 (T, 3): its middle and its diameter in each picture, pixels; it may be outside."""
    ball_visibility: FloatArray
    """float32 (T,): the share of it inside the picture and not hidden by players."""
    events: Sequence[TrueEvent]
    """In the order of time."""
    landmarks: Sequence[TrueLandmark]
    """Those inside the picture, once a second."""

    @property
    def labels(self) -> list[str]:
        """(N,): the actions' names."""
        return [ACTIONS[a] for a in self.actions]

    @property
    def visible(self) -> Tracks:
        """Boxes of players who are seen well enough to be asked for."""
        return self.tracks[self.visibility >= SEEN]


def write_truth(truth: GameTruth, folder: Path) -> None:
    """Write a folder of truth as ``evaluate play`` takes it; frames count from 1 there, and ends are exclusive.

    Players who are hardly visible are in the boxes with a confidence of 0, so that they do not count.
    """
    tracks, seen = truth.tracks, truth.visibility >= SEEN
    shown = Tracks.of(tracks.frame_index, tracks.track_id, tracks.xyxy, seen.astype(np.float32), seen)
    write_tracks(folder / BOXES, shown)
    write_rows(folder / SPANS, ("player", "action", "start_frame", "end_frame"), _spans(truth))
    teams = ((number, f"Player {number}", team) for number, team in enumerate(truth.teams, 1))
    write_rows(folder / PLAYERS, ("id", "name", "team"), teams)
    holders = ((first + 1, end + 1, truth.holder[first]) for first, end in _runs(truth.holder))
    write_rows(folder / HOLDERS, ("start_frame", "end_frame", "player"), holders)
    balls = (
        (frame, f"{x:.1f}", f"{y:.1f}", int(share >= SEEN))
        for frame, ((x, y, _), share) in enumerate(zip(truth.ball, truth.ball_visibility, strict=True), 1)
        if share > 0
    )
    write_rows(folder / PLACES, ("frame", "x", "y", "visible"), balls)
    events = ((f"{event.time:.3f}", event.kind, event.player) for event in truth.events)
    write_rows(folder / EVENTS, ("time_s", "event", "player"), events)
    points = (
        (p.frame + 1, p.name, *(f"{value:.2f}" for value in p.pixel), *(f"{value:.3f}" for value in p.metres))
        for p in truth.landmarks
    )
    write_rows(folder / LANDMARKS, ("frame", "name", "x", "y", "x_m", "y_m"), points)


def _spans(truth: GameTruth) -> Iterable[tuple[int, str, int, int]]:
    """Player, action, first frame and the one after the last, where he is in the picture and does one thing."""
    for player in truth.tracks.ids.tolist():
        rows = truth.tracks.track_id == player
        frame, action = truth.tracks.frame_index[rows], truth.actions[rows]
        for first, end in _runs(action, np.diff(frame) != 1):
            yield player, ACTIONS[action[first]], int(frame[first]) + 1, int(frame[end - 1]) + 2


def _runs(values: npt.NDArray[np.integer], broken: npt.NDArray[np.bool_] | bool = False) -> list[tuple[int, int]]:
    """First row and the one after the last of each run of one value; ``broken`` (N - 1,): where a run ends anyway."""
    changes = np.flatnonzero((np.diff(values) != 0) | broken) + 1
    return list(pairwise([0, *changes.tolist(), len(values)]))
