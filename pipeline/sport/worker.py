"""A process that tells sports for a server, so that the server itself loads no network: a line of JSON in, one out.

``python -m pipeline.sport.worker FOLDER`` reads ``{"do": "tell", "path": ..., "top": ...}`` or
``{"do": "add", "path": ..., "sport": ...}`` and answers ``{"answer": ...}``,
``{"added": id, "is_new": ...}`` or ``{"error": line}``.
FOLDER: of examples that were added, and of a table of one's own. It ends when its input does.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from ground.errors import InputError
from pipeline.sport.examples import add_example
from pipeline.sport.picture import pixels_id, read_picture_file
from pipeline.sport.predict import SportClassifier, open_classifier
from pipeline.sport.show import answer_json
from pipeline.sport.table import read_table, table_in

_MOST_MEMORY = 4 << 30
"""Bytes of address space: a picture that would take more is refused in a line."""

_NAME = "file"
"""What a picture is called to whoever sent it: where it lies here is nobody's concern."""


class Worker:
    """Keeps a classifier, and makes it anew where examples were added or taken away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._classifier: SportClassifier | None = None
        self._state: object = None

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """To one request. Raises InputError."""
        picture = read_picture_file(Path(asked["path"]), _NAME)
        if asked["do"] == "tell":
            return {"answer": answer_json(self._ready().tell(picture), int(asked["top"]))}
        sport = read_table(table_in(self._folder))[asked["sport"]]
        embedding = (self._classifier or self._ready()).embedding  # learning waits for the next question
        example_id = pixels_id(picture)
        is_new = add_example(self._folder, sport, embedding.row(picture), embedding.digest, example_id)
        return {"added": example_id, "is_new": is_new}

    def _ready(self) -> SportClassifier:
        state = self._now()
        if self._classifier is None or state != self._state:
            sports = list(read_table(table_in(self._folder)).values())
            opened = self._classifier and self._classifier.embedding
            classifier = open_classifier(added=self._folder, sports=sports, opened=opened)
            self._classifier, self._state = classifier, state
        return self._classifier

    def _now(self) -> object:
        """Changes where examples or the table do."""
        files = sorted(path.relative_to(self._folder).as_posix() for path in self._folder.glob("*/*.npy"))
        table = table_in(self._folder)
        return files, table and table.stat().st_mtime_ns


def serve(worker: Worker, asked: BinaryIO, answers: BinaryIO) -> None:
    """Until ``asked`` ends."""
    for line in asked:
        try:
            told = worker.answer(json.loads(line))
        except InputError as error:
            told = {"error": str(error)}
        except (KeyError, TypeError, ValueError) as error:
            told = {"error": f"not as documented ({type(error).__name__})"}
        except (MemoryError, RuntimeError):
            told = {"error": "the picture takes more memory than there is; make it smaller"}
        answers.write(json.dumps(told).encode() + b"\n")
        answers.flush()


def _limit() -> None:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = _MOST_MEMORY if hard == resource.RLIM_INFINITY else min(_MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    _limit()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    serve(Worker(Path(sys.argv[1])), sys.stdin.buffer, answers)
