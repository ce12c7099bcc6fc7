"""Where the ball is and who has it, decided together over a whole video: the likeliest sequence of states (Viterbi).

In every frame the ball is at one of the spots that the detector told, or hidden; and one of the people has it, or
nobody. Costs are doubled negative log-likelihood ratios, so that evidence adds up: the detector's score against how
often other things get that score, and against what else is at that place all the time; whether a held ball would be
there in its holder's box; whether a ball in the air would come there from where it was, as gravity has it; how long
somebody has a ball, and how long it flies. Where a ball was and how fast is not part of a state but goes along with the
best way to it, as in a tracker that keeps many hypotheses (Reid, An algorithm for tracking multiple targets, IEEE
Trans. Automatic Control 24, 1979), which keeps the number of states small.

Viterbi, Error bounds for convolutional codes and an asymptotically optimum decoding algorithm, IEEE Trans. Information
Theory 13, 1967.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.ball.clutter import recurrence
from tracker.ball.evidence import (
    FREE,
    GRAVITY,
    SEEN_FREE,
    SEEN_HELD,
    flight_evidence,
    free_spread,
    hand_density,
    held_spread,
    hold_evidence,
    rest_evidence,
    score_evidence,
    size_likelihood,
    step_density,
)
from tracker.ball.scene import HIDDEN, NOBODY, BallScene, Floats, Ints
from tracker.types import BoolArray

_MOST = 80
"""States kept of a frame: many more than are ever near the best."""
_NEAR = 0.02
"""Density of a held ball under which a spot is in nobody's hands."""
_OWN_WAY = 0.25
"""Seconds between two sights of a ball that still tell its velocity."""
_NEWER = 0.6
"""Weight of the last step in the velocity of a ball in the air."""
_FLIES_ON = 0.05
"""Density at which a ball in the air is as likely to fly on as to be caught."""
_LASTS = 4.0
"""How many spots of another thing, as sure as it was, there are for each that is there by chance: what was taken for a
ball is taken for it again in two frames of five, and then gets the same score ten times as often as others."""
_NEWS = 0.5
"""What a frame counts for: it is much like the one before."""
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Habits:
    """How a ball goes from hand to hand."""

    hold: float = 2.5
    """Seconds that somebody has it, on average."""
    flight: float = 0.5
    """Seconds that nobody has it, on average."""
    snatched: float = 0.05
    """Share of balls that go from one to another without a flight."""
    settle: float = 0.1
    """Seconds after which the place and the velocity of a ball say something new about who has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The likeliest state of each of F frames."""

    spot: Ints
    """(F,): number of the spot where the ball is seen, HIDDEN: at none."""
    holder: Ints
    """(F,): track_id of who has it, NOBODY."""


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """Who is in a frame, P of them, ascending."""

    ids: Ints
    top: Floats
    """(P, 2): middle of the top of each box, pixels."""
    width: Floats
    height: Floats
    """(P,) each, pixels."""

    def top_of(self, holder: Ints) -> Floats:
        """(K, 2): of each holder; NaN for nobody, and for who is not there."""
        if not len(self.ids):
            return np.full((len(holder), 2), np.nan)
        at = self.column(holder)
        return np.where((self.ids[at] == holder)[:, None], self.top[at], np.nan)

    def column(self, holder: Ints) -> Ints:
        """(K,): place of each holder among ``ids``; any for who is not there."""
        return np.minimum(np.searchsorted(self.ids, holder), len(self.ids) - 1)

    def hands(self, xy: Floats, side: Floats | None = None) -> Floats:
        """(N, P): density of a ball at ``xy`` (N, 2) in the hands of each. side: (N,), of the ball's box, pixels."""
        density = np.nan_to_num(hand_density((xy[:, None] - self.top) / self.height[:, None], self.width / self.height))
        return density if side is None else density * size_likelihood(side[:, None], self.height)

    def catch(self, xy: Floats) -> Floats:
        """(N, P): each one's share in a ball in the air at ``xy`` (N, 2); all the same where that is not known."""
        hands = self.hands(xy)
        shares = hands / (hands.sum(1, keepdims=True) + _FLIES_ON)
        return np.where(np.isnan(xy[:, :1]), 1 / max(len(self.ids), 1), shares)


