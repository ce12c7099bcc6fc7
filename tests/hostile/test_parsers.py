"""Every parser against files that hypothesis makes of a valid one: pieces cut, doubled, moved, overwritten."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.batch.videos import list_videos
from pipeline.parts.store import PartStore
from tests.hostile import test_hostile_data, test_hostile_files
from tests.hostile.attack import Reader
from tests.hostile.damage import HOSTILE_WORDS, spoiled_bytes

_PART = "detect-0003-0123456789abcdef.npz"
_SLOW = {"array of clips", "checkpoint", "sequence", "jpeg", "png", "tensors", "openvino", "onnx",
         "mp4", "matroska", "avi", "mpegts", "names of a data set", "labels of a data set"}  # fmt: skip
"""What they read is no text and mostly another library's; test_hostile_files.py and test_hostile_data.py have them."""


def _part(_folder: Path) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, index=np.arange(9, dtype=np.int32), time=np.arange(9) / 25)
    return buffer.getvalue()


def _load_part(path: Path) -> object:
    return PartStore(path.parent).load("detect", 3, "0123456789abcdef")


def _begin(path: Path) -> object:
    return PartStore(path.parent).begin("detect", {"imgsz": 640, "settings": {"a": [1, 2]}})


OWN = {
    "part": Reader(_PART, _part, _load_part, (spoiled_bytes,)),
    "what a pass rests on": Reader("detect.json", b'{"imgsz": 480, "settings": {"a": [1]}}', _begin, (spoiled_bytes,)),
    "list of videos": Reader("a.txt", b"game.mp4\n# no more\n\ncup/final.mkv\n", list_videos, (spoiled_bytes,)),
}
PARSERS = {
    name: reader
    for name, reader in (test_hostile_files.READERS | test_hostile_data.READERS | OWN).items()
    if name not in _SLOW
}


@st.composite
def spoiled(draw: st.DrawFn, content: bytes) -> bytes:
    """``content`` after one to four changes."""
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(content)))
        end = draw(st.integers(begin, min(len(content), begin + 60)))
        words = st.sampled_from([word.encode("utf-8", "surrogatepass")[:200] for word in HOSTILE_WORDS])
        new = draw(st.one_of(st.just(b""), st.just(content[begin:end] * 2), words, st.binary(max_size=20)))
        content = content[:begin] + new + content[end:]
    return content


def prepared(reader: Reader, folder: Path) -> tuple[Path, bytes]:
    """The file of a reader and its content, with what belongs beside it."""
    reader.beside(folder)
    path = folder / reader.name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path, reader.content if isinstance(reader.content, bytes) else reader.content(folder)


def read_or_refuse(read: Callable[[Path], object], path: Path, content: bytes) -> None:
    """Read a file of this content. Raises what is neither a value nor a refusal in one line."""
    path.write_bytes(content)
    try:
        read(path)
    except InputError as error:
        assert str(error).isprintable() and len(str(error)) <= 500


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PARSERS))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_hypothesis_makes_is_read_or_refused(name: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, content = prepared(PARSERS[name], Path(folder))
        read_or_refuse(PARSERS[name].read, path, data.draw(spoiled(content)))


def test_a_list_whose_lines_are_no_paths_is_read(tmp_path: Path) -> None:
    """The videos of such lines fail alone, when they are opened."""
    read_or_refuse(list_videos, tmp_path / "a.txt", b"one/a\0b.mp4\ntwo/a\0b.mp4\n")
    assert len({video.name for video in list_videos(tmp_path / "a.txt")}) == 2
