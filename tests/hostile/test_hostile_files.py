"""No file harms: whatever a file holds, each reader gives a value or one line that says what is wrong.

A reader is a valid small file, the ways in which it is spoiled, and the call that reads it. New readers are one entry.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from classify.data.clips import BadClip, read_file
from classify.data.layouts import ClipFile, list_csv
from classify.data.spacejam import list_spacejam
from classify.weights.checkpoint import read_info
from ground.errors import InputError
from ground.video.source import open_video
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.annotations.formats import READERS as ANNOTATION_READERS
from pipeline.annotations.formats import read_annotations
from pipeline.annotations.on_video import match_annotations
from pipeline.config import read_config
from pipeline.evaluate.truth import read_truth_folder
from pipeline.shipped import WEIGHTS
from pipeline.sport.picture import read_picture_file
from pipeline.sport.table import read_table
from tests.hostile.attack import Damage, Reader, attack
from tests.hostile.damage import spoiled_bytes, spoiled_cells, spoiled_json, spoiled_numpy, spoiled_values
from tracker.by_hand.court_outline import read_court_file
from tracker.by_hand.rois import read_roi_file
from tracker.court.landmarks import read_court
from tracker.files.formats import read_tracks_file
from tracker.files.mot import read_all_truth, read_detections, read_people
from tracker.types import Tracks

pytestmark = pytest.mark.slow

_MOT = b"1,1,10,20,30,40,0.9,-1,-1,-1\n2,1,11,20,30,40,0.8,-1,-1,-1\n"
_CLASSES = b"1,1,10,20,30,40,1,1,1\n1,2,50,20,30,40,0,7,0.5\n"
_CVAT = b"""<?xml version="1.0" encoding="utf-8"?>
<annotations><meta><task><size>9</size><start_frame>0</start_frame><stop_frame>8</stop_frame><labels><label>
<attributes><attribute><name>action</name><values>unlabelled
run</values></attribute></attributes></label></labels><original_size><width>640</width><height>360</height>
</original_size><source>game.mp4</source></task></meta>
<track id="0" label="player"><box frame="0" outside="0" occluded="0" keyframe="1" xtl="1" ytl="2" xbr="9" ybr="8">
<attribute name="number">4</attribute><attribute name="name">Ann</attribute></box>
<box frame="5" outside="1" occluded="1" keyframe="1" xtl="1" ytl="2" xbr="9" ybr="8"></box></track></annotations>
"""
_COCO = json.dumps({
    "videos": [{"id": 1, "name": "game"}], "categories": [{"id": 1, "name": "player"}], "actions": ["run"],
    "images": [{"id": 3, "file_name": "frame_000002.png", "frame_id": 2, "video_id": 1, "width": 640, "height": 360}],
    "tracks": [{"id": 7, "name": "Ann"}],
    "annotations": [{"id": 1, "image_id": 3, "category_id": 1, "track_id": 7, "bbox": [1, 2, 30, 40], "iscrowd": 0,
                     "score": 0.5, "attributes": {"occluded": False, "action": "run"}}],
}).encode()  # fmt: skip
_ROI = b'[{"box": [1, 2, 30, 40], "name": "Ann", "frame": 3}, {"box": [5, 6, 70, 80], "time": 1.5}]'
_LANDMARKS = b'[{"points": [[1, 2, -9, -7], [600, 2, 9, -7], [600, 300, 9, 7], [1, 300, -9, 7]], "frame": 3}]'
_COURT = b'[{"polygon": [[1, 2], [600, 2], [600, 300], [1, 300]], "frame": 3}]'
_TIMELINE = b"player,action,start_s,end_s,start_frame,end_frame,confidence\n1,run,0,1,0,25,0.5\nAnn,run,1,2,25,50,1\n"
_SPORTSCODE = b"""<?xml version="1.0" encoding="utf-8"?>
<file><ALL_INSTANCES><instance><ID>1</ID><start>1,5</start><end>2.25</end><code>Ann</code>
<label><group>action</group><text>run</text></label><label><text>late</text></label>
<label><group>lead</group><text>0.500</text></label><label><group>confidence</group><text>0.5</text></label></instance>
<instance><ID>2</ID><start>0:01:02.5</start><end>70</end><code>7</code><label><text>run</text></label></instance>
</ALL_INSTANCES><ROWS><row><code>Ann</code><R>65535</R><G>0</G><B>0</B></row></ROWS></file>
"""
_ELAN = b"""<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"><PROPERTY NAME="team of Ann">A</PROPERTY></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="400"/>
<TIME_SLOT TIME_SLOT_ID="ts3"/></TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="actions" TIER_ID="Ann"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1"
 TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>run</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER><TIER LINGUISTIC_TYPE_REF="events" TIER_ID="ball pass"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2"
 TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>Ann