@dataclass(frozen=True, slots=True, eq=False)
class _States:
    """What may be in a frame: M pairs of a spot and a holder."""

    spot: Ints
    holder: Ints
    xy: Floats
    """(M, 2): of the spot, pixels; NaN: hidden."""
    hands: Floats
    """(M,): density of the spot in its holder's hands; 0: hidden, or nobody's."""
    all_hands: Floats
    """(M,): in everybody's hands together."""

    @property
    def seen(self) -> BoolArray:
        return self.spot != HIDDEN

    @property
    def free(self) -> BoolArray:
        return self.holder == NOBODY


@dataclass(frozen=True, slots=True, eq=False)
class _Beam:
    """The best way to each of K states of a frame."""

    spot: Ints
    holder: Ints
    came_from: Ints
    """(K,): state of the frame before."""
    cost: Floats
    xy: Floats
    """(K, 2): where the ball is seen, or would be by now, pixels; NaN: it was never seen."""
    velocity: Floats
    """(K, 2): of a ball in the air, against what stands still, player heights per second; NaN: not known."""
    age: Floats
    """(K,): seconds since it was seen."""

    def best(self) -> _Beam:
        """The cheapest, in the order they were in."""
        if len(self.cost) <= _MOST:
            return self
        kept = np.sort(np.argsort(self.cost, kind="stable")[:_MOST])
        return _Beam(
            self.spot[kept], self.holder[kept], self.came_from[kept], self.cost[kept], self.xy[kept],
            self.velocity[kept], self.age[kept],
        )  # fmt: skip


class _Way(NamedTuple):
    """What is kept of a beam until its shot is at its end, packed: a game has many frames."""

    spot: npt.NDArray[np.int32]
    holder: npt.NDArray[np.int32]
    came_from: npt.NDArray[np.int16]

    @staticmethod
    def of(beam: _Beam) -> _Way:
        return _Way(beam.spot.astype(np.int32), beam.holder.astype(np.int32), beam.came_from.astype(np.int16))


def decode(scene: BallScene, habits: Habits, advance: Callable[[int], object] = lambda _: None) -> Decoded:
    """The likeliest way of the ball through ``scene``, each shot by itself. advance: is told of frames done."""
    steps, num = _Steps(scene, habits), len(scene)
    found = Decoded(np.full(num, HIDDEN), np.full(num, NOBODY))
    ways: list[_Way] = []
    beam: _Beam | None = None
    for row in range(num):
        if beam is not None and scene.is_cut[row]:
            _trace(found, row, ways, beam)
            beam = None
        beam = steps.first(row) if beam is None else steps.next(row, beam)
        ways.append(_Way.of(beam))
        advance(1)
    if beam is not None:
        _trace(found, num, ways, beam)
    return found


def _trace(found: Decoded, end: int, ways: list[_Way], last: _Beam) -> None:
    """Fill in the frames of a shot that ends before row ``end``, and forget its ways."""
    at = int(last.cost.argmin())
    for row in range(end - 1, end - 1 - len(ways), -1):
        way = ways.pop()
        found.spot[row], found.holder[row], at = way.spot[at], way.holder[at], int(way.came_from[at])


