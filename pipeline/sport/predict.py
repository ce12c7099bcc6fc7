"""Which sport a picture shows: the sports by how likely they are, unknown for none of them, the nearest examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from pipeline.shipped import WEIGHTS
from pipeline.sport.embeddings import Embedding, Row, open_embedding
from pipeline.sport.examples import Examples, added_examples, load_examples
from pipeline.sport.features import coarse, features
from pipeline.sport.head import Head, fit_head
from pipeline.sport.picture import Picture
from pipeline.sport.table import UNKNOWN, UNKNOWN_ID, Sport

SHIPPED_SPORTS = WEIGHTS / "sports.examples"
"""Examples of 16 sports, and of what is none."""
_NEAREST = 3
_EVEN = 0.5
"""Chance from which a picture is said to be of no known sport, or of no sport at all."""


@dataclass(frozen=True, slots=True)
class Likely:
    """A sport, and how likely it is."""

    sport: Sport
    probability: float


@dataclass(frozen=True, slots=True)
class Near:
    """An example that looks alike."""

    name: str
    sport: Sport
    likeness: float
    """-1..1, the cosine of both rows, each less what all examples share."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a picture shows."""

    likely: tuple[Likely, ...]
    """Likeliest first. Unknown is the first where it is more likely than not, and otherwise none of them."""
    unknown: float
    """0..1, the chance that it is none of the sports."""
    sport_at_all: float | None
    """0..1, the chance that it shows any sport; None: no examples of anything else are there."""
    nearest: tuple[Near, ...]

    @property
    def is_sport(self) -> bool | None:
        """Whether it may stay where only sport is wanted; None: it cannot be told."""
        return None if self.sport_at_all is None else self.sport_at_all >= _EVEN


class SportClassifier:
    """Tells sports by examples. One thread at a time."""

    def __init__(self, embedding: Embedding, examples: Examples, heads: Sequence[Head] = ()) -> None:
        """heads: ``fit_heads`` of these examples, where that was done before.

        Raises InputError for examples of another network, or of fewer than two sports.
        """
        if examples.digest != embedding.digest:
            raise InputError(f"these examples were learnt with another {examples.embedding}; train anew")
        self.embedding = embedding
        known = examples.of_sports()
        self.sports, self._names, self._targets = known.sports, known.names, known.targets
        self.head, *others = heads or fit_heads(examples)
        if self.head.weights.shape[1] != len(self.sports):
            raise InputError("the head is of other sports than the examples; train anew")
        self._sport_or_not = others[0] if others else None
        self._middle = known.rows.astype(np.float64).mean(axis=0)
        self._around = _directions(known.rows - self._middle)

    def tell(self, picture: Picture) -> Answer:
        """What ``picture`` shows."""
        return self.tell_row(self.embedding.row(picture))

    def tell_row(self, row: Row) -> Answer:
        """The same, of what the network made of it."""
        seen = features(row[None], self.embedding.name)
        at_all = None if self._sport_or_not is None else float(self._sport_or_not.probabilities(coarse(seen))[0, 0])
        unknown = max(float(self.head.unknown(seen)[0]), 0.0 if at_all is None else 1 - at_all)
        likely = likeliest(self.head.probabilities(seen)[0], unknown, self.sports)
        return Answer(likely, unknown, at_all, self._nearest(row[None].astype(np.float64)))

    def probabilities(self, rows: Sequence[Row]) -> npt.NDArray[np.float64]:
        """(N, S), of each sport, if it is one of them."""
        return self.head.probabilities(features(np.stack(rows), self.embedding.name))

    def _nearest(self, rows: npt.NDArray[np.float64]) -> tuple[Near, ...]:
        likeness = self._around @ _directions(rows - self._middle)[0]
        best = np.argsort(-likeness, kind="stable")[:_NEAREST].tolist()
        return tuple(Near(self._names[i], self.sports[self._targets[i]], float(likeness[i])) for i in best)


def likeliest(probabilities: npt.NDArray[np.floating], unknown: float, sports: Sequence[Sport]) -> tuple[Likely, ...]:
    """Sports, likeliest first; led by unknown, with what is left shared among them, where that is likelier than not."""
    is_unknown = unknown >= _EVEN
    left = 1 - unknown if is_unknown else 1.0
    order = np.argsort(-probabilities, kind="stable").tolist()
    found = tuple(Likely(sports[i], left * float(probabilities[i])) for i in order)
    return (Likely(Sport(UNKNOWN_ID, UNKNOWN), unknown), *found) if is_unknown else found


def open_classifier(
    path: Path = SHIPPED_SPORTS,
    added: Path | None = None,
    sports: Sequence[Sport] = (),
    opened: Embedding | None = None,
) -> SportClassifier:
    """What ``train sport`` wrote, with the examples that were added to folder ``added`` of ``sports`` besides.

    opened: an embedding that is taken if the examples are of it. Raises InputError where it cannot be read.
    """
    examples, heads = load_examples(path)
    if opened is None or opened.digest != examples.digest:
        opened = open_embedding(examples.embedding)
    of = () if added is None else sports
    more = [one for sport in of for one in added_examples(added or Path(), sport, opened.digest)]
    return SportClassifier(opened, examples.plus(more)) if more else SportClassifier(opened, examples, heads)


def fit_heads(examples: Examples) -> tuple[Head, ...]:
    """Which sport; and, where there are pictures of no sport, sport (0) or not (1). Raises as ``fit_head``."""
    return tuple(fit_head(seen, targets) for seen, targets in examples.lessons())


def _directions(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
