"""Labels of one's own: examples marked in games, learnt from in seconds, tried on the open game, kept or discarded."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from classify.few_shot.limits import MIN_EXAMPLES
from classify.types import ACTIONS
from ground.disk.files import visible, write_atomically
from ground.errors import InputError
from pipeline.analysis.folder import is_analysis, load_analysis
from pipeline.analysis.timeline import ActionSegment
from pipeline.analysis.values import Analysis, player_name
from pipeline.edits.fold import fold
from pipeline.studio.following import last_line, read_object
from pipeline.studio.game import Game
from pipeline.studio.places import Places
from pipeline.training.cut_examples import WHOLE, Span, cut_examples, cut_pictures

NAME = "taught"
"""Of the studio's own labels: ``taught.examples`` and ``taught.safetensors`` in its folder."""
TRIAL = "trial"
"""Folder in a game's in which the labels are tried."""
_WEIGHTS, _CURVE, _PROGRESS = f"{NAME}.safetensors", "curve.json", "progress.json"
_GAME, _WHOLE = "game.courtscribe", "whole.json"
"""What was tried: the game labelled anew, or its pictures as a whole."""
_MOST_SPANS = 200
"""Examples marked at once."""


class Lessons:
    """Examples of one folder of games, and what is learnt from them. All methods may be called from any thread."""

    def __init__(self, places: Places, command: Sequence[str]) -> None:
        """command: what runs courtscribe."""
        self._places, self._command = places, tuple(command)
        self.examples = places.root / f"{NAME}.examples"
        self.weights = places.root / _WEIGHTS
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._doing: tuple[Path, str] | None = None
        """The game that is being learnt for, and what is being done."""
        self._failed: dict[Path, str] = {}

    def add(self, game: Game, label: str, spans: Sequence[Mapping[str, Any]]) -> None:
        """Cut examples of ``label``; they are on disk when this returns.

        spans: of each ``player`` (a number, or None: the whole picture), ``start`` and ``end`` in seconds.
        Raises InputError where one cannot be cut.
        """
        if not 0 < len(spans) <= _MOST_SPANS:
            raise InputError(f"1 to {_MOST_SPANS} examples are marked at once")
        folder, video = game.editing.folder, game.source()
        if video is None:
            raise InputError("the video is not where it was; say where it is first")
        wanted = [self._span(folder, label.strip(), span) for span in spans]
        players = [span for span in wanted if span.player]
        if players:
            cut_examples(players, self.examples, str(video))
        for span in wanted:
            if not span.player:
                cut_pictures(span, self.examples, str(video))

    @staticmethod
    def _span(folder: Path, label: str, given: Mapping[str, Any]) -> Span:
        player, times = given.get("player"), [given.get("start"), given.get("end")]
        is_known = player is None or type(player) is int
        if not is_known or not all(isinstance(time, float | int) and not isinstance(time, bool) for time in times):
            raise InputError(f"{dict(given)!r:.120}: is no span of a player")
        start, end = (float(time) for time in times if time is not None)
        return Span(folder, "" if player is None else str(player), start, end, label)

    def remove(self, name: str) -> None:
        """Throw an example away. Raises InputError where there is none of this name."""
        path = self._places.find(name)
        if path.suffix != ".mp4" or path.parent.parent != self.examples:
            raise InputError("this is no example")
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()  # the last one of its label

    def labels(self) -> list[dict[str, Any]]:
        """Every label and its examples, as JSON takes them."""
        if not self.examples.is_dir():
            return []
        return [
            {
                "label": folder.name,
                "examples": [{"id": self._places.name(path), "name": path.stem} for path in visible(folder)],
            }
            for folder in visible(self.examples)
            if folder.is_dir()
        ]

    def learn(self, game: Game) -> None:
        """Begin to learn from all examples and to label ``game`` anew, beside what it is now.

        Raises InputError where there are too few, or something is being learnt already.
        """
        few = [one["label"] for one in self.labels() if len(one["examples"]) < MIN_EXAMPLES]
        if few or len(self.labels()) < 2:
            wanted = f"it takes {MIN_EXAMPLES} examples of each of 2 labels or more"
            raise InputError(f"{wanted}; there are too few of {', '.join(few)}" if few else wanted)
        is_whole = {f"_{WHOLE}_" in example["name"] for one in self.labels() for example in one["examples"]}
        if len(is_whole) > 1:
            raise InputError("there are examples of players and of whole pictures; it learns from one kind at a time")
        source = game.source()
        if source is None:
            raise InputError("the video is not where it was; say where it is first")
        folder = game.editing.folder
        with self._lock:
            if self._doing is not None:
                raise InputError("something is being learnt already")
            self._doing = folder, "adapt"
            self._failed.pop(folder, None)
        # Where only labels of the shipped network are taught, the others stay as they are.
        keeps = {one["label"] for one in self.labels()} <= set(ACTIONS) and True not in is_whole
        asked = (folder, str(source), True in is_whole, "keep" if keeps else "auto")
        threading.Thread(target=self._learn, args=asked, name="learn", daemon=True).start()

    def _learn(self, folder: Path, source: str, whole: bool, head: str) -> None:
        trial = folder / TRIAL
        try:
            shutil.rmtree(trial, ignore_errors=True)
            trial.mkdir()
            weights, progress = trial / _WEIGHTS, ["--progress-file", str(trial / _PROGRESS), "--quiet"]
            adapt = ["adapt", "--examples", str(self.examples), "-o", str(weights), "--curve", str(trial / _CURVE)]
            self._do([*adapt, "--head", head, *progress])
            self._doing = folder, "label"
            if whole:
                label = ["classify", source, "--json", str(trial / _WHOLE), "--average", "1"]
            else:
                label = ["label", str(folder), "-o", str(trial / _GAME), "--video", source, "--no-video"]
            self._do([*label, "--actions", str(weights), *progress])
        except (InputError, OSError) as error:
            self._failed[folder] = str(error)
            shutil.rmtree(trial, ignore_errors=True)
        finally:
            self._doing = None

    def _do(self, arguments: Sequence[str]) -> None:
        """Run a command to its end. Raises InputError with what it says where it fails."""
        self._process = subprocess.Popen(
            [*self._command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        with self._process as process:
            said = process.stderr.read() if process.stderr else b""
        if process.returncode:
            raise InputError(last_line(said).removeprefix("courtscribe: "))

    def close(self) -> None:
        """Give up what is being learnt."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def state(self, game: Game) -> dict[str, Any]:
        """Examples, how far learning is, and what was learnt, as JSON takes it.

        ``state``: ``none``, ``adapt`` and ``label`` (being done), ``ready`` (to be kept or discarded), ``failed``.
        """
        folder = game.editing.folder
        trial, doing = folder / TRIAL, self._doing
        state: dict[str, Any] = {"labels": self.labels(), "state": "none", "least": MIN_EXAMPLES}
        if doing is not None:
            is_here = doing[0] == folder
            return {**state, "state": doing[1] if is_here else "busy", "progress": read_object(trial / _PROGRESS)}
        if folder in self._failed:
            return {**state, "state": "failed", "error": self._failed[folder]}
        if is_analysis(trial / _GAME) or (trial / _WHOLE).is_file():
            return {**state, "state": "ready", "learnt": read_object(trial / _CURVE)}
        return state

    def compare(self, game: Game) -> list[dict[str, Any]]:
        """What every player is said to do after learning and before, the least sure first; or all pictures together."""
        whole = None if self._doing else read_object(game.editing.folder / TRIAL / _WHOLE)
        if whole is not None:
            return _of_pictures(whole)
        before, _ = game.editing.shown()
        return compared(before, fold(self._tried(game), game.editing.effective()))

    def _tried(self, game: Game) -> Analysis:
        tried = game.editing.folder / TRIAL / _GAME
        if self._doing is not None or not is_analysis(tried):
            raise InputError("nothing has been learnt that could be kept")
        return load_analysis(tried)

    def keep(self, game: Game) -> None:
        """The new labels are the game's from now on, and the weights lie beside the examples.

        Of whole pictures the weights alone are kept. What was corrected in words that they do not have is left out,
        with a note. Raises InputError where it cannot be kept.
        """
        trial = game.editing.folder / TRIAL
        is_whole = self._doing is None and (trial / _WHOLE).is_file()
        tried = None if is_whole else self._tried(game)
        with write_atomically(self.weights) as part:
            shutil.copyfile(trial / _WEIGHTS, part)
        if tried is not None:
            settings = json.loads(json.dumps(dict(tried.settings)))
            settings.setdefault("classifier", {})["weights"] = str(self.weights)
            game.editing.replace(dataclasses.replace(tried, settings=settings))
            game.following.follow()
        shutil.rmtree(trial, ignore_errors=True)

    def discard(self, game: Game) -> None:
        """Forget what was learnt; examples stay."""
        self._failed.pop(game.editing.folder, None)
        if self._doing is None:
            shutil.rmtree(game.editing.folder / TRIAL, ignore_errors=True)


def compared(before: Analysis, after: Analysis) -> list[dict[str, Any]]:
    """Segments of ``after`` with what ``before`` says at the same time, as JSON takes them, the least sure first.

    Both with their edits, so players are the same.
    """
    old: dict[int, list[ActionSegment]] = {}
    for segment in before.timeline.segments:
        old.setdefault(segment.track_id, []).append(segment)
    found = [
        {
            "id": s.track_id,
            "name": player_name(before.names, s.track_id),
            "start": s.start,
            "end": s.end,
            "before": _mostly(old.get(s.track_id, ()), s),
            "after": s.action,
            "confidence": s.confidence,
        }
        for s in after.timeline.segments
    ]
    return sorted(found, key=lambda one: (one["confidence"], one["start"]))


def _of_pictures(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What ``classify`` says of whole pictures, in the form of ``compared``."""
    about = {"id": None, "name": "the whole picture", "before": ""}
    rows = [
        {**about, "start": s["start_s"], "end": s["end_s"], "after": s["action"], "confidence": s["confidence"]}
        for s in told["timeline"]
    ]
    return sorted(rows, key=lambda one: (one["confidence"], one["start"]))


def _mostly(segments: Sequence[ActionSegment], at: ActionSegment) -> str:
    """What is said for the longest part of a segment; empty: nothing."""
    seconds: dict[str, float] = {}
    for segment in segments:
        shared = min(segment.end, at.end) - max(segment.start, at.start)
        if shared > 0:
            seconds[segment.action] = seconds.get(segment.action, 0.0) + shared
    return max(seconds, key=lambda action: seconds[action], default="")
