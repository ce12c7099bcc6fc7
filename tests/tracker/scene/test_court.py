"""The court's floor in drawn and real pictures, and outlines that a moving camera carries along."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.frames import Image
from tracker.by_hand.court_outline import CourtPolygon
from tracker.files.mot import read_tracks
from tracker.players.selection import SelectionConfig, choose_players
from tracker.scene.court import Floor, FloorFinder, Scene, court_share, people_at, stabilised_feet
from tracker.types import Detections, Tracks

WIDTH, HEIGHT = 640, 360
FLOOR = np.array([[100, 140], [540, 140], [639, 340], [0, 340]], np.int32)
ON_IT = [[120, 80, 145, 160], [300, 100, 330, 190], [450, 150, 485, 260], [200, 190, 240, 320]]
IN_THE_STANDS = [[20, 20, 45, 80], [400, 40, 425, 110]]
COLORS = st.tuples(*[st.integers(30, 225)] * 3)


def picture(floor: tuple[int, int, int], seed: int = 0) -> Image:
    """A floor with lines and a painted lane in a hall full of coloured people; who stands on it is grey."""
    rng = np.random.default_rng(seed)
    crowd = rng.integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    image = cv2.resize(crowd, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    cv2.fillConvexPoly(image, FLOOR, floor)
    cv2.fillConvexPoly(image, np.array([[250, 140], [390, 140], [400, 210], [240, 210]]), floor[::-1])
    cv2.polylines(image, [FLOOR // 2 + [160, 120]], isClosed=True, color=(255, 255, 255), thickness=2)
    for left, top, right, bottom in ON_IT:
        cv2.rectangle(image, (left, top), (right, bottom - 2), (90, 90, 90), cv2.FILLED)
    noise = rng.normal(0, 4, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def floors(*pictures: tuple[np.ndarray, Detections]) -> list[Floor]:
    finder = FloorFinder()
    for image, found in pictures:
        finder.add(image, found)
    return list(finder.finish())


def people(sure: float = 0.9) -> Detections:
    confidence = [sure] * len(ON_IT) + [0.4] * len(IN_THE_STANDS)
    return Detections.of(ON_IT + IN_THE_STANDS, confidence)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(COLORS)
def test_a_floor_of_any_colour_is_found(color: tuple[int, int, int]) -> None:
    ((share, hull),) = floors((picture(color), people()))
    assert share[: len(ON_IT)].min() > 0.7
    assert share[len(ON_IT) :].max() < 0.1
    found, true = (cv2.fillPoly(np.zeros((HEIGHT, WIDTH), np.uint8), [p.astype(np.int32)], 1) for p in (hull, FLOOR))
    assert (found & true).sum() / (found | true).sum() > 0.8


def test_what_cannot_be_told_is_nan() -> None:
    image = picture((180, 130, 80))
    ((share, hull),) = floors((image, people(sure=0.5)))
    assert np.isnan(share).all(), "nobody sure has shown the floor"
    assert not len(hull)
    below = Detections.of([*ON_IT, [300, 200, 360, HEIGHT]], [0.9] * 5)
    (first, _), (second, _) = floors((image, below), (image, Detections.empty()))
    assert np.isnan(first).tolist() == [False] * 4 + [True] and second.shape == (0,)
    assert len(floors((np.zeros((3, 5, 3), np.uint8), Detections.of([[0, 0, 2, 2]])))[0].share) == 1


def test_what_is_learnt_later_counts_for_the_first_picture_too() -> None:
    image, nobody = picture((180, 130, 80)), people(sure=0.5)
    (share, _), *_ = floors((image, nobody), *[(image, people())] * 6)
    assert share[: len(ON_IT)].min() > 0.7 and share[len(ON_IT) :].max() < 0.1


def test_the_picture_is_not_written_to() -> None:
    image = picture((180, 130, 80))
    image.flags.writeable = False
    floors((image, people()))


def scene(num_frames: int, **known: object) -> Scene:
    fields: dict[str, object] = {
        "size": (1280, 720),
        "index": np.arange(num_frames, dtype=np.int32),
        "time": np.arange(num_frames) / 25,
        "people": Detections.empty(),
        "people_frame": np.zeros(0, np.int32),
    }
    return Scene(**(fields | known))  # type: ignore[arg-type]


def seen_by(camera: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (N, 2) of the first frame where a camera (3,) shows them."""
    middle = np.array([640, 360])
    return middle + camera[2] * (points - middle) + camera[:2]


