"""Weights and exported networks, sets of pictures, edits, tables of an analysis, videos: none of them harms either.

And neither do names of files: whatever a file is called, it is read, or refused in one line.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import random
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from classify.data.spacejam import list_spacejam
from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.run.choose import open_classifier
from classify.run.export import FORMATS, write_copy
from classify.weights.checkpoint import load_checkpoint, save_checkpoint
from classify.weights.description import CheckpointInfo
from ground.errors import InputError
from ground.video.source import open_video
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.edits.current import with_edits
from pipeline.edits.draft import Draft
from pipeline.edits.entries import to_line
from tests.classify.small import small_network
from tests.hostile.attack import Damage, Reader, attack
from tests.hostile.damage import spoiled_bytes, spoiled_json, spoiled_numpy, spoiled_values
from tracker.detect.training_data import prepare_dataset
from tracker.files.formats import read_tracks_file
from tracker.types import Tracks

pytestmark = pytest.mark.slow

_INFO = CheckpointInfo("pooled", ("run", "walk"), Profile(48, 48, 2))
_YAML = b"path: .\ntrain: images\nnames:\n  0: player\n  1: ball\nnc: 2\n"
_BOMB = b"".join(b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 9) or b"") for i in range(1, 12))


def _sample(damage: Damage, number: int) -> Damage:
    """Some of the cases of ``damage``, the same on every run: for files that take long to read."""

    def some(content: bytes) -> Iterator[bytes]:
        cases = list(damage(content))
        yield from random.Random(0).sample(cases, min(number, len(cases)))

    return some


def _tensors(_folder: Path) -> bytes:
    torch.manual_seed(0)
    path = _folder / "made.safetensors"
    save_checkpoint(path, build_model("pooled", 2), _INFO)
    content = path.read_bytes()
    path.unlink()
    return content


def _spoiled_header(content: bytes) -> Iterator[bytes]:
    """A safetensors file whose header, JSON, is spoiled and has the length that it says."""
    length = int.from_bytes(content[:8], "little")
    header, rest = content[8 : 8 + length], content[8 + length :]
    document = json.loads(header)
    about = json.loads(document["__metadata__"]["courtscribe"])
    few = dict(list(document.items())[:3])
    spoiled = [h for d in (spoiled_json, spoiled_values) for h in _sample(d, 150)(json.dumps(few).encode())]
    spoiled += [
        json.dumps(document | {"__metadata__": {"courtscribe": metadata.decode("utf-8", "replace")}}).encode()
        for metadata in _sample(spoiled_json, 300)(json.dumps(about).encode())
    ]
    for new in [*spoiled, b"[" * 100_000]:
        yield len(new).to_bytes(8, "little") + new + rest
    yield (2**63).to_bytes(8, "little") + content[8:]


def _data_set(folder: Path) -> None:
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    cv2.imwrite(str(folder / "images/a.png"), np.full((24, 32, 3), 90, np.uint8))
    (folder / "labels/a.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    (folder / "data.yaml").write_bytes(_YAML)


def _prepare(folder: Path) -> None:
    """Read the data set, and go no further than to where it would be copied: all of it is held out."""
    try:
        prepare_dataset(folder, folder.parent / "out", ["*"], None)
    except InputError as error:
        if "is held out" not in str(error):
            raise


def _yaml_bombs(content: bytes) -> Iterator[bytes]:
    """A few lines of YAML that stand for very much, and what YAML takes for other than text."""
    yield b"a0: &a0 x\n" + _BOMB + b"names: *a11\n"
    yield b"a0: &a0 x\n" + _BOMB + b"names: {0: player, 1: *a11}\n"
    yield from (b"names: &n [*n]\n", b"names: {0: player, .inf: ball}\n", b"names: {.nan: player}\n")
    yield from (
        b"names: {? [1, 2] : player}\n",
        b"names: !!python/object/apply:os.system [id]\n",
        b"names: !!set {player}\n",
    )
    yield from (
        b"names: [player]\nnc: .inf\n",
        b"names: {0: 2020-01-01}\n",
        b"names: {2147483648: player}\n",
        content * 2,
    )


def _spacejam(folder: Path) -> None:
    (folder / "labels_dict.json").write_text('{"0": "run", "1": "walk"}')
    (folder / "annotation_dict.json").write_text('{"0000001": 0, "0000002": 1}')


def _results() -> Analysis:
    index = np.arange(8, dtype=np.int32)
    tracks = Tracks.of(np.tile(index, 2), np.repeat([1, 2], 8), [[0, 0, 10, 20]] * 8 + [[30, 0, 40, 20]] * 8)
    segments = tuple(ActionSegment(i, "run", 0.0, 0.32, 0, 8, 0.8) for i in (1, 2))
    facts = VideoFacts("/videos/game.mp4", 64, 48, "25", 9.0, "h264")
    return Analysis(facts, {}, Frames(index, index / 25), Players(tracks), Timeline(("run", "walk"), segments))


def _edits(_folder: Path) -> bytes:
    draft = Draft(_results(), [])
    for kind, text in (("rename", "1=Ann"), ("split", "2@0.2"), ("relabel", "Ann@0.1-0.2=walk"), ("undo", "")):
        draft.add(kind, text)
    return "".join(map(to_line, draft.edits)).encode()


def _spoiled_lines(content: bytes) -> Iterator[bytes]:
    """Entries, a line of JSON each, with each value of each replaced."""
    lines = content.splitlines()
    for number, line in enumerate(lines):
        for spoiled in spoiled_json(line):
            yield b"\n".join([*lines[:number], spoiled, *lines[number + 1 :], b""])


def _table(folder: Path) -> bytes:
    """A table of an analysis of the format before, which did not say what its bytes are."""
    analysis = _results()
    save_analysis(analysis, folder)
    record = json.loads((folder / "analysis.json").read_text())
    for name, table in record.pop("tables").items():
        (folder / table["file"]).rename(folder / f"{name}.npz")
        record.setdefault("files", {})[name] = f"{name}.npz"
    (folder / "analysis.json").write_text(json.dumps(record | {"format": 1, "notes": []}))
    return (folder / "frames.npz").read_bytes()


def _spoiled_columns(_content: bytes) -> Iterator[bytes]:
    """A table with a column that claims what it does not hold, or is none, or with other columns."""
    column = io.BytesIO()
    np.save(column, np.arange(8, dtype=np.int32))
    for spoiled in spoiled_numpy(column.getvalue()):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.npy", spoiled)
            archive.writestr("time.npy", column.getvalue())
        yield packed.getvalue()
    for names in (["index"], ["index", "time", "other"], ["../index", "time"], ["index", "index"], []):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive, warnings.catch_warnings(action="ignore"):
            for name in names:
                archive.writestr(f"{name}.npy", column.getvalue())
        yield packed.getvalue()


def _video(kind: str) -> Callable[[Path], bytes]:
    def make(_folder: Path) -> bytes:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=kind) as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height = 64, 48
            for i in range(8):
                picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * i, np.uint8))
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        return buffer.getvalue()

    return make


def _frames(path: Path) -> int:
    with open_video(path) as video:
        return sum(1 for _ in video)


def _open_exported(path: Path) -> object:
    return open_classifier(path, "cpu")


def _exported(to: str) -> Callable[[Path], bytes]:
    def make(folder: Path) -> bytes:
        path = folder / f"a{FORMATS[to]}"
        torch.manual_seed(0)
        write_copy(build_model("pooled", 2).eval(), _INFO, to, path)
        return path.read_bytes()

    return make


READERS = {
    "tensors": Reader("a.safetensors", _tensors, load_checkpoint,
                      (_sample(spoiled_bytes, 40), _sample(_spoiled_header, 60))),
    "openvino": Reader("a.xml", _exported("openvino"), _open_exported,
                       (_sample(spoiled_bytes, 8), _sample(spoiled_values, 12))),
    "onnx": Reader("a.onnx", _exported("onnx"), _open_exported, (_sample(spoiled_bytes, 60),)),
    "names of a data set": Reader("data.yaml", _YAML, lambda p: _prepare(p.parent),
                                  (_sample(spoiled_bytes, 25), _sample(spoiled_values, 60), _yaml_bombs), _data_set),
    "labels of a data set": Reader("labels/a.txt", b"0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.2 0.1 0.2 0.2\n",
                                   lambda p: _prepare(p.parents[1]), (spoiled_bytes, spoiled_values), _data_set),
    "test list": Reader("testset_keys_1lug2020.txt", b'["0000001"]', lambda p: list_spacejam(p.parent, p),
                        (spoiled_bytes, spoiled_json), _spacejam),
    "edits": Reader("edits.jsonl", _edits, lambda p: with_edits(_results(), p.parent),
                    (_sample(spoiled_bytes, 200), _spoiled_lines)),
    "tables": Reader("frames.npz", _table, lambda p: load_analysis(p.parent), (spoiled_bytes, _spoiled_columns)),
    "mp4": Reader("a.mp4", _video("mp4"), _frames, (_sample(spoiled_bytes, 150),)),
    "matroska": Reader("a.mkv", _video("matroska"), _frames, (_sample(spoiled_bytes, 150),)),
    "avi": Reader("a.avi", _video("avi"), _frames, (_sample(spoiled_bytes, 150),)),
    "mpegts": Reader("a.ts", _video("mpegts"), _frames, (_sample(spoiled_bytes, 150),)),
}  # fmt: skip


@pytest.mark.parametrize("kind", READERS)
def test_a_spoiled_file_is_read_or_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    if kind == "onnx" and not all(map(importlib.util.find_spec, ("onnx", "onnxscript", "onnxruntime"))):
        pytest.skip("onnx, onnxscript or onnxruntime not installed")
    with small_network():  # whose files are spoiled and read in no time
        attack(READERS[kind], tmp_path)


_NAMES = (
    " a", "a ", "a.", "-a", "--help", "#a", "a#b", "a%03d", "a*b?", "[a]", "a:b", "http:a", "file:a", "a|b", "a,b",
    "a;b",
    "a\nb", "a\tb", "\x1b[31ma", "\u202ea", "k\u00e9vin", "kevin\u0301", "k\udce9vin", "\u674e\u660e", "\U0001f3c0",
    "~", "$HOME", "`id`",
    "a'b", 'a"b', "\\", "con", "=1+1", "x" * 240,
)  # fmt: skip


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, Callable[[Path], object]]]:
    """A valid file and its reader, by the ending of its name."""
    folder = tmp_path_factory.mktemp("valid")
    return {
        ".mp4": (_video("mp4")(folder), _frames),
        ".txt": (b"1,1,10,20,30,40,0.9,-1,-1,-1\n", read_tracks_file),
        ".safetensors": (_tensors(folder), load_checkpoint),
    }


@pytest.mark.parametrize("name", _NAMES)
def test_a_file_of_any_name_is_read(
    tmp_path: Path, name: str, contents: dict[str, tuple[bytes, Callable[[Path], object]]]
) -> None:
    for ending, (content, read) in contents.items():
        path = tmp_path / f"{name}{ending}"
        if len(os.fsencode(path.name)) > 255:
            continue
        path.write_bytes(content)
        if ending == ".safetensors" and "\udce9" in name:  # the library takes UTF-8 only
            with pytest.raises(InputError):
                read(path)
        else:
            read(path)
        with pytest.raises(InputError) as error:
            read(tmp_path / "none" / path.name)
        assert str(error.value)
