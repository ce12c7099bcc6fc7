"""court.json, positions.csv, the map from above: what is written is what is known."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ground.errors import InputError
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import Timeline
from pipeline.analysis.values import Analysis, Drawn, Frames, Players, VideoFacts
from pipeline.config import recorded_config
from pipeline.outputs.court import write_court_json, write_positions_csv
from pipeline.outputs.court_map import court_map, draw_map
from pipeline.outputs.draw import color_of
from pipeline.outputs.plots.court import plot_heat_map, plot_paths
from tracker.court.camera import Camera
from tracker.court.homography import moved
from tracker.court.known import KnownCourt
from tracker.court.landmarks import CourtLandmarks
from tracker.types import Tracks

SEEN = Camera(0.0, 25.0, 10.0, 0.0, 0.38, 0.0, -0.1).homography(1280, 720)
PLACES = {1: (-5.0, 2.0), 2: (6.0, -3.0)}
MARKS = CourtLandmarks(
    ((100.0, 300.0), (1200.0, 300.0), (1270.0, 700.0), (20.0, 700.0)),
    ((-20.0, -10.0), (20.0, -10.0), (20.0, 10.0), (-20.0, 10.0)),
)


def _analysis(kind: str = "nba", num_known: int = 2) -> Analysis:
    index = np.arange(3, dtype=np.int32)
    at = moved(SEEN, np.array(list(PLACES.values())))
    boxes = np.concatenate([at - np.array([20, 90]), at + np.array([20, 0])], axis=1)
    tracks = Tracks.of(np.repeat(index, 2), np.tile([1, 2], 3), np.tile(boxes, (3, 1)))
    inverse = np.linalg.inv(SEEN)
    court = KnownCourt(kind, index[:num_known], np.stack([inverse] * num_known)) if num_known else KnownCourt()
    return Analysis(
        VideoFacts("/x/game.mp4", 1280, 720, "25", 0.12, "h264"), {"court": {"find": True}}, Frames(index, index / 25),
        Players(tracks, names={1: "Ann, A."}), Timeline(("walk",), ()), drawn=Drawn(landmarks=(MARKS,)), court=court,
    )  # fmt: skip


def test_positions_are_those_of_the_feet(tmp_path: Path) -> None:
    write_positions_csv(_analysis(), tmp_path / "positions.csv")
    with (tmp_path / "positions.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["frame", "time_s", "player", "team", "x_m", "y_m"],
            ["0", "0.000", "Ann, A.", "", "-5.00", "2.00"],
            ["0", "0.000", "2", "", "6.00", "-3.00"],
            ["1", "0.040", "Ann, A.", "", "-5.00", "2.00"],
            ["1", "0.040", "2", "", "6.00", "-3.00"],
        ]


def test_homographies_are_by_frame_and_absent_where_there_is_none(tmp_path: Path) -> None:
    write_court_json(_analysis().court, tmp_path / "court.json")
    content = json.loads((tmp_path / "court.json").read_text())
    assert content["court"] == "nba" and list(content["homography"]) == ["0", "1"]
    assert np.array_equal(np.array(content["homography"]["1"]), np.linalg.inv(SEEN))
    write_court_json(KnownCourt(), tmp_path / "court.json")
    assert json.loads((tmp_path / "court.json").read_text()) == {"court": "unknown", "homography": {}}


def test_the_court_is_kept_with_the_analysis(tmp_path: Path) -> None:
    save_analysis(_analysis(), tmp_path / "a")
    again = load_analysis(tmp_path / "a")
    assert again.court.kind == "nba" and again.drawn.landmarks == (MARKS,)
    assert np.array_equal(again.court.homography, _analysis().court.homography)
    record = json.loads((tmp_path / "a" / "analysis.json").read_text())
    assert [player["distance_m"] for player in record["players"]] == [0.0, 0.0]
    assert again.notes == ("the court is known in 67% of the frames; there alone positions are in metres",)
    del record["court_type"], record["landmarks"], record["tables"]["court"]
    (tmp_path / "a" / "analysis.json").write_text(json.dumps(record))
    assert not len(load_analysis(tmp_path / "a").court), "of a version before"
    assert not recorded_config({"start": None}).court.find and recorded_config({"court": {"find": True}}).court.find


@pytest.mark.slow
def test_plots_are_pictures_and_there_are_none_without_a_court(tmp_path: Path) -> None:
    for plot in (plot_heat_map, plot_paths):
        plot(_analysis(), tmp_path / "a.png")
        picture = cv2.imread(str(tmp_path / "a.png"))
        assert picture is not None and len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
        with pytest.raises(InputError, match="nothing to plot"):
            plot(_analysis(num_known=0), tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


@pytest.mark.slow
def test_the_map_shows_everybody_where_he_is_and_hides_no_more_than_a_corner() -> None:
    for kind in ("nba", "other"):
        analysis = _analysis(kind)
        shown = court_map(analysis)
        assert shown is not None
        image = np.full((720, 1280, 3), 90, np.uint8)
        draw_map(image, shown, 1)
        changed = np.argwhere((image != 90).any(axis=2))
        assert changed[:, 0].max() < 720 / 3 and changed[:, 1].min() > 1280 / 2
        dots = {i: np.argwhere(np.abs(image.astype(int) - color_of(i)).sum(axis=2) < 120) for i in PLACES}
        assert all(len(found) > 20 for found in dots.values())
        (y1, x1), (y2, x2) = (dots[i].mean(axis=0) for i in (1, 2))
        scale = (x2 - x1) / 11.0
        assert abs((y2 - y1) / scale + 5.0) < 0.3, "metres"
        draw_map(image, shown, 1, {1: (250, 40, 200)})
        for near, is_there in (((250, 40, 200), True), (color_of(1), False), (color_of(2), True)):
            assert (np.abs(image.astype(int) - near).sum(axis=2) < 120).any() == is_there, "in the colours of the boxes"
        empty = np.full((720, 1280, 3), 90, np.uint8)
        draw_map(empty, shown, 2)
        assert not (np.abs(empty.astype(int) - color_of(1)).sum(axis=2) < 60).any()
    assert court_map(_analysis(num_known=0)) is None
