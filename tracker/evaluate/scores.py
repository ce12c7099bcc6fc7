"""How good tracks are, measured against the truth: CLEAR, Identity and HOTA.

CLEAR: Bernardin & Stiefelhagen 2008. Identity: Ristani et al. 2016. HOTA: Luiten et al. 2021. The numbers are those of
TrackEval (github.com/JonathonLuiten/TrackEval), ties, empty frames and what is left out of MOTChallenge's truth
included; tests compare both to 1e-6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.assignment import Indices, assign
from tracker.boxes import Float64Array, iou, xywh_to_xyxy, xyxy_to_xywh
from tracker.types import BoolArray, IntArray, Tracks

ALPHAS = np.arange(0.05, 0.99, 0.05)
"""The 19 overlaps at which HOTA is taken."""

FIGURES = (
    *("hota", "det_a", "ass_a", "loc_a", "mota", "motp", "idf1", "idp", "idr", "precision", "recall"),
    *("id_switches", "fragments", "false_positives", "false_negatives"),
)
"""The scores that are shown, by their names in ``TrackScores``: shares, then counts."""

_EPS = float(np.finfo(np.float64).eps)
_KEEP = 1000.0
"""Bonus of a pair that was matched in the frame before, so that CLEAR changes partners only when it must."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackScores:
    """Counts and sums of one sequence, or of several; every score follows from them."""

    num_truth: int
    """Boxes in the truth."""
    num_result: int
    """Boxes in the result."""
    true_positives: int
    """Pairs of CLEAR, at ``min_iou``."""
    id_switches: int
    fragments: int
    """Times that a player who had been lost was found again, by whichever track."""
    iou_sum: float
    """Overlap, summed over the pairs of CLEAR."""
    id_true_positives: int
    """Boxes that bear the right identity when every true player is given one identity for all time."""
    hota_true_positives: Float64Array
    """(19,), pairs at each overlap of ``ALPHAS``."""
    hota_association_sum: Float64Array
    """(19,), over these pairs: how much of the two tracks is the same."""
    hota_iou_sum: Float64Array
    """(19,), over these pairs: overlap."""

    @property
    def false_positives(self) -> int:
        """Boxes of the result that are nobody."""
        return self.num_result - self.true_positives

    @property
    def false_negatives(self) -> int:
        """True boxes that were missed."""
        return self.num_truth - self.true_positives

    @property
    def precision(self) -> float:
        """Share of the result's boxes that are somebody, 0..1."""
        return self.true_positives / max(1, self.num_result)

    @property
    def recall(self) -> float:
        """Share of the true boxes that were found, 0..1."""
        return self.true_positives / max(1, self.num_truth)

    @property
    def mota(self) -> float:
        """1 less misses, ghosts and switches per true box; may be negative. 0 where there is no truth."""
        if not self.num_truth:
            return 0.0
        return (self.true_positives - self.false_positives - self.id_switches) / self.num_truth

    @property
    def motp(self) -> float:
        """Mean overlap of the pairs of CLEAR, 0..1."""
        return self.iou_sum / max(1, self.true_positives)

    @property
    def idf1(self) -> float:
        """Harmonic mean of ``idp`` and ``idr``, 0..1."""
        return 2 * self.id_true_positives / max(1, self.num_truth + self.num_result)

    @property
    def idp(self) -> float:
        """Share of the result's boxes with the right identity, 0..1."""
        return self.id_true_positives / max(1, self.num_result)

    @property
    def idr(self) -> float:
        """Share of the true boxes found with the right identity, 0..1."""
        return self.id_true_positives / max(1, self.num_truth)

    @property
    def hota(self) -> float:
        """Geometric mean of detection and association, averaged over ``ALPHAS``, 0..1."""
        return float(np.sqrt(self._det_a() * self._ass_a()).mean())

    @property
    def det_a(self) -> float:
        """Detection accuracy, averaged over ``ALPHAS``, 0..1."""
        return float(self._det_a().mean())

    @property
    def ass_a(self) -> float:
        """Association accuracy, averaged over ``ALPHAS``, 0..1."""
        return float(self._ass_a().mean())

    @property
    def loc_a(self) -> float:
        """Mean overlap of pairs, averaged over ``ALPHAS``, 0..1."""
        sums = np.maximum(1e-10, self.hota_iou_sum) / np.maximum(1e-10, self.hota_true_positives)
        return float(sums.mean())

    def _det_a(self) -> Float64Array:
        found = self.hota_true_positives
        return found / np.maximum(1, self.num_truth + self.num_result - found)

    def _ass_a(self) -> Float64Array:
        return self.hota_association_sum / np.maximum(1, self.hota_true_positives)


