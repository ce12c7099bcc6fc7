from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trackeval.datasets import MotChallenge2DBox
from trackeval.datasets._base_dataset import _BaseDataset
from trackeval.metrics import CLEAR, HOTA, Identity

from tracker.evaluate.scores import FIGURES, TrackScores, combine, covering_ids, evaluate_tracks, without_distracted
from tracker.files.mot import (
    read_all_truth,
    read_detections,
    read_people,
    read_tracks,
    read_truth,
    write_tracks,
)
from tracker.track.sort import Sort
from tracker.track.tracklets import follow
from tracker.types import Tracks

SPORTS = (
    "v_-6Os86HzwCs_c001", "v_-6Os86HzwCs_c003", "v_-6Os86HzwCs_c007", "v_-6Os86HzwCs_c009", "v_2j7kLB-vEEk_c001",
    "v_2j7kLB-vEEk_c002", "v_2j7kLB-vEEk_c005", "v_2j7kLB-vEEk_c007", "v_2j7kLB-vEEk_c009", "v_2j7kLB-vEEk_c010",
    "v_4LXTUim5anY_c002", "v_4LXTUim5anY_c003", "v_4LXTUim5anY_c010", "v_4LXTUim5anY_c012", "v_4LXTUim5anY_c013",
)  # fmt: skip


def reference_scores(truth: np.ndarray, result: np.ndarray) -> dict[str, dict[str, Any]]:
    """What TrackEval makes of rows (N, >= 6) of two MOT files; its own overlaps, its own matching."""
    data: dict[str, Any] = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    sides = {"gt": truth, "tracker": result}
    for side, rows in sides.items():
        ids, rows[:, 1] = np.unique(rows[:, 1], return_inverse=True)
        data[f"num_{side}_ids"], data[f"num_{side}_dets"] = len(ids), len(rows)
    frames = range(1, int(max([0, *truth[:, 0], *result[:, 0]])) + 1)
    for frame in frames:
        now = {side: rows[rows[:, 0] == frame] for side, rows in sides.items()}
        for side, rows in now.items():
            data[f"{side}_ids"].append(rows[:, 1].astype(int))
        overlap = _BaseDataset._calculate_box_ious(now["gt"][:, 2:6], now["tracker"][:, 2:6])
        data["similarity_scores"].append(overlap)
    data["num_timesteps"] = len(frames)
    metrics = {"clear": CLEAR({"PRINT_CONFIG": False}), "identity": Identity({"PRINT_CONFIG": False}), "hota": HOTA()}
    return {name: metric.eval_sequence(data) for name, metric in metrics.items()}


def assert_same(scores: TrackScores, reference: dict[str, dict[str, Any]]) -> None:
    clear, identity, hota = reference["clear"], reference["identity"], reference["hota"]
    expected = {
        "mota": clear["MOTA"], "motp": clear["MOTP"], "precision": clear["CLR_Pr"], "recall": clear["CLR_Re"],
        "id_switches": clear["IDSW"], "fragments": clear["Frag"], "false_positives": clear["CLR_FP"],
        "false_negatives": clear["CLR_FN"], "idf1": identity["IDF1"], "idp": identity["IDP"], "idr": identity["IDR"],
        "hota": hota["HOTA"].mean(), "det_a": hota["DetA"].mean(), "ass_a": hota["AssA"].mean(),
        "loc_a": hota["LocA"].mean(),
    }  # fmt: skip
    assert set(expected) == set(FIGURES), "every figure that is shown is compared"
    assert scores.true_positives == clear["CLR_TP"]
    for name, value in expected.items():
        assert getattr(scores, name) == pytest.approx(value, abs=1e-6, rel=0), name


