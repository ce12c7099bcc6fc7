from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from benchmarks.plain_sort import PlainSort
from ground.errors import InputError
from tracker.evaluate.scores import evaluate_tracks
from tracker.files.mot import read_detections, read_truth
from tracker.track.sort import Sort
from tracker.track.tracklets import follow
from tracker.types import CameraMotion, Detections, Tracks

SEQUENCES = (
    "ADL-Rundle-6", "ADL-Rundle-8", "ETH-Bahnhof", "ETH-Pedcross2", "ETH-Sunnyday", "KITTI-13", "KITTI-17",
    "PETS09-S2L1", "TUD-Campus", "TUD-Stadtmitte", "Venice-2",
)  # fmt: skip
COMPARED_FRAMES = 180
"""Of each sequence: the plain version takes long, and identities come and go in every second of them."""
BOX = Detections.of([[10, 10, 50, 110]], [0.7])
CUT, PAN = CameraMotion(is_cut=True), CameraMotion(shift=(40.0, -3.0), zoom=1.1)


def plain_tracks(detections: dict[int, Detections], max_age: int) -> Tracks:
    """Tracks of the plain FilterPy version, with boxes straight from its filter."""
    tracker = PlainSort(max_age=max_age)
    frames: list[int] = []
    reported: list[np.ndarray] = []
    for frame in range(max(detections) + 1):
        found = detections.get(frame, Detections.empty())
        reported.append(tracker.update(np.column_stack([found.xyxy, found.confidence]).astype(np.float64)))
        frames += [frame] * len(reported[-1])
    rows = np.concatenate(reported)
    return Tracks.of(frames, rows[:, 4], rows[:, :4])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "max_age"), [*((name, 1) for name in SEQUENCES), *((name, 30) for name in SEQUENCES[-3:])]
)
def test_is_the_published_algorithm(shared: Path, name: str, max_age: int) -> None:
    detections = read_detections(shared / "mot/sort-mot15" / name / "det.txt")
    detections = {frame: found for frame, found in detections.items() if frame < COMPARED_FRAMES}
    expected, tracks = plain_tracks(detections, max_age), follow(Sort(max_age), detections).tracks()
    np.testing.assert_array_equal(tracks.frame_index, expected.frame_index)
    # Boxes of a frame come in the order of identities, which may be other numbers: compare by place.
    a, b = (np.lexsort((*t.xyxy.T[::-1], t.frame_index)) for t in (tracks, expected))
    np.testing.assert_allclose(tracks.xyxy[a], expected.xyxy[b], atol=0.01)
    pairs = set(zip(tracks.track_id[a].tolist(), expected.track_id[b].tolist(), strict=True))
    assert len(pairs) == len(tracks.ids) == len(expected.ids)


@pytest.mark.parametrize(("name", "mota", "switches"), [("TUD-Campus", 62.674, 6), ("TUD-Stadtmitte", 71.713, 10)])
def test_reaches_the_published_scores(shared: Path, name: str, mota: float, switches: int) -> None:
    folder = shared / "mot/sort-mot15" / name
    tracks = follow(Sort(max_age=1, min_hits=3, min_iou=0.3), read_detections(folder / "det.txt")).tracks()
    scores = evaluate_tracks(read_truth(folder / "gt.txt"), tracks)
    assert round(100 * scores.mota, 3) == mota
    assert scores.id_switches == switches


def run(tracker: Sort, frames: list[Detections]) -> Tracks:
    for i, detections in enumerate(frames):
        tracker.update(detections, i / 30)
    return tracker.finish().tracks()


