"""CSRT on drawn rectangles whose truth is exact, and on real footage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import InputError
from ground.frames import Frame, Image
from tracker.boxes import iou
from tracker.by_hand.csrt import CsrtFollower, CsrtSettings, follow, require_csrt
from tracker.by_hand.rois import Roi, parse_roi
from tracker.colors import Look, crop
from tracker.types import Tracks

WIDTH, HEIGHT, FPS = 320, 180, 30.0
SIZE = (24, 56)
COLORS = ((230, 200, 30), (240, 240, 240), (30, 60, 200))


def texture(rng: np.random.Generator, width: int, height: int, color: Sequence[int]) -> Image:
    coarse = rng.normal(0, 35, (height // 6 + 1, width // 6 + 1, 1)).astype(np.float32)
    noise = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
    return np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)


def game(corners: npt.NDArray[np.int64], pan: float = 0.0) -> list[Frame]:
    """Textured players at ``corners`` (T, P, 2) on a textured floor that moves by ``pan`` pixels a frame."""
    rng = np.random.default_rng(7)
    floor = texture(rng, WIDTH + round(abs(pan) * len(corners)) + 1, HEIGHT, (170, 120, 80))
    players = [texture(rng, *SIZE, color) for color in COLORS[: corners.shape[1]]]
    frames = []
    for t, places in enumerate(corners):
        shift = round(abs(pan) * t)
        image = floor[:, shift : shift + WIDTH].copy()
        for (x, y), player in zip(places, players, strict=True):
            x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + SIZE[0], WIDTH), min(y + SIZE[1], HEIGHT)
            if x1 > x0 and y1 > y0:
                image[y0:y1, x0:x1] = player[y0 - y : y1 - y, x0 - x : x1 - x]
        image = np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
        frames.append(Frame(t, t / FPS, image))
    return frames


def line(start: tuple[int, int], step: tuple[float, float], length: int) -> npt.NDArray[np.int64]:
    return np.round(np.array(start) + np.arange(length)[:, None] * np.array(step)).astype(np.int64)


def roi_at(corner: npt.NDArray[np.int64], **start: float) -> Roi:
    return Roi((float(corner[0]), float(corner[1]), *map(float, SIZE)), **start)  # type: ignore[arg-type]


def overlaps(tracks: Tracks, corners: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    truth = corners[tracks.frame_index, tracks.track_id - 1].astype(float)
    truth = np.concatenate([truth, truth + SIZE], axis=1)
    return np.array([iou(a[None].astype(float), b[None])[0, 0] for a, b in zip(tracks.xyxy, truth, strict=True)])


def three_players(length: int) -> npt.NDArray[np.int64]:
    paths = (line((20, 2), (3.4, 0), length), line((270, 62), (-4.1, 0), length), line((150, 120), (0.5, 0.1), length))
    return np.stack(paths, axis=1)


@pytest.mark.slow
def test_players_who_run_are_followed_and_threads_change_nothing() -> None:
    corners = three_players(40)
    frames, rois = game(corners, pan=2.0), [roi_at(c) for c in corners[0]]
    serial = follow(frames, rois, CsrtSettings(threads=1))
    parallel = follow(frames[:12], rois, CsrtSettings(threads=3))
    np.testing.assert_array_equal(serial.xyxy[:36], parallel.xyxy)
    np.testing.assert_array_equal(serial.confidence[:36], parallel.confidence)
    assert len(serial) == 120 and serial.ids.tolist() == [1, 2, 3]
    assert overlaps(serial, corners).mean() > 0.75
    assert overlaps(serial, corners).min() > 0.4
    assert serial.confidence.min() > 0.6 and serial.confidence[:3].tolist() == [1, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "step"), [((40, 60), (-4.0, 0.0)), ((260, 60), (4.0, 0.0)), ((150, 30), (0.0, -3.0))]
)
def test_a_player_who_leaves_the_picture_is_lost_then(start: tuple[int, int], step: tuple[float, float]) -> None:
    corners = line(start, step, 40)[:, None]
    follower = CsrtFollower([roi_at(corners[0, 0])])
    for frame in game(corners):
        follower.update(frame)
    tracks = follower.finish()
    visible = np.prod([np.clip(corners[:, 0, i] + SIZE[i], 0, b) - np.clip(corners[:, 0, i], 0, b)
                       for i, b in enumerate((WIDTH, HEIGHT))], axis=0) / np.prod(SIZE)  # fmt: skip
    half_out, gone = int(np.argmax(visible < 0.75)), int(np.argmax(visible == 0))
    assert half_out <= follower.lost[1] <= gone + 6
    assert tracks.frame_index.max() == follower.lost[1] - 1


@pytest.mark.slow
def test_a_player_who_vanishes_behind_something_is_lost_within_half_a_second() -> None:
    corners = line((100, 60), (2, 0), 28)[:, None]
    corners[10:] = -500
    follower = CsrtFollower([roi_at(corners[0, 0])])
    for frame in game(corners):
        follower.update(frame)
    assert 10 <= follower.lost[1] <= 13
    assert len(follower.finish()) == follower.lost[1]


@pytest.mark.slow
def test_of_two_boxes_that_become_one_the_one_on_the_wrong_player_is_lost() -> None:
    """Player 1 stands still, player 2 stops in front of him and hides him: both boxes hold player 2."""
    walk = line((110, 60), (3, 0), 35)
    walk[17:] = walk[17]
    corners = np.stack([line((160, 60), (0, 0), 35), walk], axis=1)
    follower = CsrtFollower([roi_at(c) for c in corners[0]], CsrtSettings(min_similarity=0.0))
    for frame in game(corners):
        follower.update(frame)
    assert set(follower.lost) == {1}
    assert 10 <= follower.lost[1] <= 17
    tracks = follower.finish()
    assert overlaps(tracks[tracks.track_id == 2], corners).min() > 0.5


@pytest.mark.slow
def test_two_equal_boxes_are_both_lost() -> None:
    follower = CsrtFollower([Roi((40, 60, 24, 56)), Roi((41, 60, 24, 56), frame=3)])
    for frame in game(np.broadcast_to(np.array([[40, 60]]), (20, 1, 2))):
        follower.update(frame)
    assert follower.lost == {1: 4, 2: 4}, "which of the two is right cannot be known"
    assert follower.finish().frame_index.tolist() == [0, 1, 2, 3, 3]


@pytest.mark.slow
@pytest.mark.parametrize(("frame", "time"), [(0, 3 / FPS), (4, 0.0), (2, 3.5 / FPS), (1, 4 / FPS), (3, 1e-9)])
def test_boxes_start_at_their_frame_or_time(frame: int, time: float) -> None:
    still = np.broadcast_to(np.array([[40, 60], [200, 60]]), (10, 2, 2))
    tracks = follow(GAME_STILL[:5], [roi_at(still[0, 0], frame=frame), roi_at(still[0, 1], time=time)])
    by_id = dict(tracks.by_id())
    assert by_id[1].frame_index.tolist() == list(range(frame, 5))
    assert by_id[2].frame_index.tolist() == [f.index for f in GAME_STILL[:5] if f.time >= time]


GAME_STILL = game(np.broadcast_to(np.array([[40, 60], [200, 60]]), (10, 2, 2)))


def test_a_box_that_never_starts_and_one_outside_the_picture(caplog: pytest.LogCaptureFixture) -> None:
    follower = CsrtFollower([Roi((40, 60, 24, 56), frame=99)])
    follower.update(GAME_STILL[0])
    assert follower.waiting == (1,)
    assert len(follower.finish()) == 0
    assert "box 1 starts after the last frame" in caplog.text
    with pytest.raises(InputError, match=r"box 2: .* inside the picture of 320x180"):
        follow(GAME_STILL, [Roi((40, 60, 24, 56)), Roi((400, 60, 24, 56), frame=2)])


@pytest.mark.slow
def test_a_flash_is_bridged_and_a_cut_loses_everyone() -> None:
    corners = three_players(32)
    frames = game(corners)
    white, black = np.full((HEIGHT, WIDTH, 3), 250, np.uint8), np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    frames[10] = Frame(10, 10 / FPS, white)
    frames[15:] = [Frame(i, i / FPS, black) for i in range(15, 32)]
    follower = CsrtFollower([roi_at(c) for c in corners[0]])
    for frame in frames:
        follower.update(frame)
    tracks = follower.finish()
    assert follower.lost == {1: 15, 2: 15, 3: 15}
    assert len(tracks) == 45
    assert (tracks.observed == (tracks.frame_index != 10)).all()
    assert (tracks.at(10).confidence == 0).all()
    assert overlaps(tracks, corners).min() > 0.4


def test_who_is_released_keeps_his_boxes_and_is_not_lost() -> None:
    follower = CsrtFollower([Roi((40, 60, 24, 56)), Roi((200, 60, 24, 56))])
    for frame in GAME_STILL[:6]:
        follower.update(frame)
    assert list(follower.boxes) == [1, 2]
    np.testing.assert_allclose(follower.boxes[2], [200, 60, 224, 116], atol=4)
    follower.release(1)
    follower.update(GAME_STILL[6])
    assert list(follower.boxes) == [2]
    tracks = follower.finish()
    assert [len(track) for _, track in tracks.by_id()] == [6, 7]
    assert follower.lost == {}


def test_names_are_kept() -> None:
    follower = CsrtFollower([Roi((40, 60, 24, 56), "Anna"), Roi((40, 60, 24, 56))])
    assert follower.names == {1: "Anna"}


def test_opencv_without_contrib_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "TrackerCSRT")
    with pytest.raises(InputError, match="pip install --no-deps 'opencv-contrib-python=="):
        require_csrt()


@pytest.mark.slow
@given(*[st.integers(-300, 300)] * 2, *[st.integers(1, 200)] * 2)
def test_crop_repeats_the_edges(x: int, y: int, width: int, height: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    padded = cv2.copyMakeBorder(image, 600, 600, 600, 600, cv2.BORDER_REPLICATE)
    expected = padded[600 + y : 600 + y + height, 600 + x : 600 + x + width]
    np.testing.assert_array_equal(crop(image, x, y, x + width, y + height), expected)


def test_a_look_tells_a_player_from_the_floor_and_from_other_colours() -> None:
    corners = np.array([[[40, 60], [120, 60], [200, 60]]])
    image = game(corners)[0].image
    sides, below = np.array([-8.0, 0, 8, 0]), np.array([0.0, 60, 0, 60])
    boxes = np.concatenate([corners[0], corners[0] + SIZE], axis=1) + sides
    for i, box in enumerate(boxes):
        look = Look.of(image, box)
        scores = [look.likeness(image, other) for other in boxes]
        assert scores[i] == pytest.approx(1) and max(s for j, s in enumerate(scores) if j != i) < 0.5
        assert look.likeness(image, box + below) < 0.5


def video(path: Path) -> Iterator[Frame]:
    capture = cv2.VideoCapture(str(path))
    fps = capture.get(cv2.CAP_PROP_FPS)
    index = 0
    while (read := capture.read())[0]:
        yield Frame(index, index / fps, cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
        index += 1


@pytest.mark.slow
def test_real_players_are_followed_to_where_they_are_in_the_end(shared: Path) -> None:
    """Boxes of frames 0 and 55 were read off the two pictures by eye."""
    starts = ["98,240,45,150", "430,220,60,205", "600,235,45,150", "506,240,34,148"]
    ends = np.array([[20, 238, 56, 393], [498, 215, 583, 440], [760, 258, 795, 408], [588, 246, 630, 404]], float)
    follower = CsrtFollower([parse_roi(text) for text in starts])
    for frame in video(shared / "videos" / "nbaction_3.mov"):
        follower.update(frame)
    tracks = follower.finish()
    assert follower.lost == {}
    last = tracks.at(55)
    assert last.track_id.tolist() == [1, 2, 3, 4]
    assert iou(last.xyxy.astype(float), ends).diagonal().min() > 0.3


@pytest.mark.slow
def test_broadcast_boxes_are_right_or_given_up(shared: Path) -> None:
    """netba_IND-NYK over its camera flash (frame 83), against its truth: three players, one lost in a crowd."""
    rows = np.loadtxt(shared / "truth" / "IND-NYK" / "gt.txt", delimiter=",")
    truth = {(int(r[0]) - 1, int(r[1])): r[2:6] for r in rows}
    start, stop, players = 70, 115, (3, 7, 8, 10)
    follower = CsrtFollower([Roi(tuple(map(float, truth[start, p])), frame=start) for p in players])
    for frame in video(shared / "videos" / "netba_IND-NYK.mp4"):
        if frame.index >= stop:
            break
        follower.update(frame)
    tracks = follower.finish()
    xywh = np.array([truth[int(i), players[k - 1]] for i, k in zip(tracks.frame_index, tracks.track_id, strict=True)])
    boxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
    scores = np.array([iou(a[None].astype(float), b[None])[0, 0] for a, b in zip(tracks.xyxy, boxes, strict=True)])
    assert (tracks.track_id == 1).sum() == (tracks.track_id == 2).sum() == stop - start, "two in the open stay"
    assert 4 in follower.lost, "10 passes behind 8, and CSRT goes on with 8"
    assert (scores < 0.3).mean() < 0.05
    assert scores.mean() > 0.6
