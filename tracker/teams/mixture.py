"""Two teams and whoever else, learnt from kits without labels: a mixture of two kits and a broad background.

Each person wears one kit in all his views, so it is people who belong to teams, and views that tell. A view of a team
scatters around the team's kit as Student's t (Peel and McLachlan, "Robust mixture modelling using the t distribution",
Statistics and Computing 2000): bad light and another's arm do not count for much. Learning is expectation-maximisation
from pairs of people who differ; of the ends that leave fewest out the likeliest is kept. No chance is in it: equal
views give equal teams.

Nobody wears two kits, so views of a kit scatter little more than those of one person do, which is measured. Without
that bound a team in white takes in referees in black: one wide kit between both is likelier than people of neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tracker.assignment import Indices
from tracker.boxes import Float64Array

_TEMPER = 0.3
"""Likeness of one person's views to each other, 0..1: light, pose and place are shared, so ten views tell what three
independent ones would. Higher: the second view tells less."""
_OTHERS = 0.03
"""Share of people of neither team: officials, coaches; of some 190 taken for players in twenty videos it was 4. Both
teams have half of the rest: they are of a size."""
_LEAST = np.array([6.0, 3.0, 3.0, 6.0, 3.0, 3.0])
"""Lab units by which views of one kit scatter at least; three views that happen to agree prove no more."""
_TEAMMATES = 1.25
"""Standard deviation of views of a kit in that of views of one person, at most: teammates stand in different light.
Higher: two kits pass for one."""
_ANY = np.array([30.0, 12.0, 18.0, 30.0, 12.0, 18.0])
"""Standard deviations of what people wear who are of neither team: nearly anything."""
_TAIL = 4.0
"""Degrees of freedom of Student's t."""
_WHOLE = 0.5
"""Share of a part's pixels of one colour from which the part counts in full."""
_BALANCE = 0.35
"""How much of the larger team's presence the smaller one has at least: three referees in black are no team."""
_AS_MANY = 0.9
"""Of several ends, those count whose teams have so much of the presence that the most have: who plays is in a team."""
_SHADE = 0.2
"""Share of a kit's chroma by which its views scatter in colour, besides."""
_PROOF = 16.0
"""Doubled log-likelihood ratio, at least, of two kits over one. One kit that falls into two by chance reaches 12, the
faintest of twenty videos of two teams 21."""
_NORMAL = 1.4826
"""Standard deviation of a normal distribution in medians of the absolute deviation."""
_STILL = 0.01
"""Lab units by which kits move in a round, under which they are learnt."""
_SEEDS, _ROUNDS = 8, 40
"""People who differ most, each pair of whom learning begins from; rounds of learning, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Two kits, and how views scatter around them."""

    centers: Float64Array
    """(2, 6): Lab of shirt and shorts."""
    spread: Float64Array
    """(2, 6), Lab units."""
    middle: Float64Array
    """(6,), of what everybody wears."""
    widest: Float64Array
    """(6,), Lab units: a kit's spread is no larger than this or twice its least."""

    @staticmethod
    def between(centers: Float64Array, middle: Float64Array, widest: Float64Array) -> Mixture:
        """Two kits (2, 6) of which nothing else is known."""
        spread = [np.maximum(2 * _least(center), widest) for center in centers]
        return Mixture(centers, np.array(spread), middle, widest)

    def views(self, colors: Float64Array, weight: Float64Array) -> Float64Array:
        """Log-likelihood (N, 3) of each view (N, 6) if it shows the first team, the second, or somebody of neither."""
        size = weight.sum(axis=1)
        return np.stack([_surprise(colors, weight, size, *kit) for kit in self._kits()], axis=1)

    def people(self, colors: Float64Array, weight: Float64Array, person: Indices, num_people: int) -> Float64Array:
        """Log-likelihood with prior (P, 3) of either team and of neither, of each person, from views of all.

        colors, weight: (N, 6); person: (N,), 0 to P - 1. The prior alone for who has no view.
        """
        count = np.bincount(person, minlength=num_people)[:, None]
        total = np.stack([np.bincount(person, view, num_people) for view in self.views(colors, weight).T], axis=1)
        independent = 1 / (1 + np.maximum(count - 1, 0) * _TEMPER)
        return total * independent + np.log([(1 - _OTHERS) / 2, (1 - _OTHERS) / 2, _OTHERS])

    def _kits(self) -> list[tuple[Float64Array, Float64Array]]:
        return [*zip(self.centers, self.spread, strict=True), (self.middle, _ANY)]


def weights(share: Float64Array) -> Float64Array:
    """How much each of six colours counts (N, 6), from the shares (N, 2) of pixels that shirt and shorts have."""
    return np.repeat(np.minimum(share / _WHOLE, 1.0), 3, axis=1)


def posterior(log_likelihood: Float64Array) -> Float64Array:
    """Probabilities (P, 3) from what ``Mixture.people`` gives."""
    exact = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    return exact / exact.sum(axis=1, keepdims=True)


