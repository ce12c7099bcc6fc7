"""Who counts as a player: of all that was followed, whom to keep, and why the others are left out.

Each rule is a function that names identities and says why; what it does not know for sure it says nothing about, since
a spectator too many is a line in a table, and a player too few a hole in the game.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from tracker.boxes import Float64Array
from tracker.scene.court import Scene, court_share, stabilised_feet
from tracker.types import BoolArray, IntArray, Tracks

_FEWEST = 10
"""Boxes of a track from which it is judged. Lower: judges glimpses, and less surely."""
_OUTSIDE = 0.25
"""Mean share of the court at the feet under which a track is outside. Higher: also who stands on the line."""
_INSIDE, _UNSURE = 0.75, 0.65
"""Share of the court and mean confidence, each of which saves who stands still. Higher: more benches and coaches go,
and who waits in a corner may."""
_LIFE, _PLACE = 4.0, 0.7
"""Seconds, at least, for which a track that stands still stays within so many heights. Players wait so for a
free throw."""


@dataclass(frozen=True, slots=True)
class SelectionConfig:
    """What makes a track a player's. Each rule has its own switch."""

    min_confidence: float = 0.55
    """Mean confidence under which a track is nobody's: spectators are found now and then, players all the time.
    0 keeps all."""
    players: int = 10
    """At most so many are on court at once; of more, those nearer to the camera and surer are kept. 0: no limit."""
    drop_outside: bool = True
    """Whether those go who never stand on the court: its floor as found, or the polygon given."""
    drop_still: bool = True
    """Whether those go who never leave a small place at the court's edge: bench, officials, coaches."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_confidence <= 1 or self.players < 0:
            raise InputError("min confidence lies between 0 and 1, players is 0 (no limit) or more")


def choose_players(
    tracks: Tracks, config: SelectionConfig, scene: Scene | None = None
) -> tuple[Tracks, dict[int, str]]:
    """The tracks of players, whole, and for every other identity the reason why it is left out.

    scene: what the rules about court and bench judge by; without it they say nothing.
    """
    reasons: dict[int, str] = {}
    if scene is not None and len(tracks):
        share = court_share(tracks, scene)
        if config.drop_outside:
            reasons |= _outside(tracks, share)
        if config.drop_still:
            reasons |= _still(tracks, share, scene) | reasons
    reasons |= _unsure(tracks, config.min_confidence) | reasons
    kept = tracks[~np.isin(tracks.track_id, list(reasons))]
    if config.players:
        surplus = _surplus(kept, config.players)
        reasons |= dict.fromkeys(surplus, f"there are {config.players} surer and nearer players at the same time")
        kept = kept[~np.isin(kept.track_id, surplus)]
    return kept, reasons


def _unsure(tracks: Tracks, min_confidence: float) -> dict[int, str]:
    confidence = _means(tracks, tracks.confidence, tracks.observed)
    return {
        i: f"mean confidence {confidence[i]:.2f}, under {min_confidence:g}"
        for i in tracks.ids.tolist()
        if confidence[i] < min_confidence
    }


def _outside(tracks: Tracks, share: Float64Array) -> dict[int, str]:
    """Those whose feet are off the court nearly all the time."""
    known = np.isfinite(share)
    inside = _means(tracks, share, known)
    return {
        i: f"outside the court: {inside[i]:.0%} of it at the feet"
        for i in _judged(tracks, known).tolist()
        if inside[i] < _OUTSIDE
    }


def _still(tracks: Tracks, share: Float64Array, scene: Scene) -> dict[int, str]:
    """Those who stay in one place at the edge of the court and do not look much like players."""
    if scene.camera is None:
        return {}
    known = np.isfinite(share)
    inside = _means(tracks, share, known)
    confidence = _means(tracks, tracks.confidence, tracks.observed)
    reasons: dict[int, str] = {}
    for track_id in _judged(tracks, known).tolist():
        if inside[track_id] >= _INSIDE or confidence[track_id] >= _UNSURE:
            continue
        track = tracks[tracks.track_id == track_id]
        seconds = float(np.ptp(scene.time[track.frame_index]))
        if seconds >= _LIFE and _extent(track, scene) <= _PLACE:
            reasons[track_id] = f"in one place at the court's edge for {seconds:.1f} s"
    return reasons


def _surplus(tracks: Tracks, num_players: int) -> list[int]:
    """Identities that are there, for most of their time, beside ``num_players`` better ones.

    Better is a track whose boxes are surer and higher. Substitutes on the far touchline wear the same shirts as
    players and look like them in every way but size; the root keeps size from outweighing doubt.
    """
    height = (tracks.xyxy[:, 3] - tracks.xyxy[:, 1]).clip(1.0).astype(np.float64)
    score = _means(tracks, tracks.confidence * np.sqrt(height), tracks.observed)
    present = np.zeros(int(tracks.frame_index.max(initial=-1)) + 1, np.int32)
    by_id = dict(tracks.by_id())
    surplus: list[int] = []
    for track_id in sorted(by_id, key=lambda i: -score[i]):
        frames = by_id[track_id].frame_index
        if (present[frames] >= num_players).mean() > 0.5:
            surplus.append(track_id)
        else:
            present[frames] += 1
    return surplus


def _extent(track: Tracks, scene: Scene) -> float:
    """How far, in heights, one identity's feet are spread within a shot: its middle nine tenths, the wider way."""
    feet, height = stabilised_feet(track, scene)
    shot = np.zeros(len(track), np.int32) if scene.shot is None else scene.shot[track.frame_index]
    away = np.concatenate([feet[shot == s] - np.median(feet[shot == s], axis=0) for s in np.unique(shot)])
    low, high = np.quantile(away, [0.05, 0.95], axis=0)
    return float((high - low).max() / np.median(height))


def _judged(tracks: Tracks, known: BoolArray) -> IntArray:
    """Identities of which enough boxes are ``known`` (N,): ten, and half of all."""
    boxes = np.bincount(tracks.track_id)
    seen = np.bincount(tracks.track_id, known, len(boxes))
    return np.flatnonzero((seen >= _FEWEST) & (seen >= boxes / 2)).astype(np.int32)


def _means(tracks: Tracks, values: npt.NDArray[np.generic], weight: npt.NDArray[np.generic]) -> Float64Array:
    """Mean of ``values`` (N,), weighed by ``weight`` (N,), of each identity, by identity; 0 where nothing weighs."""
    weight = weight.astype(np.float64)
    size = int(tracks.track_id.max(initial=0)) + 1
    total = np.bincount(tracks.track_id, weight, size)
    weighed = np.where(weight > 0, values, 0.0) * weight
    return np.bincount(tracks.track_id, weighed, size) / np.where(total > 0, total, 1.0)
