"""What is fetched is the file that was published, or nothing is kept. No network is needed: answers are given here."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request

import pytest

from classify.weights.checkpoint import kinetics_weights
from ground.disk.download import fetch
from ground.errors import InputError
from tracker.detect.weights import resolve_weights

_CONTENT = bytes(range(256)) * 9000
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()


def _answering(answers: dict[str, bytes]) -> Callable[..., io.BytesIO]:
    def urlopen(request: Request, timeout: float) -> io.BytesIO:
        assert timeout > 0, "a server that says nothing is not waited for for ever"
        return io.BytesIO(next(answer for end, answer in answers.items() if request.full_url.endswith(end)))

    return urlopen


def test_the_file_that_was_published_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ground.disk.download.urlopen", _answering({"a.pt": _CONTENT}))
    fetch("https://x.org/a.pt", tmp_path / "new" / "a.pt", _SHA256)
    assert (tmp_path / "new" / "a.pt").read_bytes() == _CONTENT


@pytest.mark.parametrize("wanted", ["0" * 64, "", _SHA256[1:]])
def test_another_file_is_refused_and_not_kept(wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ground.disk.download.urlopen", _answering({"a.pt": _CONTENT}))
    with pytest.raises(InputError, match=r"is not the file that was published: SHA-256 [0-9a-f]{64}"):
        fetch("https://x.org/a.pt", tmp_path / "a.pt", wanted)
    assert not list(tmp_path.iterdir())


def test_only_https_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only https"):
        fetch("file:///etc/passwd", tmp_path / "a", _SHA256)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"assets": [{"name": "yolo26n.pt", "digest": f"sha256:{'0' * 64}"}]}, "not the file that was published"),
        ({"assets": [{"name": "yolo26n.pt", "digest": None}]}, "tells no SHA-256 of yolo26n.pt"),
        ({"assets": []}, "tells no SHA-256 of yolo26n.pt"),
        ({"assets": [3]}, "does not say what was published"),
        ([], "does not say what was published"),
    ],
)
def test_a_detector_is_the_one_that_was_published(
    told: object, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path))
    answers = {"v8.4.0": json.dumps(told).encode(), "yolo26n.pt": _CONTENT}
    monkeypatch.setattr("ground.disk.download.urlopen", _answering(answers))
    with pytest.raises(InputError, match=rf"{reason}.*; put the file at {tmp_path}"):
        resolve_weights("yolo26n.pt")
    assert not list(tmp_path.iterdir())
    answers["v8.4.0"] = json.dumps({"assets": [{"name": "yolo26n.pt", "digest": f"sha256:{_SHA256}"}]}).encode()
    assert resolve_weights("yolo26n.pt").read_bytes() == _CONTENT


def test_published_clip_weights_are_checked_by_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("ground.disk.download.urlopen", _answering({".pth": _CONTENT}))
    with pytest.raises(InputError, match=r"not the file that was published: SHA-256 \w+, not 91a641e6; put the file"):
        kinetics_weights("r2plus1d_18")