def rows_of(path: Path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", ndmin=2, usecols=range(7))


COMPARED_FRAMES = 150
"""Of each real sequence: the reference takes long, and more frames hold no more kinds of mistakes."""


Compared = dict[str, tuple[TrackScores, dict[str, dict[str, Any]]]]


@pytest.fixture(scope="module")
def compared(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Our scores and TrackEval's of SORT on all fifteen sequences."""
    found: Compared = {}
    path, truth = (tmp_path_factory.mktemp("sports") / name for name in ("tracks.txt", "gt.txt"))
    for name in SPORTS:
        rows = (shared / "mot/sportsmot/gt" / name / "gt/gt.txt").read_text().splitlines()
        truth.write_text("\n".join(row for row in rows if int(row.split(",")[0]) <= COMPARED_FRAMES))
        found_boxes = read_detections(shared / "mot/sportsmot/det" / f"{name}.txt")
        found_boxes = {frame: boxes for frame, boxes in found_boxes.items() if frame < COMPARED_FRAMES}
        write_tracks(path, follow(Sort(max_age=30), found_boxes).tracks())
        ours = evaluate_tracks(read_truth(truth), read_tracks(path))
        found[name] = ours, reference_scores(rows_of(truth), rows_of(path))
    assert sum(ours.id_switches > 0 and ours.fragments > 0 for ours, _ in found.values()) > len(found) // 2
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", SPORTS)
def test_equals_trackeval_on_sportsmot(compared: Compared, name: str) -> None:
    assert_same(*compared[name])


@pytest.mark.parametrize("name", ["TUD-Campus", "TUD-Stadtmitte"])
def test_equals_trackeval_on_mot15(shared: Path, tmp_path: Path, name: str) -> None:
    folder = shared / "mot/sort-mot15" / name
    write_tracks(tmp_path / "tracks.txt", follow(Sort(), read_detections(folder / "det.txt")).tracks())
    scores = evaluate_tracks(read_truth(folder / "gt.txt"), read_tracks(tmp_path / "tracks.txt"))
    assert_same(scores, reference_scores(rows_of(folder / "gt.txt"), rows_of(tmp_path / "tracks.txt")))


@st.composite
def two_sides(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Rows (N, 6) of a truth and of a result that share some boxes; frames may be empty on either side."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    num_frames, num_players = draw(st.integers(1, 15)), draw(st.integers(0, 5))
    rows = [
        [f, i, *(100 * i + rng.integers(0, 90, 2)), 60, 90]
        for f in range(1, num_frames + 1)
        for i in range(num_players)
    ]
    truth = np.array(rows, float).reshape(-1, 6)
    result = truth[rng.random(len(truth)) < draw(st.sampled_from([0.0, 0.5, 0.9]))]
    result[:, 2:4] += rng.integers(-300, 300, (len(result), 2)) / 10
    swap = result[:, 0] > num_frames / 2
    result[swap, 1] = (result[swap, 1] + 1) % max(1, num_players)
    return truth[rng.random(len(truth)) < 0.9], result


def as_tracks(rows: np.ndarray) -> Tracks:
    return Tracks.of(
        rows[:, 0] - 1, rows[:, 1] + 1, np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
    )


@given(two_sides())
@settings(max_examples=60, deadline=None)
def test_equals_trackeval_on_anything(sides: tuple[np.ndarray, np.ndarray]) -> None:
    truth, result = sides
    scores = evaluate_tracks(as_tracks(truth), as_tracks(result))
    assert_same(scores, reference_scores(truth.copy(), result.copy()))


def prepared_reference(benchmark: str, truth: np.ndarray, result: np.ndarray) -> dict[str, dict[str, Any]]:
    """TrackEval's scores of rows (N, 9) and (M, 9), after its own preparation of MOTChallenge's files."""
    dataset = MotChallenge2DBox.__new__(MotChallenge2DBox)
    names = ("pedestrian", "person_on_vehicle", "car", "bicycle", "motorbike", "non_mot_vehicle", "static_person",
             "distractor", "occluder", "occluder_on_ground", "occluder_full", "reflection", "crowd")  # fmt: skip
    dataset.class_name_to_class_id = {name: number for number, name in enumerate(names, 1)}
    dataset.valid_class_numbers = list(range(1, 14))
    dataset.benchmark, dataset.do_preproc = benchmark, True
    frames = range(1, int(max([0, *truth[:, 0], *result[:, 0]])) + 1)
    raw: dict[str, Any] = {"num_timesteps": len(frames), "seq": "a", "gt_extras": [], "tracker_confidences": []}
    raw |= {f"{side}_{kind}": [] for side in ("gt", "tracker") for kind in ("ids", "dets", "classes")}
    raw["similarity_scores"] = []
    for frame in frames:
        now = {"gt": truth[truth[:, 0] == frame], "tracker": result[result[:, 0] == frame]}
        for side, rows in now.items():
            raw[f"{side}_ids"].append(rows[:, 1].astype(int))
            raw[f"{side}_dets"].append(rows[:, 2:6])
            raw[f"{side}_classes"].append(rows[:, 7].astype(int))
        raw["gt_extras"].append({"zero_marked": now["gt"][:, 6].astype(int)})
        raw["tracker_confidences"].append(now["tracker"][:, 6])
        raw["similarity_scores"].append(_BaseDataset._calculate_box_ious(now["gt"][:, 2:6], now["tracker"][:, 2:6]))
    data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
    metrics = {"clear": CLEAR({"PRINT_CONFIG": False}), "identity": Identity({"PRINT_CONFIG": False}), "hota": HOTA()}
    return {name: metric.eval_sequence(data) for name, metric in metrics.items()}


@given(two_sides(), st.integers(0, 2**32), st.sampled_from(["MOT17", "MOT20"]))
@settings(max_examples=40, deadline=None)
def test_what_does_not_count_is_left_out_as_in_trackeval(
    tmp_path_factory: pytest.TempPathFactory, sides: tuple[np.ndarray, np.ndarray], seed: int, benchmark: str
) -> None:
    """Through files, as they come: classes of MOTChallenge in the truth, boxes marked 0, class 1 in the result."""
    rng, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("mot17")
    truth, result = (np.column_stack([rows, np.ones((len(rows), 3))]) for rows in sides)
    if not len(truth) or not len(result):
        return
    classes = rng.choice([1, 1, 1, 2, 3, 6, 7, 8, 12, 13], 6)
    truth[:, 7] = classes[truth[:, 1].astype(int)]
    truth[rng.random(len(truth)) < 0.2, 6] = 0
    for name, rows in (("gt.txt", truth), ("SEQ.txt", result)):
        rows[:, 1] += 1
        np.savetxt(folder / name, rows, fmt="%.3f", delimiter=",")
    boxes, counts, distracts = read_all_truth(folder / "gt.txt", is_mot20=benchmark == "MOT20")
    found = without_distracted(boxes, distracts, read_people(folder / "SEQ.txt")[0])
    assert_same(evaluate_tracks(boxes[counts], found), prepared_reference(benchmark, truth, result))


@given(two_sides())
@settings(max_examples=20, deadline=None)
def test_the_truth_is_perfect(sides: tuple[np.ndarray, np.ndarray]) -> None:
    truth = as_tracks(sides[0])
    scores = evaluate_tracks(truth, truth)
    if len(truth):
        assert (scores.mota, scores.idf1, scores.hota, scores.id_switches) == (1, 1, pytest.approx(1), 0)


@pytest.mark.slow
def test_several_sequences_together_are_as_in_trackeval(compared: Compared) -> None:
    ours, theirs = zip(*compared.values(), strict=True)
    metrics = {"clear": CLEAR({"PRINT_CONFIG": False}), "identity": Identity({"PRINT_CONFIG": False}), "hota": HOTA()}
    together = {
        name: metric.combine_sequences({str(i): scores[name] for i, scores in enumerate(theirs)})
        for name, metric in metrics.items()
    }
    assert_same(combine(ours), together)


@given(two_sides())
@settings(max_examples=40, deadline=None)
def test_who_covers_whom_explains_the_counts(sides: tuple[np.ndarray, np.ndarray]) -> None:
    truth, result = as_tracks(sides[0]), as_tracks(sides[1])
    scores, covering = evaluate_tracks(truth, result), covering_ids(truth, result)
    found = covering >= 0
    assert found.sum() == scores.true_positives
    assert np.isin(covering[found], result.ids).all()
    pairs = np.stack([truth.frame_index, covering])[:, found]
    assert len(np.unique(pairs, axis=1).T) == scores.true_positives, "an identity covers one player at a time"
    switches = sum(int((np.diff(covering[found & (truth.track_id == player)]) != 0).sum()) for player in truth.ids)
    assert switches == scores.id_switches


def test_an_identity_switch_is_counted_and_costs_identity_but_not_detection() -> None:
    frames = np.arange(10)
    boxes = np.tile([10.0, 10, 50, 110], (10, 1))
    truth = Tracks.of(frames, np.ones(10), boxes)
    scores = evaluate_tracks(truth, Tracks.of(frames, np.where(frames < 6, 3, 8), boxes))
    assert (scores.id_switches, scores.fragments, scores.recall, scores.precision) == (1, 0, 1, 1)
    assert scores.idf1 == pytest.approx(0.6)
    assert scores.mota == pytest.approx(0.9)


def test_nothing_found_and_nothing_there() -> None:
    truth = Tracks.of([0, 1], [1, 1], [[0, 0, 9, 9]] * 2)
    missed, ghosts = evaluate_tracks(truth, Tracks.empty()), evaluate_tracks(Tracks.empty(), truth)
    assert (missed.recall, missed.mota, missed.idf1, missed.hota, missed.false_negatives) == (0, 0, 0, 0, 2)
    assert (ghosts.precision, ghosts.idf1, ghosts.hota, ghosts.false_positives) == (0, 0, 0, 2)