class _Steps:
    """One frame after the other."""

    def __init__(self, scene: BallScene, habits: Habits) -> None:
        balls = scene.balls
        self._scene, self._habits, self._unit = scene, habits, scene.unit
        self._bounds, self._xy, self._side = balls.bounds(len(scene)), balls.xy, balls.side
        self._score = score_evidence(balls.score) + rest_evidence(recurrence(scene))
        self._others = max(len(balls) / max(int(scene.looked.sum()), 1), 1.0)
        """Spots per frame: nearly all are of other things."""
        self._before = self._people(0) if len(scene) else None

    def first(self, row: int) -> _Beam:
        """Of a shot's first frame."""
        people = self._people(row)
        states = self._states(row, people)
        flying = self._habits.flight / (self._habits.flight + self._habits.hold)
        share = np.where(states.free, flying, (1 - flying) / max(len(people.ids), 1))
        place = self._against(row, np.where(states.free, 1 / self._area(row), states.hands))
        cost = -2 * (np.log(share) + np.where(states.seen, place, 0.0)) + self._frame_cost(row, states)
        nowhere = np.full((len(cost), 2), np.nan)
        self._before = people
        came_from = np.zeros(len(cost), np.intp)
        return _Beam(states.spot, states.holder, came_from, cost, states.xy, nowhere, np.zeros(len(cost))).best()

    def next(self, row: int, beam: _Beam) -> _Beam:
        """Of the frame after that of ``beam``."""
        people, dt = self._people(row), float(self._scene.time[row] - self._scene.time[row - 1])
        states = self._states(row, people)
        age = beam.age + dt
        held_at, free_at = self._expected(row, beam, people, dt)
        keeps = (beam.holder[:, None] == states.holder) & ~states.free
        expected = np.where(keeps[..., None], held_at[:, None], free_at[:, None])
        place = self._place(row, states, beam, expected, keeps, age)
        total = beam.cost[:, None] - 2 * (place + self._change(beam, states, people, free_at, keeps, dt))
        came_from = total.argmin(0)
        columns = np.arange(len(came_from))
        velocity = self._velocity(row, beam, states, came_from, age[came_from], dt)
        across = (states.xy - held_at[came_from])[:, 0] / self._unit[row] / age[came_from]
        across[~keeps[came_from, columns] | (age[came_from] > _OWN_WAY)] = np.nan
        cost = total[came_from, columns] + self._frame_cost(row, states) + self._settled(states, velocity, across, dt)
        xy = np.where(states.seen[:, None], states.xy, expected[came_from, columns])
        self._before = people
        since = np.where(states.seen, 0.0, age[came_from])
        return _Beam(states.spot, states.holder, came_from, cost, xy, velocity, since).best()

    def _people(self, row: int) -> _People:
        boxes = self._scene.people.at(row)
        xyxy = boxes.xyxy.astype(np.float64)
        top = np.column_stack([(xyxy[:, 0] + xyxy[:, 2]) / 2, xyxy[:, 1]])
        width, height = xyxy[:, 2] - xyxy[:, 0], xyxy[:, 3] - xyxy[:, 1]
        return _People(boxes.track_id.astype(np.intp), top, width, height)

    def _states(self, row: int, people: _People) -> _States:
        """A spot in nobody's hands, or in those of whom it is near; hidden, in anybody's hands or nobody's."""
        spots = np.arange(*self._bounds[row : row + 2])
        hands = people.hands(self._xy[spots], self._side[spots])
        near, who = np.nonzero(hands > _NEAR)
        num_hidden = len(people.ids) + 1
        spot = np.concatenate([spots, spots[near], np.full(num_hidden, HIDDEN)])
        holder = np.concatenate([np.full(len(spots), NOBODY), people.ids[who], people.ids, [NOBODY]])
        xy = np.concatenate([self._xy[spots], self._xy[spots[near]], np.full((num_hidden, 2), np.nan)])
        own = np.concatenate([np.zeros(len(spots)), hands[near, who], np.zeros(num_hidden)])
        together = hands.sum(1)
        return _States(spot, holder, xy, own, np.concatenate([together, together[near], np.zeros(num_hidden)]))

    def _area(self, row: int) -> float:
        """Of the picture, in player heights squared."""
        return self._scene.size[0] * self._scene.size[1] / float(self._unit[row]) ** 2

    def _frame_cost(self, row: int, states: _States) -> Floats:
        """(M,): what the detector says of the frame."""
        if not self._scene.looked[row]:
            return np.zeros(len(states.spot))
        cost = -2 * _NEWS * np.log(1 - np.where(states.free, SEEN_FREE, SEEN_HELD))
        cost[states.seen] = -2 * _NEWS * self._score[states.spot[states.seen]]
        return cost

    def _settled(self, states: _States, velocity: Floats, across: Floats, dt: float) -> Floats:
        """(M,): what the place and the velocity of a ball say about who has it, which they do but slowly.

        Of the place it is each one's share in a ball there, so that no spot is better than none for being in a hand.
        across: (M,), of the velocity against the box of who keeps it.
        """
        share = np.where(states.free, FREE, states.hands) / (FREE + states.all_hands)
        way = np.where(states.free, flight_evidence(velocity), hold_evidence(across))
        evidence = np.log(np.maximum(share, _TINY)) + way
        return np.where(states.seen, -2 * min(dt / self._habits.settle, 1.0) * evidence, 0.0)

    def _expected(self, row: int, beam: _Beam, people: _People, dt: float) -> tuple[Floats, Floats]:
        """(K, 2) each: where the ball would be now if it was kept, which goes with the box, and in the air."""
        assert self._before is not None
        standing = self._scene.carried(row, beam.xy)
        moved = people.top_of(beam.holder) - self._before.top_of(beam.holder)
        held_at = np.where(np.isnan(moved), standing, beam.xy + moved)
        way = np.nan_to_num(beam.velocity * dt + np.array([0.0, GRAVITY * dt * dt / 2]))
        return held_at, standing + way * self._unit[row]

    def _place(self, row: int, states: _States, beam: _Beam, expected: Floats, keeps: BoolArray, age: Floats) -> Floats:
        """(K, M): log ratio of a ball's density at each spot to that of other things; 0 where it is hidden."""
        log, seen = np.zeros(keeps.shape), states.seen
        if not seen.any():
            return log
        way = (states.xy[seen] - expected[:, seen]) / self._unit[row]
        knows_way = (beam.holder == NOBODY) & ~np.isnan(beam.velocity[:, 0])
        free = free_spread(age, knows_way)[:, None]
        spread = np.where(keeps[:, seen, None], held_spread(age)[:, None], free)
        density = np.where(np.isnan(way[..., 0]), 1 / self._area(row), step_density(np.nan_to_num(way), spread))
        log[:, seen] = self._against(row, density)
        return log

    def _against(self, row: int, density: Floats) -> Floats:
        """Log ratio of a ball's ``density`` to that of other things.

        Those are anywhere, or they go on as a ball does: a head that is taken for the ball is taken for it again in
        the next frame.
        """
        area = self._area(row)
        others = 1 + area * _LASTS * density / self._others
        return _NEWS * np.log(np.maximum(area * density, _TINY) / others)

    def _change(
        self, beam: _Beam, states: _States, people: _People, free_at: Floats, keeps: BoolArray, dt: float
    ) -> Floats:
        """(K, M): log probability that the ball goes from hand to hand, or into the air, as it does."""
        habits, caught = self._habits, self._caught(people, states, free_at)
        leaves, comes = 1 - np.exp(-dt / habits.hold), 1 - np.exp(-dt / habits.flight)
        from_air = np.where(states.free, 1 - comes, comes * caught)
        lost = np.where(states.free, leaves * (1 - habits.snatched), leaves * habits.snatched * caught)
        from_hand = np.where(keeps, 1 - leaves, lost)
        return np.log(np.maximum(np.where((beam.holder == NOBODY)[:, None], from_air, from_hand), _TINY))

    def _caught(self, people: _People, states: _States, free_at: Floats) -> Floats:
        """(K, M): how likely it is each state's holder who gets a ball that comes to where it is."""
        if not len(people.ids):
            return np.zeros((len(free_at), len(states.spot)))
        column = people.column(states.holder)
        here = people.catch(states.xy)[np.arange(len(column)), column]
        return np.where(states.seen, here, people.catch(free_at)[:, column])

    def _velocity(self, row: int, beam: _Beam, states: _States, came_from: Ints, age: Floats, dt: float) -> Floats:
        """(M, 2): of the ball in each state, by where it was, and by what was known of it in the air."""
        before = beam.velocity[came_from]
        step = (states.xy - self._scene.carried(row, beam.xy[came_from])) / self._unit[row] / age[:, None]
        step[age > _OWN_WAY] = np.nan
        flew = (beam.holder[came_from] == NOBODY)[:, None] & ~np.isnan(before) & ~np.isnan(step)
        measured = np.where(flew, _NEWER * step + (1 - _NEWER) * before, step)
        return np.where(states.seen[:, None], measured, before + np.array([0.0, GRAVITY * dt]))
