"""Boxes drawn by hand beside detections: what is added, whose track is whose, and that nobody is lost."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import InputError
from ground.frames import Frame
from tracker.boxes import iou
from tracker.by_hand.rois import Roi
from tracker.by_hand.seeds import add_seeds, name_seeded, place_seeds
from tracker.files.mot import read_detections, read_truth
from tracker.players.smoothing import smooth_tracks
from tracker.track.linking import link
from tracker.track.sport import SportTracker
from tracker.types import Detections, IntArray, Tracks

FRAMES = np.arange(40, dtype=np.int32)
TIMES = FRAMES / 25


def box_of(player: int, frame: int) -> tuple[float, float, float, float]:
    """Players walk in lanes that do not meet."""
    x, y = 10.0 + 3 * frame, 70.0 * player
    return x, y, x + 24, y + 60


def walk(player: int, frames: range, track_id: int) -> Tracks:
    return Tracks.of(list(frames), [track_id] * len(frames), [box_of(player, f) for f in frames])


def join(*parts: Tracks) -> Tracks:
    columns = ("frame_index", "track_id", "xyxy", "confidence", "observed")
    return Tracks.of(*(np.concatenate([getattr(part, column) for part in parts]) for column in columns))


def drawn(player: int, frame: int, name: str | None = None) -> Roi:
    x0, y0, x1, y1 = box_of(player, frame)
    return Roi((x0 + 2, y0 + 3, x1 - x0, y1 - y0), name, frame)


def place(*rois: Roi) -> Tracks:
    return place_seeds(rois, FRAMES, TIMES, 320, 500)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 45), st.booleans()), max_size=6))
def test_a_seed_lies_on_the_first_frame_from_its_frame_or_time_on(starts: list[tuple[int, int, bool]]) -> None:
    rois = [Roi(drawn(p, 0).box, time=f / 25) if timed else Roi(drawn(p, 0).box, frame=f) for p, f, timed in starts]
    index = FRAMES[::2] + 4
    seeds = place_seeds(rois, index, index / 25, 320, 500)
    expected = {n: min(i for i in index if i >= f) for n, (_, f, _) in enumerate(starts, 1) if f <= index[-1]}
    assert dict(zip(seeds.track_id.tolist(), seeds.frame_index.tolist(), strict=True)) == expected


boxes = st.tuples(st.integers(0, 3), st.integers(0, 80), st.integers(0, 80), st.integers(5, 60), st.integers(5, 60))


@pytest.mark.slow
@given(st.lists(boxes, max_size=20), st.lists(boxes, max_size=5))
def test_every_seed_is_a_sure_detection_and_no_detection_is_lost(
    found: list[tuple[int, ...]], chosen: list[tuple[int, ...]]
) -> None:
    found = sorted(found)
    frames = np.array([f for f, *_ in found], np.int32)
    before = Detections.of([(x, y, x + w, y + h) for _, x, y, w, h in found], [0.3] * len(found), [7] * len(found))
    seeds = Tracks.of(
        [f for f, *_ in chosen], range(1, len(chosen) + 1), [(x, y, x + w, y + h) for _, x, y, w, h in chosen]
    )
    at, after = add_seeds(frames, before, seeds, class_id=2)
    assert (np.diff(at) >= 0).all()
    kept = after.class_id == 7
    np.testing.assert_array_equal(after.xyxy[kept], before.xyxy)
    np.testing.assert_array_equal(at[kept], frames)
    assert (after.confidence == 1).sum() == len(seeds), "one detection each"
    for frame in np.unique(seeds.frame_index):
        sure = after.xyxy[(at == frame) & (after.confidence == 1)].astype(np.float64)
        assert (iou(seeds.at(int(frame)).xyxy.astype(np.float64), sure).max(axis=1) >= 0.3).all()


@pytest.mark.slow
@given(st.permutations(range(6)), st.integers(0, 6), st.lists(st.integers(0, 39), min_size=6, max_size=6))
def test_seeded_tracks_bear_the_number_of_their_box(order: list[int], num_seeds: int, at: list[int]) -> None:
    tracks = join(*(walk(player, range(40), 100 + player) for player in range(6)))
    rois = [drawn(player, frame, f"P{player}") for player, frame in zip(order[:num_seeds], at, strict=False)]
    named = name_seeded(tracks, place(*rois), rois)
    assert named.notes == ()
    assert named.protected == set(range(1, num_seeds + 1))
    assert named.names == {n: f"P{player}" for n, player in enumerate(order[:num_seeds], 1)}
    for number, track in named.tracks.by_id():
        player = int(track.xyxy[0, 1] // 70)
        np.testing.assert_array_equal(track.xyxy, walk(player, range(40), 1).xyxy)
        assert number == order.index(player) + 1 if player in order[:num_seeds] else number > num_seeds


def test_an_unnamed_seed_keeps_its_number_and_no_number_reads_like_a_name() -> None:
    tracks = join(walk(0, range(40), 1), walk(1, range(40), 2), walk(2, range(40), 3), walk(3, range(40), 4))
    rois = [drawn(2, 0), drawn(3, 5, "3")]
    named = name_seeded(tracks, place(*rois), rois)
    assert named.names == {2: "3"} and named.protected == {1, 2}
    assert named.tracks.ids.tolist() == [1, 2, 4, 5]


def test_a_track_in_which_a_second_player_is_marked_is_his_from_there_on() -> None:
    rois = [drawn(0, 20, "Bob"), drawn(0, 3, "Ann")]
    named = name_seeded(walk(0, range(40), 9), place(*rois), rois)
    by_id = dict(named.tracks.by_id())
    assert by_id[2].frame_index.tolist() == list(range(20))
    assert by_id[1].frame_index.tolist() == list(range(20, 40))
    assert named.notes == ("Ann and Bob were one track; from frame 20 on it is Bob",)


def test_a_seed_without_a_track_is_one_by_itself_and_one_after_the_end_is_told() -> None:
    rois = [drawn(0, 3, "Ann"), drawn(0, 3), drawn(2, 5), drawn(1, 60, "Late")]
    named = name_seeded(walk(0, range(40), 9), place(*rois), rois)
    by_id = dict(named.tracks.by_id())
    assert sorted(by_id) == [1, 2, 3] == sorted(named.protected)
    assert len(by_id[1]) + len(by_id[2]) == 41, "two boxes on one player: one has the track"
    np.testing.assert_array_equal(by_id[3].xyxy, place(*rois).xyxy[2:])
    assert named.notes[-2:] == (
        "player 3 is only where the box was drawn: no detections follow from it",
        "the box of Late starts after the last frame",
    )
    assert len(named.notes) == 3


def test_no_tracks_and_no_seeds() -> None:
    assert name_seeded(Tracks.empty(), Tracks.empty(), []).tracks.ids.tolist() == []
    assert name_seeded(walk(0, range(3), 9), Tracks.empty(), []).tracks.ids.tolist() == [1]
    assert name_seeded(Tracks.empty(), place(drawn(0, 3)), [drawn(0, 3)]).tracks.frame_index.tolist() == [3]
    at, found = add_seeds(np.zeros(0, np.int32), Detections.empty(), place(drawn(0, 3)))
    assert at.tolist() == [3] and found.confidence.tolist() == [1]


def pictures(player: int, num_frames: int) -> list[Frame]:
    """A textured player in his lane, on a textured floor."""
    rng = np.random.default_rng(1)
    texture = [cv2.resize(rng.normal(0, 40, (h // 6, w // 6, 1)), (w, h))[..., None] for w, h in ((320, 320), (24, 60))]
    frames: list[Frame] = []
    for i in range(num_frames):
        image = np.array((170, 120, 80)) + texture[0]
        x0, y0, x1, y1 = map(int, box_of(player, i))
        image[y0:y1, x0:x1] = np.array((30, 60, 200)) + texture[1]
        frames.append(Frame(i, i / 25, np.clip(image, 0, 255).astype(np.uint8)))
    return frames


def test_a_box_outside_the_picture_is_an_error() -> None:
    with pytest.raises(InputError, match="inside the picture of 320x500"):
        place(Roi((400, 10, 20, 50)))


@pytest.mark.slow
def test_chosen_players_of_a_real_game_are_followed_under_their_names(shared: Path) -> None:
    """Three sequences of SportsMOT: everyone is marked at frame 100, and is still he a second later."""
    right, total = 0, 0
    for file in sorted((shared / "mot/sportsmot/det").glob("*.txt"))[::5]:
        truth = read_truth(shared / "mot/sportsmot/gt" / file.stem / "gt/gt.txt")
        marked, then = truth.at(100), truth.at(125)
        rois = [
            Roi((x0, y0, x1 - x0, y1 - y0), f"P{player}", 100)
            for (x0, y0, x1, y1), player in zip(marked.xyxy.tolist(), marked.track_id, strict=True)
        ]
        frames = np.arange(int(truth.frame_index[-1]) + 1, dtype=np.int32)
        seeds = place_seeds(rois, frames, frames / 25, 1280, 720)
        named = name_seeded(tracked(read_detections(file), frames, seeds), seeds, rois)
        now = smooth_tracks(named.tracks, frames / 25).at(125)
        overlap = iou(then.xyxy.astype(np.float64), now.xyxy.astype(np.float64))
        who = [named.names.get(int(now.track_id[column])) for column in overlap.argmax(axis=1)]
        expected = [f"P{player}" if player in marked.track_id else None for player in then.track_id]
        total += sum(name is not None for name in expected)
        right += sum(a is not None and a == b for a, b in zip(expected, who, strict=True))
    assert total >= 25
    assert right / total > 0.85, f"{right} of {total}"


def tracked(found: dict[int, Detections], frames: IntArray, seeds: Tracks) -> Tracks:
    at = np.concatenate([np.full(len(boxes), frame, np.int32) for frame, boxes in found.items()])
    columns = [np.concatenate([getattr(boxes, c) for boxes in found.values()]) for c in ("xyxy", "confidence")]
    at, detections = add_seeds(at, Detections.of(*columns), seeds)
    tracker = SportTracker()
    for frame in frames:
        low, high = np.searchsorted(at, [frame, frame + 1])
        tracker.update(detections[int(low) : int(high)], frame / 25)
    return link(tracker.finish())
