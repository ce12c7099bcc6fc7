from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ground.compute import compiled
from ground.compute.compiled import compile_network
from ground.compute.openvino_package import INSTRUCTIONS, openvino_package
from pipeline.shipped import WEIGHTS

_GRAPH = WEIGHTS / "ball.xml"
_SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "compiled"


@pytest.fixture
def compilings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A row for each network that was compiled and not read."""
    openvino = openvino_package("a test")
    compile_model, found = openvino.compile_model, list[str]()

    def counted(*arguments: Any) -> Any:
        found.append("compiled")
        return compile_model(*arguments)

    monkeypatch.setattr(openvino, "compile_model", counted)
    return found


def _compiled(graph: Path = _GRAPH, settings: dict[str, Any] = _SETTINGS) -> Any:
    return compile_network(openvino_package("a test").Core().read_model(graph), settings, graph)


def _says(network: Any) -> np.ndarray:
    sides = network.input(0).get_partial_shape()
    shape = [side.get_length() if side.is_static else (64 if axis else 1) for axis, side in enumerate(sides)]
    inputs = np.random.default_rng(0).random(shape, np.float32)
    return np.asarray(network.create_infer_request().infer([inputs])[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ball.xml", "court.xml", "players_int8_openvino_model/detector.xml"])
def test_what_was_kept_says_the_same_to_the_bit(cache: Path, compilings: list[str], name: str) -> None:
    graph = WEIGHTS / name
    fresh, kept = _compiled(graph), _compiled(graph)
    assert compilings == ["compiled"] and len(list(cache.iterdir())) == 1
    np.testing.assert_array_equal(_says(kept), _says(fresh))


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "of another program"])
def test_what_was_damaged_is_compiled_anew(cache: Path, compilings: list[str], damage: str) -> None:
    expected = _says(_compiled())
    (kept,) = cache.iterdir()
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 255
    spoiled = {"cut": content[: len(content) // 2], "changed": content, "empty": b"", "of another program": b"a" * 99}
    kept.write_bytes(spoiled[damage])
    np.testing.assert_array_equal(_says(_compiled()), expected)
    np.testing.assert_array_equal(_says(_compiled()), expected)
    assert compilings == ["compiled"] * 2, "what was compiled anew is kept in the place of the other"


@pytest.mark.slow
def test_another_network_setting_version_or_processor_finds_nothing(
    cache: Path, compilings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _compiled()
    _compiled(settings=_SETTINGS | {"NUM_STREAMS": 2})
    other = tmp_path / "other.xml"
    other.write_text(_GRAPH.read_text() + "<!-- other -->")
    other.with_suffix(".bin").write_bytes(_GRAPH.with_suffix(".bin").read_bytes())
    _compiled(other)
    other.with_suffix(".bin").write_bytes(bytes(len(other.with_suffix(".bin").read_bytes())))
    _compiled(other)
    monkeypatch.setattr(compiled, "_flags", lambda: "flags: avx2")
    _compiled()
    monkeypatch.setenv(INSTRUCTIONS, "AVX2")
    _compiled()
    monkeypatch.setattr(openvino_package("a test"), "get_version", lambda: "another")
    _compiled()
    assert len(compilings) == len(list(cache.iterdir())) == 7


def test_a_cache_that_cannot_be_written_costs_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compilings: list[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path / "file"))
    np.testing.assert_array_equal(_says(_compiled()), _says(_compiled()))
    assert compilings == ["compiled"] * 2 and (tmp_path / "file").read_text() == "no folder"


@pytest.mark.slow
def test_those_go_first_that_were_not_used_for_longest(
    cache: Path, compilings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "_MOST_KEPT", 2)
    _compiled()
    (first,) = cache.iterdir()
    _used_ago(first, 100)
    _compiled(settings=_SETTINGS | {"NUM_STREAMS": 2})
    (second,) = (path for path in cache.iterdir() if path != first)
    _used_ago(second, 50)
    _compiled()  # used again
    _compiled(WEIGHTS / "court.xml")
    assert first.exists() and not second.exists() and len(list(cache.iterdir())) == 2
    assert len(compilings) == 3


def _used_ago(path: Path, seconds: float) -> None:
    when = time.time() - seconds
    os.utime(path, (when, when))