def learn(colors: Float64Array, weight: Float64Array, person: Indices, presence: Float64Array) -> Mixture | None:
    """The likeliest two kits; None where there are no two teams. Shapes as of ``Mixture.people``.

    presence: (P,), how long each person is there.
    """
    means, widest = _means(colors, weight, person), _widest(colors, weight, person)
    if len(means) < 2:
        return None

    def end(centers: Float64Array) -> tuple[float, float, Mixture]:
        found = _climb(Mixture.between(centers, means.mean(axis=0), widest), colors, weight, person)
        people = found.people(colors, weight, person, len(presence))
        return _both(posterior(people), presence), float(np.logaddexp.reduce(people, axis=1).sum()), found

    _, one_kit, _ = end(np.tile(np.median(means, axis=0), (2, 1)))
    ends = [end(means[list(pair)]) for pair in combinations(_differing(means), 2)]
    ends = [(both, fit, found) for both, fit, found in ends if both > 0 and 2 * (fit - one_kit) >= _PROOF]
    most = max((both for both, _, _ in ends), default=0.0)
    likely = [(fit, found) for both, fit, found in ends if both >= _AS_MANY * most]
    return max(likely, key=lambda end: end[0])[1] if likely else None


def _both(probability: Float64Array, presence: Float64Array) -> float:
    """Presence of both teams; 0 unless each is several people, they are about of a size, and most of those there."""
    several = np.bincount(probability.argmax(axis=1), minlength=3)[:2].min() >= 2
    first, second, others = (presence @ probability).tolist()
    are_teams = several and min(first, second) >= _BALANCE * max(first, second) and first + second > others
    return first + second if are_teams else 0.0


def _climb(mixture: Mixture, colors: Float64Array, weight: Float64Array, person: Indices) -> Mixture:
    """Where expectation-maximisation from ``mixture`` ends."""
    count = np.bincount(person)
    for _ in range(_ROUNDS):
        member = posterior(mixture.people(colors, weight, person, len(count)))[person]
        before, mixture = mixture, _refit(mixture, colors, weight, member / count[person][:, None])
        if np.abs(mixture.centers - before.centers).max() + np.abs(mixture.spread - before.spread).max() < _STILL:
            break
    return mixture


def _refit(mixture: Mixture, colors: Float64Array, weight: Float64Array, member: Float64Array) -> Mixture:
    """Kits and scatter from views (N, 6) that are ``member`` (N, 3) of each; ``_least`` weighs like one person."""
    centers, spread = np.empty_like(mixture.centers), np.empty_like(mixture.spread)
    size = weight.sum(axis=1)
    for team in range(2):
        away = _away(colors, weight, mixture.centers[team], mixture.spread[team])
        trust = (_TAIL + size) / (_TAIL + away)  # how much each view is to be believed
        share = weight * (member[:, team] * trust)[:, None]
        total = share.sum(axis=0) + 1e-9
        centers[team] = (share * colors).sum(axis=0) / total
        least = _least(centers[team])
        scatter = (share * (colors - centers[team]) ** 2).sum(axis=0) + least**2
        amount = (weight * member[:, team : team + 1]).sum(axis=0)
        spread[team] = np.clip(np.sqrt(scatter / (amount + 1)), least, np.maximum(2 * least, mixture.widest))
    return Mixture(centers, spread, mixture.middle, mixture.widest)


def _least(center: Float64Array) -> Float64Array:
    """The least spread (6,) around a kit: shadow and blur take from colour in proportion to what there is of it."""
    shirt, shorts = np.hypot(center[[1, 4]], center[[2, 5]])
    return np.hypot(_LEAST, _SHADE * np.array([0, shirt, shirt, 0, shorts, shorts]))


def _surprise(
    colors: Float64Array, weight: Float64Array, size: Float64Array, center: Float64Array, spread: Float64Array
) -> Float64Array:
    """Log-likelihood (N,) under Student's t; size: the sum of each view's weights."""
    away = _away(colors, weight, center, spread)
    return -0.5 * (_TAIL + size) * np.log1p(away / _TAIL) - (weight * np.log(spread)).sum(axis=1)


def _away(colors: Float64Array, weight: Float64Array, center: Float64Array, spread: Float64Array) -> Float64Array:
    """How far each view (N,) is from a kit, squared and in its spread."""
    return (weight * ((colors - center) / spread) ** 2).sum(axis=1)


def _means(colors: Float64Array, weight: Float64Array, person: Indices) -> Float64Array:
    """The kit (P, 6) of each person who is seen, as the median of his views."""
    seen = [colors[(person == one) & (weight.min(axis=1) > 0)] for one in np.unique(person)]
    return np.array([np.median(views, axis=0) for views in seen if len(views)]).reshape(-1, colors.shape[1])


def _widest(colors: Float64Array, weight: Float64Array, person: Indices) -> Float64Array:
    """The largest spread (6,) of a kit: a little more than views of one person scatter around their median."""
    away = [
        np.abs(own - np.median(own, axis=0)) * np.sqrt(len(own) / max(1, len(own) - 1))
        for one in np.unique(person)
        if len(own := colors[(person == one) & (weight.min(axis=1) > 0)]) > 1
    ]
    within = _NORMAL * np.median(np.concatenate(away), axis=0) if away else np.zeros(colors.shape[1])
    return _TEAMMATES * within


def _differing(means: Float64Array) -> list[int]:
    """Up to ``_SEEDS`` people, each as far as can be from those before; the first is nearest to all others."""
    if not len(means):
        return []
    scaled = means / _ANY
    apart = np.abs(scaled[:, None] - scaled[None]).sum(axis=2)
    chosen = [int(apart.sum(axis=1).argmin())]
    while len(chosen) < min(_SEEDS, len(means)):
        chosen.append(int(apart[:, chosen].min(axis=1).argmax()))
    return chosen
