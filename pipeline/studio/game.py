"""An analysis that is open in the studio: what its page is told, and where its pictures are."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ground.errors import InputError
from ground.video.fingerprint import fingerprint
from pipeline.analysis.values import VideoFacts
from pipeline.annotations.formats import WRITERS
from pipeline.edits.entries import Edit
from pipeline.outputs.export import annotations_of, made_at
from pipeline.outputs.names import VIDEO_NAME
from pipeline.outputs.place import shown_tables
from pipeline.outputs.write import player_colors
from pipeline.report.boxes import boxes_in
from pipeline.report.data import Surroundings, report_data
from pipeline.stages.ball import events_of
from pipeline.studio.doubts import doubts
from pipeline.studio.editing import Editing
from pipeline.studio.following import Following
from pipeline.studio.playable import COPY_NAME, Copy
from tracker.names import same

_log = logging.getLogger("courtscribe")

EXPORTS = {"sportscode": ".xml", "elan": ".eaf", "boris": ".boris", "srt": ".srt"}
"""Files of analysts' programs that the page offers, and their endings."""
_MOST_DOUBTS = 500
"""That a page is told of at once."""


class Game:
    """One analysis, open: corrected, followed, shown."""

    def __init__(self, name: str, folder: Path, command: Sequence[str]) -> None:
        """name: by which the page asks for it. command: what runs courtscribe. Raises InputError as ``Editing``."""
        self.name = name
        self.editing = Editing(folder)
        self.following = Following(self.editing, command)
        self.copy = Copy(folder / COPY_NAME)
        self._lock = threading.Lock()
        self._source: Path | None = None
        self._boxes: tuple[int, str] = (-1, "")
        self.source()

    def close(self) -> None:
        """Let go of it."""
        self.copy.cancel()
        self.following.close()
        self.editing.close()

    def source(self) -> Path | None:
        """The analysed video, a file or a folder of pictures, where it is now; None: it has to be asked for."""
        with self._lock:
            if self._source is None or not self._source.exists():
                facts = self.editing.shown()[0].video
                folder = self.editing.folder
                recorded = Path(facts.source)
                beside = [place / recorded.name for place in (folder.parent, folder)]
                self._source = next((path for path in (recorded, *beside) if is_same_video(path, facts)), None)
                self.following.source = str(self._source or "")
            return self._source

    def moved(self, path: Path) -> None:
        """The video is at ``path`` now. Raises InputError where that is another one."""
        facts = self.editing.shown()[0].video
        if not is_same_video(path, facts):
            raise InputError(f"{path.name}: has another content than the video that was analysed")
        with self._lock:
            self._source = path
        self.following.source = str(path)

    def playable(self) -> Path | None:
        """A file for a browser to play: the copy that was made for it, or the video itself."""
        source = self.source()
        if self.copy.path.is_file():
            return self.copy.path
        return source if source is not None and source.is_file() else None

    def make_copy(self) -> None:
        """Begin to make a copy that every browser plays. Raises InputError where the video is not there."""
        source = self.source()
        if source is None:
            raise InputError("the video is not where it was; say where it is first")
        self.copy.start(source, self.editing.shown()[0].video.image_rate)

    def data(self) -> dict[str, Any]:
        """All that the page shows, as JSON takes it."""
        analysis, state = self.editing.shown()
        query = f"?id={self.name_in_query}"
        playable, folder = self.playable(), self.editing.folder
        around = Surroundings(
            video=f"/api/game/video{query}&of={int(self.copy.path.is_file())}" if playable is not None else "",
            annotated=f"/api/game/annotated{query}&of={state}" if (folder / VIDEO_NAME).is_file() else "",
            files=[f"/api/game/file{query}&name={path.name}#/{path.name}" for path in shown_tables(folder)],
            colors=player_colors(analysis),
        )
        data = report_data(analysis, events_of(analysis), around)
        with self._lock:
            self._boxes = (state, data["version"])
        return {**data, "studio": self.state()}

    @property
    def name_in_query(self) -> str:
        """Its name once more percent-encoded, for an address."""
        return self.name.replace("%", "%25")

    def boxes(self, minute: int) -> dict[str, Any] | None:
        """Boxes of a minute of what ``data`` told last."""
        analysis, state = self.editing.shown()
        known, version = self._boxes
        if known != state:
            return None  # the page asks again when it has the newer data
        return boxes_in(analysis, minute, version)

    def state(self) -> dict[str, Any]:
        """What changes while the page is open."""
        if not self.editing.is_writable and self.editing.ask_again():
            self.following.take_over()
        undo, redo = self.editing.steps()
        source = self.source()
        return {
            "entries": self.editing.num_entries(),
            "state": self.editing.shown()[1],
            "writable": self.editing.is_writable,
            "why": self.editing.refusal,
            "undo": undo,
            "redo": redo,
            "follow": self.following.state(),
            "copy": self.copy.state(),
            "lost": source is None,
            "teams": list(self.editing.shown()[0].teams.names),
            "out": [{"id": i, "name": name, "why": why} for i, (name, why) in sorted(self.editing.left_out().items())],
            "history": [described(edit) for edit in self.editing.history()],
        }

    def change(self, wanted: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """As ``Editing.change``; the page's data afterwards."""
        self.editing.change(wanted)
        self.following.follow()
        return self.data()

    def doubts(self) -> list[dict[str, Any]]:
        """What is least sure, the most doubtful first."""
        analysis, _ = self.editing.shown()
        return [
            {"kind": d.kind, "id": d.track_id, "start": d.start, "end": d.end, "doubt": d.doubt, "why": d.why}
            for d in doubts(analysis)[:_MOST_DOUBTS]
        ]

    def export(self, kind: str) -> tuple[str, bytes]:
        """The analysis as a file of an analyst's program, by a name of ``EXPORTS`` -> name and content.

        Raises InputError for another kind.
        """
        if kind not in EXPORTS:
            raise InputError(f"{kind!a:.40}: is no kind of file; there is {', '.join(EXPORTS)}")
        folder = self.editing.folder
        file = annotations_of(self.editing.shown()[0], (), made_at(folder))
        with TemporaryDirectory() as work:
            path = Path(work) / f"{folder.stem}{EXPORTS[kind]}"
            for note in WRITERS[kind](path, file):
                _log.info("%s: %s", path.name, note)
            return path.name, path.read_bytes()

    def file(self, name: str) -> Path:
        """A file that shows the analysis. Raises InputError where there is none of this name."""
        for path in shown_tables(self.editing.folder):
            if path.name == name:
                return path
        raise InputError(f"{same(name)!a:.100}: is no file of this analysis")


def is_same_video(path: Path, facts: VideoFacts) -> bool:
    """Whether ``path`` is the video that was analysed, by its content: whoever wrote the analysis may name any file.

    An analysis that says nothing of the content, as of a stream, has none.
    """
    try:
        return bool(facts.fingerprint) and fingerprint(path) == facts.fingerprint
    except (OSError, ValueError):
        return False


def described(edit: Edit) -> dict[str, Any]:
    """An entry for a page to put into words."""
    return {
        "edit": edit.kind,
        "players": [who.track_id for who in edit.who],
        "time": edit.time,
        "end": edit.end,
        "text": edit.text,
        "parts": [described(part) for part in edit.parts[:20]],
        "count": len(edit.parts),
    }
