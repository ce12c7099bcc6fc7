from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from ground.frames import Image
from pipeline.synthetic.game import SyntheticGame
from tracker.scene.camera_motion import CameraMotionEstimator
from tracker.types import CameraMotion, Detections

NOBODY = Detections.empty()
SIZE = 320, 180
VIDEOS = (
    "netba_IND-NYK.mp4", "dpbp_PLAY_3.mp4", "nbaction_1.mov", "nbaction_Layup.mov", "ibm_basketball.mp4",
    "teamtrack_tipoff_crop1080.mp4", "cvball_euroball_pass.mp4", "sv_walking.mp4",
)  # fmt: skip


def hall(seed: int, width: int = 960, height: int = 540) -> Image:
    """Patches of colour with edges, rough and smooth ones."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.uint8)
    for scale in (60, 24, 10):
        coarse = rng.integers(0, 256, (height // scale + 1, width // scale + 1, 3), np.uint8)
        picture = cv2.addWeighted(
            picture, 0.5, cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST), 0.5, 0
        )
    return cv2.GaussianBlur(picture, (0, 0), 1.0)


def shot(scene: Image, shift: tuple[float, float] = (0.0, 0.0), zoom: float = 1.0) -> Image:
    """What a camera sees of the middle of ``scene`` when that has moved and grown."""
    centre = np.array(SIZE) / 2
    middle = np.array(scene.shape[1::-1]) / 2
    matrix = np.c_[zoom * np.eye(2), centre + np.array(shift) - zoom * middle]
    return cv2.warpAffine(scene, matrix, SIZE, flags=cv2.INTER_AREA)


def views(pictures: Iterable[Image], people: Detections = NOBODY) -> list[CameraMotion]:
    estimator = CameraMotionEstimator()
    return [estimator.update(picture, people) for picture in pictures]


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.tuples(st.floats(-60, 60), st.floats(-15, 15)), st.floats(0.95, 1.05))
def test_shift_and_zoom_are_found(seed: int, shift: tuple[float, float], zoom: float) -> None:
    scene = hall(seed)
    first, second = views([shot(scene), shot(scene, shift, zoom)])
    assert first == CameraMotion()
    assert not second.is_cut
    np.testing.assert_allclose(second.shift, shift, atol=0.3)
    assert second.zoom == pytest.approx(zoom, abs=0.003)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.floats(0.3, 1.0))
def test_another_hall_is_a_cut_at_any_brightness(seed: int, light: float) -> None:
    a, b = (cv2.convertScaleAbs(shot(hall(2 * seed + i)), alpha=light) for i in range(2))
    assert [view.is_cut for view in views([a, a, b, b])] == [False, False, True, False]


@pytest.mark.parametrize("seed", range(5))
def test_people_and_burnt_in_boards_do_not_move_the_camera(seed: int) -> None:
    scene, person, board = hall(seed), hall(100 + seed)[:90, :60], hall(200 + seed)[:30, :150]
    pictures: list[Image] = []
    for i in range(4):
        picture = shot(scene, (6 * i, i))
        picture[60:150, 60 - 10 * i : 120 - 10 * i] = person
        picture[150:180, 10:160] = board
        picture[0:30, 160:310] = board
        pictures.append(picture)
    boxes = Detections.of([[25, 60, 125, 150]])
    for view in views(pictures, boxes)[1:]:
        np.testing.assert_allclose(view.shift, (6, 1), atol=0.2)
    other = pictures[-1].copy()
    other[30:150] = shot(hall(300 + seed))[30:150]
    assert views([*pictures, other], boxes)[-1].is_cut


@pytest.mark.parametrize("light", [0.0, 0.3, 1.6, 255.0])
def test_a_flash_is_no_cut_and_the_motion_across_it_is_right(light: float) -> None:
    pictures = [shot(hall(1), (5 * i, 0)) for i in range(6)]
    pictures[3] = cv2.convertScaleAbs(pictures[3], alpha=light) if light < 255 else np.full_like(pictures[3], 255)
    found = views(pictures)
    assert not any(view.is_cut for view in found)
    assert sum(view.shift[0] for view in found) == pytest.approx(25, abs=0.5)


def test_a_cut_through_black_is_a_cut() -> None:
    black = np.zeros((180, 320, 3), np.uint8)
    pictures = [shot(hall(1)), black, black, shot(hall(2)), shot(hall(2))]
    assert [view.is_cut for view in views(pictures)] == [False, False, False, True, False]


def test_a_dissolve_and_a_blur_are_no_cuts() -> None:
    a, b = shot(hall(1)), shot(hall(2))
    mixed = [cv2.addWeighted(a, 1 - t, b, t, 0) for t in np.linspace(0, 1, 25)]
    assert not any(view.is_cut for view in views(mixed))
    assert not any(view.is_cut for view in views([a, cv2.blur(a, (31, 1)), a]))


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 200), (200, 3), (2160, 3840)])
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(2)]
    for picture in pictures:
        picture.flags.writeable = False
    people = Detections.of([[-50, -50, 1, 1], [1, 1, 1e6, 1e6]])
    for view in [*views([*pictures, pictures[1]]), *views(pictures, people)]:
        assert np.isfinite([*view.shift, view.zoom]).all()
    flat = np.full((*size, 3), 90, np.uint8)
    assert views([flat, flat]) == [CameraMotion(), CameraMotion()]


def test_what_is_no_picture_is_said() -> None:
    with pytest.raises(InputError, match="uint8"):
        CameraMotionEstimator().update(np.zeros((4, 4), np.uint8), NOBODY)
    with pytest.raises(InputError, match="uint8"):
        CameraMotionEstimator().update(np.zeros((4, 4, 3), np.float32), NOBODY)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"\(320, 180\)"):
        views([shot(hall(0)), np.zeros((4, 4, 3), np.uint8)])


@pytest.mark.slow
def test_the_camera_of_a_made_game() -> None:
    game = SyntheticGame(1, 0.6, (640, 360))
    people = game.truth.tracks
    estimator, errors = CameraMotionEstimator(), np.zeros((game.num_frames, 2))
    for frame in game.frames():
        view = estimator.update(frame.image, Detections.of(people.at(frame.index).xyxy))
        assert not view.is_cut
        if frame.index:
            turn = game.camera(frame.index).matrix[:, :3] @ np.linalg.inv(game.camera(frame.index - 1).matrix[:, :3])
            x, y, w = turn @ (320, 180, 1)
            errors[frame.index] = np.array(view.shift) - (x / w - 320, y / w - 180)
    assert np.sqrt((errors**2).mean()) < 0.2
    assert np.abs(errors.sum(axis=0)).max() < 3


def read(path: Path, start: int, stop: int) -> list[Image]:
    video = cv2.VideoCapture(str(path))
    pictures = [video.read()[1] for _ in range(stop)][start:]
    video.release()
    return [cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) for picture in pictures]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "start", "stop"), [("netba_IND-NYK.mp4", 78, 90), ("nbaction_1.mov", 0, 80)])
def test_a_real_flash_and_a_real_pan_are_no_cuts(shared: Path, name: str, start: int, stop: int) -> None:
    found = views(read(shared / "videos" / name, start, stop))
    assert not any(view.is_cut for view in found)
    steps = np.diff([view.shift for view in found[1:]], axis=0)
    assert np.abs(steps).max() < 8  # cameras have mass


@pytest.mark.slow
def test_a_pan_across_a_real_hall_ends_where_the_hall_is(shared: Path) -> None:
    pictures = read(shared / "videos/netba_IND-NYK.mp4", 5, 76)
    shift, zoom = np.zeros(2), 1.0
    for view in views(pictures)[1:]:
        shift, zoom = view.zoom * shift + view.shift, zoom * view.zoom
    middle = np.array([640, 360])
    moved = cv2.warpAffine(pictures[0], np.c_[zoom * np.eye(2), middle + shift - zoom * middle], (1280, 720))
    floor = np.s_[170:470, 500:900]  # without board, crowd and the picture's edge
    still = cv2.absdiff(pictures[0][floor], pictures[-1][floor])
    assert abs(shift[0]) > 150
    assert np.median(cv2.absdiff(moved[floor], pictures[-1][floor])) <= np.median(still)
    assert cv2.absdiff(moved[floor], pictures[-1][floor]).mean() < 0.75 * still.mean()


def joined(a: Sequence[Image], b: Sequence[Image]) -> list[bool]:
    return [view.is_cut for view in views([*a, *b])]


@pytest.mark.slow
def test_every_join_of_two_videos_is_a_cut_and_nothing_else_is(shared: Path) -> None:
    scenes = [[cv2.resize(p, (640, 360)) for p in read(shared / "videos" / name, 20, 23)] for name in VIDEOS]
    found = np.array([joined(a, b) for a, b in permutations(scenes, 2)])
    assert found[:, 3].mean() >= 0.98
    assert not np.delete(found, 3, axis=1).any()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*VIDEOS[:2], *VIDEOS[3:5]])
def test_the_other_side_and_a_close_up_of_one_hall_are_cuts(shared: Path, name: str) -> None:
    scene = [cv2.resize(p, (640, 360)) for p in read(shared / "videos" / name, 10, 14)]
    other_side = [np.ascontiguousarray(p[:, ::-1]) for p in scene]
    close_up = [cv2.resize(p[60:220, 200:485], (640, 360)) for p in scene]
    for replay in (other_side, close_up):
        assert joined(scene, replay) == [False] * 4 + [True] + [False] * 3
