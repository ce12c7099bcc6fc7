"""Players on the floor: they steer towards goals with human limits of speed, acceleration and turning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.synthetic.actions import BLOCK, DEFENSE, IDLE, PASS, PICK, RUNNING, SHOOT, WALKING
from pipeline.synthetic.court import RIM
from pipeline.synthetic.gait import Floats

TOP_SPEED = 6.8
"""Metres per second."""
_ACCELERATION, _TURN = 5.0, 6.5
FREE = -1
"""A player whose action follows from how he moves."""
_SPOTS = np.array([(6.0, 0.5), (7.2, 5.0), (7.4, -5.0), (12.3, 5.6), (11.0, -2.6)])
"""Where attackers stand at the +x end, the one with the ball first."""
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Flight:
    """The ball in the air, from one player's hands to another's or to the rim."""

    start: int
    """Frame of the release."""
    end: int
    """Frame of the catch, or of reaching the rim."""
    receiver: int
    """Player, or -1 for the rim."""
    rim: int
    """End of the court, 1 or -1, for a shot."""


class Stage:
    """The state that the director sets and time moves."""

    def __init__(self, team: int, fps: float, rng: np.random.Generator) -> None:
        players = 2 * team
        self.team, self.fps, self.rng = team, fps, rng
        self.frame, self.end, self.offense = 0, 1, 0
        self.owner, self.flying = 0, False  # who has the ball, or will catch it
        self.xy, self.velocity = np.zeros((players, 2)), np.zeros((players, 2))
        self.heading = np.zeros(players)
        self.goal, self.pace = np.zeros((players, 2)), np.full(players, 3.0)
        self.pinned = np.full(players, FREE)
        self.face: list[int | None] = [None] * players
        self.settled = False
        self.flights: list[Flight] = []
        spots = self.spots()
        for place, player in enumerate(self.attackers()):
            self.xy[player] = spots[place] - (self.end * rng.uniform(2.5, 5), rng.uniform(-1, 1))
        self.goal[:] = self.xy
        for player in self.defenders():
            self.xy[player] = self.goal[player] = self._guard_spot(player)

    def attackers(self) -> Ints:
        """Players of the team with the ball."""
        return np.arange(self.team) + self.offense * self.team

    def defenders(self) -> Ints:
        """Players of the other team."""
        return np.arange(self.team) + (1 - self.offense) * self.team

    def rival(self, player: int) -> int:
        """The man whom a player guards, or who guards him."""
        return (player + self.team) % (2 * self.team)

    @property
    def rim(self) -> Floats:
        """(2,) metres: the basket under attack."""
        return np.array([self.end * RIM[0], 0.0])

    def spots(self) -> Floats:
        """(team, 2): places of the attack with a little disorder."""
        flip = np.array([self.end, self.rng.choice([-1, 1])])
        return _SPOTS[: self.team] * flip + self.rng.normal(0, 0.5, (self.team, 2))

    def seconds(self, low: float, high: float) -> Iterator[None]:
        """Wait for a while."""
        for _ in range(round(self.rng.uniform(low, high) * self.fps)):
            yield

    def _guard_spot(self, player: int) -> Floats:
        man = self.rival(player)
        toward = self.rim - self.xy[man]
        distance = float(np.hypot(*toward))
        # Tight on the man with the ball, sagging towards the basket elsewhere.
        gap = min(1.1 if man == self.owner else 1.2 + 0.16 * distance, 0.7 * distance)
        return self.xy[man] + gap * toward / max(distance, 0.1)

    def step(self) -> None:
        """Move everyone by one frame."""
        for player in self.defenders():
            if self.pinned[player] == FREE:
                self.goal[player] = self._guard_spot(player)
                self.pace[player] = 4.0 if self.settled else 6.0
        still = np.isin(self.pinned, (PICK, SHOOT, PASS, BLOCK))
        way = self.goal - self.xy
        distance = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)
        speed = np.minimum(self.pace, np.sqrt(1.2 * _ACCELERATION * np.maximum(distance - 0.12, 0)))
        speed = np.where(still, 0.0, np.minimum(speed, 2.5 * distance))
        wanted = way / distance[:, None] * speed[:, None] + self._apart() * ~still[:, None]
        change = wanted - self.velocity
        size = np.maximum(np.hypot(change[:, 0], change[:, 1]), 1e-6)
        self.velocity += change * np.minimum(1.0, _ACCELERATION / self.fps / size)[:, None]
        fast = np.maximum(np.hypot(self.velocity[:, 0], self.velocity[:, 1]) / TOP_SPEED, 1.0)
        self.velocity /= fast[:, None]
        self.xy = self.xy + self.velocity / self.fps
        self._turn()
        self.frame += 1

    def _apart(self) -> Floats:
        """(P, 2): velocities that keep bodies from running through each other."""
        gap = self.xy[:, None] - self.xy[None]
        distance = np.hypot(gap[..., 0], gap[..., 1]) + np.eye(len(gap)) * 9
        push = np.clip(0.95 - distance, 0, 0.6) * 5.0
        return (gap / np.maximum(distance, 0.05)[..., None] * push[..., None]).sum(axis=1)

    def _turn(self) -> None:
        speed = np.hypot(self.velocity[:, 0], self.velocity[:, 1])
        for player in range(len(self.xy)):
            target = self.face[player]
            guarding = player in self.defenders() and self.settled
            if target is not None:
                gaze = (self.rim if target < 0 else self.xy[target]) - self.xy[player]
            elif speed[player] > (3.4 if guarding else 0.8):
                gaze = self.velocity[player]
            elif guarding:
                gaze = self.xy[self.rival(player)] - self.xy[player]
            else:
                gaze = (self.xy[self.owner] if player != self.owner else self.rim) - self.xy[player]
            turn = np.arctan2(gaze[1], gaze[0]) - self.heading[player]
            turn = (turn + np.pi) % (2 * np.pi) - np.pi
            self.heading[player] += np.clip(turn * 6 / self.fps, -_TURN / self.fps, _TURN / self.fps)

    def actions(self) -> Ints:
        """What each player does now."""
        speed = np.hypot(self.velocity[:, 0], self.velocity[:, 1])
        moving = np.where(speed > 2.6, RUNNING, np.where(speed > 0.45, WALKING, IDLE))
        if self.settled:
            near = self.defenders()
            moving[near] = np.where(speed[near] < 3.4, DEFENSE, RUNNING)
        return np.where(self.pinned == FREE, moving, self.pinned)
