"""How far boxes are off is learnt from the recording, by confidence."""

import numpy as np
import pytest

from tracker.track import motion
from tracker.track.noise import detection_noise

TRACKS, FRAMES, HEIGHT = 10, 200, 150.0


def _recording(jitter: tuple[float, float]) -> tuple[np.ndarray, ...]:
    """Ten who stand still; every second one is found with 0.35 and the first jitter, the others with 0.85."""
    random = np.random.default_rng(3)
    track = np.repeat(np.arange(TRACKS), FRAMES)
    seconds = np.tile(np.arange(FRAMES) / 30, TRACKS)
    unsure = track % 2 == 0
    boxes = np.stack(
        [100.0 + 60 * track, np.full(len(track), 300.0), np.full(len(track), 70.0), np.full(len(track), HEIGHT)]
    )
    boxes = boxes + random.normal(size=boxes.shape) * HEIGHT * np.where(unsure, *jitter)
    return boxes, seconds, track, np.where(unsure, 0.35, 0.85)


def test_what_is_found_less_surely_and_is_further_off_is_believed_less() -> None:
    noise = detection_noise(*_recording((0.04, 0.01)))
    unsure, sure = noise[:, :FRAMES].mean(axis=1), noise[:, FRAMES : 2 * FRAMES].mean(axis=1)
    assert (unsure > 2.5 * sure).all()


def test_a_low_confidence_alone_says_nothing() -> None:
    noise = detection_noise(*_recording((0.01, 0.01)))
    unsure, sure = noise[:, :FRAMES].mean(axis=1), noise[:, FRAMES : 2 * FRAMES].mean(axis=1)
    assert unsure == pytest.approx(sure, rel=0.15)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_of_few_boxes_nothing_is_learnt(count: int) -> None:
    boxes, seconds, track, confidence = _recording((0.04, 0.01))
    noise = detection_noise(boxes[:, :count], seconds[:count], track[:count], confidence[:count])
    assert noise == pytest.approx(np.repeat(motion.NOISE, count, axis=1))


def test_the_order_of_rows_says_nothing() -> None:
    boxes, seconds, track, confidence = _recording((0.04, 0.01))
    mixed = np.random.default_rng(1).permutation(len(track))
    noise = detection_noise(boxes[:, mixed], seconds[mixed], track[mixed], confidence[mixed])
    assert np.array_equal(noise, detection_noise(boxes, seconds, track, confidence)[:, mixed])


def test_turning_is_what_the_filter_predicts_of_a_wandering_velocity() -> None:
    """Against paths of the very process: an Ornstein-Uhlenbeck velocity, integrated in small steps."""
    random, dt, parts = np.random.default_rng(2), 0.1, 50
    speed, memory = 0.8, 1.1
    left = np.exp(-dt / parts / memory)
    velocity = random.normal(size=20_000) * speed
    way = np.zeros((2, len(velocity)))
    for k in range(2 * parts):
        way[k // parts] += velocity * dt / parts
        velocity = left * velocity + speed * np.sqrt(1 - left**2) * random.normal(size=len(velocity))
    assert motion.turning(dt)[0] == pytest.approx((0.5 * (way[1] - way[0])).var(), rel=0.06)