CAMERAS = st.lists(
    st.tuples(st.floats(-400, 400), st.floats(-200, 200), st.floats(0.5, 2.0)), min_size=3, max_size=3
).map(np.array)


@pytest.mark.slow
@given(CAMERAS, st.integers(0, 2))
def test_a_moving_camera_carries_the_outline_along(camera: np.ndarray, drawn_in: int) -> None:
    outline = np.array([[300.0, 200], [900, 200], [1100, 600], [100, 600]])
    feet = np.array([[600.0, 400], [120, 590], [600, 100], [1200, 400], [600, 200]])
    expected = [1, 1, 0, 0, 0.5]
    boxes = np.concatenate([feet - [20, 100], feet + np.array([20, 0])], axis=1).reshape(-1, 2)
    frames = np.repeat(np.arange(3), len(feet))
    shown = np.concatenate([seen_by(c, boxes).reshape(-1, 4) for c in camera])
    tracks = Tracks.of(frames, np.tile(np.arange(1, 6), 3), shown)
    polygon = CourtPolygon(tuple(map(tuple, seen_by(camera[drawn_in], outline).tolist())), frame=drawn_in)
    known = scene(3, camera=camera, court=(polygon,))
    np.testing.assert_allclose(court_share(tracks, known), np.tile(expected, 3), atol=0.02)
    np.testing.assert_allclose(stabilised_feet(tracks, known)[0], np.tile(feet, (3, 1)), atol=0.01)


def test_each_shot_has_its_own_outline_or_none() -> None:
    left, right = (
        ((0.0, 0.0), (600.0, 0.0), (600.0, 700.0), (0.0, 700.0)),
        ((700.0, 0.0), (1200.0, 0.0), (950.0, 700.0)),
    )
    tracks = Tracks.of(np.arange(6), np.ones(6), np.tile([280, 200, 320, 300], (6, 1)))
    shot = np.array([0, 0, 1, 1, 2, 2], np.int32)
    court = (CourtPolygon(left), CourtPolygon(right, time=0.07), CourtPolygon(left, frame=99))
    share = court_share(tracks, scene(6, shot=shot, court=court))
    np.testing.assert_array_equal(share, [1, 1, 0, 0, np.nan, np.nan])
    late = scene(6, index=np.arange(50, 56, dtype=np.int32), court=(CourtPolygon(left, frame=53),))
    np.testing.assert_array_equal(court_share(tracks, late), np.ones(6))


def test_a_floor_on_which_the_surest_do_not_stand_is_not_believed() -> None:
    boxes = [[100 * i, 0, 100 * i + 40, 100] for i in range(1, 6)]
    found = Detections.of(boxes * 2, [0.9] * 5 + [0.9] * 2 + [0.3] * 3)
    frames = np.repeat(np.array([0, 1], np.int32), 5)
    tracks = Tracks.of(frames, np.tile(np.arange(1, 6), 2), boxes * 2, found.confidence)
    floor = np.tile(np.float32([1, 1, 1, 1, 0]), 2)
    known = scene(2, people=found, people_frame=frames, floor=floor)
    np.testing.assert_array_equal(court_share(tracks, known), [1, 1, 1, 1, 0] + [np.nan] * 5)
    half = scene(
        2, people=found, people_frame=frames, floor=np.where(np.arange(10) % 5 < 3, floor, 0).astype(np.float32)
    )
    assert np.isnan(court_share(tracks, half)).all(), "two of five sure ones are off it"
    assert np.isnan(court_share(tracks, scene(2))).all()


