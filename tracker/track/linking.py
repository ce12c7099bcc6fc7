"""Tracklets into players: every link of a recording decided together, by what is known on both sides of each gap.

A recorded game can be read twice. Tracks are first cut wherever the online step was in doubt, so that what is left,
the tracklets, holds one player each. Then one assignment pairs ends of tracklets with later starts, each with at most
one, so that the whole is as likely as possible: the path cover of Zhang, Li, Nevatia, "Global data association for
multi-object tracking using network flows" (CVPR 2008), solved sparsely. How likely a link is, ``links`` says. The
assignment is repeated with what its links have taught: the states and statures of whole chains, not of tracklets. That
also undoes links, so an early mistake is not final. What pairs of links cannot see, ``exchange`` mends. The shortest
and least sure tracklets come last (``crumbs``).

Across a hard cut none of this is known. Chains of different shots are linked last, in one more assignment, and only
where other evidence (``Evidence``: looks) says that they are one player; without it, nobody outlives a cut.

All costs are minus twice the logarithm of a likelihood over that of a stranger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ground.errors import InputError
from tracker.assignment import Indices
from tracker.track.crumbs import crumbs, put_in
from tracker.track.exchange import Likeness, exchange
from tracker.track.links import Evidence, Recording, gain_of, recording_of, sides
from tracker.track.path_cover import best_chains
from tracker.track.tracklets import Tracklets
from tracker.types import BoolArray, Tracks

_ROUNDS = 5
_REUNION = 2.0
"""Cost of a link between shots, where six of ten players come back. At 4.6 a sixth fewer are found, hardly surer."""


@dataclass(frozen=True, slots=True)
class LinkingConfig:
    """What may be one player."""

    offline: bool = True
    """Link over the whole video, seen from its end. False: tracks stay as they were followed, frame by frame."""
    max_absence: float = 12.0
    """Seconds after which nobody is taken for who left before. Higher: longer absences, more strangers to mistake."""
    max_absence_over_cuts: float = 1800.0
    """Seconds, from one shot to another, where only evidence tells who it is. Lower: half-time makes new players."""
    exchange: bool = True
    """Let players exchange tracklets after linking, where that makes the whole likelier by links, looks and teams."""
    min_length: int = 8
    """Detections that a player has at least; what has fewer is a ghost."""
    players: int = 0
    """Most players at once; of more, the longest tracks are kept. 0: as many as there are."""

    def __post_init__(self) -> None:
        if not min(self.max_absence, self.max_absence_over_cuts) >= 0 or self.min_length < 0 or self.players < 0:
            raise InputError("max absence, max absence over cuts, min length and players must be 0 or more")


def link(
    tracklets: Tracklets,
    config: LinkingConfig | None = None,
    evidence: Evidence | None = None,
    likeness: Callable[[Indices], Likeness] | None = None,
) -> Tracks:
    """The players (identities from 1), without ghosts. Gaps stay gaps: ``tracker.players.smoothing`` fills them.

    evidence: more than motion, stature and gap, such as looks. likeness: how likely all that is seen of a chain is of
    one person, as learnt from the chain (P,) of every tracklet; with it, chains exchange tracklets until nothing is
    gained. Both about ``tracklets.without_glimpses()``.
    """
    config = config or LinkingConfig()
    if not config.offline:
        return tracklets.tracks()
    tracklets = tracklets.without_glimpses()
    if not len(tracklets):
        return Tracks.empty()
    recording = recording_of(tracklets)
    crumb = crumbs(recording)
    whole = np.flatnonzero(~crumb)
    chain = np.arange(len(crumb))
    for _ in range(_ROUNDS):
        before, chain = chain, _link_once(recording, chain, whole, config, evidence)
        if (before == chain).all():
            break
    if likeness is not None and config.exchange:
        chain = exchange(recording, chain, whole, config.max_absence, config.min_length, likeness(chain))
    chain = put_in(recording, chain, crumb, evidence)
    if evidence is not None and recording.shot.any():
        chain = _reunite(recording, chain, config, evidence)
    chain_of = chain[tracklets.tracklet]
    kept = (np.bincount(chain_of) >= config.min_length)[chain_of]
    if config.players:
        kept &= _among(chain_of, tracklets.frame, config.players)
    identity = np.unique(chain_of[kept], return_inverse=True)[1] + 1
    return Tracks.of(tracklets.frame[kept], identity, tracklets.xyxy[kept], tracklets.confidence[kept])


def _link_once(
    recording: Recording, chain: Indices, whole: Indices, config: LinkingConfig, evidence: Evidence | None
) -> Indices:
    """Decide every link of the tracklets ``whole`` anew, given the chains (P,) of the round before -> (P,)."""
    ends, starts = sides(recording, chain)
    by_time = whole[np.argsort(starts.seconds[whole], kind="stable")]
    times = starts.seconds[by_time]
    low = np.searchsorted(times, ends.seconds, "right")
    high = np.searchsorted(times, ends.seconds + config.max_absence, "right")
    high = np.minimum(high, np.searchsorted(recording.shot[by_time], recording.shot, "right"))
    high = np.where(np.isin(np.arange(len(chain)), whole), high, low)
    gain = gain_of(recording, ends, starts, chain, evidence)
    return best_chains(low, high, by_time, starts.seconds, gain)


def _reunite(recording: Recording, chain: Indices, config: LinkingConfig, evidence: Evidence) -> Indices:
    """Link the chains (P,) of single shots across shots, by ``evidence`` alone -> the chain of each tracklet (P,).

    Motion, stature, gap and side say nothing there. What was linked within a shot stays so.
    """
    by_time = np.argsort(recording.seconds[recording.first], kind="stable")
    rows = np.bincount(chain[recording.tracklet], minlength=len(chain))
    by_time = by_time[rows[chain[by_time]] >= config.min_length]
    heads = np.unique(chain[by_time])
    tails = np.zeros(len(chain), np.intp)
    tails[chain[by_time]] = by_time  # Of many the last one stays.
    tails = tails[heads]
    starts, ends = recording.seconds[recording.first[heads]], recording.seconds[recording.last[tails]]
    order = np.argsort(starts, kind="stable")
    shot = recording.shot[heads]
    low = np.searchsorted(shot[order], shot, "right")
    high = np.maximum(low, np.searchsorted(starts[order], ends + config.max_absence_over_cuts, "right"))
    player = best_chains(low, high, order, starts, lambda i, j: -_REUNION - evidence(tails[i], heads[j], chain))
    result = np.arange(len(chain))
    result[heads] = heads[player]
    return result[chain]


def _among(chain_of: Indices, frame: Indices, players: int) -> BoolArray:
    """Rows of the longest chains, as many as leave no more than ``players`` at once most of the time."""
    frame = np.unique(frame, return_inverse=True)[1]
    present = np.zeros(int(frame.max()) + 1, np.intp)
    kept = np.zeros(len(frame), np.bool_)
    order = np.argsort(chain_of, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(chain_of[order])) + 1)
    for rows in sorted(groups, key=len, reverse=True):
        room = present[frame[rows]] < players
        if 2 * int(room.sum()) > len(rows):
            kept[rows[room]] = True
            present[frame[rows[room]]] += 1
    return kept