def evaluate_tracks(truth: Tracks, result: Tracks, min_iou: float = 0.5) -> TrackScores:
    """Compare ``result`` with ``truth``, frame by frame; a pair needs ``min_iou`` for CLEAR and Identity."""
    sequence = _sequence(truth, result)
    true_positives, id_switches, fragments, iou_sum = _clear(sequence, min_iou)
    found, association, overlap = _hota(sequence)
    return TrackScores(
        len(truth), len(result), true_positives, id_switches, fragments, iou_sum,
        _identity(sequence, min_iou), found, association, overlap,
    )  # fmt: skip


def without_distracted(truth: Tracks, distracts: BoolArray, result: Tracks) -> Tracks:
    """``result`` without the boxes that found something which looks like a person, as MOTChallenge leaves them out.

    truth: all boxes of the file, those that do not count as well. distracts: (N,), which of them look like a person.
    """
    if not distracts.any():
        return result
    keep, sequence, threshold = np.ones(len(result), np.bool_), _sequence(truth, result), 0.5 - _EPS
    for pairing in sequence.pairings:
        rows, columns = assign(np.where(pairing.overlap < threshold, 0, pairing.overlap), 2 * _EPS)
        keep[pairing.first_result + columns[distracts[pairing.first + rows]]] = False
    return result[keep]


def combine(scores: Sequence[TrackScores]) -> TrackScores:
    """The scores of several sequences together: every box counts the same, as in TrackEval."""
    totals: list[Any] = [sum(getattr(s, field.name) for s in scores) for field in fields(TrackScores)]
    return TrackScores(*totals)


def covering_ids(truth: Tracks, result: Tracks, min_iou: float = 0.5) -> IntArray:
    """Which identity covers each box of ``truth``, by CLEAR's pairs: int32 (N,), -1 where none does."""
    ids, covering = result.ids, np.full(len(truth), -1, np.int32)
    for pairing, rows, columns in _pairs(_sequence(truth, result), min_iou):
        covering[pairing.first + rows] = ids[pairing.result[columns]]
    return covering


class _Pairing(NamedTuple):
    """One frame in which both sides have boxes."""

    first: int
    """Row of the truth at which the frame begins."""
    first_result: int
    """Row of the result at which the frame begins."""
    truth: Indices
    """(N,), true players, numbered from 0."""
    result: Indices
    """(M,), tracks, numbered from 0."""
    overlap: Float64Array
    """(N, M)"""


class _Sequence(NamedTuple):
    pairings: list[_Pairing]
    truth_lengths: npt.NDArray[np.intp]
    """Boxes of each true player."""
    result_lengths: npt.NDArray[np.intp]
    """Boxes of each track."""


def _sequence(truth: Tracks, result: Tracks) -> _Sequence:
    _, players = np.unique(truth.track_id, return_inverse=True)
    _, tracks = np.unique(result.track_id, return_inverse=True)
    frames = np.intersect1d(truth.frame_index, result.frame_index)
    truth_rows, result_rows = _rows_of(truth, frames), _rows_of(result, frames)
    truth_boxes, result_boxes = _boxes(truth), _boxes(result)
    pairings = [
        _Pairing(t.start, r.start, players[t], tracks[r], iou(truth_boxes[t], result_boxes[r]))
        for t, r in zip(truth_rows, result_rows, strict=True)
    ]
    return _Sequence(pairings, np.bincount(players), np.bincount(tracks))


def _rows_of(tracks: Tracks, frames: npt.NDArray[np.integer]) -> list[slice]:
    starts, ends = (np.searchsorted(tracks.frame_index, frames, side).tolist() for side in ("left", "right"))
    return [slice(start, end) for start, end in zip(starts, ends, strict=True)]


