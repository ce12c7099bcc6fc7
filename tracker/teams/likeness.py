"""How likely the views of several tracklets are of one person: he looks alike, and is of one team or of neither.

What people look like (``tracker.looks.appearance``) is one cloud of points around each person; teams make it two
clouds, and a person never goes from one to the other. Views where somebody is half hidden tell no more than a strip of
a shirt, which is just enough for his team.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.looks.appearance import Appearance
from tracker.looks.kit import KitViews
from tracker.teams.mixture import Mixture, learn, posterior
from tracker.teams.teams import MOST_VIEWS, split
from tracker.track.tracklets import Tracklets
from tracker.types import BoolArray

_SURE, _LONG = 0.55, 1.0
"""Mean confidence and seconds of a chain from which teams are learnt: spectators are fainter, ghosts shorter."""
_MISLED = 1e-4
"""Share of tracklets whose kit is another's: the box was. Higher: teams count less."""
_SHARED = 0.5
"""How much a tracklet's kit counts: tracklets of one person share light, pose and who stands beside him."""


@dataclass(frozen=True, slots=True, eq=False)
class TeamLikeness:
    """A ``tracker.track.exchange.Likeness``."""

    appearance: Appearance
    team: Float64Array
    """(P, 3): log-likelihood of each tracklet's kit under either team and neither, over that of anybody's."""
    prior: Float64Array
    """(3,), of people."""

    @property
    def views(self) -> Float64Array:
        """(P, C): what is seen of each tracklet."""
        return np.concatenate([self.team, self.appearance.sums], axis=1)

    def of_one(self, views: Float64Array) -> Float64Array:
        """Doubled log-likelihood (K,) that what ``views`` (K, C) add up to is of one person, but for a constant."""
        team = np.logaddexp.reduce(views[:, :3] + np.log(self.prior), axis=1)
        return 2 * team + self.appearance.of_one(views[:, 3:])


def learn_likeness(
    appearance: Appearance, kits: KitViews, tracklet: Indices, tracklets: Tracklets, chain: Indices
) -> TeamLikeness:
    """Learn two teams from chains that last and are surely people; where there are none, only looks tell.

    kits: views of ``tracklets``, each of one ``tracklet`` (N,). chain: (P,), that each tracklet is in.
    """
    colors, weight = split(kits.kit)
    seen = weight.any(axis=1)
    mixture = _learn_teams(colors, weight, chain[tracklet], kits.clear & seen, tracklets, chain)
    if mixture is None:
        return TeamLikeness(appearance, np.zeros((len(chain), 3)), np.full(3, 1 / 3))
    people = mixture.people(colors[seen], weight[seen], tracklet[seen], len(chain))
    prior = posterior(mixture.people(colors[:0], weight[:0], tracklet[:0], 1))[0]
    told = (1 - _MISLED) * posterior(people) + _MISLED * prior
    return TeamLikeness(appearance, _SHARED * np.log(told / prior), prior)


def _learn_teams(
    colors: Float64Array, weight: Float64Array, owner: Indices, clear: BoolArray, tracklets: Tracklets, chain: Indices
) -> Mixture | None:
    of = chain[tracklets.tracklet]
    rows = np.maximum(np.bincount(of, minlength=len(chain)), 1)
    confidence = np.bincount(of, tracklets.confidence, len(chain)) / rows
    lasting = np.bincount(chain, tracklets.seconds[tracklets.last] - tracklets.seconds[tracklets.first], len(chain))
    used = np.flatnonzero(clear & ((confidence >= _SURE) & (lasting >= _LONG))[owner])
    used = used[:: 1 + len(used) // MOST_VIEWS]
    if not len(used):
        return None
    ids, person = np.unique(owner[used], return_inverse=True)
    return learn(colors[used], weight[used], person, rows[ids].astype(np.float64))
