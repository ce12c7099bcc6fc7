"""A disk that fills: whatever writes says so in one line, leaves what was there, and writes the same afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.run.choose import open_classifier
from classify.weights.checkpoint import save_checkpoint
from classify.weights.description import CheckpointInfo
from ground.errors import FullError, InputError
from pipeline.analysis.folder import save_analysis
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.annotations.annotation_file import AnnotationFile
from pipeline.annotations.formats import WRITERS as ANNOTATION_WRITERS
from pipeline.edits.draft import Draft
from pipeline.edits.log import append_edits
from pipeline.evaluate.identity_plot import draw_identities
from pipeline.outputs.budget import write_time_budget
from pipeline.outputs.captions import write_captions
from pipeline.outputs.export import annotations_of, tracks_of
from pipeline.outputs.plots.timeline import plot_timeline
from pipeline.outputs.table import write_timeline_csv
from pipeline.parts.store import PartStore
from pipeline.video.encode import write_video
from tracker.detect.detector import DetectorConfig, chosen_weights
from tracker.detect.weights import openvino_copy
from tracker.files.coco_writer import write_coco
from tracker.files.cvat_writer import write_cvat
from tracker.files.mot import write_tracks
from tracker.types import Tracks

_NOISE = np.random.default_rng(0).integers(0, 255, (12, 48, 64, 3), np.uint8)


def _analysis(action: str = "run") -> Analysis:
    index = np.arange(8, dtype=np.int32)
    tracks = Tracks.of(np.tile(index, 2), np.repeat([1, 2], 8), [[0, 0, 10, 20]] * 8 + [[30, 0, 40, 20]] * 8)
    segments = tuple(ActionSegment(i, action, 0.0, 0.32, 0, 8, 0.8) for i in (1, 2))
    facts = VideoFacts("/videos/game.mp4", 64, 48, "25", 9.0, "h264")
    return Analysis(facts, {}, Frames(index, index / 25), Players(tracks), Timeline(("run", "walk"), segments))


def _part(path: Path) -> None:
    PartStore(path.parent).save("detect", 3, "0123456789abcdef", {"pictures": _NOISE})


def _edits(path: Path) -> None:
    draft = Draft(_analysis(), [])
    draft.add("rename", "1=Ann")
    append_edits(path.parent, draft.edits)


def _video(path: Path) -> None:
    write_video(path, ((i / 25, picture) for i, picture in enumerate(_NOISE)), frame_rate=Fraction(25))


def _weights(path: Path) -> None:
    torch.manual_seed(0)
    info = CheckpointInfo("pooled", ("run", "walk"), Profile(48, 48, 2))
    save_checkpoint(path, build_model("pooled", 2), info)


def _plot(path: Path) -> None:
    tracks = _analysis().tracks
    draw_identities(tracks, tracks.track_id, path, "who is who")


@dataclass(frozen=True)
class _Writer:
    name: str
    write: Callable[[Path], object]

    def __str__(self) -> str:
        return self.name


def _annotations(write: Callable[[Path, AnnotationFile], object], path: Path) -> None:
    write(path, annotations_of(_analysis()))


_WRITERS = [
    _Writer("detect-0003-0123456789abcdef.npz", _part),
    _Writer("analysis.json", lambda path: save_analysis(_analysis(), path.parent)),
    _Writer("timeline.csv", lambda path: write_timeline_csv(_analysis().timeline, {}, path)),
    _Writer("captions.vtt", lambda path: write_captions(_analysis().timeline, {}, path)),
    _Writer("tracks.txt", lambda path: write_tracks(path, _analysis().tracks)),
    _Writer("tracks.xml", lambda path: write_cvat(path, tracks_of(_analysis()))),
    _Writer("tracks.json", lambda path: write_coco(path, tracks_of(_analysis()))),
    *(_Writer(f"annotations.{kind}", partial(_annotations, write)) for kind, write in ANNOTATION_WRITERS.items()),
    _Writer("timebudget.csv", lambda path: write_time_budget(_analysis().timeline, {}, path)),
    _Writer("timeline.png", lambda path: plot_timeline(_analysis(), path)),
    _Writer("timeline.svg", lambda path: plot_timeline(_analysis(), path)),
    _Writer("annotated.mp4", _video),
    _Writer("identities.png", _plot),
    _Writer("weights.safetensors", _weights),
    _Writer("edits.jsonl", _edits),
]


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
@pytest.mark.parametrize("writer", _WRITERS, ids=str)
def test_a_disk_that_fills_is_one_line_and_costs_nothing(
    writer: _Writer, tmp_path: Path, files_at_most: Callable[[int], AbstractContextManager[None]]
) -> None:
    (tmp_path / "whole").mkdir()
    writer.write(tmp_path / "whole" / writer.name)
    whole = _content(tmp_path / "whole")
    folder = tmp_path / "full"
    folder.mkdir()
    for size in (0, 20, len(whole[writer.name]) // 2, len(whole[writer.name]) - 1):
        with files_at_most(size), pytest.raises(InputError, match="cannot be written") as caught:
            writer.write(folder / writer.name)
        assert str(caught.value).isprintable() and "free some space" in str(caught.value)
        left = _content(folder)
        assert left.keys() <= whole.keys() and not left.get(writer.name), "a table before it may be whole"
    writer.write(folder / writer.name)
    assert _content(folder) == whole


@pytest.mark.slow
@pytest.mark.parametrize("writer", [w for w in _WRITERS if w.name != "edits.jsonl"], ids=str)
def test_what_was_there_stays_whole_on_a_full_disk(
    writer: _Writer, tmp_path: Path, files_at_most: Callable[[int], AbstractContextManager[None]]
) -> None:
    writer.write(tmp_path / writer.name)
    place = tmp_path / writer.name
    place.write_bytes(place.read_bytes() + b" ")
    before = _content(tmp_path)
    with files_at_most(20), pytest.raises(InputError, match="cannot be written"):
        writer.write(place)
    assert _content(tmp_path) == before


def _fails(*_: object) -> None:
    raise RuntimeError("basic_ios::clear: iostream error")  # all that OpenVINO says of a full disk


@pytest.mark.slow
def test_a_full_cache_stops_a_run_that_would_go_on_with_another_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files_at_most: Callable[[int], AbstractContextManager[None]]
) -> None:
    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("tracker.detect.weights._export", _fails)
    weights = tmp_path / "players.pt"
    weights.write_bytes(bytes(5000))
    with files_at_most(100), pytest.raises(FullError, match="free some space and give the same command again"):
        chosen_weights(DetectorConfig(str(weights), precision="float32", runtime="auto"), "cpu")
    with pytest.raises(RuntimeError, match="iostream error"):  # there is room, so it was something else
        openvino_copy(weights)
    assert not list((tmp_path / "cache").iterdir())
    _weights(tmp_path / "actions.safetensors")
    with files_at_most(100), pytest.raises(FullError, match="free some space and give the same command again"):
        open_classifier(tmp_path / "actions.safetensors", "cpu")
