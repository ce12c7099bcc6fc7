"""Basketball courts in metres: origin at the centre, x along the length, y across, towards the camera.

Sources: NBA Official Rules 2024-25, rule 1; FIBA Official Basketball Rules 2024, article 2; NCAA Basketball Rules
2023-24, rule 1; NFHS Basketball Rules 2023-24, rule 1. Feet are 0.3048 m. Lengths are measured as the rules do: to the
inner edge of baselines and sidelines, to the outer edge of all other lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tracker.boxes import Float64Array


@dataclass(frozen=True, slots=True)
class Court:
    """Where the lines of a court are, in metres."""

    length: float
    width: float
    lane_width: float
    free_throw: float
    """From the baseline to the far edge of the free-throw line."""
    hoop: float
    """From the baseline to the point below the middle of the hoop."""
    three_radius: float
    three_corner: float
    """From the long axis to the straight parts of the three-point line."""
    circle: float
    """Radius of the centre circle."""

    def areas(self, points: Float64Array) -> Float64Array:
        """How deep points (..., 2) lie within each of ``tracker.court.segmenter.AREAS``: (4, ...), negative outside.

        Metres from the nearest line; beyond corners, a little less than that.
        """
        from_end = self.length / 2 - np.abs(points[..., 0])
        across = np.abs(points[..., 1])
        from_hoop = np.sqrt((from_end - self.hoop) ** 2 + across**2)  # np.hypot takes three times as long
        court = np.minimum(from_end, self.width / 2 - across)
        paint = np.minimum(np.minimum(from_end, self.free_throw - from_end), self.lane_width / 2 - across)
        arc = np.maximum(self.three_radius - from_hoop, self.hoop - from_end)
        three = np.minimum(np.minimum(from_end, self.three_corner - across), arc)
        return np.stack([court, paint, three, self.circle - np.sqrt(points[..., 0] ** 2 + across**2)])

    def lines(self) -> list[Float64Array]:
        """The lines as a painter draws them: polylines (K, 2), metres; arcs in steps of three degrees or less."""
        end, side, turn = self.length / 2, self.width / 2, np.linspace(0, 2 * np.pi, 121)
        lines = [_box(-end, -side, end, side), np.array([[0, -side], [0, side]])]
        lines.append(self.circle * np.stack([np.cos(turn), np.sin(turn)], axis=1))
        reach = np.arcsin(min(1.0, self.three_corner / self.three_radius))
        angle = np.linspace(-reach, reach, 61)
        arc = np.stack([self.hoop + self.three_radius * np.cos(angle), self.three_radius * np.sin(angle)], axis=1)
        three = np.concatenate([[[0, -self.three_corner]], arc, [[0, self.three_corner]]])
        for sign in (-1, 1):
            lines.append(np.array([-sign, 1]) * three + [sign * end, 0])
            lines.append(_box(sign * end, -self.lane_width / 2, sign * (end - self.free_throw), self.lane_width / 2))
        return lines

    def landmarks(self) -> dict[str, tuple[float, float]]:
        """Points that a person can find in a picture, by name; near is towards the camera, y > 0."""
        end, side = self.length / 2, self.width / 2
        named = {"mid_near": (0.0, side), "mid_far": (0.0, -side), "centre": (0.0, 0.0)}
        for left_right, sign in (("left", -1), ("right", 1)):
            free_throw = sign * (end - self.free_throw)
            named[f"three_top_{left_right}"] = sign * (end - self.hoop - self.three_radius), 0.0
            for near_far, toward in (("near", 1), ("far", -1)):
                lane, corner = toward * self.lane_width / 2, toward * self.three_corner
                named[f"corner_{left_right}_{near_far}"] = sign * end, toward * side
                named[f"lane_base_{left_right}_{near_far}"] = sign * end, lane
                named[f"lane_ft_{left_right}_{near_far}"] = free_throw, lane
                named[f"three_base_{left_right}_{near_far}"] = sign * end, corner
        return named


def _box(x0: float, y0: float, x1: float, y1: float) -> Float64Array:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]])


COURTS: Mapping[str, Court] = {
    "nba": Court(28.65, 15.24, 4.88, 5.79, 1.60, 7.24, 6.71, 1.83),
    "fiba": Court(28.00, 15.00, 4.90, 5.80, 1.575, 6.75, 6.60, 1.80),
    "ncaa": Court(28.65, 15.24, 3.66, 5.79, 1.60, 6.75, 6.60, 1.83),
    "high-school": Court(25.60, 15.24, 3.66, 5.79, 1.60, 6.02, 6.02, 1.83),
}
