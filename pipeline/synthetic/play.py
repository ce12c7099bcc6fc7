"""How a game goes: who runs where, who has the ball, who guards whom, frame by frame.

A director, written as a coroutine that waits, sets the players' goals: bring the ball up, pass, set a pick, drive,
shoot, run back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pipeline.synthetic.actions import BLOCK, DEFENSE, DRIBBLE, HOLD, IDLE, PASS, PICK, RELEASE, RUNNING, SHOOT, WALKING
from pipeline.synthetic.court import LENGTH, WIDTH
from pipeline.synthetic.gait import Floats
from pipeline.synthetic.stage import FREE, Flight, Ints, Stage

_SHORTEST = 0.6
"""Seconds: a shorter stretch of running, walking, standing or guarding joins the one before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Play:
    """A game's script: columns over T frames and P players, the first half of them one team."""

    xy: Floats
    """(T, P, 2) metres."""
    heading: Floats
    """(T, P) radians."""
    action: npt.NDArray[np.int8]
    """(T, P) index into classify.types.ACTIONS."""
    owner: Ints
    """(T,) the player whose hands have the ball, -1 in flight."""
    flights: tuple[Flight, ...]


def _direct(stage: Stage) -> Iterator[None]:
    """Possession after possession."""
    stage.owner = int(stage.attackers()[0])
    while True:
        yield from _bring_up(stage)
        for choice in stage.rng.permutation(3)[: stage.rng.integers(2, 4)]:
            yield from (_pick_and_drive if choice == 0 else _pass)(stage)
        yield from _shot(stage)


def _bring_up(stage: Stage) -> Iterator[None]:
    """Everyone goes to his place; defenders run back, then settle."""
    spots, handler = stage.spots(), stage.owner
    stage.settled = bool(stage.xy[handler, 0] * stage.end > 0.5)
    others = [int(p) for p in stage.attackers() if p != handler]
    for place, player in zip(range(len(spots)), [handler, *others], strict=True):
        stage.goal[player] = spots[place]
        stage.pace[player] = stage.rng.uniform(4.2, 6.2)
    stage.pace[handler] = stage.rng.uniform(3.0, 4.5)
    stage.pinned[handler], stage.face[handler] = DRIBBLE, None
    for count in range(round(8 * stage.fps)):
        yield
        gap = stage.xy[handler] - stage.goal[handler]
        if not stage.settled and stage.xy[handler, 0] * stage.end > 0.5:
            stage.settled = True
        if count > stage.fps and np.hypot(*gap) < 1.2 and stage.settled:
            break
    yield from stage.seconds(0.6, 1.2)


def _wander(stage: Stage, but: tuple[int, ...]) -> None:
    """Some attackers without the ball walk a little, some cut to another place."""
    for player in stage.attackers():
        if player in but or stage.pinned[player] != FREE:
            continue
        chance = stage.rng.uniform()
        if chance < 0.45:
            stage.goal[player] += stage.rng.normal(0, 1.3, 2)
            stage.pace[player] = stage.rng.uniform(1.0, 1.7)
        elif chance < 0.65:
            stage.goal[player] = _open_spot(stage, player)
            stage.pace[player] = stage.rng.uniform(3.6, 5.5)
        stage.goal[player] = np.clip(stage.goal[player], (-13.5, -7.0), (13.5, 7.0))


def _open_spot(stage: Stage, player: int) -> Floats:
    """(2,) metres: of some places, the one furthest from the other attackers."""
    others = np.array([stage.goal[p] for p in stage.attackers() if p != player])
    places = np.concatenate([stage.spots(), stage.spots()])
    room = np.linalg.norm(places[:, None] - others[None], axis=-1).min(axis=1)
    return places[int(room.argmax())]


def _pass(stage: Stage) -> Iterator[None]:
    """Hold, turn, pass, catch, hold; the receiver may then dribble."""
    passer = stage.owner
    mates = [int(p) for p in stage.attackers() if p != passer]
    near = sorted(mates, key=lambda p: float(np.hypot(*(stage.xy[p] - stage.xy[passer]))))
    receiver = near[int(stage.rng.integers(min(3, len(near))))]
    stage.pinned[passer], stage.face[passer] = HOLD, receiver
    stage.goal[passer] = stage.xy[passer]
    stage.goal[receiver], stage.face[receiver] = stage.xy[receiver], passer
    yield from stage.seconds(0.65, 1.0)
    stage.pinned[passer] = PASS
    begun = stage.frame
    yield from stage.seconds(RELEASE[PASS], RELEASE[PASS])
    air = float(np.hypot(*(stage.xy[receiver] - stage.xy[passer]))) / 9.5
    arrival = stage.frame + max(4, round(air * stage.fps))
    stage.flights.append(Flight(stage.frame, arrival, receiver, stage.end))
    stage.owner, stage.flying = receiver, True
    while stage.frame < arrival:
        yield
    stage.flying, stage.pinned[receiver] = False, HOLD
    while stage.frame < begun + round(0.9 * stage.fps):
        yield
    stage.pinned[passer], stage.face[passer], stage.face[receiver] = FREE, None, -1
    _wander(stage, (receiver,))
    yield from stage.seconds(0.7, 1.3)
    if stage.rng.uniform() < 0.7:
        stage.pinned[receiver], stage.face[receiver] = DRIBBLE, None
        toward = stage.rim - stage.xy[receiver]
        angle = stage.rng.choice([-1, 1]) * stage.rng.uniform(0.4, 1.2)
        c, s = np.cos(angle), np.sin(angle)
        step = np.array([toward[0] * c - toward[1] * s, toward[0] * s + toward[1] * c])
        stage.goal[receiver] = stage.xy[receiver] + step / max(float(np.hypot(*step)), 0.1) * stage.rng.uniform(1.5, 3)
        stage.pace[receiver] = stage.rng.uniform(2.0, 3.8)
        yield from stage.seconds(0.9, 1.6)


