"""The made game is deterministic, true to its truth, human, and real enough for a detector that never saw it."""

from __future__ import annotations

import itertools
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.types import ACTIONS, CLIP_HEIGHT, CLIP_LENGTH, CLIP_WIDTH
from ground.errors import InputError
from pipeline.synthetic import actions, clips
from pipeline.synthetic.actions import BLOCK, DEFENSE, DRIBBLE, HOLD, PASS, PICK, RUNNING, SHOOT, WALKING, Style
from pipeline.synthetic.body import Figure, Light, Look, bounds, paint
from pipeline.synthetic.camera import Camera
from pipeline.synthetic.clips import synthetic_clips
from pipeline.synthetic.court import Court
from pipeline.synthetic.gait import ANKLE, BALL, ELBOW, HIP, KNEE, SHOULDER, TOE, WRIST
from pipeline.synthetic.game import SyntheticGame
from pipeline.synthetic.motion import Movement, animate
from pipeline.synthetic.play import stage_play

SMALL = (480, 270)


def _game(seed: int = 0, seconds: float = 0.4, size: tuple[int, int] = SMALL) -> SyntheticGame:
    return SyntheticGame(seed, seconds, size)


def _movement(action: int, speed: float, steps: int = 60, fps: float = 30.0) -> Movement:
    t = np.arange(steps) / fps
    xy = np.stack([speed * t, 0 * t], axis=1)
    return Movement(xy, 0.3 * np.sin(t), np.full(steps, action, np.int8), fps)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_game_and_another_seed_another() -> None:
    one, two = _game(3), _game(3)
    for a, b in zip(one.frames(), two.frames(), strict=True):
        assert (a.index, a.time) == (b.index, b.time)
        np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(one.truth.tracks.xyxy, two.truth.tracks.xyxy)
    np.testing.assert_array_equal(one.truth.visibility, two.truth.visibility)
    np.testing.assert_array_equal(one.truth.actions, two.truth.actions)
    assert np.abs(next(_game(4).frames()).image.astype(int) - next(_game(3).frames()).image).mean() > 5


@pytest.mark.slow
def test_truth_without_pictures_is_the_truth_of_the_pictures() -> None:
    drawn, silent = _game(1), _game(1)
    assert [f.index for f in drawn.frames()] == list(range(12))
    np.testing.assert_array_equal(drawn.truth.tracks.xyxy, silent.truth.tracks.xyxy)
    np.testing.assert_array_equal(drawn.truth.visibility, silent.truth.visibility)


@pytest.mark.slow
def test_truth_is_in_the_picture() -> None:
    truth = _game(2, 1.0).truth
    tracks = truth.tracks
    assert set(tracks.ids) == set(range(1, 11))
    assert (tracks.xyxy >= 0).all() and (tracks.xyxy[:, 2] <= SMALL[0]).all() and (tracks.xyxy[:, 3] <= SMALL[1]).all()
    assert (tracks.xyxy[:, 2:] > tracks.xyxy[:, :2]).all()
    assert ((truth.visibility >= 0) & (truth.visibility <= 1)).all()
    assert len(truth.labels) == len(tracks) == len(truth.visibility)
    assert (truth.visibility > 0.99).any() and (truth.visibility < 0.9).any()


@pytest.mark.slow
def test_frames_stream() -> None:
    game = _game(0, 0.5)
    frames = game.frames()
    next(frames)
    tracemalloc.start()
    for _ in itertools.islice(frames, 4):
        pass
    early = tracemalloc.get_traced_memory()[0]
    for _ in itertools.islice(frames, 8):
        pass
    grown = tracemalloc.get_traced_memory()[0] - early
    tracemalloc.stop()
    assert grown < SMALL[0] * SMALL[1] * 3


