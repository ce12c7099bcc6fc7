"""The studio: edits against kills, long lists of edits, how soon it is there, how soon an edit is saved.

    python benchmarks/studio.py ANALYSIS [--edits 500] [--kills 200] [--seed 1] [--output FILE.md]

A server is killed at random moments while edits are sent to it, and begun again; every edit that was answered must be
in ``edits.jsonl`` then, in its order, and in what a new server shows. ANALYSIS, whose video is where it says, is opened
in Chromium for the time to the first picture; it is copied before anything is changed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psutil
from provenance import write_result

from classify.types import ACTIONS
from ground.errors import InputError
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.edits.draft import Draft
from pipeline.edits.entries import Edit, from_line, to_line
from pipeline.edits.fold import apply_all
from pipeline.edits.log import read_edits
from pipeline.edits.pieces import State
from tracker.types import Tracks


class Server:
    """A studio in a process of its own."""

    def __init__(self, place: Path) -> None:
        self.began = time.monotonic()
        command = [sys.executable, "-m", "pipeline.runners.cli", "studio", str(place), "--no-browser", "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", self.process.stdout.readline())
        if found is None:
            raise SystemExit("the studio did not start")
        self.url, self.port, self.token = found[0], int(found[1]), found[2]

    def ask(self, path: str, body: Any = None) -> Any:
        """The answer as JSON. Raises OSError where there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        origin = f"http://127.0.0.1:{self.port}"
        headers = {"cookie": f"courtscribe-{self.port}={self.token}", "origin": origin}
        headers["content-type"] = "application/json"
        try:
            connection.request("GET" if body is None else "POST", path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (http.client.HTTPException, ValueError) as error:
            raise OSError("no whole answer") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise InputError(told["error"])
        return told

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@dataclass
class Outcome:
    """Of edits and kills."""

    answered: int = 0
    refused: int = 0
    unanswered: int = 0
    """Sent, and the server was killed before it answered."""
    kept: int = 0
    """Of the unanswered ones: on disk all the same, which is allowed."""
    lost: list[str] = field(default_factory=list[str])
    kills: int = 0


def edits_and_kills(game: Path, edits: int, kills: int, rng: random.Random) -> Outcome:
    """Send random edits to a studio about ``game`` (a copy) and kill it at random moments."""
    outcome, known = Outcome(), read_edits(game)
    name = quote(quote(game.name))
    duration = float(load_analysis(game).frames.time[-1])
    while outcome.answered < edits or outcome.kills < kills:
        server = Server(game.parent)
        left = max(kills - outcome.kills, 1)
        wanted = rng.randint(0, 2 * max((edits - outcome.answered) // left, 1))
        data = server.ask(f"/api/game?id={name}")
        _check(outcome, known, game, data)
        for _ in range(wanted):
            data = _send(server, game, _random_change(data, duration, rng), outcome, known) or data
        if outcome.kills >= kills:
            server.kill()
            continue
        timer = threading.Timer(rng.uniform(0, 0.04), server.kill)
        timer.start()
        while _send(server, game, _random_change(data, duration, rng), outcome, known) is not None:
            pass
        timer.join()
        outcome.kills += 1
        _take_unanswered(outcome, known, game)
    server = Server(game.parent)
    _check(outcome, known, game, server.ask(f"/api/game?id={name}"))
    server.kill()
    return outcome


def _send(server: Server, game: Path, change: dict[str, Any], outcome: Outcome, known: list[Edit]) -> Any:
    """The new data; none where the change could not be made; None: the studio was killed."""
    try:
        data = server.ask("/api/game/edit", {"id": quote(game.name), "changes": [change]})
    except InputError:
        outcome.refused += 1
        return {}
    except OSError:
        outcome.unanswered += 1
        return None
    outcome.answered += 1
    known.append(read_edits(game)[-1])
    return data


def _take_unanswered(outcome: Outcome, known: list[Edit], game: Path) -> None:
    """One that was not answered may be on disk; all others must be as they were answered."""
    there = read_edits(game)
    if len(there) == len(known) + 1 and there[:-1] == known:
        outcome.kept += 1
        known.append(there[-1])


def _check(outcome: Outcome, known: Sequence[Edit], game: Path, data: dict[str, Any]) -> None:
    there = read_edits(game)
    if there != list(known):
        outcome.lost.append(f"{len(there)} entries on disk, {len(known)} were answered")
    if data["studio"]["entries"] != len(known):
        outcome.lost.append(f"{data['studio']['entries']} entries shown, {len(known)} were answered")


def _random_change(data: dict[str, Any], duration: float, rng: random.Random) -> dict[str, Any]:
    ids = [player["id"] for player in data.get("players", [])] or [1, 2, 3]
    kind = rng.choice(["relabel", "relabel", "rename", "split", "drop", "undo", "undo", "redo", "team"])
    change: dict[str, Any] = {"edit": kind}
    if kind in ("undo", "redo"):
        return change
    time_at = round(rng.uniform(0, duration), 3)
    change["players"] = [rng.choice(ids)]
    if kind == "relabel":
        label = rng.choice(data["labels"][:-1]) if data.get("labels") else "run"
        change |= {"time": time_at, "end": time_at + rng.uniform(0.2, 2), "text": label}
    elif kind == "rename":
        change["text"] = f"N {rng.randrange(10**6)}"
    elif kind == "split":
        change["time"] = time_at
    elif kind == "team":
        change["text"] = rng.choice("AB")
    return change


def long_game(minutes: float = 90, players: int = 20, each: int = 1000, rate: int = 30) -> Analysis:
    """Everybody on court all the time, with so many segments each; no video."""
    count = int(minutes * 60 * rate)
    index = np.arange(count, dtype=np.int32)
    bounds = np.linspace(0, count, each + 1).astype(int)
    segments = [
        ActionSegment(p, ACTIONS[(p + k) % 10], a / rate, b / rate, int(a), int(b), 0.5)
        for p in range(1, players + 1)
        for k, (a, b) in enumerate(pairwise(bounds))
    ]
    ordered = tuple(sorted(segments, key=lambda s: (s.start, s.track_id)))
    boxes = np.repeat([[50 * p, 10, 50 * p + 30, 90] for p in range(1, players + 1)], count, axis=0)
    tracks = Tracks.of(np.tile(index, players), np.repeat(np.arange(1, players + 1), count), boxes)
    facts = VideoFacts("long.mp4", 1280, 720, str(rate), count / rate, "h264")
    return Analysis(facts, {}, Frames(index, index / rate), Players(tracks), Timeline(ACTIONS, ordered))


def many_edits(analysis: Analysis, count: int, rng: random.Random) -> list[Edit]:
    """Edits that a person might make, each of which can be done."""
    draft, players = Draft(analysis, []), analysis.tracks.ids.tolist()
    end, starts = float(analysis.frames.time[-1]), dict[int, list[float]]()
    for segment in analysis.timeline.segments:
        starts.setdefault(segment.track_id, []).append(segment.start)
    shares = {"relabel": 60, "edge": 15, "rename": 8, "team": 5, "swap": 5, "split": 3, "drop": 2}
    kinds = [kind for kind, share in shares.items() for _ in range(share)]
    while len(draft.edits) < count:
        kind, player, at = rng.choice(kinds), rng.choice(players), round(rng.uniform(1, end - 5), 2)
        edge = rng.choice(starts[player])
        text = {
            "relabel": f"{player}@{at}-{at + rng.uniform(0.3, 4):.2f}={rng.choice(ACTIONS)}",
            "edge": f"{player}@{edge:.3f}-{max(edge + rng.uniform(-0.4, 0.4), 0):.3f}",
            "rename": f"{player}=N {rng.randrange(10**6)}", "team": f"{player}={rng.choice('AB')}",
            "swap": f"{player},{rng.choice(players)}@{at}", "split": f"{player}@{at}",
        }.get(kind, str(player))  # fmt: skip
        try:
            draft.add(kind, text)
        except InputError:
            continue
    return draft.edits


def best(run: Callable[[], object], times: int = 5) -> float:
    """Milliseconds of the fastest of some runs."""
    found: list[float] = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        found.append(1e3 * (time.perf_counter() - begin))
    return min(found)


def fold_rows(count: int, rng: random.Random) -> list[str]:
    """How long ``count`` edits of a 90-minute game take."""
    analysis = long_game()
    edits = many_edits(analysis, count, rng)
    lines = [to_line(edit) for edit in edits]
    state = State.of(analysis)
    fold = best(lambda: apply_all(state.kept(), edits))
    read = best(lambda: [from_line(line) for line in lines])
    done = state.kept()
    left_out = apply_all(done, edits)
    boxes = best(lambda: done.folded([]), 3)
    return [
        f"| {count:,} edits of a 90-minute game of 20 players and 20,000 segments, folded | {fold:.0f} ms |",
        f"| the same, read from their lines | {read:.0f} ms |",
        f"| the game's 3.2 million boxes put together again afterwards | {boxes:.0f} ms |",
        f"| edits left out | {len(left_out)} |",
    ]


def saved_rows(game: Path, rng: random.Random, what: str, count: int) -> list[str]:
    """How long an edit takes from the request to the answer, which says that it is on disk."""
    server = Server(game.parent)
    name = quote(quote(game.name))
    begin = time.perf_counter()
    data = server.ask(f"/api/game?id={name}")
    opened = 1e3 * (time.perf_counter() - begin)
    duration, taken = float(load_analysis(game).frames.time[-1]), list[float]()
    while len(taken) < count:
        change = _random_change({**data, "players": data["players"]}, duration, rng)
        if change["edit"] in ("drop", "split"):
            continue
        begin = time.perf_counter()
        try:
            server.ask("/api/game/edit", {"id": quote(game.name), "changes": [change]})
        except InputError:
            continue
        taken.append(1e3 * (time.perf_counter() - begin))
    server.kill()
    middle, late = np.quantile(taken, [0.5, 0.95])
    return [
        f"| {what}: opened | {opened:.0f} ms |",
        f"| {what}: an edit, sent to saved, median and p95 of {count} | {middle:.0f} ms, {late:.0f} ms |",
    ]


def first_picture(game: Path, times: int = 5) -> list[tuple[float, float]]:
    """Seconds from the command to the first picture of the game's video in Chromium, which is running; and seconds of a
    processor that the studio took until then, which do not depend on what else the machine does.
    """
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    found: list[tuple[float, float]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for _ in range(times):
            page = browser.new_page()
            server = Server(game)
            page.goto(server.url)
            page.wait_for_selector("body[data-studio=ready]", timeout=30_000)
            while not page.evaluate("document.getElementById('overlay').dataset.row > -1"):
                page.wait_for_timeout(5)
            used = psutil.Process(server.process.pid).cpu_times()
            found.append((time.monotonic() - server.began, used.user + used.system))
            page.close()
            server.kill()
        browser.close()
    return found


_FIRST = ("the command to the first picture in Chromium", "processor time of the studio until then")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("analysis", type=Path)
    parser.add_argument("--edits", type=int, default=500)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    socket.setdefaulttimeout(30)
    with tempfile.TemporaryDirectory() as work:
        game = Path(work) / "games" / options.analysis.name
        shutil.copytree(options.analysis, game)
        load = psutil.getloadavg()[0]
        rows = [f"| processes that wanted one of the cores when it began, on average over a minute | {load:.1f} |"]
        for what, seconds in zip(_FIRST, zip(*first_picture(game), strict=True), strict=True):
            spread = f"{min(seconds):.2f} s, {sorted(seconds)[len(seconds) // 2]:.2f} s, {max(seconds):.2f} s"
            rows.append(f"| {what}, best, median, worst of {len(seconds)} | {spread} |")
        rows += fold_rows(10_000, rng)
        rows += saved_rows(game, rng, "this game", 100)
        long = Path(work) / "long" / "long.courtscribe"
        save_analysis(long_game(), long)
        rows += saved_rows(long, rng, "the 90-minute game", 30)
        outcome = edits_and_kills(game, options.edits, options.kills, rng)
    rows += [
        f"| edits answered as saved, amidst {outcome.kills} kills (SIGKILL) | {outcome.answered} |",
        f"| of them lost, changed or in another order | {len(outcome.lost)} |",
        f"| sent and not answered, as the studio was killed | {outcome.unanswered} |",
        f"| of them on disk all the same | {outcome.kept} |",
    ]
    write_result(options.output, "Studio", ["| what | |", "|---|---|", *rows, *outcome.lost])


if __name__ == "__main__":
    main()
