"""Sports over HTTP: answers as documented, bad pictures and forms refused in a line, a worker that dies."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from pipeline.serve.problem import Problem
from pipeline.serve.sport_worker import SportWorker

Connect = Callable[..., TestClient]
PREDICT = "/sportclassifier/predict/"
_OTHER = b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\nabc\r\n--x--\r\n'


def png(seed: int = 0, side: int = 64) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[SportWorker]:
    asked = SportWorker(tmp_path / "added", most_waiting=0)
    yield asked
    asked.close()


@pytest.mark.slow
def test_a_picture_is_told_taught_and_told_again(client: TestClient) -> None:
    told = client.post(f"{PREDICT}?top=4", files={"file": ("a.png", png())}).json()
    assert len(told["data"]) == 4 and all(set(each) == {"id", "name", "probability"} for each in told["data"])
    chances = [each["probability"] for each in told["data"]]
    assert chances == sorted(chances, reverse=True) and 0 <= sum(chances) <= 1.001
    added = client.post("/sports/19/examples", files={"file": ("a.png", png())})
    assert added.status_code == 201
    twice = client.post("/sports/19/examples", files={"file": ("b.png", png())})
    assert twice.status_code == 200 and twice.json() == added.json()
    again = client.post(PREDICT, files={"file": ("a.png", png())}).json()
    assert again["nearest"][0]["example"] == added.json()["id"] and again["nearest"][0]["name"] == "Golf"
    golf = next(sport for sport in client.get("/sports").json() if sport["id"] == "19")
    assert golf["examples"] == [added.json()["id"]]
    assert client.delete(f"/sports/19/examples/{added.json()['id']}").status_code == 204
    assert client.delete(f"/sports/19/examples/{added.json()['id']}").status_code == 404
    after = client.post(f"{PREDICT}?top=4", files={"file": ("a.png", png())}).json()
    assert after == told
    bad = client.post(PREDICT, files={"file": ("a.png", png()[:200])})
    assert bad.status_code == 400 and bad.headers["content-type"] == "application/problem+json"
    assert bad.json()["detail"].startswith("file: ")  # and not where it lies here
    os.kill(client.app.state.sport_worker.pid, signal.SIGKILL)  # pyright: ignore
    assert client.post(PREDICT, files={"file": ("a.png", png())}).status_code in (200, 503)
    assert client.post(PREDICT, files={"file": ("a.png", png())}).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "multipart/form-data; boundary=x", 400),
        (b"no form", "multipart/form-data; boundary=x", 400),
        (b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc', "multipart/form-data; boundary=x", 400),
        (_OTHER, "multipart/form-data; boundary=x", 400),
        (b"abc", "multipart/form-data", 415),
        (b"abc", "image/png", 415),
    ],
)  # fmt: skip
def test_what_is_no_form_with_one_picture_is_refused(
    client: TestClient, content: bytes, kind: str, status: int
) -> None:
    answer = client.post(PREDICT, content=content, headers={"content-type": kind})
    assert answer.status_code == status and answer.json()["detail"]


def test_a_broken_table_is_the_services_fault(client: TestClient) -> None:
    table = client.app.state.settings.data / "sports" / "sports.csv"  # pyright: ignore
    table.parent.mkdir()
    table.write_text("id,name\n1,Golf\n")
    for answer in (client.get("/sports"), client.post(PREDICT, files={"file": ("a.png", png())})):
        assert answer.status_code == 500 and str(table.parent) not in answer.text


def test_nobody_without_a_token_and_nothing_too_large(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.post(PREDICT, files={"file": png()}, headers={"authorization": "Token wrong"}).status_code == 401
    monkeypatch.setattr("pipeline.serve.sport._MOST_FORM", 1000)
    assert client.post(PREDICT, files={"file": png()}).status_code == 413
    assert client.post("/sports/nosuch/examples", files={"file": png()}).status_code == 404


def test_a_worker_that_is_slow_or_gone_is_a_line(tmp_path: Path, worker: SportWorker) -> None:
    worker._command = [sys.executable, "-c", "input()"]
    with pytest.raises(Problem) as gone:
        worker.ask({"do": "tell"})
    worker._command, worker._deadline = [sys.executable, "-c", "import time; time.sleep(60)"], 0.2
    with pytest.raises(Problem) as slow:
        worker.ask({"do": "tell"})
    assert gone.value.status == slow.value.status == 503
    assert worker.pid is None
    worker._places.acquire()
    with pytest.raises(Problem) as full:
        worker.ask({"do": "tell"})
    assert full.value.status == 429 and full.value.headers["Retry-After"]


@pytest.mark.slow
def test_the_routes_load_no_library_of_pictures() -> None:
    program = "import sys, pipeline.serve.sport; print({'numpy', 'cv2', 'PIL', 'openvino'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
