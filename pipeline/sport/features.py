"""What a head makes of a row: features whose distance says how unlike two pictures are.

They are square roots of the row's numbers, and of the chances of ImageNet's thousand categories that the network's
own last layer takes from it, where there is one: it knows balls, bats, bars and rackets, which tell sports apart that
are in no class. Both are made of rows as they are kept, so examples of earlier versions still hold.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from pipeline.shipped import WEIGHTS
from pipeline.sport.embeddings import DEFAULT

Floats = npt.NDArray[np.float64]
CATEGORIES = WEIGHTS / "efficientnet_lite2_categories.npy"
"""float16 (C + 1, 1000): the last layer, for rows of length 1, and its bias."""
_ROW = 6.0
"""How much unlike rows count. Higher: only what looks much alike says anything. 4 and 10 told strangers worse."""
_CATEGORIES = 0.5
"""How much unlike categories count: 0.3 to 1.2 did as well, none worse."""

_COARSE = 0.15
"""What features are multiplied by where only sport or not is asked: pictures of a kind that no example is like are far
from all, and a kernel that fades cannot tell them. 0.5 told 0.91 of such a kind, this 0.99."""


def features(rows: npt.NDArray[np.floating], embedding: str) -> Floats:
    """(N, F). rows: (N, C), of length 1, of the embedding of that name."""
    rows = rows.astype(np.float64)
    roots = np.sign(rows) * np.sqrt(np.abs(rows))
    own = np.sqrt(_ROW) * roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-12)
    layer = _categories() if embedding == DEFAULT else None
    if layer is None or len(layer) != rows.shape[1] + 1:
        return own
    return np.concatenate([own, np.sqrt(_CATEGORIES * softmax(rows @ layer[:-1] + layer[-1], axis=1))], axis=1)


def coarse(seen: Floats) -> Floats:
    """Features for telling sport from anything else."""
    return _COARSE * seen


@functools.cache
def _categories() -> Floats:
    return np.load(CATEGORIES, allow_pickle=False).astype(np.float64)
