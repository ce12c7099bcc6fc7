"""Speed over the floor speaks for standing, walking or running, whatever the camera does, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.types import ACTIONS, ActionScores
from ground.video.source import open_video
from pipeline.analysis.values import Frames
from pipeline.evaluate.truth import read_truth_folder
from pipeline.stages.speed import GAITS, combine_with_speed, likelihoods
from tracker.court.camera import Camera
from tracker.court.homography import moved
from tracker.court.known import KnownCourt
from tracker.scene.camera_motion import CameraMotionEstimator
from tracker.types import CameraMotion, Detections, Tracks

_RATE, _FRAMES, _SIZE, _HEIGHT = 25.0, 50, (640, 360), 80.0


def _frames(pan: float = 0.0, zoom: float = 1.0) -> Frames:
    index = np.arange(_FRAMES, dtype=np.int32)
    shift = np.tile([pan, 0.0], (_FRAMES, 1))
    return Frames(index, index / _RATE, shift, np.full(_FRAMES, zoom), np.zeros(_FRAMES, bool))


def _walker(speed: float, frames: Frames) -> Tracks:
    """Somebody who goes to the right at ``speed`` heights per second, as the camera of ``frames`` shows him."""
    camera = frames.camera()
    assert camera is not None
    x = (speed * _HEIGHT * frames.time - 50) * camera[:, 2] + camera[:, 0] + _SIZE[0] / 2
    feet, height = 60 * camera[:, 2] + camera[:, 1] + _SIZE[1] / 2, _HEIGHT * camera[:, 2]
    boxes = np.column_stack([x - height / 5, feet - height, x + height / 5, feet])
    return Tracks.of(frames.index, np.ones(_FRAMES, np.int32), boxes.astype(np.float32))


def _even(labels: tuple[str, ...] = ACTIONS) -> ActionScores:
    return ActionScores(1, 0.4, 1.04, np.full(len(labels), 1 / len(labels), np.float32))


@pytest.mark.parametrize(("speed", "gait"), [(0.0, "no_action"), (0.7, "walk"), (2.0, "run")])
@pytest.mark.parametrize(("pan", "zoom"), [(0.0, 1.0), (9.0, 1.0), (-4.0, 1.004), (0.0, 0.995)])
def test_the_gait_is_that_of_the_speed_whatever_the_camera_does(
    speed: float, gait: str, pan: float, zoom: float
) -> None:
    frames = _frames(pan, zoom)
    (combined,) = combine_with_speed([_even()], ACTIONS, _walker(speed, frames), frames, _SIZE)
    assert ACTIONS[int(combined.probabilities.argmax())] == gait
    assert combined.probabilities.sum() == pytest.approx(1, abs=1e-5)


@settings(deadline=None)
@given(st.sampled_from([(0.0, "no_action"), (1.4, "walk"), (5.0, "run")]), st.floats(0, 2 * np.pi), st.booleans())
def test_on_a_known_court_speed_is_in_metres_whichever_way_he_goes(
    gait: tuple[float, str], heading: float, is_known: bool
) -> None:
    """Away from the camera a picture shows little of it; there it is not known, what the picture shows is all."""
    speed, name = gait
    frames = _frames()
    seen = Camera(0.0, 22.0, 6.0, 0.0, 0.27, 0.0, 0.0).homography(*_SIZE)
    x, y = moved(seen, speed * (frames.time - 1)[:, None] * [np.cos(heading), np.sin(heading)]).T
    tracks = Tracks.of(frames.index, np.ones(_FRAMES), np.stack([x - 5, y - 26, x + 5, y], axis=1))
    known = frames.index if is_known else frames.index[:0]
    court = KnownCourt("nba" if is_known else "", known, np.stack([np.linalg.inv(seen)] * _FRAMES)[: len(known)])
    (combined,) = combine_with_speed([_even()], ACTIONS, tracks, frames, _SIZE, court)
    if is_known:
        assert ACTIONS[int(combined.probabilities.argmax())] == name
    else:
        (guessed,) = combine_with_speed([_even()], ACTIONS, tracks, frames, _SIZE)
        assert np.array_equal(combined.probabilities, guessed.probabilities)


@pytest.mark.slow
@settings(deadline=None)
@given(st.floats(0, 6), st.lists(st.floats(0.01, 1), min_size=10, max_size=10))
def test_other_labels_keep_their_proportions(speed: float, weights: list[float]) -> None:
    p = (np.array(weights) / sum(weights)).astype(np.float32)
    frames = _frames()
    (combined,) = combine_with_speed([ActionScores(1, 0.4, 1.04, p)], ACTIONS, _walker(speed, frames), frames, _SIZE)
    others = [i for i, label in enumerate(ACTIONS) if label not in GAITS]
    before, after = p[others] / p[others].sum(), combined.probabilities[others] / combined.probabilities[others].sum()
    assert after == pytest.approx(before, rel=1e-3, abs=1e-6)


@given(st.floats(0, 6), st.floats(0, 6))
def test_the_faster_never_has_the_slower_gait(a: float, b: float) -> None:
    slow, fast = sorted((a, b))
    assert likelihoods(slow).argmax() <= likelihoods(fast).argmax()


def test_a_jump_to_another_shot_is_no_movement() -> None:
    """A clip ends where its shot does, and what comes right after it shows the player somewhere else."""
    still = _frames()
    frames = Frames(still.index, still.time, still.shift, still.zoom, still.index == 26)
    boxes = np.tile(np.array([100, 50, 130, 130], np.float32), (_FRAMES, 1))
    boxes[26:, [0, 2]] += 200
    track = Tracks.of(frames.index, np.ones(_FRAMES, np.int32), boxes)
    (combined,) = combine_with_speed([_even()], ACTIONS, track, frames, _SIZE)
    assert ACTIONS[int(combined.probabilities.argmax())] == "no_action"


def test_what_has_no_gait_or_no_camera_is_left_alone() -> None:
    frames = _frames()
    track = _walker(2.0, frames)
    mine = _even(("euro step", "screen", "walk"))
    assert combine_with_speed([mine], ("euro step", "screen", "walk"), track, frames, _SIZE) == [mine], "one gait alone"
    blind = Frames(frames.index, frames.time)
    score = _even()
    assert combine_with_speed([score], ACTIONS, track, blind, _SIZE) == [score]
    late = ActionScores(1, 10.0, 10.64, score.probabilities)
    assert combine_with_speed([late], ACTIONS, track, frames, _SIZE) == [late], "not on screen then"


@pytest.mark.slow
def test_speed_alone_tells_the_gaits_of_real_players_apart(shared: Path) -> None:
    """Boxes and labels by hand, the camera from the pictures, and a classifier that knows nothing."""
    truth, actions = read_truth_folder(shared / "truth/IND-NYK")
    frames, size = _watched(shared / "videos/netba_IND-NYK.mp4", truth)
    named = np.array(actions, dtype=object)
    asked: list[tuple[str, ActionScores]] = []
    for player, track in truth.by_id():
        done = named[truth.track_id == player]
        for row in range(0, len(track) - 16, 8):
            label = set(done[row : row + 16])
            if len(label) == 1 and next(iter(label)) in GAITS:
                start = float(frames.time[np.searchsorted(frames.index, track.frame_index[row])])
                score = ActionScores(int(player), start, start + 0.64, np.full(3, 1 / 3, np.float32))
                asked.append((next(iter(label)), score))
    combined = combine_with_speed([score for _, score in asked], GAITS, truth, frames, size)
    predicted = [GAITS[int(score.probabilities.argmax())] for score in combined]
    for gait in GAITS:
        right = [a == b for (a, _), b in zip(asked, predicted, strict=True) if a == gait]
        assert len(right) >= 15 and np.mean(right) > 0.5, (gait, len(right), np.mean(right))


def _watched(path: Path, boxes: Tracks) -> tuple[Frames, tuple[int, int]]:
    """The frames of a video and how its camera moved; what is in ``boxes`` moves by itself."""
    estimator, index, time, views = CameraMotionEstimator(), list[int](), list[float](), list[CameraMotion]()
    with open_video(str(path)) as video:
        for frame in video:
            people = boxes.xyxy[boxes.frame_index == frame.index]
            views.append(
                estimator.update(frame.image, Detections.of(people, np.ones(len(people)), np.zeros(len(people))))
            )
            index.append(frame.index)
            time.append(frame.time)
        size = video.info.width, video.info.height
    shift, zoom = np.array([v.shift for v in views], np.float64), np.array([v.zoom for v in views])
    cuts = np.array([v.is_cut for v in views])
    return Frames(np.array(index, np.int32), np.array(time), shift, zoom, cuts), size
