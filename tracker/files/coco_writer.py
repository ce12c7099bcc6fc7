"""COCO-style JSON of tracks; ``tracker.files.coco`` says what it is like and reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from ground.disk.files import write_atomically
from tracker.boxes import xyxy_to_xywh
from tracker.files.track_file import PLAYER, TrackFile


def write_coco(path: Path, content: TrackFile) -> None:
    """Write tracks, an entry per line; ``read_coco`` gives them back to 0.01 pixel.

    The file appears whole or not at all.
    """
    frames = content.frames or range(int(content.tracks.frame_index.max(initial=-1)) + 1)
    width, height = content.size
    images = (
        {"id": f + 1, "file_name": f"frame_{f:06d}.png", "frame_index": f, "video_id": 1, "width": width,
         "height": height}
        for f in frames
    )  # fmt: skip
    category = {"id": 1, "name": PLAYER, "supercategory": "person"}
    names = ({"id": i, "category_id": 1, "video_id": 1, "name": name} for i, name in content.names.items())
    with write_atomically(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.write("{")
        _write_list(file, "videos", [{"id": 1, "name": content.source, "width": width, "height": height}])
        _write_list(file, "categories", [category])
        _write_list(file, "actions", content.labels)
        _write_list(file, "tracks", names)
        _write_list(file, "images", images)
        _write_list(file, "annotations", _annotations(content), end="\n]}\n")


def _annotations(content: TrackFile) -> Iterator[dict[str, Any]]:
    tracks = content.tracks
    xywh = np.round(xyxy_to_xywh(tracks.xyxy.astype(np.float64)), 2)
    np.maximum(xywh[:, 2:], 0.01, out=xywh[:, 2:])  # one that rounds to no width could not be read again
    columns = (column.tolist() for column in (tracks.frame_index, tracks.track_id, xywh, tracks.confidence))
    for row, (frame, track_id, bbox, score) in enumerate(zip(*columns, strict=True)):
        attributes: dict[str, Any] = {"occluded": not tracks.observed[row]}
        if content.actions is not None:
            attributes["action"] = content.actions[row]
        if track_id in content.teams:
            attributes["team"] = content.teams[track_id]
        yield {
            "id": row + 1, "image_id": frame + 1, "category_id": 1, "track_id": track_id, "bbox": bbox,
            "area": round(bbox[2] * bbox[3], 2), "iscrowd": 0, "score": round(score, 4), "attributes": attributes,
        }  # fmt: skip


def _write_list(file: TextIO, name: str, entries: Iterable[Any], end: str = "\n],\n") -> None:
    file.write(f"{json.dumps(name)}: [")
    for number, entry in enumerate(entries):
        file.write((",\n" if number else "\n") + json.dumps(entry))
    file.write(end)
