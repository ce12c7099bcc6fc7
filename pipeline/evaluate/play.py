"""How right a whole analysis is against a folder of truth: everything that the folder knows, in one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.analysis.values import Analysis
from pipeline.evaluate.actions import ActionAgreement, compare_actions
from pipeline.evaluate.ball import (
    EVENTS,
    HOLDERS,
    NEAR,
    PLACES,
    BallAgreement,
    EventCount,
    agree_on_ball,
    count_events,
    read_events,
)
from pipeline.evaluate.court import LANDMARKS, landmark_errors
from pipeline.evaluate.teams import PLAYERS, TeamAgreement, compare_teams, read_players_teams
from pipeline.evaluate.truth import ACTIONS, BOXES, read_truth_folder
from tracker.ball.events import PASS, REBOUND, SHOT, TURNOVER
from tracker.boxes import Float64Array
from tracker.evaluate.scores import TrackScores, evaluate_tracks
from tracker.files.mot import read_truth
from tracker.types import Tracks

KINDS = (PASS, TURNOVER, SHOT, REBOUND)
"""Events that are counted."""


@dataclass(frozen=True, slots=True)
class PlayAgreement:
    """An analysis against the truth; None and empty: the folder does not say, or the analysis did not look."""

    identities: TrackScores
    teams: TeamAgreement | None = None
    actions: ActionAgreement | None = None
    ball: BallAgreement | None = None
    landmarks: Float64Array = field(default_factory=lambda: np.empty(0))
    """float64 (L,): metres by which each landmark of the court is off; NaN where the court is not known."""
    events: Mapping[str, EventCount] = field(default_factory=dict[str, EventCount])
    """By kind."""

    @property
    def court_known(self) -> float:
        """Share of the landmarks in whose frame the court is known, 0..1; NaN where there are none."""
        return float(np.isfinite(self.landmarks).mean()) if len(self.landmarks) else np.nan

    @property
    def court_off(self) -> float:
        """Median of the known landmarks' errors, metres; NaN where there are none."""
        known = self.landmarks[np.isfinite(self.landmarks)]
        return float(np.median(known)) if len(known) else np.nan


def agree_on_play(analysis: Analysis, events: Sequence[tuple[float, str]], folder: Path) -> PlayAgreement:
    """Judge ``analysis`` by all that lies in ``folder``: see ``docs/formats.md``; only ``gt.txt`` must be there.

    events: seconds and kind of each that was found. Raises InputError for what cannot be read.
    """
    there = {name for name in (ACTIONS, PLAYERS, HOLDERS, PLACES, LANDMARKS, EVENTS) if (folder / name).is_file()}
    analysed = set(analysis.frames.index.tolist())
    truth, tracks = _analysed(read_truth(folder / BOXES), analysis), analysis.tracks
    actions = _actions(analysis, folder) if ACTIONS in there else None
    wanted = read_players_teams(folder) if PLAYERS in there else {}
    is_followed = analysis.ball is not None and {HOLDERS, PLACES} <= there
    return PlayAgreement(
        evaluate_tracks(truth, tracks),
        compare_teams(truth, wanted, tracks, analysis.teams) if wanted else None,
        actions,
        agree_on_ball(analysis, folder) if is_followed else None,
        landmark_errors(analysis.court, folder / LANDMARKS, analysed) if LANDMARKS in there else np.empty(0),
        count_events(events, _events(analysis, folder), KINDS) if EVENTS in there else {},
    )


def _analysed(truth: Tracks, analysis: Analysis) -> Tracks:
    return truth[np.isin(truth.frame_index, analysis.frames.index)]


def _events(analysis: Analysis, folder: Path) -> list[tuple[float, str]]:
    """True ones of the span that was analysed."""
    first, last = analysis.frames.time[[0, -1]].tolist() if len(analysis.frames) else (0.0, -1.0)
    return [(time, kind) for time, kind in read_events(folder / EVENTS) if first <= time <= last]


def _actions(analysis: Analysis, folder: Path) -> ActionAgreement:
    """Actions that are no labels of the analysis are left out, such as those that a person could not tell."""
    truth, actions = read_truth_folder(folder)
    labels, analysed = analysis.timeline.labels, np.flatnonzero(np.isin(truth.frame_index, analysis.frames.index))
    known = [actions[row] if actions[row] in labels else None for row in analysed]
    return compare_actions(truth[analysed], known, analysis.tracks, analysis.timeline)


def play_table(agreement: PlayAgreement) -> str:
    """The figures as text, a line each; what is not known is left out."""
    return "".join(f"{f'{name}:':12} {figures}\n" for name, figures in _rows(agreement))


def _rows(agreement: PlayAgreement) -> Iterator[tuple[str, str]]:
    own, teams, actions, ball = agreement.identities, agreement.teams, agreement.actions, agreement.ball
    found = f"IDF1 {own.idf1:.3f}, precision {own.precision:.3f}, recall {own.recall:.3f}"
    yield "identities", f"{found}, {own.id_switches} switches"
    if teams is not None:
        yield "teams", f"{teams.accuracy:.3f} right of {teams.num_compared} boxes"
    if actions is not None:
        right = f"accuracy {actions.accuracy:.3f} over {actions.num_compared} boxes, macro-F1 {actions.macro_f1:.3f}"
        yield "actions", f"{right}, segment F1 at 0.5 {actions.segment_f1[0.5]:.3f}"
    if ball is not None:
        yield "holder", f"{ball.holder:.3f} right of {ball.num_frames} frames"
        yield "ball", f"{ball.recall:.3f} found of {ball.num_places} frames, within {NEAR:.0f} px of 720p"
    if len(agreement.landmarks):
        off = f", off by {agreement.court_off:.2f} m" if agreement.court_known else ""
        yield "court", f"known at {agreement.court_known:.3f} of {len(agreement.landmarks)} landmarks{off}"
    for kind, count in agreement.events.items():
        if count != EventCount(0, 0, 0):
            yield kind, f"{count.right} right, {count.wrong} wrong, {count.missed} missed, F1 {count.f1:.3f}"
