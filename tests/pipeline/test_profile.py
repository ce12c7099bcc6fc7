"""--profile: where the time went, as threads were seen at it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import ground.video.parts
from ground.prefetch import prefetch
from pipeline.profile import Profile, Report
from pipeline.runners.cli import main
from tests.conftest import Once
from tests.pipeline.short_games import PART_SECONDS, short_games


def _slow(seconds: float, count: int) -> Iterator[int]:
    for number in range(count):
        time.sleep(seconds)
        yield number


def _shares(line: str) -> dict[str, int]:
    return {what.strip(): int(percent) for what, percent in re.findall(r"([a-z ]+?) (\d+)%", line.partition(": ")[2])}


@pytest.mark.slow
def test_who_waits_for_whom_is_seen(tmp_path: Path) -> None:
    with Profile(tmp_path):
        for _ in prefetch(_slow(0.02, 20)):
            pass
    lines = Report(tmp_path).lines()
    assert _shares(lines[1])["waiting for frames"] > 80
    assert lines[-1].startswith("what the rest waits for: waiting for frames")
    assert not list(tmp_path.iterdir()), "the profiles themselves are removed"


@pytest.mark.slow
def test_a_full_queue_is_seen(tmp_path: Path) -> None:
    with Profile(tmp_path):
        for _ in prefetch(range(30), 4):
            time.sleep(0.02)
    found = re.search(r"queues (\d+)% full", "\n".join(Report(tmp_path).lines()))
    assert found is not None and int(found[1]) > 80


def test_the_longest_pass_comes_first_and_processes_add_up(tmp_path: Path) -> None:
    for number in (1, 2):
        counts = '{"label": {"seconds": 3, "main: classifier": 3}, "detect": {"seconds": 9, "main: detector": 9}}'
        (tmp_path / f"profile-{number}.json").write_text(counts)
    head, first, second, last = Report(tmp_path).lines()
    assert "2 processes" in head
    assert "detect: 18.0 s: detector 100%" in first
    assert "label: 6.0 s: classifier 100%" in second
    assert last == "what the rest waits for: detector 75%, classifier 25%"


@pytest.mark.slow
def test_generators_that_change_hands_are_looked_at_without_harm(tmp_path: Path) -> None:
    def nested(depth: int) -> Iterator[int]:
        if depth:
            yield from nested(depth - 1)
        else:
            yield from range(3)

    end = time.monotonic() + 0.5
    with Profile(tmp_path):
        while time.monotonic() < end:
            assert sum(prefetch(n for d in range(20) for n in nested(d))) == 60
    assert "seconds" in (next(tmp_path.glob("*.json"))).read_text()


@pytest.mark.slow
def test_what_other_processes_do_is_seen_and_said_by_pass(
    once: Once, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground.video.parts, "PART_SECONDS", PART_SECONDS)
    video = short_games(once) / "game2.mp4"
    command = ["analyze", str(video), "-o", str(tmp_path / "o"), "--jobs", "2", "--profile", "--imgsz", "320"]
    assert main([*command, "--no-video", "--no-court", "--min-track-confidence", "0"]) == 0
    said = capfd.readouterr().out
    lines = {line.split(":")[0].strip(): line for line in said.splitlines() if " s: " in line}
    assert "profile, 3 processes" in said and {"detect", "label"} <= set(lines)
    assert "detector" in lines["detect"] and "full" in lines["detect"]
    assert re.search(r"batches \d+% full", lines["label"])
