"""Who counts as a player: of all that was followed, whom to keep, and why the others are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracker.errors import InputError
from tracker.types import Tracks


@dataclass(frozen=True, slots=True)
class RosterConfig:
    """What makes a track a player's. Each rule has its own switch."""

    min_confidence: float = 0.55
    """Mean confidence under which a track is nobody's: spectators are found now and then, players all the time.
    0 keeps all."""
    players: int = 10
    """At most so many are on court at once; of more, those nearer to the camera and surer are kept. 0: no limit."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_confidence <= 1 or self.players < 0:
            raise InputError("min confidence lies between 0 and 1, players is 0 (no limit) or more")


def choose_players(tracks: Tracks, config: RosterConfig) -> tuple[Tracks, dict[int, str]]:
    """The tracks of players, whole, and for every other identity the reason why it is left out."""
    reasons: dict[int, str] = {}
    confidence = _means(tracks, tracks.confidence.astype(np.float64))
    for track_id in tracks.ids.tolist():
        if confidence[track_id] < config.min_confidence:
            reasons[track_id] = f"mean confidence {confidence[track_id]:.2f}, under {config.min_confidence:g}"
    kept = tracks[~np.isin(tracks.track_id, list(reasons))]
    if config.players:
        for track_id in _surplus(kept, config.players):
            reasons[track_id] = f"there are {config.players} surer and nearer players at the same time"
        kept = tracks[~np.isin(tracks.track_id, list(reasons))]
    return kept, reasons


def _surplus(tracks: Tracks, num_players: int) -> list[int]:
    """Identities that are there, for most of their time, beside ``num_players`` better ones.

    Better is a track whose boxes are surer and higher. Substitutes on the far touchline wear the same shirts as
    players and look like them in every way but size; the root keeps size from outweighing doubt.
    """
    height = (tracks.xyxy[:, 3] - tracks.xyxy[:, 1]).clip(1.0).astype(np.float64)
    score = _means(tracks, tracks.confidence.astype(np.float64) * np.sqrt(height))
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


def _means(tracks: Tracks, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean of ``values`` (N,) over the observed boxes of each identity, by identity; 0 where there are none."""
    size = int(tracks.track_id.max(initial=0)) + 1
    weight = tracks.observed.astype(np.float64)
    counts = np.bincount(tracks.track_id, weight, size)
    return np.bincount(tracks.track_id, weight * values, size) / np.maximum(counts, 1)