def _pick_and_drive(stage: Stage) -> Iterator[None]:
    """A team mate sets a pick beside the handler's guard; the handler dribbles past it."""
    handler = stage.owner
    guard = stage.rival(handler)
    mates = [int(p) for p in stage.attackers() if p != handler]
    screener = min(mates, key=lambda p: float(np.hypot(*(stage.xy[p] - stage.xy[handler]))))
    stage.pinned[handler], stage.face[handler] = DRIBBLE, -1
    stage.goal[handler] = stage.xy[handler]
    toward = stage.rim - stage.xy[handler]
    toward /= max(float(np.hypot(*toward)), 0.1)
    side = np.array([-toward[1], toward[0]]) * stage.rng.choice([-1, 1])
    stage.face[screener], stage.pace[screener] = None, 4.2
    for _ in range(round(2.5 * stage.fps)):
        stage.goal[screener] = stage.xy[guard] + 0.8 * side
        yield
        if np.hypot(*(stage.xy[screener] - stage.goal[screener])) < 0.6:
            break
    stage.pinned[screener], stage.face[screener] = PICK, guard
    yield from stage.seconds(0.5, 0.8)
    stage.face[handler], stage.pace[handler] = None, 4.6
    stage.goal[handler] = stage.xy[handler] + 1.7 * side + 0.6 * toward
    yield from stage.seconds(0.5, 0.6)
    stage.goal[handler] = stage.xy[handler] + (stage.rim - stage.xy[handler]) * 0.55
    yield from stage.seconds(0.4, 0.7)
    stage.pinned[screener], stage.face[screener] = FREE, None
    stage.goal[screener] = stage.xy[screener] + 0.5 * (stage.rim - stage.xy[screener])
    stage.pace[screener] = stage.rng.uniform(2.5, 4.5)
    _wander(stage, (handler, screener))
    yield from stage.seconds(0.3, 0.6)


def _shot(stage: Stage) -> Iterator[None]:
    """Gather, shoot with the guard jumping at it; the other team picks the ball up and the game turns round."""
    shooter = stage.owner
    guard = stage.rival(shooter)
    stage.pinned[shooter], stage.face[shooter] = HOLD, -1
    stage.goal[shooter] = stage.xy[shooter]
    yield from stage.seconds(0.65, 0.8)
    stage.pinned[shooter] = SHOOT
    release = stage.frame + round(RELEASE[SHOOT] * stage.fps)
    yield from stage.seconds(0.12, 0.25)
    stage.pinned[guard], stage.face[guard] = BLOCK, shooter
    landed = stage.frame + round(1.2 * stage.fps)
    while stage.frame < release:
        yield
    arrival = stage.frame + round(stage.rng.uniform(0.9, 1.1) * stage.fps)
    stage.flights.append(Flight(stage.frame, arrival, -1, stage.end))
    stage.owner, stage.flying = guard, True
    while stage.frame < landed:
        yield
    stage.pinned[shooter] = stage.pinned[guard] = FREE
    stage.face[shooter] = stage.face[guard] = None
    rebounder = min((int(p) for p in stage.defenders()), key=lambda p: float(np.hypot(*(stage.xy[p] - stage.rim))))
    stage.settled = False
    stage.offense = 1 - stage.offense
    stage.goal[rebounder], stage.pace[rebounder] = stage.rim - (0.5 * stage.end, 0.0), 5.0
    caught = max(arrival, stage.frame) + round(0.8 * stage.fps)
    stage.flights.append(Flight(arrival, caught, rebounder, stage.end))
    stage.owner = rebounder
    while stage.frame < caught:
        yield
    stage.end = -stage.end
    stage.flying, stage.pinned[rebounder] = False, HOLD
    yield from stage.seconds(0.65, 0.8)


def _steady(actions: npt.NDArray[np.int8], shortest: int) -> None:
    """Join stretches of free movement shorter than ``shortest`` frames to the one before, in place."""
    free = (RUNNING, WALKING, IDLE, DEFENSE)
    for column in actions.T:
        starts = np.r_[0, np.flatnonzero(np.diff(column)) + 1, len(column)]
        for start, end in pairwise(starts[1:]):
            before = column[start - 1]
            if end - start < shortest and column[start] in free:
                column[start:end] = before if before in free else _next_free(column, int(end), free)


def _next_free(column: npt.NDArray[np.int8], end: int, free: tuple[int, ...]) -> int:
    """The action after ``end`` if the player moves freely then, else what he did just before it."""
    return int(column[end]) if end < len(column) and column[end] in free else int(column[end - 1])


def stage_play(frames: int, fps: float, team: int, rng: np.random.Generator) -> Play:
    """A game of ``frames`` frames with ``team`` players on each side; the same generator state, the same game."""
    stage = Stage(team, fps, rng)
    director = _direct(stage)
    xy, heading = np.empty((frames, 2 * team, 2)), np.empty((frames, 2 * team))
    action, owner = np.empty((frames, 2 * team), np.int8), np.empty(frames, np.int64)
    for frame in range(frames):
        next(director)
        xy[frame], heading[frame] = stage.xy, stage.heading
        action[frame] = stage.actions()
        owner[frame] = -1 if stage.flying else stage.owner
        stage.step()
    _steady(action, round(_SHORTEST * fps))
    limits = np.array([LENGTH / 2 + 0.8, WIDTH / 2 + 0.8])
    return Play(np.clip(xy, -limits, limits), heading, action, owner, tuple(stage.flights))
