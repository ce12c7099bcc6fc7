"""The shipped network reads numbers on shirts, and readings find their way to the tracklets that were read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ground.errors import InputError
from ground.frames import Image
from ground.video.source import open_video
from pipeline.shipped import NUMBER_WEIGHTS, WEIGHTS
from tracker.boxes import Float64Array
from tracker.files.mot import read_truth
from tracker.looks.collector import AppearanceCollector
from tracker.looks.samples import hidden_share
from tracker.numbers.reader import READING, TEXTS, NumberReader, likelihoods
from tracker.numbers.votes import vote
from tracker.track.tracklets import Tracklets, cut

BOX = np.array([[300.0, 100.0, 380.0, 300.0]])


@pytest.fixture(scope="module")
def reader() -> NumberReader:
    return NumberReader(WEIGHTS / NUMBER_WEIGHTS)


def shirt(text: str, x: int = 340) -> Image:
    """A white shirt before a floor, with a dark number around column ``x``."""
    image = np.full((400, 640, 3), (205, 170, 130), np.uint8)
    cv2.rectangle(image, (310, 130), (370, 210), (240, 240, 240), -1)
    width = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 0.9, 3)[0][0]
    cv2.putText(image, text, (x - width // 2, 180), cv2.FONT_HERSHEY_DUPLEX, 0.9, (30, 30, 60), 3, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8), np.uint8)


def test_a_drawn_number_is_read(reader: NumberReader) -> None:
    texts = ("3", "7", "12", "23", "25", "40")
    readings = np.concatenate([reader.read(shirt(text), BOX) for text in texts])
    told = [TEXTS[i] for i in likelihoods(readings).argmax(axis=1)]
    assert sum(a == b for a, b in zip(told, texts, strict=True)) >= 4
    assert readings.shape == (6, READING) and readings.dtype == np.float32


def test_it_reads_the_same_at_any_size_and_place(reader: NumberReader) -> None:
    one = reader.read(shirt("23"), BOX)
    large = cv2.resize(shirt("23"), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    other = reader.read(np.asarray(large, np.uint8), 2 * BOX)
    assert np.abs(likelihoods(one) - likelihoods(other)).max() < 0.3
    assert (reader.read(shirt("23"), BOX) == one).all()


def test_nobody_is_read_where_nobody_is(reader: NumberReader) -> None:
    assert reader.read(shirt("23"), np.empty((0, 4))).shape == (0, READING)


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "numbers.safetensors"
    path.write_bytes(b"no weights")
    with pytest.raises(InputError, match="no weights that read numbers"):
        NumberReader(path)


class Recorder:
    """Says of each box where it is, in place of a reading, and remembers what it was shown."""

    def read(self, image: Image, xyxy: Float64Array) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        del image
        return np.repeat(xyxy[:, :1], READING, axis=1).astype(np.float32)


def _tracklets(frames: int = 90) -> Tracklets:
    """Two people who stand apart, 3 seconds long."""
    track, frame = np.repeat([0, 1], frames), np.tile(np.arange(frames), 2)
    left = 100.0 + 300 * track
    xyxy = np.stack([left, 0 * left + 100, left + 60, 0 * left + 250], axis=1)
    nothing = np.zeros(len(frame))
    shift, nowhere = np.zeros((len(frame), 2)), nothing.astype(np.intp)
    return cut(track, frame, frame / 30, xyxy, nothing + 0.9, shift, nothing > 0, nowhere)


def test_readings_belong_to_the_tracklets_that_were_read_and_cost_no_view_of_looks() -> None:
    tracklets = _tracklets()
    picture = np.zeros((720, 1280, 3), np.uint8)
    reading = AppearanceCollector(tracklets, 1280, 720, [], reader=Recorder())  # pyright: ignore[reportArgumentType]
    for frame in reading.frames.tolist():
        reading.add(frame, reading.describe(frame, picture))
    views, owner = reading.readings()
    assert np.bincount(owner).tolist() == [12, 12]
    assert (views.reading[:, 0] == views.xyxy[:, 0]).all() and (views.xyxy[:, 0] == 100 + 300 * owner).all()
    plain = AppearanceCollector(tracklets, 1280, 720, [])
    assert plain.frames.max() <= reading.frames.max() <= 89
    assert len(plain.readings()[1]) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clip", "worn"), [("IND-NYK", {2: "32", 3: "25", 4: "3"}), ("NYK-BOS", {1: "3", 4: "25", 5: "32"})]
)
def test_numbers_of_real_players_are_voted_right(
    clip: str, worn: dict[int, str], reader: NumberReader, shared: Path
) -> None:
    truth = read_truth(shared / "truth" / clip / "gt.txt")
    boxes = truth.xyxy.astype(np.float64)
    clear = (hidden_share(truth.frame_index.astype(np.intp), boxes) <= 0.3) & np.isin(truth.track_id, list(worn))
    read: dict[int, list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]] = {one: [] for one in worn}
    with open_video(shared / "videos" / f"netba_{clip}.mp4", None, 8.0) as video:
        for frame in video:
            rows = np.flatnonzero(clear & (truth.frame_index == frame.index)) if frame.index % 10 == 0 else []
            for row in rows:
                read[int(truth.track_id[row])].append(reader.read(frame.image, boxes[row : row + 1])[0])
    said = {one: vote(np.array(readings)) for one, readings in read.items()}
    assert {one: number and number.text for one, number in said.items()} == worn
