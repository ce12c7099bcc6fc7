"""Names given to players, carried over to other tracks of the same video."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tracker.assignment import assign
from tracker.evaluate.scores import covering_ids
from tracker.types import Tracks

_SAME = 0.5
"""Share of a named player's boxes that a new track must cover to bear his name."""


def carry_names(names: Mapping[int, str], before: Tracks, now: Tracks) -> tuple[dict[int, str], tuple[str, ...]]:
    """The names of tracks ``before`` for the tracks ``now`` that cover the same boxes, and notes on names left over.

    Each name goes to one track, the one that covers most of the player's boxes, if that is half of them.
    """
    named = before[np.isin(before.track_id, list(names))]
    old, new = named.ids, now.ids
    covering = covering_ids(named, now)
    shared = np.array([[(covering[named.track_id == i] == j).mean() for j in new] for i in old])
    rows, columns = assign(shared.reshape(len(old), len(new)), _SAME)
    carried = {int(new[j]): names[int(old[i])] for i, j in zip(rows, columns, strict=True)}
    left = [name for name in names.values() if name not in carried.values()]
    return carried, tuple(f"no track is that of {name} now: the name is left out" for name in left)
