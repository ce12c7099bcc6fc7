"""Jobs of a service whose processes are killed at random: is each done once, and as the command line does it?"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import psutil

from benchmarks.serve.live import COMMAND, Live
from pipeline.serve.ledger import MOST_TRIES
from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video

_SETTINGS: dict[str, Any] = {"preset": "fast", "ball.find": False, "court.find": False}
_FLAGS = ("--preset", "fast", "--no-ball", "--no-court")
_VICTIMS = ("server", "worker", "analyze", "all")


def small_game(path: Path) -> None:
    """Two parts of a video with few pictures."""
    game = SyntheticGame(seed=3, seconds=6, size=(320, 192), fps=5)
    write_video(path, ((i / 5, game.frame(i).image) for i in range(game.num_frames)), frame_rate=Fraction(5))


def kills_over_jobs(place: Path, jobs: int, kills: int, seed: int) -> list[str]:
    """Rows of a table: what was killed, and how the jobs ended."""
    small_game(place / "game.mp4")
    live = Live(place / "data")
    rng, killed = random.Random(seed), Counter[str]()
    try:
        video = live.upload(place / "game.mp4")
        ids = [live.job(video, _SETTINGS) for _ in range(jobs)]
        while sum(killed.values()) < kills and _waiting(live):
            time.sleep(rng.uniform(0.5, 5))
            victim = rng.choice(_VICTIMS)
            killed[_kill(live, victim if _has_tries(live) else "server")] += 1
        while _waiting(live):
            time.sleep(1)
        return _rows(live, ids, killed)
    finally:
        live.close()


def _waiting(live: Live) -> int:
    """Jobs that have not ended."""
    found = live.client.get("/jobs", params={"most": 1000}).json()
    return sum(job["state"] in ("queued", "running") for job in found)


def _has_tries(live: Live) -> bool:
    """Whether the job that runs may lose its processes once more: the third time it has failed, as it should."""
    running = [job for job in live.client.get("/jobs", params={"most": 1000}).json() if job["state"] == "running"]
    return bool(running) and all(job["attempt"] < MOST_TRIES for job in running)


def _kill(live: Live, victim: str) -> str:
    """Kill -> whom it was; the server is begun again."""
    doomed = {"worker": _workers, "analyze": _analyzers, "all": _all}.get(victim, lambda _: [])(live.data)
    for process in doomed:
        process.kill()
    if victim in ("server", "all"):
        live.kill()
        live.begin()
    sys.stderr.write(f"killed: {victim}, {len(doomed)} processes of workers\n")
    return victim if doomed or victim in ("server", "all") else "nobody"


def _workers(data: Path) -> list[psutil.Process]:
    return _named(lambda line: "pipeline.serve.worker" in line and str(data) in line)


def _analyzers(data: Path) -> list[psutil.Process]:
    return _named(lambda line: " analyze " in line and str(data / "jobs") in line)


def _all(data: Path) -> list[psutil.Process]:
    return [*_workers(data), *_analyzers(data)]


def _named(is_it: Callable[[str], bool]) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if is_it(" ".join(one.info["cmdline"] or []))]


def _rows(live: Live, ids: list[str], killed: Counter[str]) -> list[str]:
    states = Counter(live.client.get(f"/jobs/{job}").json()["state"] for job in ids)
    done = [job for job in ids if _ends(live, job) == ["done"]]
    wanted = _by_command(live, done[0]) if done else {}
    equal = sum(_results(live.data / "jobs" / job / "results", job) == wanted for job in done)
    attempts = sum(live.client.get(f"/jobs/{job}").json()["attempt"] for job in ids)
    told = ", ".join(f"{n} {who}" for who, n in sorted(killed.items()))
    return [
        f"| kills, of a job's processes at most {MOST_TRIES - 1} times | {sum(killed.values())}: {told} |",
        f"| jobs, and how they ended | {len(ids)}: {', '.join(f'{n} {state}' for state, n in states.items())} |",
        f"| attempts at them | {attempts} |",
        f"| of them done exactly once, by their events | {len(done)} |",
        f"| of these all files equal to those of the command line, to the byte | {equal} |",
    ]


def _ends(live: Live, job: str) -> list[str]:
    text = live.client.get(f"/jobs/{job}/events").text
    states = [json.loads(line[6:]).get("state") for line in text.splitlines() if line.startswith("data: ")]
    return [state for state in states if state in ("done", "failed", "cancelled")]


def _by_command(live: Live, job: str) -> dict[str, str]:
    """What ``analyze`` makes of the same video by the same name, in a folder beside the job's."""
    folder, video = live.data / "jobs" / job, live.data / "jobs" / job / "video"
    told = live.client.get(f"/jobs/{job}").json()
    os.link(live.data / "videos" / told["video"], video)
    again = ["analyze", str(video), "-o", str(folder / "again"), f"--title={told['name']}", *_FLAGS, "--quiet"]
    subprocess.run([*COMMAND, *again], check=True)
    return _results(folder / "again", job)


def _results(folder: Path, job: str) -> dict[str, str]:
    """SHA-256 of all files, by name. A job's id, which is in the paths that some of them hold, is taken out."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes().replace(job.encode(), b"JOB")).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