@pytest.mark.slow
def test_every_action_occurs_and_lasts() -> None:
    seen: set[int] = set()
    lengths: list[int] = []
    for seed in range(3):
        play = stage_play(600, 30.0, 5, np.random.default_rng(seed))
        seen |= set(np.unique(play.action).tolist())
        for column in play.action.T:
            ends = np.r_[np.flatnonzero(np.diff(column)), len(column) - 1]
            lengths += np.diff(np.r_[-1, ends])[1:-1].tolist()  # the first and last are cut off by the game's ends
    assert seen == set(range(len(ACTIONS)))
    assert np.mean(np.array(lengths) >= 18) > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_players_are_human(seed: int) -> None:
    play = stage_play(600, 30.0, 5, np.random.default_rng(seed))
    velocity = np.diff(play.xy, axis=0) * 30
    assert np.linalg.norm(velocity, axis=-1).max() <= 9
    assert np.linalg.norm(np.diff(velocity, axis=0) * 30, axis=-1).max() <= 12
    turn = np.abs(np.diff(play.heading, axis=0))
    assert np.minimum(turn, 2 * np.pi - turn).max() * 30 < 8
    # Nobody is labelled running while he stands, or standing while he runs.
    speed = np.linalg.norm(velocity, axis=-1)
    assert np.median(speed[play.action[1:] == RUNNING]) > 2.5
    assert np.median(speed[play.action[1:] == WALKING]) < 2.6
    assert np.median(speed[play.action[1:] == actions.IDLE]) < 0.4


def test_the_ball_has_one_owner_who_does_something_with_it() -> None:
    play = stage_play(600, 30.0, 5, np.random.default_rng(1))
    held = play.owner >= 0
    doing = play.action[np.flatnonzero(held), play.owner[held]]
    assert set(np.unique(doing).tolist()) <= {DRIBBLE, HOLD, PASS, SHOOT}
    others = play.action.copy()
    others[np.flatnonzero(held), play.owner[held]] = -1
    assert not np.isin(others[held], (DRIBBLE, HOLD)).any()


@settings(max_examples=40, deadline=None)
@given(
    action=st.integers(0, 9),
    speed=st.floats(0, 7),
    seed=st.integers(0, 2**20),
)
def test_bones_keep_their_length_and_feet_stay_on_the_floor(action: int, speed: float, seed: int) -> None:
    style = Style.random(np.random.default_rng(seed))
    slow = speed if action in (RUNNING, DRIBBLE) else speed * 0.2
    joints = animate(_movement(action, slow), style)
    assert np.isfinite(joints).all()
    body = joints / style.stature
    for a, b, length in (
        (SHOULDER, ELBOW, 0.178), (ELBOW, WRIST, 0.158), (HIP, KNEE, 0.245), (KNEE, ANKLE, 0.246), (ANKLE, TOE, 0.095),
    ):  # fmt: skip
        np.testing.assert_allclose(np.linalg.norm(body[:, a] - body[:, b], axis=-1), length, atol=2e-3)
    low = body[:, TOE, 2].min(axis=1)
    assert low.min() > -0.06
    if action not in (BLOCK, SHOOT, RUNNING) and slow < 2:
        assert low.max() < 0.10
    assert body[:, :BALL, 2].max() < 1.75


def test_a_jump_leaves_the_floor_and_a_block_reaches_up() -> None:
    style = Style(1.9, -1, 1.8, 0.5, 1.0, (0.5, 0.9, 0.5))
    block = animate(_movement(BLOCK, 0.0), style)
    assert block[:, ANKLE, 2].min(axis=1).max() > 0.3
    assert block[:, WRIST, 2].max() > 2.4
    shot = animate(_movement(SHOOT, 0.0), style)
    release = round(actions.RELEASE[SHOOT] * 30)
    assert shot[release, BALL, 2] > shot[release, 2, 2] + 0.2  # the ball leaves above the head


def test_a_dribbled_ball_bounces_between_floor_and_hand() -> None:
    style = Style(1.9, -1, 1.8, 0.5, 1.0, (0.2, 0.5, 0.5))
    joints = animate(_movement(DRIBBLE, 1.0, 150), style)
    height = joints[20:, BALL, 2]
    assert height.min() < actions.BALL_RADIUS + 0.12
    assert 0.6 < height.max() < 1.3
    bounces = np.flatnonzero((height[1:-1] < height[:-2]) & (height[1:-1] <= height[2:]))
    assert 30 * (len(bounces) - 1) / (bounces[-1] - bounces[0]) == pytest.approx(1.8, abs=0.15)


def test_a_walk_plants_its_feet() -> None:
    style = Style(1.9, -1, 1.8, 0.5, 1.0, (0.5, 0.5, 0.5))
    joints = animate(Movement(*_straight(1.35), 60.0), style)[60:-60]
    foot = joints[:, ANKLE.start]
    speed = np.linalg.norm(np.diff(foot[:, :2], axis=0), axis=1) * 60
    # In each stride the foot rests, then swings at over twice the walker's speed.
    assert np.percentile(speed, 15) < 0.45
    assert np.percentile(speed, 95) > 2.4


