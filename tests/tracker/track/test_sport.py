from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ground.errors import InputError
from tracker.evaluate.scores import TrackScores, combine, evaluate_tracks
from tracker.files.mot import read_detections, read_truth
from tracker.players.smoothing import smooth_tracks
from tracker.track.linking import LinkingConfig, link
from tracker.track.registry import TrackerConfig, make_tracker
from tracker.track.sport import SportTracker
from tracker.track.tracklets import follow
from tracker.types import CameraMotion, Detections, Tracks

BOX = Detections.of([[10, 10, 50, 110]], [0.9])
HELD_OUT = ("v_-6Os86HzwCs_c007", "v_4LXTUim5anY_c010")
"""Two of the five sequences that no number of the tracker was chosen on."""


def game(seed: int, num_frames: int = 250, pan: float = 25.0) -> tuple[list[Detections], Tracks]:
    """Ten players of different heights who cross and recross under a camera that swings, and who they are."""
    rng = np.random.default_rng(seed)
    t = np.arange(num_frames)[:, None] / 25
    height = rng.uniform(120, 170, 10)
    swing = rng.uniform(0.3, 0.8, (2, 10)), rng.uniform(0, 6, (2, 10))
    x = 640 + 400 * np.sin(swing[0][0] * t + swing[1][0]) + pan * 25 / 2 * np.sin(2 * t)
    y = 300 + 40 * np.arange(10) - 160 + 20 * np.sin(swing[0][1] * t + swing[1][1])
    centre = np.stack([x, y], axis=2)
    half = np.stack([0.2 * height, 0.5 * height], axis=1)
    xyxy = np.concatenate([centre - half, centre + half], axis=2)
    frames: list[Detections] = []
    for boxes in xyxy:
        seen = rng.permutation(10)[rng.random(10) > 0.05]
        frames.append(
            Detections.of(boxes[seen] + rng.normal(0, 1.5, (len(seen), 4)), rng.uniform(0.3, 0.95, len(seen)))
        )
    frame, player = np.divmod(np.arange(num_frames * 10), 10)
    return frames, Tracks.of(frame, player + 1, xyxy.reshape(-1, 4))


def run(tracker: SportTracker, frames: list[Detections], offline: bool = True) -> Tracks:
    for i, detections in enumerate(frames):
        tracker.update(detections, i / 25)
    return link(tracker.finish(), LinkingConfig(offline=offline))


@pytest.mark.parametrize("seed", range(3))
def test_ten_players_stay_ten_players_while_the_camera_swings(seed: int) -> None:
    frames, truth = game(seed)
    scores = evaluate_tracks(truth, run(SportTracker(), frames))
    assert scores.idf1 > 0.95
    assert scores.precision > 0.99