to Bo</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="actions"/></ANNOTATION_DOCUMENT>
"""
_BORIS = json.dumps({
    "project_format_version": "7.0", "subjects_conf": {"0": {"key": "", "name": "Ann", "description": "A"}},
    "behaviors_conf": {"0": {"type": "State event", "code": "run"}, "1": {"type": "Point event", "code": "ball shot"}},
    "observations": {"game": {"time offset": 0.0, "events": [
        [0.5, "Ann", "run", "", "confidence 0.500", 12], [1.5, "Ann", "run", "", "", "NA"],
        [1.5, "Ann", "ball shot", "", ""],
    ]}},
}).encode()  # fmt: skip
_BORIS_TABLE = (
    b"Subject,Behavior,Behavior type,Start (s),Stop (s),Comment start\n"
    b"Ann,run,STATE,0.5,1.5,confidence 0.500\nAnn,ball pass,POINT,1.5,1.5,to Bo\n"
)
_SRT = b"1\n00:00:00,000 --> 00:00:01,500\nAnn: run\n\n2\n00:00:01,500 --> 00:00:02,500\nAnn: ball pass to Bo\n"
_ACTIONS = b"player,action,start_frame,end_frame\n1,run,1,2\n"
_TOML = b'end = 5.5\n[tracker]\nname = "sport"\nmax_age = 30\n[detector]\nclasses = ["player"]\nconfidence = 0.3\n'
_INI = b"[Sequence]\nname=game\nimDir=img1\nframeRate=25\nseqLength=2\nimWidth=64\nimHeight=48\nimExt=.png\n"
_CLIPS = b"clip,label,split,group\na.mp4,run,train,g1\nb.mp4,walk,test,g2\n"


def _truth_folder(folder: Path) -> None:
    (folder / "gt.txt").write_bytes(_CLASSES)


def _spacejam(folder: Path) -> None:
    (folder / "labels_dict.json").write_text('{"0": "run", "1": "walk"}')
    (folder / "annotation_dict.json").write_text('{"0000001": 0, "0000002": 1}')


def _pictures(folder: Path) -> None:
    (folder / "img1").mkdir()
    for number in (1, 2):
        cv2.imwrite(str(folder / f"img1/{number:06d}.png"), np.full((48, 64, 3), 90, np.uint8))


def _picture(kind: str) -> Callable[[Path], bytes]:
    picture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    return lambda _folder: cv2.imencode(kind, picture)[1].tobytes()


def _array(_folder: Path) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((2, 176, 128, 3), np.uint8))
    return buffer.getvalue()


def _checkpoint(_folder: Path) -> bytes:
    content = (WEIGHTS / "actions.safetensors").read_bytes()
    return content[: 8 + int.from_bytes(content[:8], "little")]


def _analysis(folder: Path) -> bytes:
    frames = np.arange(4, dtype=np.int32)
    tracks = Tracks.of([0, 1, 2], [1, 1, 1], [[0, 0, 10, 20]] * 3)
    timeline = Timeline(("run",), (ActionSegment(1, "run", 0.0, 0.12, 0, 3, 0.8),))
    facts = VideoFacts("/videos/game.mp4", 640, 360, "25", 9.0, "h264")
    save_analysis(Analysis(facts, {}, Frames(frames, frames / 25), Players(tracks, {1: "Ann"}), timeline), folder)
    return (folder / "analysis.json").read_bytes()


def _on_video(path: Path) -> object:
    frames = np.arange(25, dtype=np.int32)
    players = Players(Tracks.of([0], [1], [[0, 0, 10, 20]]), {1: "Ann"})
    facts = VideoFacts("/videos/game.mp4", 640, 360, "25", 1.0, "h264")
    analysis = Analysis(facts, {}, Frames(frames, frames / 25), players, Timeline(("run",), ()))
    return match_annotations(read_annotations(path, ("run",)), analysis)


def _frames(path: Path) -> int:
    with open_video(path) as video:
        return sum(1 for _ in video)


def _clip(path: Path) -> object:
    outcome = read_file(ClipFile(path, "run", "g"))
    if isinstance(outcome, BadClip):
        raise InputError(f"{path}: {outcome.reason}")
    return [clip.frames[0].sum() for clip in outcome]


_TEXT: tuple[Damage, ...] = (spoiled_bytes, spoiled_values)
_JSON: tuple[Damage, ...] = (spoiled_bytes, spoiled_json)
_CELLS: tuple[Damage, ...] = (spoiled_bytes, spoiled_cells)
READERS = {
    "tracks": Reader("a.txt", _MOT, lambda p: read_tracks_file(p, "mot"), _CELLS),
    "tracks of any format": Reader("a.txt", _MOT, read_tracks_file, (spoiled_bytes,)),
    "tracks with classes": Reader("a.txt", _CLASSES, read_people, _CELLS),
    "labels beside tracks": Reader(
        "labels.txt", b"player\nball\n", lambda p: read_people(p.with_name("gt.txt")), (spoiled_bytes,), _truth_folder
    ),
    "detections": Reader("a.txt", _MOT.replace(b",1,1", b",-1,1"), read_detections, _CELLS),
    "truth": Reader("gt.txt", _CLASSES, read_all_truth, _CELLS),
    "truth of actions": Reader("actions.csv", _ACTIONS, lambda p: read_truth_folder(p.parent), _CELLS, _truth_folder),
    "cvat": Reader("a.xml", _CVAT, lambda p: read_tracks_file(p, "cvat"), _TEXT),
    "coco": Reader("a.json", _COCO, lambda p: read_tracks_file(p, "coco"), _JSON),
    "boxes by hand": Reader("a.json", _ROI, read_roi_file, _JSON),
    "court": Reader("a.json", _COURT, read_court_file, _JSON),
    "court's landmarks": Reader("a.json", _LANDMARKS, lambda path: read_court(path, "nba"), _JSON),
    "table of annotations": Reader("a.csv", _TIMELINE, read_annotations, _CELLS),
    "sportscode": Reader("a.xml", _SPORTSCODE, lambda p: ANNOTATION_READERS["sportscode"](p, ("run",)), _TEXT),
    "elan": Reader("a.eaf", _ELAN, lambda p: ANNOTATION_READERS["elan"](p, ()), _TEXT),
    "boris": Reader("a.boris", _BORIS, lambda p: ANNOTATION_READERS["boris"](p, ()), _JSON),
    "table of boris": Reader("a.csv", _BORIS_TABLE, lambda p: ANNOTATION_READERS["boris table"](p, ()), _CELLS),
    "srt": Reader("a.srt", _SRT, lambda p: ANNOTATION_READERS["srt"](p, ("run",)), _TEXT),
    "annotations of any format": Reader("a.xml", _SPORTSCODE, read_annotations, (spoiled_bytes,)),
    "annotations of an analysis": Reader("a.eaf", _ELAN, _on_video, _TEXT),
    "settings": Reader("a.toml", _TOML, read_config, _TEXT),
    "sequence": Reader("seqinfo.ini", _INI, lambda p: _frames(p.parent), _TEXT, _pictures),
    "labels of SpaceJam": Reader("labels_dict.json", b'{"0": "run", "1": "walk"}', lambda p: list_spacejam(p.parent),
                                 _JSON, _spacejam),
    "clips of SpaceJam": Reader("annotation_dict.json", b'{"0000001": 0, "0000002": 1}',
                                lambda p: list_spacejam(p.parent), _JSON, _spacejam),
    "sources of SpaceJam": Reader("clips.csv", b"clip_id,source\n0000001,game1\n0000002,game2\n",
                                  lambda p: list_spacejam(p.parent), _CELLS, _spacejam),
    "list of clips": Reader("a.csv", _CLIPS, list_csv, _CELLS),
    "array of clips": Reader("a.npy", _array, _clip, (spoiled_bytes, spoiled_numpy)),
    "checkpoint": Reader("a.safetensors", _checkpoint, read_info, (spoiled_bytes,), is_whole=False),
    "analysis": Reader("analysis.json", _analysis, lambda p: load_analysis(p.parent), (spoiled_json,)),
    "jpeg": Reader("1.jpg", _picture(".jpg"), lambda p: _frames(p.parent), (spoiled_bytes,)),
    "png": Reader("1.png", _picture(".png"), lambda p: _frames(p.parent), (spoiled_bytes,)),
    "picture of a sport": Reader("a.webp", _picture(".webp"), read_picture_file, (spoiled_bytes,)),
    "table of sports": Reader("a.csv", b"id,name,tags\n1,Golf,links;tee\n2,Polo,\n", read_table, _CELLS),
}  # fmt: skip


@pytest.mark.parametrize("kind", READERS)
def test_a_spoiled_file_is_read_or_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    attack(READERS[kind], tmp_path)


def test_an_attack_sees_a_reader_that_takes_too_much(tmp_path: Path) -> None:
    greedy = Reader("a.txt", b"1", lambda path: np.ones(50_000_000) if len(path.read_bytes()) != 1 else 0, _TEXT)
    with pytest.raises(AssertionError, match=r"took \d\d\d MB"):
        attack(greedy, tmp_path)