@given(st.integers(0, 2**32 - 1))
def test_each_box_finds_its_own_detection(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = np.sort(rng.integers(0, 5, 30)).astype(np.int32)
    corner = np.stack([np.arange(30) * 40, rng.integers(0, 300, 30)], axis=1)
    found = Detections.of(np.concatenate([corner, corner + np.array([30, 80])], axis=1))
    known = scene(5, people=found, people_frame=frames)
    chosen = np.sort(rng.permutation(30)[:12])
    tracks = Tracks.of(frames[chosen], chosen + 1, found.xyxy[chosen] + rng.uniform(-2, 2, (12, 4)))
    np.testing.assert_array_equal(people_at(tracks, known)[np.argsort(tracks.track_id)], chosen)
    away = Tracks.of(frames[chosen], chosen + 1, found.xyxy[chosen] + 400)
    assert (people_at(away, known) == -1).all()


@pytest.fixture(scope="module")
def broadcast(shared: Path) -> tuple[Tracks, Scene]:
    """The ten true players (1 to 10), the referee (11), and four places in the stands (21 to 24), every fifth frame."""
    truth = read_tracks(shared / "truth" / "IND-NYK" / "gt.txt")
    referee = read_tracks(shared / "truth" / "IND-NYK" / "referees.txt")
    rows = [(t.frame_index, t.track_id, t.xyxy) for t in (truth, referee)]
    frames = np.arange(truth.frame_index[-1] + 1)
    for track_id, left in ((21, 300), (22, 600), (23, 900), (24, 1100)):
        box = np.tile(np.float32([left, 10, left + 30, 70]), (len(frames), 1))
        rows.append((frames.astype(np.int32), np.full(len(frames), track_id, np.int32), box))
    everyone = Tracks.of(*(np.concatenate(column) for column in zip(*rows, strict=True)))
    everyone = everyone[everyone.frame_index % 5 == 0]
    confidence = np.where(everyone.track_id > 20, 0.3, 0.8).astype(np.float32)
    tracks = Tracks.of(everyone.frame_index // 5, everyone.track_id, everyone.xyxy, confidence)
    found = Detections.of(tracks.xyxy, confidence)
    video, finder = cv2.VideoCapture(str(shared / "videos" / "netba_IND-NYK.mp4")), FloorFinder()
    for frame in range(tracks.frame_index[-1] * 5 + 1):
        assert video.grab()
        if frame % 5 == 0:
            image = cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB)
            finder.add(image, found[tracks.frame_index == frame // 5])
    floor = [share for share, _ in finder.finish()]
    known = scene(
        len(floor),
        people=found,
        people_frame=tracks.frame_index,
        floor=np.concatenate(floor),
        time=np.arange(len(floor)) / 6,
    )
    return tracks, known


@pytest.mark.slow
@pytest.mark.slow
def test_on_a_broadcast_players_stand_on_the_floor(broadcast: tuple[Tracks, Scene]) -> None:
    tracks, known = broadcast
    share = court_share(tracks, known)
    on_it = [np.nanmean(share[tracks.track_id == i]) for i in range(1, 11)]
    assert min(on_it) > 0.85 and np.mean(on_it) > 0.95
    assert np.nanmean(share[tracks.track_id > 20]) < 0.25


@pytest.mark.slow
def test_on_a_broadcast_the_stands_are_dropped(broadcast: tuple[Tracks, Scene]) -> None:
    tracks, known = broadcast
    kept, reasons = choose_players(tracks, SelectionConfig(min_confidence=0, players=0), known)
    assert set(range(1, 11)) <= set(kept.ids.tolist()), "no player is lost"
    assert all("outside" in reasons[i] for i in range(21, 25))
    assert choose_players(tracks, SelectionConfig(0, 0, False, False), known)[1] == {}