def test_frames_may_be_sampled_unevenly() -> None:
    frames, truth = game(4)
    rng = np.random.default_rng(0)
    shown = np.sort(rng.permutation(len(frames))[: len(frames) // 2])
    tracker = SportTracker()
    for i in shown.tolist():
        tracker.update(frames[i], i / 25)
    tracks = link(tracker.finish())
    found = Tracks.of(shown[tracks.frame_index], tracks.track_id, tracks.xyxy)
    assert evaluate_tracks(truth[np.isin(truth.frame_index, shown)], found).idf1 > 0.85


def scores_on(shared: Path, offline: bool) -> TrackScores:
    folder = shared / "mot/sportsmot"
    scores: list[TrackScores] = []
    for name in HELD_OUT:
        found = follow(SportTracker(), read_detections(folder / f"det/{name}.txt"), 25)
        tracks = link(found, LinkingConfig(offline=offline))
        if offline:
            tracks = smooth_tracks(tracks, np.arange(tracks.frame_index[-1] + 1) / 25)
        scores.append(evaluate_tracks(read_truth(folder / f"gt/{name}/gt/gt.txt"), tracks))
    return combine(scores)


@pytest.mark.slow
def test_identities_hold_in_real_games(shared: Path) -> None:
    online, offline = scores_on(shared, offline=False), scores_on(shared, offline=True)
    assert online.hota > 0.60
    assert offline.hota > 0.78
    assert offline.idf1 > 0.84
    assert offline.id_switches < online.id_switches


def test_the_result_is_detections_and_no_identity_is_twice_in_a_frame() -> None:
    frames, _ = game(1, num_frames=100)
    for offline in (False, True):
        tracks = run(SportTracker(), frames, offline)
        assert tracks.observed.all()
        assert tracks.ids[0] == 1
        for i, found in enumerate(frames):
            boxes = tracks.at(i)  # a frame and identity that come twice would not make Tracks
            assert {tuple(b) for b in boxes.xyxy.tolist()} <= {tuple(b) for b in found.xyxy.tolist()}
            assert len(np.unique(boxes.xyxy, axis=0)) == len(boxes)


@pytest.mark.parametrize("offline", [False, True])
def test_the_order_of_detections_does_not_matter(offline: bool) -> None:
    frames, _ = game(2, num_frames=100)
    rng = np.random.default_rng(0)
    shuffled = [d[rng.permutation(len(d))] for d in frames]
    a, b = run(SportTracker(), frames, offline), run(SportTracker(), shuffled, offline)
    keys = [np.lexsort((*t.xyxy.T, t.frame_index)) for t in (a, b)]
    np.testing.assert_array_equal(a.xyxy[keys[0]], b.xyxy[keys[1]])
    pairs = set(zip(a.track_id[keys[0]].tolist(), b.track_id[keys[1]].tolist(), strict=True))
    assert len(pairs) == len(a.ids) == len(b.ids)


def test_finish_may_be_called_twice_and_in_between() -> None:
    frames, _ = game(3, num_frames=120)
    tracker = SportTracker()
    run(tracker, frames[:60])
    for i, detections in enumerate(frames[60:], 60):
        tracker.update(detections, i / 25)
    first, second, whole = link(tracker.finish()), link(tracker.finish()), run(SportTracker(), frames)
    for tracks in (second, whole):
        np.testing.assert_array_equal(first.xyxy, tracks.xyxy)
        np.testing.assert_array_equal(first.track_id, tracks.track_id)


def test_can_be_saved_in_the_middle_and_go_on() -> None:
    frames, _ = game(5, num_frames=60)
    tracker = SportTracker()
    for i, detections in enumerate(frames):
        tracker.update(detections, i / 25)
        tracker = pickle.loads(pickle.dumps(tracker))
    np.testing.assert_array_equal(link(tracker.finish()).track_id, run(SportTracker(), frames).track_id)


@pytest.mark.slow
def test_memory_does_not_grow_with_empty_frames() -> None:
    tracker = SportTracker()
    tracker.update(BOX, 0.0)
    tracemalloc.start()
    for i in range(1, 50_000):
        tracker.update(Detections.empty(), i / 25)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 10_000


def test_a_seen_pan_is_believed_whatever_the_players_do() -> None:
    """The camera jerks about as far as two players stand apart, and one frame in five has no boxes."""
    rng = np.random.default_rng(0)
    camera = np.cumsum(rng.normal(0, 30, 40))
    camera -= camera[0]
    x = np.array([200.0, 230.0, 900.0])
    tracker = SportTracker(min_hits=0)
    for i, shift in enumerate(camera):
        centre = x + shift
        boxes = np.stack([centre - 15, np.full(3, 300.0), centre + 15, np.full(3, 400.0)], axis=1)
        view = CameraMotion((float(shift - camera[max(i - 1, 0)]), 0.0))
        tracker.update(Detections.of(boxes if i % 5 else boxes[:0]), i / 25, view)  # every fifth frame saw nobody
    found = tracker.finish()
    for _, track in found.tracks().by_id():
        np.testing.assert_allclose(
            track.xyxy[:, 0] - camera[track.frame_index], track.xyxy[0, 0] - camera[1], atol=1e-3
        )
    assert len(found.tracks().ids) == 3
    np.testing.assert_allclose(found.camera[:, 0], camera[found.frame], atol=1e-9)


def test_a_cut_ends_all_tracks_there() -> None:
    for offline in (False, True):
        tracker = SportTracker(min_hits=0)
        for i in range(60):
            tracker.update(BOX, i / 25, CameraMotion((5.0, 0.0), is_cut=i in (20, 40)))
        pieces = tracker.finish()
        tracks = link(pieces, LinkingConfig(offline=offline))
        assert [track.frame_index[[0, -1]].tolist() for _, track in tracks.by_id()] == [[0, 19], [20, 39], [40, 59]]
        assert pieces.shot.tolist() == np.repeat([0, 1, 2], 20).tolist()
        assert pieces.camera[[0, 19, 20, 39, 40], 0].tolist() == [5, 100, 0, 95, 0]


def test_after_a_cut_looks_say_who_it_is() -> None:
    frames, _ = game(7, num_frames=100)
    tracker = SportTracker()
    for i, detections in enumerate(frames):
        tracker.update(detections, i / 25, CameraMotion(is_cut=i == 50))
    pieces = tracker.finish()
    apart = link(pieces)
    assert not set(apart[apart.frame_index < 50].ids) & set(apart[apart.frame_index >= 50].ids)
    pieces = pieces.without_glimpses()
    top = pieces.xyxy[pieces.first, 1] // 40  # each player of the game keeps to his depth
    tracks = link(pieces, evidence=lambda i, j, _: np.where(top[i] == top[j], -20.0, 20.0))
    assert len(set(tracks[tracks.frame_index < 50].ids) & set(tracks[tracks.frame_index >= 50].ids)) >= 5


def test_views_of_a_still_camera_change_little() -> None:
    frames, truth = game(8, pan=0.0)
    tracker = SportTracker()
    for i, detections in enumerate(frames):
        tracker.update(detections, i / 25, CameraMotion())
    assert evaluate_tracks(truth, link(tracker.finish())).idf1 > 0.95


def test_whoever_comes_back_after_an_age_is_somebody_else() -> None:
    tracker = SportTracker()
    for i in (*range(20), *range(100_000, 100_020)):
        tracker.update(BOX, i / 25)
    tracks = link(tracker.finish())
    assert tracks.track_id.tolist() == [1] * 20 + [2] * 20
    assert np.isfinite(tracks.xyxy).all()


def test_time_that_stands_still_or_runs_backwards() -> None:
    frames, _ = game(6, num_frames=40)
    for times in (np.zeros(40), -np.arange(40.0), np.full(40, 1e9)):
        tracker = SportTracker()
        for detections, moment in zip(frames, times.tolist(), strict=True):
            tracker.update(detections, moment)
        assert np.isfinite(link(tracker.finish()).xyxy).all()


def test_nothing_one_box_and_duplicates() -> None:
    assert len(run(SportTracker(), [])) == 0
    assert len(run(SportTracker(), [Detections.empty()] * 5)) == 0
    assert len(run(SportTracker(), [BOX])) == 0
    twice = Detections.of(np.repeat(BOX.xyxy, 2, axis=0), [0.9, 0.9])
    tracks = run(SportTracker(), [twice] * 30)
    assert 1 <= len(tracks.ids) <= 2
    weak = Detections.of(BOX.xyxy, [0.05])
    assert len(run(SportTracker(), [weak] * 30)) == 0


@pytest.mark.slow
def test_thousands_of_boxes_in_a_frame() -> None:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 3000, (2500, 2))
    crowd = Detections.of(np.concatenate([corner, corner + np.array([40, 100])], axis=1))
    tracks = run(SportTracker(), [*[BOX] * 10, *[crowd] * 2, *[BOX] * 10])
    assert len(tracks) >= 10


@pytest.mark.parametrize("knob", [{"max_lost": -1}, {"min_hits": -1}, {"max_lost": float("nan")}])
def test_impossible_knobs(knob: dict[str, float]) -> None:
    with pytest.raises(InputError, match="must be"):
        SportTracker(**knob)  # type: ignore[arg-type]


def test_is_known_by_name() -> None:
    assert isinstance(make_tracker(TrackerConfig(name="sport")), SportTracker)