def _boxes(tracks: Tracks) -> Float64Array:
    # Files have two decimals, which float32 keeps only nearly. Exact again, overlaps that lie exactly on a threshold
    # fall to the side where TrackEval sees them.
    return xywh_to_xyxy(np.round(xyxy_to_xywh(tracks.xyxy.astype(np.float64)), 3))


def _clear(sequence: _Sequence, min_iou: float) -> tuple[int, int, int, float]:
    """True positives, identity switches, fragments and the overlap of the pairs, summed."""
    last = np.full(len(sequence.truth_lengths), -1)
    held = np.zeros(len(last), np.bool_)
    true_positives, id_switches, stretches, iou_sum = 0, 0, 0, 0.0
    for pairing, rows, columns in _pairs(sequence, min_iou):
        players, tracks = pairing.truth[rows], pairing.result[columns]
        id_switches += int(((last[players] >= 0) & (last[players] != tracks)).sum())
        stretches += int((~held[players]).sum())
        true_positives += len(rows)
        iou_sum += float(pairing.overlap[rows, columns].sum())
        last[players] = tracks
        held[:] = False
        held[players] = True
    return true_positives, id_switches, stretches - int((last >= 0).sum()), iou_sum


def _pairs(sequence: _Sequence, min_iou: float) -> Iterator[tuple[_Pairing, Indices, Indices]]:
    """Each frame with the rows and columns of its overlaps that CLEAR pairs; a pair is kept while it can be."""
    before = np.full(len(sequence.truth_lengths), -1)
    for pairing in sequence.pairings:
        score = pairing.overlap + _KEEP * (before[pairing.truth][:, None] == pairing.result)
        score[pairing.overlap < min_iou - _EPS] = 0
        rows, columns = assign(score, max(min_iou - _EPS, _EPS))
        before[:] = -1
        before[pairing.truth[rows]] = pairing.result[columns]
        yield pairing, rows, columns


def _identity(sequence: _Sequence, min_iou: float) -> int:
    """Boxes that agree when players and tracks are paired once for the whole sequence, as well as possible."""
    common = np.zeros((len(sequence.truth_lengths), len(sequence.result_lengths)))
    for _, _, truth, result, overlap in sequence.pairings:
        common[truth[:, None], result] += overlap >= min_iou
    rows, columns = assign(common, 1.0)
    return int(common[rows, columns].sum())


def _hota(sequence: _Sequence) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Pairs, their association scores and their overlaps, summed, each (19,)."""
    truth_lengths, result_lengths = sequence.truth_lengths, sequence.result_lengths
    common = np.zeros((len(truth_lengths), len(result_lengths)))
    for _, _, truth, result, overlap in sequence.pairings:
        either = overlap.sum(0) + overlap.sum(1)[:, None] - overlap
        common[truth[:, None], result] += np.where(either > _EPS, overlap / np.maximum(either, _EPS), 0)
    alignment = common / (truth_lengths[:, None] + result_lengths - common)
    # Which player met which track, and how well, once for all alphas.
    combination, overlaps = _best_pairs(sequence, alignment)
    combinations, combination = np.unique(combination, return_inverse=True)
    players, tracks = np.divmod(combinations, max(1, len(result_lengths)))
    lengths = truth_lengths[players] + result_lengths[tracks]
    sums = np.zeros((3, len(ALPHAS)))
    for i, alpha in enumerate(ALPHAS):
        good = overlaps >= alpha - _EPS
        met = np.bincount(combination[good], minlength=len(combinations))
        sums[:, i] = good.sum(), (met * met / np.maximum(1, lengths - met)).sum(), overlaps[good].sum()
    return sums[0], sums[1], sums[2]


def _best_pairs(sequence: _Sequence, alignment: Float64Array) -> tuple[Indices, Float64Array]:
    """Per pair of HOTA: which player with which track (as one number), and their overlap."""
    combinations, overlaps = [np.empty(0, np.intp)], [np.empty(0)]
    for _, _, truth, result, overlap in sequence.pairings:
        rows, columns = assign(alignment[truth[:, None], result] * overlap, 0.0)
        combinations.append(truth[rows] * alignment.shape[1] + result[columns])
        overlaps.append(overlap[rows, columns])
    return np.concatenate(combinations), np.concatenate(overlaps)