def _straight(speed: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    steps = np.arange(360)
    return np.stack([speed * steps / 60, 0 * steps], axis=1), np.zeros(360), np.full(360, WALKING, np.int8)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(action=st.integers(0, 9), turn=st.floats(-3, 3), seed=st.integers(0, 2**20))
def test_boxes_enclose_the_drawn_figure_tightly(action: int, turn: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    style, light = Style.random(rng), Light((0.3, -0.8), (1.0, 1.0, 1.0), 1.0)
    joints = animate(_movement(action, 0.0), style)[int(rng.integers(60))]
    eye = np.array([8 * np.sin(turn), -8 * np.cos(turn), 3.0])
    camera = Camera.look_at(eye, np.array([0, 0, 1.0]), 700.0, (400, 400))
    bright = Look.random(rng, (250.0, 250.0, 250.0), (250.0, 250.0, 250.0))
    shapes = Figure(joints, bright, style.stature).shapes(camera, light)
    image = np.zeros((400, 400, 3), np.uint8)
    paint(image, shapes)
    ys, xs = np.nonzero(image.max(axis=2) > 20)
    drawn = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
    np.testing.assert_allclose(bounds(shapes), drawn, atol=2.0)  # smooth edges spill over by a pixel


@pytest.mark.slow
def test_visibility_is_what_others_leave() -> None:
    """Against a full-size count: paint everybody in one flat colour each, from far to near."""
    game = _game(5, 1.0, (960, 540))
    truth = game.truth
    index = 15
    camera = game.camera(index)
    figures = game._figures(index, camera)
    order = sorted(range(10), key=lambda p: -sum(s.depth for s in figures[p]) / len(figures[p]))
    together = np.zeros((540, 960), np.uint8)
    for player in order:
        for shape in figures[player]:
            cv2.fillConvexPoly(together, shape.polygons[0], (player + 1,), cv2.LINE_8, 4)
    rows = truth.tracks.frame_index == index
    for player, share in zip(truth.tracks.track_id[rows], truth.visibility[rows], strict=True):
        alone = np.zeros_like(together)
        for shape in figures[player - 1]:
            cv2.fillConvexPoly(alone, shape.polygons[0], (1,), cv2.LINE_8, 4)
        assert share == pytest.approx((together == player).sum() / alone.sum(), abs=0.08)


def test_a_camera_projects_its_target_to_the_middle() -> None:
    camera = Camera.look_at(np.array([1.0, -20, 7]), np.array([3.0, 1, 1]), 1500.0, (1280, 720), 0.1)
    pixel, depth = camera.project(np.array([3.0, 1, 1]))
    np.testing.assert_allclose(pixel, (640, 360), atol=1e-6)
    assert depth == pytest.approx(np.sqrt(4 + 441 + 36))
    # A metre across the line of sight there is focal / depth pixels.
    up, _ = camera.project(np.array([3.0, 1, 1]) + np.array([0.01, 0, 0]))
    assert np.linalg.norm(up - pixel) == pytest.approx(0.01 * float(camera.scale(depth)), rel=0.02)
    cut, _ = camera.window(100, 50, 2.0).project(np.array([3.0, 1, 1]))
    np.testing.assert_allclose(cut, (1080, 620), atol=1e-6)


def test_the_wall_behind_the_camera_is_not_in_the_picture() -> None:
    """It stands beside the right wall, which it has behind it."""
    floor, wall = (np.full((400, 400, 3), shade, np.uint8) for shade in (200, 10))
    hall = Court(cv2.resize(floor, (1584, 1056)), (cv2.resize(wall, (864, 288)),) * 3)
    camera = Camera.look_at(np.array([17.0, -3, 1.6]), np.array([0.0, 6, 0]), 300.0, (90, 60))
    assert (hall.view(camera, (90, 60), Light((0.3, -0.8), (1.0, 1.0, 1.0), 1.0))[45:] == 200).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"players_per_team": 1}, "2 to 5 players"),
        ({"players_per_team": 6}, "2 to 5 players"),
        ({"seconds": 0.0}, "over 0 s"),
        ({"seconds": float("nan")}, "over 0 s"),
        ({"fps": 0.0}, "frames/s"),
        ({"seed": -1}, "seed is 0 or more"),
        ({"size": (32, 32)}, "64 pixels"),
    ],
)
def test_impossible_games_are_refused(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        SyntheticGame(**arguments)  # type: ignore[arg-type]


@pytest.mark.slow
def test_small_teams_play_too() -> None:
    game = SyntheticGame(0, 0.2, SMALL, 25.0, 2)
    assert game.truth.tracks.track_id.max() == 4
    assert [f.time for f in game.frames()] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    play = stage_play(900, 25.0, 2, np.random.default_rng(0))
    assert {PASS, SHOOT, PICK, DEFENSE} <= set(np.unique(play.action).tolist())


@pytest.mark.slow
def test_clips_are_what_a_classifier_takes() -> None:
    made = list(synthetic_clips(11, 7))
    assert [label for label, _ in made] == [*ACTIONS, ACTIONS[0]]
    for label, clip in made:
        assert clip.dtype == np.uint8 and clip.shape == (CLIP_LENGTH, CLIP_HEIGHT, CLIP_WIDTH, 3)
        content = clip.max(axis=(1, 3)) > 12
        assert 45 <= content.sum(axis=1).min() <= CLIP_WIDTH, label
        assert 10 < clip[content[:, None, :].repeat(CLIP_HEIGHT, 1)].mean() < 235
        assert np.abs(np.diff(clip.astype(np.int16), axis=0)).mean() > 0.3
    for (a, x), (b, y) in zip(made[:2], synthetic_clips(2, 7), strict=True):
        assert a == b
        np.testing.assert_array_equal(x, y)
    assert np.abs(made[0][1].astype(int) - next(synthetic_clips(1, 8))[1]).mean() > 5


@settings(max_examples=60, deadline=None)
@given(action=st.integers(0, 9), seed=st.integers(0, 2**20))
def test_a_clip_shows_what_its_label_says(action: int, seed: int) -> None:
    shown = clips._script(action, np.random.default_rng(seed))[clips._LEAD : clips._LEAD + CLIP_LENGTH]
    assert (shown == action).mean() >= 0.7
    assert shown[-1] == action


def test_gaits_follow_speed() -> None:
    """Faster is longer strides: the ankles spread more, and a runner leaves the floor."""
    style = Style(1.9, -1, 1.8, 0.5, 1.0, (0.5, 0.5, 0.5))
    spread, lift = [], []
    for speed in (0.0, 1.3, 5.0):
        joints = animate(_movement(RUNNING, speed, 120), style)[30:-30]
        spread.append(np.ptp(joints[:, ANKLE.start, 0] - joints[:, ANKLE.start + 1, 0]))
        lift.append(joints[:, TOE, 2].min(axis=1).max())
    assert spread[0] < 0.1
    assert 0.5 < spread[1] < spread[2]
    assert lift[2] > lift[1] + 0.02


@pytest.fixture(scope="module")
def yolo(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    ultralytics = pytest.importorskip("ultralytics")
    return ultralytics.YOLO(Path(shutil.copy(shared / "weights" / "yolo11n.pt", tmp_path_factory.mktemp("yolo"))))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_detector_that_never_saw_it_finds_the_players(seed: int, yolo: Any) -> None:
    """Issue 2, part 12: COCO-trained YOLO11n finds 80 % of the players with visibility >= 0.9 at IoU 0.5.

    It sees them in a picture that is a quarter smaller than the game's, which is harder and takes half the time.
    """
    game = SyntheticGame(seed, 20.0)
    found = wanted = 0
    for index in range(40, 600, 140):
        frame = game.frame(index)
        truth = game._rows[index]
        seen = yolo.predict(frame.image[..., ::-1], imgsz=960, conf=0.25, classes=[0], device="cpu", verbose=False)
        boxes, open_ = seen[0].boxes.xyxy.numpy(), truth.xyxy[truth.visibility >= 0.9]
        low, high = (
            np.maximum(open_[:, None, :2], boxes[None, :, :2]),
            np.minimum(open_[:, None, 2:], boxes[None, :, 2:]),
        )
        shared_area = np.clip(high - low, 0, None).prod(axis=-1)
        area = (open_[:, 2:] - open_[:, :2]).prod(axis=-1)[:, None] + (boxes[:, 2:] - boxes[:, :2]).prod(axis=-1)[None]
        overlap = shared_area / (area - shared_area)
        found += int((overlap.max(axis=1, initial=0) >= 0.5).sum())
        wanted += len(open_)
    assert wanted >= 20
    assert found / wanted >= 0.8