def crowd(seed: int, num_frames: int = 60, num_players: int = 8) -> list[Detections]:
    """Players who wander, are missed now and then, and come in any order."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(0, 900, (num_players, 2))
    velocity = rng.normal(0, 4, (num_players, 2))
    frames: list[Detections] = []
    for _ in range(num_frames):
        centre += velocity + rng.normal(0, 1, centre.shape)
        seen = rng.permutation(num_players)[: rng.integers(0, num_players + 1)]
        frames.append(Detections.of(np.concatenate([centre[seen] - [20, 50], centre[seen] + [20, 50]], axis=1)))
    return frames


def test_reports_a_new_player_after_min_hits_and_with_the_detections_confidence() -> None:
    empty = [Detections.empty()] * 5
    tracks = run(Sort(min_hits=3), empty + [BOX] * 6)
    assert tracks.frame_index.tolist() == [8, 9, 10]
    assert set(tracks.track_id) == {1}
    np.testing.assert_allclose(tracks.confidence, 0.7)
    assert tracks.observed.all()
    assert run(Sort(min_hits=3), [BOX] * 4).frame_index.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("max_age", [0, 1, 5])
def test_a_player_outlives_max_age_misses_and_no_more(max_age: int) -> None:
    for misses in range(8):
        frames = [BOX] * 5 + [Detections.empty()] * misses + [BOX] * 5
        same = len(run(Sort(max_age=max_age, min_hits=0), frames).ids) == 1
        assert same == (misses <= max_age)


@pytest.mark.parametrize("seed", range(4))
def test_a_cut_makes_two_videos_of_one(seed: int) -> None:
    shots = [crowd(seed), crowd(seed + 10)]
    tracker = Sort(max_age=5)
    for i, detections in enumerate(shots[0] + shots[1]):
        tracker.update(detections, 0.0, CUT if i == len(shots[0]) else None)
    tracks = tracker.finish().tracks()
    before, after = tracks[tracks.frame_index < len(shots[0])], tracks[tracks.frame_index >= len(shots[0])]
    alone = [run(Sort(max_age=5), shot) for shot in shots]
    np.testing.assert_array_equal(before.track_id, alone[0].track_id)
    np.testing.assert_array_equal(after.frame_index - len(shots[0]), alone[1].frame_index)
    np.testing.assert_array_equal(after.xyxy, alone[1].xyxy)
    assert len(set((after.track_id - alone[1].track_id).tolist())) == 1
    assert after.track_id.min() > before.track_id.max()


def test_who_stands_there_after_a_cut_is_somebody_else() -> None:
    tracker = Sort(max_age=30, min_hits=0)
    for view in (None, PAN, PAN, CUT, None):
        tracker.update(BOX, 0.0, view)
    assert tracker.finish().tracks().track_id.tolist() == [1, 1, 1, 2, 2]


def test_only_cuts_of_a_view_count() -> None:
    frames = crowd(7)
    seen, blind = Sort(max_age=5), Sort(max_age=5)
    for detections in frames:
        seen.update(detections, 0.0, PAN)
        blind.update(detections, 0.0)
    np.testing.assert_array_equal(seen.finish().tracks().xyxy, blind.finish().tracks().xyxy)


def test_a_cut_to_an_empty_picture() -> None:
    tracker = Sort(max_age=30, min_hits=0)
    for detections, view in ((BOX, CUT), (Detections.empty(), CUT), (BOX, None)):
        tracker.update(detections, 0.0, view)
    assert tracker.finish().tracks().track_id.tolist() == [1, 2]


def test_identities_belong_to_the_tracker() -> None:
    first, second = run(Sort(min_hits=0), crowd(1)), run(Sort(min_hits=0), crowd(1))
    assert first.ids[0] == second.ids[0] == 1
    np.testing.assert_array_equal(first.track_id, second.track_id)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_detections_does_not_matter(seed: int) -> None:
    frames = crowd(seed)
    rng = np.random.default_rng(seed)
    a, b = run(Sort(), frames), run(Sort(), [d[rng.permutation(len(d))] for d in frames])
    keys = [np.lexsort((*t.xyxy.T, t.frame_index)) for t in (a, b)]
    np.testing.assert_allclose(a.xyxy[keys[0]], b.xyxy[keys[1]], atol=1e-3)
    assert len(a.ids) == len(b.ids)


def test_finish_may_be_called_at_any_time() -> None:
    frames = crowd(3)
    whole, tracker = run(Sort(), frames), Sort()
    for i, detections in enumerate(frames):
        tracker.update(detections, 0.0)
        so_far = tracker.finish().tracks()
        np.testing.assert_array_equal(so_far.xyxy, whole[whole.frame_index <= i].xyxy)


def test_can_be_saved_in_the_middle_and_go_on() -> None:
    frames = crowd(5)
    tracker = Sort(max_age=5)
    for detections in frames:
        tracker.update(detections, 0.0)
        tracker = pickle.loads(pickle.dumps(tracker))
    np.testing.assert_array_equal(tracker.finish().tracks().xyxy, run(Sort(max_age=5), frames).xyxy)


@pytest.mark.slow
def test_memory_does_not_grow_with_empty_frames() -> None:
    tracker = Sort(max_age=2)
    tracker.update(BOX, 0.0)
    tracemalloc.start()
    for _ in range(20_000):
        tracker.update(Detections.empty(), 0.0)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 50_000
    assert tracker.finish().tracks().frame_index.tolist() == [0]


@pytest.mark.slow
def test_thousands_of_boxes_in_one_frame() -> None:
    x, y = np.meshgrid(np.arange(40) * 45.0, np.arange(50) * 105.0)
    grid = np.stack([x.ravel(), y.ravel(), x.ravel() + 40, y.ravel() + 100], axis=1)
    tracks = run(Sort(min_hits=0), [Detections.of(grid + 2 * i) for i in range(4)])
    assert len(tracks) == 8000
    assert len(tracks.ids) == 2000


@pytest.mark.parametrize("knob", [{"max_age": -1}, {"min_hits": -1}, {"min_iou": 1.5}, {"min_iou": float("nan")}])
def test_impossible_knobs(knob: dict[str, float]) -> None:
    with pytest.raises(InputError, match="must be"):
        Sort(**knob)  # type: ignore[arg-type]
